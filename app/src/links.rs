//! Addresses within the site. The URL is a page's whole state, so that each link says which history it is about.

use payhist_types::{Month, PaymentId, UserId};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but what RFC 3986 §2.3 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The path with the history as its query; the default history needs none.
pub(crate) fn with_history(path: &str, history: &str) -> String {
    match (history, path.contains('?')) {
        ("", _) => path.to_owned(),
        (_, false) => format!("{path}?history={history}"),
        (_, true) => format!("{path}&history={history}"),
    }
}

/// The page of a payment.
pub(crate) fn payment(id: PaymentId, history: &str) -> String {
    with_history(&format!("/payments/{id}"), history)
}

/// The page of a month.
pub(crate) fn of_month(month: Month, history: &str) -> String {
    format!("/partitions/{history}/{month}")
}

/// The payments of a user.
pub(crate) fn of_user(user: UserId, history: &str) -> String {
    with_history(&format!("/payments?user={user}"), history)
}

/// The payments of an order.
pub(crate) fn of_order(order: &str, history: &str) -> String {
    with_history(&format!("/payments?order={}", encode(order)), history)
}

/// Percent-encodes a query value.
pub(crate) fn encode(value: &str) -> String {
    utf8_percent_encode(value, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_keep_the_history() {
        assert_eq!(with_history("/jobs", ""), "/jobs");
        assert_eq!(with_history("/payments?user=1", "cdnow"), "/payments?user=1&history=cdnow");
    }
}
