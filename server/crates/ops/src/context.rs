//! What every use case needs: the control database, the sources, the clock and this instance's name.

use crate::archive::ArchiveConfig;
use crate::catalogue::Catalogue;
use crate::clock::Clock;
use crate::export::EXPORTS_AT_ONCE;
use crate::rotation::Followed;
use crate::summary::OpenMonths;
use crate::views::SeenViews;
use crate::{OpsError, Principal};
use chrono::{DateTime, Utc};
use payhist_storage::{Pool, Source, SourceConfig, control};
use payhist_types::history::HistoryName;
use payhist_types::operator::Frame;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

/// What an instance is made of.
#[derive(Debug)]
pub struct OpsConfig {
    /// Badge of every page: `demo`, `production`, …
    pub environment: String,
    /// Host and process: who runs a job, who holds a lease.
    pub instance: String,
    /// payhist's own schema.
    pub control: SourceConfig,
    /// Where histories live.
    pub sources: Vec<SourceConfig>,
    /// Where months are archived.
    pub archive: ArchiveConfig,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

/// A handle to everything; cloning shares it.
#[derive(Debug, Clone)]
pub struct Ops(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    environment: String,
    instance: String,
    control: Pool,
    sources: BTreeMap<String, Source>,
    archive: ArchiveConfig,
    clock: Arc<dyn Clock>,
    catalogue: Catalogue,
    open_months: OpenMonths,
    seen_views: SeenViews,
    followed: Followed,
    configured: Mutex<BTreeSet<HistoryName>>,
    exports: Arc<Semaphore>,
    tasks: TaskTracker,
}

impl Ops {
    /// Migrates the control database and opens the pools.
    ///
    /// # Errors
    /// [`OpsError::Storage`] when the control database does not answer. A source that does not answer is no error:
    /// pages name it.
    pub async fn open(config: OpsConfig) -> Result<Self, OpsError> {
        control::migrate(&config.control).await?;
        let sources = config.sources.into_iter().map(|source| (source.name.clone(), Source::open(source))).collect();
        Ok(Self(Arc::new(Inner {
            environment: config.environment,
            instance: config.instance,
            control: control::open(&config.control),
            sources,
            archive: config.archive,
            clock: config.clock,
            catalogue: Catalogue::default(),
            open_months: OpenMonths::default(),
            seen_views: SeenViews::default(),
            followed: Followed::default(),
            configured: Mutex::default(),
            exports: Arc::new(Semaphore::new(EXPORTS_AT_ONCE)),
            tasks: TaskTracker::new(),
        })))
    }

    /// What every page's frame shows.
    pub async fn frame(&self, principal: &Principal) -> Result<Frame, OpsError> {
        let histories = crate::catalogue::all(self).await?;
        Ok(Frame {
            operator: principal.operator().clone(),
            environment: self.0.environment.clone(),
            zone: histories.first().map_or_else(|| "UTC".to_owned(), |history| history.spec.policy.zone.clone()),
            histories: histories.iter().map(|history| history.spec.name.to_string()).collect(),
        })
    }

    /// Now.
    pub fn now(&self) -> DateTime<Utc> {
        self.0.clock.now()
    }

    /// Who this instance is.
    pub fn instance(&self) -> &str {
        &self.0.instance
    }

    /// The control database. For payhist's own crates.
    pub fn control(&self) -> &Pool {
        &self.0.control
    }

    /// All sources by name.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.0.sources.values()
    }

    /// One source.
    ///
    /// # Errors
    /// [`OpsError::Refused`] when the configuration has no source of that name.
    pub fn source(&self, name: &str) -> Result<&Source, OpsError> {
        self.0.sources.get(name).ok_or_else(|| {
            OpsError::refused(
                format!("no source is called {name}"),
                format!("Add a [[source]] named {name:?} to the configuration."),
            )
        })
    }

    /// Is the history given by the configuration, and so changed only there?
    pub(crate) fn is_configured(&self, history: &HistoryName) -> bool {
        self.0.configured.lock().unwrap_or_else(PoisonError::into_inner).contains(history)
    }

    pub(crate) fn configure(&self, histories: impl Iterator<Item = HistoryName>) {
        *self.0.configured.lock().unwrap_or_else(PoisonError::into_inner) = histories.collect();
    }

    /// The saved views that were read lately.
    pub(crate) fn seen_views(&self) -> &SeenViews {
        &self.0.seen_views
    }

    /// Where months are archived.
    pub(crate) fn archive(&self) -> &ArchiveConfig {
        &self.0.archive
    }

    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.0.catalogue
    }

    pub(crate) fn open_months(&self) -> &OpenMonths {
        &self.0.open_months
    }

    pub(crate) fn followed(&self) -> &Followed {
        &self.0.followed
    }

    /// A place for one more export; `None`: as many as may are at work here.
    pub(crate) fn place_for_export(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.exports).try_acquire_owned().ok()
    }

    /// Work that goes on after its request was answered; [`Ops::drain`] waits for it.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.tasks.spawn(work);
    }

    /// Waits for work under way and closes the pools.
    pub async fn drain(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
        for source in self.sources() {
            source.pool.close().await;
            source.work.close().await;
            for replica in &source.replicas {
                replica.close().await;
            }
        }
        self.0.control.close().await;
    }
}
