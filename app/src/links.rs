//! Addresses within the site. The URL is a page's whole state, so that each link says which history it is about.

use payhist_types::{Month, PaymentId, UserId};

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
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    value.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Where the search box leads: a payment id is a long number, a user id a short one, and anything else an order.
pub(crate) fn search(text: &str) -> String {
    let text = text.trim();
    let number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match (number, text.len()) {
        (_, 0) => "/payments".to_owned(),
        (true, 15..) => format!("/payments/{text}"),
        (true, _) => format!("/payments?user={text}"),
        (false, _) => format!("/payments?order={}", encode(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_box_tells_ids_apart() {
        assert_eq!(search(" 42 "), "/payments?user=42");
        assert_eq!(search("7394857239847239000"), "/payments/7394857239847239000");
        assert_eq!(search("ORD 7&x=1"), "/payments?order=ORD%207%26x%3D1");
        assert_eq!(search(""), "/payments");
    }

    #[test]
    fn links_keep_the_history() {
        assert_eq!(with_history("/jobs", ""), "/jobs");
        assert_eq!(with_history("/payments?user=1", "cdnow"), "/payments?user=1&history=cdnow");
    }
}
