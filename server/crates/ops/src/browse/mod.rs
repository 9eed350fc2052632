//! Finding payments: one user's on one shard, or the newest of all shards by a k-way merge.
//!
//! Invariants: a page reads only the shards and months it needs; a shard that does not answer in time is named in
//! the page, never passed over in silence; personal fields leave here masked.

mod detail;
mod json;
pub(crate) mod mask;
mod merge;
mod moment;
pub(crate) mod request;
mod reveal;
mod search;
mod timeline;
pub(crate) mod windows;

use crate::auth::{Permit, RevealPersonalData, ViewPayments};
use crate::catalogue::{self, Recent};
use crate::turns::Turns;
use crate::zone::{local, localised};
use crate::{Ops, OpsError, zone};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use futures::future::join_all;
use merge::{Question, Run};
use payhist_dialect::TableName;
use payhist_plan::{months, routing};
use payhist_storage::histories::History;
use payhist_storage::payments::{self, Filter, Keyset, Listed, PaymentScope, Sort};
use payhist_storage::source::READ_DEADLINE;
use payhist_types::cursor::Direction;
use payhist_types::inventory::{Boundary, Inventory, TableState};
use payhist_types::payment::{
    Explained, MissingShard, PaymentDetail, PaymentPage, PaymentQuery, PaymentRow, ReadScope,
};
use payhist_types::search::{SEARCH_CHARS_MAX, SearchAnswer};
use payhist_types::{Cursor, PaymentId, ShardId};
use request::Request;
use std::time::{Duration, Instant};
use windows::{TIME_MAX, TIME_MIN};

/// How long a page goes on looking through months; what is left is another page.
const WALK_TIME: Duration = Duration::from_secs(2);
/// How much longer than the server's own deadline the client waits, in case the server is not there to keep it.
pub(crate) const NETWORK_GRACE: Duration = Duration::from_secs(1);

/// One page of payments.
///
/// # Errors
/// [`OpsError::BadInput`] with every wrong field; [`OpsError::NotFound`] for an unknown history.
pub async fn list(ops: &Ops, permit: &Permit<ViewPayments>, query: &PaymentQuery) -> Result<PaymentPage, OpsError> {
    list_within(ops, permit, query, WALK_TIME).await
}

/// The same, which begins no other round of months after that long.
///
/// # Errors
/// Those of [`list`].
pub async fn list_within(
    ops: &Ops,
    _permit: &Permit<ViewPayments>,
    query: &PaymentQuery,
    walk_time: Duration,
) -> Result<PaymentPage, OpsError> {
    let recent = catalogue::recent(ops, query.history.trim()).await?;
    let reader = Reader { walk_time, ..Reader::new(ops, &recent)? };
    let request = request::parse(query, reader.zone, ops.now())?;
    let (page, rows) = reader.page(&request, reader.find(&request).await?);
    let payments = rows.iter().map(|listed| reader.row(listed)).collect::<Result<_, _>>()?;
    Ok(page.with(payments))
}

/// The same page as JSON.
///
/// # Errors
/// Those of [`list`].
pub async fn list_json(ops: &Ops, _permit: &Permit<ViewPayments>, query: &PaymentQuery) -> Result<Vec<u8>, OpsError> {
    let recent = catalogue::recent(ops, query.history.trim()).await?;
    let reader = Reader::new(ops, &recent)?;
    let request = request::parse(query, reader.zone, ops.now())?;
    let (page, rows) = reader.page(&request, reader.find(&request).await?);
    reader.json(page, &rows)
}

/// One payment, where it lives and what is near it. Its personal fields are in clear for whoever has lately said why
/// ([`reveal`]).
///
/// # Errors
/// [`OpsError::NotFound`] when no shard can hold the id, or its shard does not.
pub async fn show(
    ops: &Ops,
    _permit: &Permit<ViewPayments>,
    reveal: Option<&Permit<RevealPersonalData>>,
    history: &str,
    id: PaymentId,
) -> Result<PaymentDetail, OpsError> {
    let recent = catalogue::recent(ops, history).await?;
    Reader::new(ops, &recent)?.detail(reveal, id).await
}

/// Lets whoever says why see a payment's personal fields for a few minutes, and records it.
///
/// # Errors
/// [`OpsError::BadInput`] without a reason; those of [`show`].
pub async fn reveal(
    ops: &Ops,
    permit: &Permit<RevealPersonalData>,
    history: &str,
    id: PaymentId,
    reason: &str,
) -> Result<(), OpsError> {
    let recent = catalogue::recent(ops, history).await?;
    Reader::new(ops, &recent)?.reveal(permit, id, reason).await
}

/// How the engine finds one payment.
///
/// # Errors
/// Those of [`show`].
pub async fn explain(
    ops: &Ops,
    _permit: &Permit<ViewPayments>,
    history: &str,
    id: PaymentId,
) -> Result<Explained, OpsError> {
    let recent = catalogue::recent(ops, history).await?;
    Reader::new(ops, &recent)?.explain(id).await
}

/// Looks for whatever an operator typed into the one search box; for an e-mail address only with leave to see personal
/// data, and that is recorded.
///
/// # Errors
/// [`OpsError::BadInput`] for nothing, or more than any id has; [`OpsError::NotFound`] for an unknown history.
pub async fn search(
    ops: &Ops,
    _permit: &Permit<ViewPayments>,
    reveal: Option<&Permit<RevealPersonalData>>,
    history: &str,
    text: &str,
) -> Result<SearchAnswer, OpsError> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > SEARCH_CHARS_MAX {
        return Err(OpsError::field("search", format!("type 1 to {SEARCH_CHARS_MAX} characters")));
    }
    let history = history.trim();
    let recent = catalogue::recent(ops, history).await?;
    Reader::new(ops, &recent)?.search(reveal, history, text).await
}

/// What a walk has found: rows in the keyset's order, and more than the page when there are more.
struct Found {
    payments: Vec<Listed>,
    missing: Vec<MissingShard>,
    shards: Vec<ShardId>,
    read: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// Up to where the walk came before its time was over.
    stopped_at: Option<DateTime<Utc>>,
}

pub(crate) struct Reader<'a> {
    ops: &'a Ops,
    recent: &'a Recent,
    history: &'a History,
    zone: Tz,
    inventory: &'a Inventory,
    walk_time: Duration,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(ops: &'a Ops, recent: &'a Recent) -> Result<Self, OpsError> {
        let Recent { history, inventory, .. } = recent;
        Ok(Self {
            ops,
            recent,
            history,
            zone: zone::parse(&history.spec.policy.zone)?,
            inventory,
            walk_time: WALK_TIME,
        })
    }

    /// Do payment ids carry their time and shard? Those of adopted tables need not.
    fn ids_tell_place(&self) -> bool {
        self.history.spec.columns.is_none()
    }

    pub(crate) fn shards(&self, filter: &Filter) -> Vec<ShardId> {
        let route = &self.history.spec.route;
        let all = || route.shards().collect::<Vec<_>>();
        match (filter.user, filter.payment) {
            (Some(user), _) => vec![routing::shard_of(route, user)],
            (None, Some(payment)) if self.ids_tell_place() => {
                all().into_iter().filter(|shard| *shard == payment.shard()).collect()
            }
            (None, _) => all(),
        }
    }

    pub(crate) fn scope(
        &self,
        shard: ShardId,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<PaymentScope, OpsError> {
        let spec = &self.history.spec;
        let table = TableName::new(&spec.schema, &spec.table_of(shard))
            .map_err(|error| OpsError::Internal(error.to_string()))?;
        Ok(PaymentScope { table, layout: self.recent.layout(shard), from, until })
    }

    /// When what is asked for may have been created.
    pub(crate) fn range(&self, request: &Request) -> windows::Window {
        let within = |at: DateTime<Utc>| at.clamp(TIME_MIN, TIME_MAX);
        let (mut from, mut until) = (request.from.map_or(TIME_MIN, within), request.until.map_or(TIME_MAX, within));
        if let Some(payment) = request.filter.payment.filter(|_| self.ids_tell_place()) {
            // The id tells its month, so that one partition is touched.
            let (start, end) = months::bounds_of(payment.created_at(), self.zone);
            (from, until) = (from.max(start), until.min(end));
        }
        (from, until)
    }

    async fn find(&self, request: &Request) -> Result<Found, OpsError> {
        let filter = &request.filter;
        let (from, until) = self.range(request);
        let shards = self.shards(filter);
        let mut found =
            Found { payments: Vec::new(), missing: Vec::new(), shards: shards.clone(), read: None, stopped_at: None };
        if from >= until || shards.is_empty() {
            return Ok(found);
        }
        let sort = request.keyset.sort();
        let windows = if filter.is_of_one_payment() || sort != Sort::Newest {
            vec![(from, until)] // few rows wherever they are: one round to each shard beats a walk
        } else {
            windows::walk(self.inventory, request.keyset, filter.user.is_some(), (from, until), self.ops.now())
        };
        let turns = Turns::new(&self.history.spec.source);
        let mut begun = Instant::now();
        let last = windows.len().saturating_sub(1);
        for (round, (from, until)) in windows.into_iter().enumerate() {
            let missing = |shard: &ShardId| found.missing.iter().any(|missing| missing.shard == *shard);
            let asked: Vec<_> = shards.iter().filter(|shard| !missing(shard)).copied().collect();
            let known_missing = found.missing.len();
            self.read_window(&asked, (from, until), request, &turns, &mut found).await?;
            if found.missing.len() > known_missing {
                begun = Instant::now(); // a source that hangs takes no time from the others
            }
            if found.payments.len() > rows_of_page(&found.payments, request.limit) {
                break;
            }
            if round < last && begun.elapsed() > self.walk_time {
                found.stopped_at = Some(if request.keyset.ascends() { until } else { from });
                break;
            }
        }
        Ok(found)
    }

    /// Asks the shards for one window and merges what they answer onto what is found already.
    async fn read_window(
        &self,
        shards: &[ShardId],
        (from, until): windows::Window,
        request: &Request,
        turns: &Turns<'_>,
        found: &mut Found,
    ) -> Result<(), OpsError> {
        let keyset = request.keyset;
        let wanted = (request.limit + 1).saturating_sub(found.payments.len()).max(1);
        let mut runs = Vec::new();
        for shard in shards {
            let scope = self.scope(*shard, from, until)?;
            runs.extend(questions_of(request).into_iter().map(|filter| Run::new(*shard, scope.clone(), filter)));
        }
        let share = merge::share(wanted, runs.len());
        let mut open: Vec<_> = (0..runs.len()).map(|place| (place, share)).collect();
        while !open.is_empty() {
            // `buffer_unordered` would wake its own task whenever all that it has is under way, and with it another worker.
            let answers = join_all(open.iter().map(|(place, rows)| {
                let question = runs[*place].question(keyset);
                turns.of(question.shard, self.ask(question, *rows))
            }));
            for ((place, rows), answer) in open.iter().copied().zip(answers.await) {
                match answer {
                    Ok(answer) => runs[place].take(answer, rows),
                    Err(error) => {
                        runs[place].is_open = false;
                        self.name_missing(runs[place].shard, &error, &mut found.missing);
                    }
                }
            }
            open = merge::to_ask_again(&runs, keyset, wanted);
        }
        found.payments.extend(merge::merged(runs, keyset, wanted));
        let read = found.read.get_or_insert((from, until));
        *read = (read.0.min(from), read.1.max(until));
        Ok(())
    }

    async fn ask(&self, question: Question, rows: usize) -> Result<Vec<Listed>, OpsError> {
        let Question { shard, scope, filter, keyset } = question;
        let source = self.ops.source(self.history.spec.source.of(shard))?;
        let rows = rows as u64;
        let question = async |connection: &mut _| payments::list(connection, &scope, &filter, keyset, rows).await;
        Ok(source.pool.ask("payments.list", READ_DEADLINE + NETWORK_GRACE, question).await?)
    }

    fn name_missing(&self, shard: ShardId, error: &OpsError, missing: &mut Vec<MissingShard>) {
        tracing::warn!(%shard, error = error as &dyn std::error::Error, "a shard did not answer");
        if !missing.iter().any(|known| known.shard == shard) {
            let source = self.history.spec.source.of(shard).to_owned();
            missing.push(MissingShard { shard, source, reason: error.to_string() });
            missing.sort_unstable_by_key(|missing| missing.shard);
        }
    }

    /// The page, and apart from it its rows.
    fn page(&self, request: &Request, found: Found) -> (PaymentPage<()>, Vec<Listed>) {
        let Found { mut payments, missing, shards, read, stopped_at } = found;
        let keyset = request.keyset;
        let rows = rows_of_page(&payments, request.limit);
        let more = payments.len() > rows;
        payments.truncate(rows);
        let backwards = keyset.is_backwards();
        if backwards {
            payments.reverse();
        }
        let cursor = |listed: Option<&Listed>, direction| {
            let key = listed?.key;
            let cursor = Cursor::new(key.created_at, key.payment_id, direction);
            Some(key.amount.map_or(cursor, |amount| cursor.at_amount(amount)))
        };
        // There is a page beyond where the walk stopped early, and always one where it came from.
        let came_from_newer = matches!(keyset, Keyset::After(..));
        let mut older = if backwards || more { cursor(payments.last(), Direction::Older) } else { None };
        let mut newer =
            if came_from_newer || (backwards && more) { cursor(payments.first(), Direction::Newer) } else { None };
        if let Some(edge) = stopped_at {
            // Everything from the edge on, or before it: the ids 0 and the greatest belong to no payment.
            if backwards {
                newer = Some(Cursor::new(edge, PaymentId::from_raw(0), Direction::Newer));
            } else {
                let before = edge - chrono::TimeDelta::microseconds(1);
                older = Some(Cursor::new(before, PaymentId::from_raw(u64::MAX), Direction::Older));
            }
        }
        let page = PaymentPage {
            history: self.history.spec.name.to_string(),
            zone: self.history.spec.policy.zone.clone(),
            read_at: local(self.ops.now(), self.zone),
            payments: (),
            older,
            newer,
            complete: missing.is_empty(),
            missing,
            unfinished: stopped_at.is_some(),
            scope: ReadScope { shards, months: read.and_then(|read| self.months(read)) },
        };
        (page, payments)
    }

    /// The months that a stretch touches, cut to those that have partitions.
    pub(crate) fn months(
        &self,
        (from, until): (DateTime<Utc>, DateTime<Utc>),
    ) -> Option<(payhist_types::Month, payhist_types::Month)> {
        let month = |at| months::month_of(at, self.zone);
        let uppers = || {
            self.inventory.shards.iter().filter_map(|shard| match &shard.state {
                TableState::Partitioned { partitions, .. } => Some(partitions),
                _ => None,
            })
        };
        let edge = |boundary: &Boundary| match boundary {
            Boundary::Before(edge) => Some(*edge - chrono::TimeDelta::microseconds(1)),
            _ => None,
        };
        let first = uppers().filter_map(|p| edge(&p.first()?.upper)).min()?;
        let last = uppers().filter_map(|p| p.iter().rev().find_map(|p| edge(&p.upper))).max()?;
        let (first, last) = (first.max(from), last.min(until - chrono::TimeDelta::microseconds(1)));
        (first <= last).then_some((month(first), month(last)))
    }

    fn row(&self, listed: &Listed) -> Result<PaymentRow, OpsError> {
        let payment = listed.payment()?;
        Ok(PaymentRow {
            shard: routing::shard_of(&self.history.spec.route, payment.user_id),
            month: months::month_of(payment.created_at, self.zone),
            payment: mask::masked(localised(payment.to_payment()?, self.zone)),
        })
    }
}

/// How many rows make a page: as many as asked for, and those at the very place where it would be cut. Adopted shards may
/// use an id each, and a cursor could not tell such rows apart.
fn rows_of_page(payments: &[Listed], limit: usize) -> usize {
    let Some(last) = payments.get(limit - 1) else { return payments.len() };
    limit + payments[limit..].iter().take_while(|next| next.key == last.key).count()
}

/// Without a narrower filter each status is a question of its own, so that each walks its index in page order.
fn questions_of(request: &Request) -> Vec<Filter> {
    let filter = &request.filter;
    if filter.is_narrow() || filter.statuses.len() < 2 || request.keyset.sort() != Sort::Newest {
        return vec![filter.clone()];
    }
    filter.statuses.iter().map(|status| Filter { statuses: vec![*status], ..filter.clone() }).collect()
}
