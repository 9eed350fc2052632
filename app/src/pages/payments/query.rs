//! The list's state as the URL carries it, and back.
//!
//! Invariant: one state has one address. A plain form sends empty fields and one `status` per ticked box; such an
//! address is answered by a detour to the short one.

use crate::links;
use leptos_router::params::ParamsMap;
use payhist_types::payment::PaymentQuery;

/// What the URL asks for.
pub(super) fn query_of(url: &ParamsMap) -> PaymentQuery {
    let one = |key| url.get(key).unwrap_or_default().trim().to_owned();
    let statuses = url.get_all("status").unwrap_or_default();
    let statuses: Vec<_> =
        statuses.iter().flat_map(|value| value.split(',')).map(str::trim).filter(|word| !word.is_empty()).collect();
    PaymentQuery {
        history: one("history"),
        user: one("user"),
        status: statuses.join(","),
        order: one("order"),
        id: one("id"),
        reference: one("reference"),
        provider: one("provider"),
        method: one("method"),
        currency: one("currency"),
        min: one("min"),
        max: one("max"),
        from: one("from"),
        to: one("to"),
        cursor: one("cursor"),
        limit: one("limit"),
    }
}

/// The address of a query: only what is asked, in one order.
pub(super) fn address(query: &PaymentQuery) -> String {
    let PaymentQuery {
        history,
        user,
        status,
        order,
        id,
        reference,
        provider,
        method,
        currency,
        min,
        max,
        from,
        to,
        cursor,
        limit,
    } = query;
    let fields = [
        ("user", user),
        ("status", status),
        ("order", order),
        ("id", id),
        ("reference", reference),
        ("provider", provider),
        ("method", method),
        ("currency", currency),
        ("min", min),
        ("max", max),
        ("from", from),
        ("to", to),
        ("cursor", cursor),
        ("limit", limit),
        ("history", history),
    ];
    let asked: Vec<_> = fields
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", links::encode(value).replace("%2C", ",").replace("%3A", ":")))
        .collect();
    if asked.is_empty() { "/payments".to_owned() } else { format!("/payments?{}", asked.join("&")) }
}

/// What an address looks for, if it is a search.
pub(super) fn searched(url: &ParamsMap) -> Option<String> {
    url.get("search").map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Where an address leads that says in many words what a short one says.
pub(super) fn detour(url: &ParamsMap) -> Option<String> {
    let query = query_of(url);
    let repeated = url.get_all("status").is_some_and(|values| values.len() > 1);
    let empty = url.clone().into_iter().any(|(_, value)| value.trim().is_empty());
    (repeated || empty).then(|| address(&query))
}

/// What was looked for, in words: ` of user 42 with status FAILED`. Empty when nothing narrows the list.
pub(super) fn in_words(query: &PaymentQuery) -> String {
    let parts = [
        (" with id ", &query.id),
        (" of user ", &query.user),
        (" of order ", &query.order),
        (" with reference ", &query.reference),
        (" with status ", &query.status),
        (" by ", &query.provider),
        (" paid by ", &query.method),
        (" in ", &query.currency),
        (" of at least ", &query.min),
        (" of at most ", &query.max),
        (" from ", &query.from),
        (" to ", &query.to),
    ];
    let said =
        |(word, value): (&str, &String)| (!value.is_empty()).then(|| format!("{word}{}", value.replace(',', " or ")));
    parts.into_iter().filter_map(said).collect()
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
        assert_eq!((query_of(&again), detour(&again)), (query_of(&sent), None));
    }

    #[test]
    fn no_field_is_lost_on_the_way_through_the_address() {
        let all = [
            "history",
            "user",
            "status",
            "order",
            "id",
            "reference",
            "provider",
            "method",
            "currency",
            "min",
            "max",
            "from",
            "to",
            "cursor",
            "limit",
        ];
        let query = query_of(&all.map(|key| (key, format!("{key}1"))).into_iter().collect());
        let address = address(&query);
        for key in all {
            assert!(address.contains(&format!("{key}={key}1")), "{key} in {address}");
        }
    }

    #[test]
    fn a_search_for_nothing_is_the_list() {
        assert_eq!(searched(&url(&[("search", " ORD 7 ")])).unwrap(), "ORD 7");
        let nothing = url(&[("search", " ")]);
        assert_eq!((searched(&nothing), detour(&nothing).unwrap()), (None, "/payments".to_owned()));
    }

    #[test]
    fn the_empty_list_says_what_was_looked_for() {
        let query = query_of(&url(&[("user", "42"), ("status", "FAILED,EXPIRED")]));
        assert_eq!(in_words(&query), " of user 42 with status FAILED or EXPIRED");
    }
}
