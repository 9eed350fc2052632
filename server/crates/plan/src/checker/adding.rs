//! Judging what adds months.

use super::{Replay, Violation, edge_of, is_open};
use crate::months;
use chrono::{DateTime, Utc};
use payhist_types::Month;
use payhist_types::inventory::Boundary;
use payhist_types::plan::{NewMonth, Step};

impl<'a> Replay<'a> {
    pub(super) fn add(
        &mut self,
        step: &Step,
        month: Month,
        name: &'a str,
        before: DateTime<Utc>,
    ) -> Result<(), Violation> {
        let edge = match (self.added.last(), self.catalogue.last().map(|partition| &partition.upper)) {
            (Some((_, edge)), _) | (None, Some(Boundary::Before(edge))) => *edge,
            (None, _) => return Err(Violation::UnreadableEdge(step.key())),
        };
        if self.highest > Some(edge) {
            return Err(Violation::UnreadableEdge(step.key()));
        }
        self.adjoin(step, edge, month, name, before)
    }

    pub(super) fn split(
        &mut self,
        step: &Step,
        month: Month,
        name: &str,
        into: &'a [NewMonth],
    ) -> Result<(), Violation> {
        self.edges_in_order(step)?;
        let below = match self.catalogue {
            [below @ .., last] if last.name == name && is_open(last) && self.max_value_rows == Some(0) => below,
            _ => return Err(Violation::NotEmptyMaxValue(step.key())),
        };
        if into.first().map(|new| new.month) != Some(month) || !self.added.is_empty() {
            return Err(Violation::NotContiguous(step.key()));
        }
        let mut edge = below.last().map_or(Some(months::start(self.plan.current_month, self.zone)), edge_of);
        for new in into {
            let from = edge.ok_or_else(|| Violation::UnreadableEdge(step.key()))?;
            self.adjoin(step, from, new.month, &new.partition, new.before)?;
            edge = Some(new.before);
        }
        Ok(())
    }

    /// A month that begins where the one below ends.
    fn adjoin(
        &mut self,
        step: &Step,
        edge: DateTime<Utc>,
        month: Month,
        name: &'a str,
        before: DateTime<Utc>,
    ) -> Result<(), Violation> {
        let (start, end) = months::bounds(month, self.zone);
        if before != end || edge < start || edge >= end || self.dropped > 0 {
            return Err(Violation::NotContiguous(step.key()));
        }
        let mut names = self.catalogue.iter().map(|partition| partition.name.as_str());
        if names.any(|taken| taken.eq_ignore_ascii_case(name)) || self.added.iter().any(|(taken, _)| *taken == name) {
            return Err(Violation::NameTaken(step.key()));
        }
        let ahead = self.plan.current_month.months_until(month);
        if self.plan.policy.premake_months.is_none_or(|wanted| ahead > i32::from(wanted)) {
            return Err(Violation::NotWanted(step.key()));
        }
        self.added.push((name, before));
        Ok(())
    }
}
