//! Where the values of a payment stand in a shard's table.
//!
//! Invariant: for payhist's own tables nothing is looked up and nothing converted; an adopted table's values are
//! converted in the SELECT list alone, so that conditions and order stay those of its keys.

use crate::payments::Filter;
use payhist_plan::doctor::facts::Key;
use payhist_plan::hot_path::HotPath;
use payhist_types::columns::{Columns, Place};
use payhist_types::payment::{PAYMENT_COLUMNS, PaymentStatus};
use sea_query::{Alias, Expr, ExprTrait, SelectStatement, SimpleExpr};
use std::collections::HashMap;
use std::sync::Arc;

/// Whose columns and keys a table has.
#[derive(Debug, Clone)]
pub enum Layout {
    /// payhist's own.
    Own,
    /// Somebody else's.
    Adopted(Arc<Adopted>),
}

/// An adopted table's columns, and the keys that serve the pages.
#[derive(Debug)]
pub struct Adopted {
    columns: Columns,
    keys: HashMap<HotPath, String>,
}

/// The columns that conditions and orders name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names<'a> {
    pub(super) payment_id: &'a str,
    pub(super) user_id: &'a str,
    pub(super) order_id: &'a str,
    pub(super) status: &'a str,
    pub(super) amount: &'a str,
    pub(super) created_at: &'a str,
}

impl Layout {
    /// The layout of a table with these keys.
    pub fn new(columns: Option<&Columns>, keys: &[Key]) -> Self {
        let Some(columns) = columns else { return Self::Own };
        let serving = |path: &HotPath| Some((*path, path.served_by(columns, keys)?.name.clone()));
        let keys = HotPath::ALL.iter().filter_map(serving).collect();
        Self::Adopted(Arc::new(Adopted { columns: columns.clone(), keys }))
    }

    pub(super) fn names(&self) -> Names<'_> {
        match self {
            Self::Own => Names {
                payment_id: "payment_id",
                user_id: "user_id",
                order_id: "order_id",
                status: "status",
                amount: "amount",
                created_at: "created_at",
            },
            Self::Adopted(adopted) => {
                let Columns { payment_id, user_id, order_id, status, amount, created_at, .. } = &adopted.columns;
                Names { payment_id, user_id, order_id, status, amount, created_at }
            }
        }
    }

    /// Puts [`PAYMENT_COLUMNS`] into the SELECT list, as the types that reading expects.
    pub(super) fn select(&self, query: &mut SelectStatement) {
        match self {
            Self::Own => _ = query.columns(PAYMENT_COLUMNS.map(Alias::new)),
            Self::Adopted(adopted) => {
                _ = query.exprs(adopted.columns.places().map(|(own, place)| converted(own, place)));
            }
        }
    }

    /// A value as the table has it: a column, what holds for all rows, or NULL where there is none.
    pub(super) fn place(&self, own: &str) -> SimpleExpr {
        let adopted = match self {
            Self::Own => return Expr::col(Alias::new(own)),
            Self::Adopted(adopted) => adopted,
        };
        match adopted.columns.places().into_iter().find(|(name, _)| *name == own) {
            Some((_, Place::Column(name))) => Expr::col(Alias::new(name)),
            Some((_, Place::Constant(text))) => Expr::value(text),
            Some((_, Place::Nowhere)) | None => Expr::cust("NULL"),
        }
    }

    /// The column that a value stands in, if it does in one.
    pub(super) fn column(&self, own: &str) -> Option<SimpleExpr> {
        let adopted = match self {
            Self::Own => return Some(Expr::col(Alias::new(own))),
            Self::Adopted(adopted) => adopted,
        };
        adopted.columns.places().into_iter().find_map(|(name, place)| match place {
            Place::Column(column) if name == own => Some(Expr::col(Alias::new(column))),
            _ => None,
        })
    }

    /// The key that serves a filter in page order.
    pub(super) fn key_for(&self, filter: &Filter) -> Option<&str> {
        let path = if filter.payment.is_some() {
            HotPath::Payment
        } else if filter.order.is_some() {
            HotPath::Order
        } else if filter.reference.is_some() {
            HotPath::Reference
        } else if filter.user.is_some() {
            HotPath::User
        } else if let [_] = filter.statuses.as_slice() {
            HotPath::Status
        } else {
            HotPath::Time
        };
        match self {
            Self::Own => Some(path.own_key()),
            Self::Adopted(adopted) => adopted.keys.get(&path).map(String::as_str),
        }
    }

    /// The key that finds the users of an e-mail address.
    pub(super) fn key_for_email(&self) -> Option<&str> {
        match self {
            Self::Own => Some(HotPath::Email.own_key()),
            Self::Adopted(adopted) => adopted.keys.get(&HotPath::Email).map(String::as_str),
        }
    }

    /// The words for these states in the table.
    pub(super) fn words_of<'a>(&'a self, statuses: &[PaymentStatus]) -> Vec<&'a str> {
        match self {
            Self::Own => statuses.iter().map(<&str>::from).collect(),
            Self::Adopted(adopted) => statuses.iter().flat_map(|status| adopted.columns.words_of(*status)).collect(),
        }
    }

    /// What a word of the table means.
    pub(super) fn status_of(&self, word: &str) -> Option<PaymentStatus> {
        match self {
            Self::Own => word.parse().ok(),
            Self::Adopted(adopted) => adopted.columns.status_of(word),
        }
    }

    /// Is a comparison of text to be made as text, whatever the column is? A number would equal any text that begins so.
    pub(super) const fn compares_as_text(&self) -> bool {
        matches!(self, Self::Adopted(_))
    }
}

fn converted(own: &str, place: Place) -> SimpleExpr {
    let name = match place {
        Place::Column(name) => Expr::col(Alias::new(name)),
        Place::Constant(text) => return Expr::value(text),
        Place::Nowhere => return Expr::cust("NULL"),
    };
    match own {
        "payment_id" | "user_id" | "version" => name.cast_as("UNSIGNED"),
        // Exact for DECIMAL and whole numbers. A FLOAT stays one, and is refused when it is read.
        "amount" => name.add(Expr::cust("0.0000")),
        "created_at" | "updated_at" => name.cast_as("DATETIME(6)"),
        _ => name.cast_as("CHAR"),
    }
}
