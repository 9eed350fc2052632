//! One box for ids of every kind: what a text may be is looked for, each kind where it would be.
//!
//! Invariant: the answer names all that was looked for, and the shards that did not answer.

use super::request::Request;
use super::{Found, Reader};
use crate::OpsError;
use payhist_storage::payments::{Filter, Keyset};
use payhist_types::payment::PaymentQuery;
use payhist_types::search::{Candidate, SearchAnswer, SearchKind};
use payhist_types::{PaymentId, UserId};

impl Reader<'_> {
    /// Looks for the payments that a text may mean.
    pub(super) async fn search(&self, history: &str, text: &str) -> Result<SearchAnswer, OpsError> {
        let kinds = self.kinds_of(text);
        let looked = kinds.into_iter().map(|(kind, filter)| async move {
            let request = Request { filter, from: None, until: None, keyset: Keyset::Newest, limit: 1 };
            let Found { payments, missing, shards, .. } = self.find(&request).await?;
            let query = query_of(history, kind, text);
            Ok::<_, OpsError>(Candidate { kind, query, found: !payments.is_empty(), shards, missing })
        });
        let candidates = futures::future::try_join_all(looked).await?;
        Ok(SearchAnswer { history: self.history.spec.name.to_string(), text: text.to_owned(), candidates })
    }

    fn kinds_of(&self, text: &str) -> Vec<(SearchKind, Filter)> {
        let none = Filter::default;
        let payment = text
            .parse::<PaymentId>()
            .ok()
            .filter(|id| !self.ids_tell_place() || self.history.spec.route.shards().any(|shard| shard == id.shard()));
        let columns = self.history.spec.columns.as_deref();
        let has_reference = columns.is_none_or(|columns| columns.provider_tx_id.is_some());
        [
            payment.map(|id| (SearchKind::Payment, Filter { payment: Some(id), ..none() })),
            text.parse::<UserId>().ok().map(|id| (SearchKind::User, Filter { user: Some(id), ..none() })),
            Some((SearchKind::Order, Filter { order: Some(text.to_owned()), ..none() })),
            has_reference.then(|| (SearchKind::Reference, Filter { reference: Some(text.to_owned()), ..none() })),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// What lists the payments of a kind, in the history as it was asked for.
fn query_of(history: &str, kind: SearchKind, text: &str) -> PaymentQuery {
    let mut query = PaymentQuery { history: history.to_owned(), ..PaymentQuery::default() };
    let field = match kind {
        SearchKind::Payment => &mut query.id,
        SearchKind::User => &mut query.user,
        SearchKind::Order => &mut query.order,
        SearchKind::Reference => &mut query.reference,
    };
    text.clone_into(field);
    query
}
