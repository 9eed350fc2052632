//! A payment as JSON, written without owning it first: a page of it is mostly texts that pass through.
//!
//! Invariant: the very JSON of [`payhist_types::payment::Payment`].

use payhist_storage::payments::PaymentRef;
use payhist_types::payment::PaymentStatus;
use payhist_types::{Currency, PaymentId, UserId};
use serde::Serialize;

/// [`payhist_types::payment::Payment`], borrowed.
#[derive(Serialize)]
pub(crate) struct PaymentJson<'r> {
    payment_id: PaymentId,
    user_id: UserId,
    order_id: &'r str,
    provider: &'r str,
    provider_tx_id: Option<&'r str>,
    method: &'r str,
    status: PaymentStatus,
    amount: &'r str,
    currency: Currency,
    payer_name: Option<&'r str>,
    payer_email: Option<&'r str>,
    failure_code: Option<&'r str>,
    version: Option<u32>,
    created_at: &'r str,
    updated_at: Option<&'r str>,
}

impl<'r> PaymentJson<'r> {
    /// A payment with its times as RFC 3339 in the business zone.
    pub(crate) const fn new(payment: PaymentRef<'r>, created_at: &'r str, updated_at: Option<&'r str>) -> Self {
        let PaymentRef { payment_id, user_id, order_id, provider, provider_tx_id, method, status, .. } = payment;
        let PaymentRef { amount, currency, payer_name, payer_email, failure_code, version, .. } = payment;
        Self {
            payment_id,
            user_id,
            order_id,
            provider,
            provider_tx_id,
            method,
            status,
            amount,
            currency,
            payer_name,
            payer_email,
            failure_code,
            version,
            created_at,
            updated_at,
        }
    }
}
