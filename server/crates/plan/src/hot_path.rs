//! The reads that pages of payments are made of, and the key that serves each in an adopted table.
//!
//! A key serves a read when it walks it in page order: equality first, then time and id. That InnoDB ends each secondary
//! key with the primary key's columns does not count: MariaDB sorts all the same in a partitioned table.

use payhist_types::columns::Columns;

use crate::doctor::facts::Key;

/// A read of every page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HotPath {
    /// By payment id.
    Payment,
    /// By order.
    Order,
    /// By the provider's own reference.
    Reference,
    /// By the payer's e-mail address.
    Email,
    /// One user's newest.
    User,
    /// The newest of a state.
    Status,
    /// The newest of all.
    Time,
}

impl HotPath {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Payment, Self::Order, Self::Reference, Self::Email, Self::User, Self::Status, Self::Time];

    /// Those that pages cannot do without. To look for an e-mail address is rare, and its column may be too long for a key.
    pub const OF_PAGES: [Self; 6] = [Self::Payment, Self::Order, Self::Reference, Self::User, Self::Status, Self::Time];

    /// What the read does, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Payment => "a payment by its id",
            Self::Order => "the payments of an order",
            Self::Reference => "a payment by its provider's reference",
            Self::Email => "the users of an e-mail address",
            Self::User => "the newest payments of a user",
            Self::Status => "the newest payments of a state",
            Self::Time => "the newest payments of all users",
        }
    }

    /// The name of the key in payhist's own tables, where only the primary key serves users.
    pub const fn own_key(self) -> &'static str {
        match self {
            Self::Payment => "by_payment",
            Self::Order => "by_order",
            Self::Reference => "by_reference",
            Self::Email => "by_email",
            Self::User => "PRIMARY",
            Self::Status => "by_status",
            Self::Time => "by_time",
        }
    }

    /// The columns with which a key has to begin; `None`: the tables have no such column, and the read is never made.
    pub fn columns(self, columns: &Columns) -> Option<Vec<&str>> {
        let (created_at, id) = (columns.created_at.as_str(), columns.payment_id.as_str());
        Some(match self {
            Self::Payment => vec![id],
            Self::Order => vec![&columns.order_id],
            Self::Reference => vec![columns.provider_tx_id.as_deref()?],
            Self::Email => vec![columns.payer_email.as_deref()?, &columns.user_id],
            Self::User => vec![&columns.user_id, created_at, id],
            Self::Status => vec![&columns.status, created_at, id],
            Self::Time => vec![created_at, id],
        })
    }

    /// The key that serves it, if one does.
    pub fn served_by<'a>(self, columns: &Columns, keys: &'a [Key]) -> Option<&'a Key> {
        let wanted = self.columns(columns)?;
        let is = |(has, wanted): (&(Option<String>, Option<u64>), &&str)| {
            has.1.is_none() && has.0.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(wanted))
        };
        keys.iter().find(|key| key.columns.len() >= wanted.len() && key.columns.iter().zip(&wanted).all(is))
    }
}

/// A key by which the rows with one value of a column are found, whatever else it has.
pub fn led_by<'a>(column: &str, keys: &'a [Key]) -> Option<&'a Key> {
    let leads = |key: &&Key| {
        let first = key.columns.first().and_then(|(name, _)| name.as_ref());
        first.is_some_and(|name| name.eq_ignore_ascii_case(column))
    };
    keys.iter().find(leads)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, columns: &[&str]) -> Key {
        let columns = columns.iter().map(|column| (Some((*column).to_owned()), None)).collect();
        Key { name: name.into(), unique: name == "PRIMARY", columns }
    }

    fn serves(path: HotPath, keys: &[Key]) -> Option<&str> {
        path.served_by(&Columns::default(), keys).map(|key| key.name.as_str())
    }

    #[test]
    fn a_key_has_to_begin_with_all_that_a_page_goes_by() {
        let keys = [key("PRIMARY", &["payment_id", "created_at"]), key("u", &["User_ID", "created_at", "payment_id"])];
        assert_eq!(serves(HotPath::User, &keys), Some("u"));
        assert_eq!(serves(HotPath::Payment, &keys), Some("PRIMARY"));
        assert_eq!(serves(HotPath::Time, &keys), None);
        assert_eq!(serves(HotPath::User, &[key("u", &["user_id", "created_at"])]), None);
    }

    #[test]
    fn without_its_column_no_key_serves_a_read() {
        let keys = [key("PRIMARY", &["payment_id"]), key("r", &["ref"])];
        assert_eq!(serves(HotPath::Reference, &keys), None);
        let mapped = Columns { provider_tx_id: Some("ref".to_owned()), ..Columns::default() };
        assert_eq!(HotPath::Reference.served_by(&mapped, &keys).map(|key| &*key.name), Some("r"));
    }

    #[test]
    fn a_prefix_of_a_column_is_in_no_order() {
        let mut status = key("s", &["status", "created_at", "payment_id"]);
        assert_eq!(serves(HotPath::Status, &[status.clone()]), Some("s"));
        status.columns[0].1 = Some(1);
        assert_eq!(serves(HotPath::Status, &[status]), None);
    }

    #[test]
    fn one_value_is_found_by_a_key_that_begins_with_its_column_alone() {
        let keys = [key("PRIMARY", &["id", "order_id"]), key("o", &["Order_ID", "id"])];
        assert_eq!(led_by("order_id", &keys).map(|key| &*key.name), Some("o"));
        assert_eq!(led_by("order_id", &keys[..1]), None);
    }
}
