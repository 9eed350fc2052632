//! What the search box found.

use crate::ShardId;
use crate::payment::{MissingShard, PaymentQuery};
use serde::{Deserialize, Serialize};

/// Longest text that is looked for: that of the longest e-mail address.
pub const SEARCH_CHARS_MAX: usize = 255;

/// What a text may be the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SearchKind {
    /// A payment, by its id.
    Payment,
    /// A user, by id.
    User,
    /// An order.
    Order,
    /// A payment, by its provider's reference.
    Reference,
    /// A user, by the e-mail address of a payer.
    Email,
}

/// One thing that a text may mean, and whether there are such payments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Candidate {
    /// What was looked for.
    pub kind: SearchKind,
    /// Lists what was found.
    pub query: PaymentQuery,
    /// Is there at least one payment?
    pub found: bool,
    /// Shards asked.
    pub shards: Vec<ShardId>,
    /// Those of them that did not answer.
    pub missing: Vec<MissingShard>,
}

/// What was looked for, and what there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SearchAnswer {
    /// Which history.
    pub history: String,
    /// What was typed.
    pub text: String,
    /// All that it may mean, likeliest first.
    pub candidates: Vec<Candidate>,
    /// True for an e-mail address that was not looked for, since whoever asks may not see personal data.
    #[serde(default)]
    pub email_withheld: bool,
}

impl SearchAnswer {
    /// The one thing that the text means, when every shard answered and there is no other.
    pub fn only(&self) -> Option<&Candidate> {
        let complete = self.candidates.iter().all(|candidate| candidate.missing.is_empty());
        let mut found = self.candidates.iter().filter(|candidate| candidate.found);
        let first = found.next().filter(|_| complete)?;
        found.next().is_none().then_some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(kind: SearchKind, found: bool, answers: bool) -> Candidate {
        let lost = MissingShard { shard: ShardId(1), source: "main".to_owned(), reason: "gone".to_owned() };
        let missing = if answers { Vec::new() } else { vec![lost] };
        Candidate { kind, query: PaymentQuery::default(), found, shards: vec![ShardId(1)], missing }
    }

    #[test]
    fn only_a_complete_search_with_one_meaning_has_one_answer() {
        let only = |candidates: &[(bool, bool)]| {
            let candidates = candidates.iter().map(|(found, answers)| candidate(SearchKind::User, *found, *answers));
            SearchAnswer {
                history: String::new(),
                text: String::new(),
                candidates: candidates.collect(),
                email_withheld: false,
            }
            .only()
            .is_some()
        };
        assert!(only(&[(false, true), (true, true)]));
        assert!(!only(&[(true, true), (true, true)]));
        assert!(!only(&[(true, true), (false, false)]), "the silent shard may have another");
        assert!(!only(&[(false, true)]));
    }
}
