//! The list's state as the URL carries it, and back.
//!
//! Invariant: one state has one address. A plain form sends empty fields and one `status` per ticked box; such an
//! address is answered by a detour to the short one.

use crate::components::PaymentColumn;
use crate::language::tr;
use leptos_router::params::ParamsMap;
use payhist_types::payment::PaymentQuery;
use payhist_types::{Month, ShardId};
use serde::de::value::{Error, MapDeserializer};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use strum::IntoEnumIterator;

/// What is asked, and how it is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct ListState {
    #[serde(flatten)]
    pub(in crate::pages) query: PaymentQuery,
    /// Names of [`PaymentColumn`]s, comma-separated; empty means the usual ones.
    pub(super) columns: String,
    /// `compact`, or empty.
    pub(super) density: String,
}

impl ListState {
    /// What the URL asks for.
    pub(in crate::pages) fn of_url(url: &ParamsMap) -> Self {
        let mut asked: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in url.clone() {
            let value = value.trim();
            if !value.is_empty() {
                asked.entry(name.into_owned()).or_default().push(value.to_owned());
            }
        }
        let asked = asked.into_iter().map(|(name, values)| (name, values.join(",")));
        let mut state = Self::deserialize(MapDeserializer::<_, Error>::new(asked)).unwrap_or_default();
        if state.columns() == PaymentColumn::USUAL {
            state.columns.clear();
        }
        if !state.is_compact() {
            state.density.clear();
        }
        state
    }

    /// The usual view of what is asked.
    pub(in crate::pages) fn of(query: PaymentQuery) -> Self {
        Self { query, ..Self::default() }
    }

    /// The same view of something else.
    pub(super) fn with(&self, change: impl FnOnce(&mut PaymentQuery)) -> Self {
        let mut changed = self.clone();
        change(&mut changed.query);
        changed
    }

    /// The address: only what is asked, in one order.
    pub(in crate::pages) fn address(&self) -> String {
        let fields = serde_urlencoded::to_string(self).unwrap_or_default();
        let asked: Vec<_> = fields.split('&').filter(|field| !field.ends_with('=')).collect();
        let asked = asked.join("&").replace("%2C", ",").replace("%3A", ":").replace('+', "%20");
        if asked.is_empty() { "/payments".to_owned() } else { format!("/payments?{asked}") }
    }

    /// The address of the export of all that the filter lets through, whatever page is shown and how.
    pub(super) fn to_export(&self) -> String {
        let query =
            PaymentQuery { cursor: String::new(), limit: String::new(), sort: String::new(), ..self.query.clone() };
        Self::of(query).address().replacen("/payments", "/payments/export", 1)
    }

    /// The columns to show, in their own order; a name that is none is passed over.
    pub(super) fn columns(&self) -> Vec<PaymentColumn> {
        if self.columns.is_empty() {
            return PaymentColumn::USUAL.to_vec();
        }
        let chosen: Vec<_> = self.columns.split(',').filter_map(|name| name.trim().parse().ok()).collect();
        PaymentColumn::iter().filter(|column| *column == PaymentColumn::Payment || chosen.contains(column)).collect()
    }

    /// Are the rows as low as they can be?
    pub(super) fn is_compact(&self) -> bool {
        self.density == "compact"
    }
}

/// What an address looks for, if it is a search.
pub(super) fn searched(url: &ParamsMap) -> Option<String> {
    url.get("search").map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Where an address leads that says in many words what a short one says.
pub(super) fn detour(url: &ParamsMap) -> Option<String> {
    let mut names: Vec<_> = url.clone().into_iter().map(|(name, _)| name).collect();
    let sent = names.len();
    names.sort_unstable();
    names.dedup();
    let empty = url.clone().into_iter().any(|(_, value)| value.trim().is_empty());
    (names.len() < sent || empty).then(|| ListState::of_url(url).address())
}

/// What was looked for, in words: ` of user 42 with status FAILED`. Empty when nothing narrows the list.
pub(in crate::pages) fn in_words(query: &PaymentQuery) -> String {
    let or = tr!(" or ");
    let said = |value: &str| value.replace(',', &or);
    let parts = [
        (&query.id, tr!(" with id {}", said(&query.id))),
        (&query.user, tr!(" of user {}", said(&query.user))),
        (&query.order, tr!(" of order {}", said(&query.order))),
        (&query.reference, tr!(" with reference {}", said(&query.reference))),
        (&query.status, tr!(" with status {}", said(&query.status))),
        (&query.provider, tr!(" by {}", said(&query.provider))),
        (&query.method, tr!(" paid by {}", said(&query.method))),
        (&query.currency, tr!(" in {}", said(&query.currency))),
        (&query.min, tr!(" of at least {}", said(&query.min))),
        (&query.max, tr!(" of at most {}", said(&query.max))),
        (&query.from, tr!(" from {}", said(&query.from))),
        (&query.to, tr!(" to {}", said(&query.to))),
    ];
    parts.into_iter().filter(|(value, _)| !value.is_empty()).map(|(_, words)| words).collect()
}

/// Which shards are read.
pub(in crate::pages) fn shards_in_words(shards: &[ShardId]) -> String {
    match shards {
        [shard] => tr!("shard {}", shard),
        shards => tr!("{} shards", shards.len()),
    }
}

/// Which months are.
pub(in crate::pages) fn months_in_words(months: Option<(Month, Month)>) -> String {
    match months {
        Some((first, last)) if first == last => first.to_string(),
        Some((first, last)) => tr!("{} to {}", first, last),
        None => tr!("no months"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(pairs: &[(&'static str, &str)]) -> ParamsMap {
        pairs.iter().map(|(key, value)| (*key, (*value).to_owned())).collect()
    }

    #[test]
    fn a_plain_form_is_answered_by_the_short_address_of_the_same_query() {
        let sent = url(&[
            ("user", "42"),
            ("order", ""),
            ("status", "PAID"),
            ("status", "FAILED"),
            ("from", "2026-11-01T09:30"),
        ]);
        let short = detour(&sent).unwrap();
        assert_eq!(short, "/payments?user=42&status=PAID,FAILED&from=2026-11-01T09:30");
        let again = url(&[("user", "42"), ("status", "PAID,FAILED"), ("from", "2026-11-01T09:30")]);
        assert_eq!((ListState::of_url(&again), detour(&again)), (ListState::of_url(&sent), None));
    }

    #[test]
    fn no_field_is_lost_on_the_way_through_the_address() {
        let names = serde_json::to_value(ListState::default()).unwrap();
        let names: Vec<_> = names.as_object().unwrap().keys().cloned().collect();
        assert!(names.len() > 17, "{names:?}");
        let value = |name: &str| if name == "density" { "compact".to_owned() } else { format!("{name} 1,ü&") };
        let sent: ParamsMap = names.iter().map(|name| (name.clone(), value(name))).collect();
        let address = ListState::of_url(&sent).address();
        let (_, asked) = address.split_once('?').unwrap();
        let again: BTreeMap<String, String> = serde_urlencoded::from_str(asked).unwrap();
        for name in names {
            assert_eq!(again[&name], value(&name), "{name} in {address}");
        }
    }

    #[test]
    fn the_usual_columns_need_no_words() {
        let usual: Vec<_> = PaymentColumn::USUAL.iter().map(|column| ("columns", column.to_string())).collect();
        let sent: ParamsMap = usual.iter().map(|(name, value)| (*name, value.clone())).collect();
        assert_eq!(detour(&sent).unwrap(), "/payments");
        let two = ListState::of_url(&url(&[("columns", "amount,nonsense"), ("density", "huge")]));
        assert_eq!((two.columns(), two.is_compact()), (vec![PaymentColumn::Amount, PaymentColumn::Payment], false));
    }

    #[test]
    fn a_search_for_nothing_is_the_list() {
        assert_eq!(searched(&url(&[("search", " ORD 7 ")])).unwrap(), "ORD 7");
        let nothing = url(&[("search", " ")]);
        assert_eq!((searched(&nothing), detour(&nothing).unwrap()), (None, "/payments".to_owned()));
    }

    #[test]
    fn the_empty_list_says_what_was_looked_for() {
        let query = ListState::of_url(&url(&[("user", "42"), ("status", "FAILED,EXPIRED")])).query;
        assert_eq!(in_words(&query), " of user 42 with status FAILED or EXPIRED");
    }
}
