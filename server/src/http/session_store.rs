//! Sessions of tower-sessions in the control database.

use async_trait::async_trait;
use chrono::DateTime;
use payhist_ops::Ops;
use payhist_storage::{StorageError, sessions};
use tower_sessions::cookie::time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result, SessionStore};

/// How often a new id is drawn when one is taken: 128 random bits collide never.
const ID_DRAWS_MAX: u32 = 3;

#[derive(Debug, Clone)]
pub(super) struct ControlSessionStore {
    ops: Ops,
}

impl ControlSessionStore {
    pub(super) fn new(ops: Ops) -> Self {
        Self { ops }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err wants")]
fn backend(error: StorageError) -> Error {
    Error::Backend(error.to_string())
}

fn expiry(record: &Record) -> DateTime<chrono::Utc> {
    DateTime::from_timestamp(record.expiry_date.unix_timestamp(), 0).unwrap_or_default()
}

fn encode(record: &Record) -> Result<Vec<u8>> {
    serde_json::to_vec(&record.data).map_err(|error| Error::Encode(error.to_string()))
}

#[async_trait]
impl SessionStore for ControlSessionStore {
    async fn create(&self, record: &mut Record) -> Result<()> {
        let mut connection = self.ops.control().acquire("session.create").await.map_err(backend)?;
        for _ in 0..ID_DRAWS_MAX {
            let created =
                sessions::create(&mut connection, &record.id.to_string(), &encode(record)?, expiry(record)).await;
            if created.map_err(backend)? {
                return Ok(());
            }
            record.id = Id::default();
        }
        Err(Error::Backend("no free session id".to_owned()))
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let mut connection = self.ops.control().acquire("session.save").await.map_err(backend)?;
        sessions::save(&mut connection, &record.id.to_string(), &encode(record)?, expiry(record)).await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let mut connection = self.ops.control().acquire("session.load").await.map_err(backend)?;
        let found = sessions::load(&mut connection, &id.to_string(), self.ops.now()).await.map_err(backend)?;
        found
            .map(|(data, expires_at)| {
                let data = serde_json::from_slice(&data).map_err(|error| Error::Decode(error.to_string()))?;
                let expiry_date = OffsetDateTime::from_unix_timestamp(expires_at.timestamp())
                    .map_err(|error| Error::Decode(error.to_string()))?;
                Ok(Record { id: *id, data, expiry_date })
            })
            .transpose()
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let mut connection = self.ops.control().acquire("session.delete").await.map_err(backend)?;
        sessions::delete(&mut connection, &id.to_string()).await.map_err(backend)
    }
}
