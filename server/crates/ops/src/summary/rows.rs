//! Cells into rows: added up by what was asked for, currency by currency.

use crate::OpsError;
use chrono::NaiveDate;
use payhist_storage::summaries::{Sum, Tally};
use payhist_types::Month;
use payhist_types::payment::PaymentStatus;
use payhist_types::summary::{Figures, SummaryBy, SummaryRow};
use std::collections::{BTreeMap, BTreeSet};

/// A group and its currency. Texts of months and days sort by time.
type Group = (SummaryBy, Option<String>, String);

/// Sums that grow month by month.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    by: Vec<SummaryBy>,
    currency: Option<String>,
    days: Option<(NaiveDate, NaiveDate)>,
    sums: BTreeMap<Group, Figures>,
    currencies: BTreeSet<String>,
}

impl Rows {
    /// None yet; of one currency alone, and by day of these days alone.
    pub(crate) fn new(by: &[SummaryBy], currency: Option<String>, days: Option<(NaiveDate, NaiveDate)>) -> Self {
        Self { by: by.to_vec(), currency, days, sums: BTreeMap::new(), currencies: BTreeSet::new() }
    }

    /// Adds a month of a shard.
    ///
    /// # Errors
    /// [`OpsError::Internal`] when a sum has more digits than there are.
    pub(crate) fn add(&mut self, month: Month, tally: &Tally) -> Result<(), OpsError> {
        // By reference first: a month has many cells and few groups.
        let mut sums: BTreeMap<(SummaryBy, Option<&str>, &str), Figures> = BTreeMap::new();
        let month = month.to_string();
        let whole = self.by.iter().copied().filter(|by| *by != SummaryBy::Day).collect::<Vec<_>>();
        for (key, sum) in &tally.whole {
            if !self.is_wanted(&key.currency) {
                continue;
            }
            let figures = figures(key.status, *sum);
            for by in &whole {
                let group = match by {
                    SummaryBy::Month => Some(month.as_str()),
                    SummaryBy::Provider => key.provider.as_deref(),
                    SummaryBy::Method => key.method.as_deref(),
                    SummaryBy::Status => Some(key.status.into()),
                    SummaryBy::Currency | SummaryBy::Day => Some(key.currency.as_str()),
                };
                grow(sums.entry((*by, group, &key.currency)).or_default(), figures)?;
            }
        }
        for ((by, group, currency), figures) in sums {
            grow(self.sums.entry((by, group.map(str::to_owned), currency.to_owned())).or_default(), figures)?;
        }
        self.add_days(tally)
    }

    fn add_days(&mut self, tally: &Tally) -> Result<(), OpsError> {
        if self.by.contains(&SummaryBy::Day) {
            for (key, sum) in &tally.days {
                let is_of_days = self.days.is_none_or(|(first, last)| (first..=last).contains(&key.day));
                if is_of_days && self.is_wanted(&key.currency) {
                    let group = (SummaryBy::Day, Some(key.day.to_string()), key.currency.clone());
                    grow(self.sums.entry(group).or_default(), figures(key.status, *sum))?;
                }
            }
        }
        for key in tally.whole.keys().map(|key| &key.currency).chain(tally.days.keys().map(|key| &key.currency)) {
            if !self.currencies.contains(key) {
                self.currencies.insert(key.clone());
            }
        }
        Ok(())
    }

    fn is_wanted(&self, currency: &str) -> bool {
        self.currency.as_deref().is_none_or(|wanted| wanted == currency)
    }

    /// The rows of one grouping.
    pub(crate) fn of(&self, by: SummaryBy) -> Vec<SummaryRow> {
        let of_it = self.sums.iter().filter(|((found, ..), _)| *found == by);
        of_it
            .map(|((_, key, currency), figures)| SummaryRow {
                key: key.clone(),
                currency: currency.clone(),
                figures: *figures,
                failure_percent: figures.failure_percent(),
            })
            .collect()
    }

    /// Every currency that was seen, whichever was wanted.
    pub(crate) fn currencies(&self) -> Vec<String> {
        self.currencies.iter().cloned().collect()
    }
}

fn figures(status: PaymentStatus, sum: Sum) -> Figures {
    Figures::of(status, sum.count, sum.amount)
}

fn grow(figures: &mut Figures, more: Figures) -> Result<(), OpsError> {
    *figures = figures
        .plus(more)
        .ok_or_else(|| OpsError::Internal("amounts add up to more digits than there are".to_owned()))?;
    Ok(())
}
