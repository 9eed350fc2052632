//! One box for ids of every kind: what a text may be is looked for, each kind where it would be.
//!
//! Invariants: the answer names all that was looked for, and the shards that did not answer. An e-mail address is looked for
//! only for those who may see personal data, it is recorded that they did, and what is found is named by user, so that
//! no address leads to a page that has it.

use super::request::Request;
use super::windows::{TIME_MAX, TIME_MIN};
use super::{Found, NETWORK_GRACE, Reader};
use crate::OpsError;
use crate::auth::{Permit, RevealPersonalData};
use crate::turns::Turns;
use futures::future::{join_all, try_join_all};
use payhist_storage::payments::{self, Filter, Keyset};
use payhist_storage::source::READ_DEADLINE;
use payhist_storage::{audit, tx};
use payhist_types::payment::PaymentQuery;
use payhist_types::search::{Candidate, SearchAnswer, SearchKind};
use payhist_types::{PaymentId, ShardId, UserId};
use serde_json::json;
use std::collections::BTreeSet;

/// Users that one e-mail address leads to, on each shard.
const USERS_OF_EMAIL_MAX: u64 = 20;

impl Reader<'_> {
    /// Looks for the payments that a text may mean.
    pub(super) async fn search(
        &self,
        reveal: Option<&Permit<RevealPersonalData>>,
        history: &str,
        text: &str,
    ) -> Result<SearchAnswer, OpsError> {
        let kinds = self.kinds_of(text);
        let looked = kinds.into_iter().map(|(kind, filter)| async move {
            let request = Request { filter, from: None, until: None, keyset: Keyset::NEWEST, limit: 1 };
            let Found { payments, missing, shards, .. } = self.find(&request).await?;
            let query = query_of(history, kind, text);
            Ok::<_, OpsError>(Candidate { kind, query, found: !payments.is_empty(), shards, missing })
        });
        let mut candidates = try_join_all(looked).await?;
        let is_email = text.split_once('@').is_some_and(|(name, domain)| !name.is_empty() && domain.contains('.'));
        let has_emails = self.history.spec.columns.as_deref().is_none_or(|columns| columns.payer_email.is_some());
        let email_withheld = is_email && has_emails && reveal.is_none();
        if let Some(permit) = reveal.filter(|_| is_email && has_emails) {
            candidates.extend(self.search_email(permit, history, text).await?);
        }
        let history = self.history.spec.name.to_string();
        Ok(SearchAnswer { history, text: text.to_owned(), candidates, email_withheld })
    }

    /// The users of an e-mail address, one candidate each; one that says there is none otherwise.
    async fn search_email(
        &self,
        permit: &Permit<RevealPersonalData>,
        history: &str,
        email: &str,
    ) -> Result<Vec<Candidate>, OpsError> {
        let shards: Vec<_> = self.history.spec.route.shards().collect();
        let (mut users, mut missing) = (BTreeSet::new(), Vec::new());
        let turns = Turns::new(&self.history.spec.source);
        let answers = join_all(shards.iter().map(|shard| turns.of(*shard, self.ask_users(*shard, email)))).await;
        for (shard, answer) in shards.iter().copied().zip(answers) {
            match answer {
                Ok(found) => users.extend(found),
                Err(error) => self.name_missing(shard, &error, &mut missing),
            }
        }
        let (now, target, actor) = (self.ops.now(), self.history.spec.name.to_string(), permit.actor().to_owned());
        let found: Vec<_> = users.iter().copied().collect();
        tx::run(self.ops.control(), "payments.search_email", |connection| {
            let (target, actor, detail) = (target.clone(), actor.clone(), json!({ "users": found }));
            Box::pin(async move {
                let (actor, target, action) = (actor.as_str(), target.as_str(), "payment.search_email");
                audit::append(connection, &audit::Entry { at: now, actor, action, target, detail }).await
            })
        })
        .await?;
        let candidate = |query: PaymentQuery, found| Candidate {
            kind: SearchKind::Email,
            query,
            found,
            shards: shards.clone(),
            missing: missing.clone(),
        };
        let of_user = |user: &UserId| candidate(query_of(history, SearchKind::User, &user.to_string()), true);
        let nobody = || vec![candidate(query_of(history, SearchKind::Email, ""), false)];
        Ok(if users.is_empty() { nobody() } else { users.iter().map(of_user).collect() })
    }

    async fn ask_users(&self, shard: ShardId, email: &str) -> Result<Vec<UserId>, OpsError> {
        let scope = self.scope(shard, TIME_MIN, TIME_MAX)?;
        let question =
            async |connection: &mut _| payments::users_of_email(connection, &scope, email, USERS_OF_EMAIL_MAX).await;
        let source = self.ops.source(self.history.spec.source.of(shard))?;
        Ok(source.pool.ask("payments.users_of_email", READ_DEADLINE + NETWORK_GRACE, question).await?)
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
        SearchKind::Email => return query,
        SearchKind::Payment => &mut query.id,
        SearchKind::User => &mut query.user,
        SearchKind::Order => &mut query.order,
        SearchKind::Reference => &mut query.reference,
    };
    text.clone_into(field);
    query
}
