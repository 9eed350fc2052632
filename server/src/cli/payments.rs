//! `payhist payments`

use super::output::{Outcome, say, table};
use chrono::{DateTime, FixedOffset};
use clap::{Args, Subcommand};
use payhist_ops::auth::Permit;
use payhist_ops::{Ops, OpsError, browse};
use payhist_types::PaymentId;
use payhist_types::payment::{PaymentDetail, PaymentPage, PaymentQuery, PaymentRow};
use payhist_types::search::{Candidate, SearchAnswer, SearchKind};

#[derive(Debug, Subcommand)]
pub(super) enum PaymentsCommand {
    /// List payments, newest first.
    #[command(after_help = "Example: payhist payments list --user 42 --status PAID,REFUNDED --from 2026-11-01 --json")]
    List(Box<ListArgs>),
    /// Look for whatever a text may be: a payment id, a user id, an order, a provider's reference.
    #[command(after_help = "Example: payhist payments search ORD-20261101-7")]
    Search {
        /// What to look for, exactly as it is written.
        text: String,
        /// Which history; the oldest one by default.
        #[arg(long, default_value = "")]
        history: String,
    },
    /// Show one payment and where it lives.
    #[command(after_help = "Example: payhist payments show 7394857239847239")]
    Show {
        /// The payment id.
        id: PaymentId,
        /// Which history; the oldest one by default.
        #[arg(long, default_value = "")]
        history: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Which history; the oldest one by default.
    #[arg(long, default_value = "")]
    history: String,
    /// Of this user.
    #[arg(long, default_value = "")]
    user: String,
    /// In these states, comma-separated.
    #[arg(long, default_value = "")]
    status: String,
    /// Of this order.
    #[arg(long, default_value = "")]
    order: String,
    /// With this payment id.
    #[arg(long, default_value = "")]
    id: String,
    /// That the provider calls this.
    #[arg(long, default_value = "")]
    reference: String,
    /// By this provider.
    #[arg(long, default_value = "")]
    provider: String,
    /// By this method.
    #[arg(long, default_value = "")]
    method: String,
    /// In this currency.
    #[arg(long, default_value = "", value_name = "EUR")]
    currency: String,
    /// Of this amount at least.
    #[arg(long, default_value = "", value_name = "12.50", allow_hyphen_values = true)]
    min: String,
    /// Of this amount at most.
    #[arg(long, default_value = "", value_name = "99.99", allow_hyphen_values = true)]
    max: String,
    /// Created from this day or minute of the business zone on.
    #[arg(long, default_value = "", value_name = "2026-11-01[T09:30]")]
    from: String,
    /// Created up to this day, or before this minute.
    #[arg(long, default_value = "", value_name = "2026-11-30[T18:00]")]
    to: String,
    /// Go on from the `older` or `newer` cursor of another page.
    #[arg(long, default_value = "")]
    cursor: String,
    /// Rows of the page: 1 to 500.
    #[arg(long, default_value = "")]
    limit: String,
}

impl From<ListArgs> for PaymentQuery {
    fn from(args: ListArgs) -> Self {
        let ListArgs { history, user, status, order, id, reference, provider, method, .. } = args;
        let ListArgs { currency, min, max, from, to, cursor, limit, .. } = args;
        Self {
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
        }
    }
}

pub(super) async fn run(command: PaymentsCommand, ops: &Ops, json: bool) -> anyhow::Result<Outcome> {
    let permit = Permit::for_command();
    match command {
        PaymentsCommand::List(args) => {
            let page = browse::list(ops, &permit, &(*args).into()).await?;
            say(json, &page, || page_words(&page));
            Ok(if page.complete { Outcome::Done } else { Outcome::Partial })
        }
        PaymentsCommand::Search { text, history } => {
            let answer = browse::search(ops, &permit, &history, &text).await?;
            say(json, &answer, || search_words(&answer));
            let complete = answer.candidates.iter().all(|candidate| candidate.missing.is_empty());
            Ok(if complete { Outcome::Done } else { Outcome::Partial })
        }
        PaymentsCommand::Show { id, history } => {
            let detail =
                browse::show(ops, &permit, &history, id).await.map_err(|error: OpsError| anyhow::Error::new(error))?;
            Ok(say(json, &detail, || detail_words(&detail)))
        }
    }
}

fn row_words(row: &PaymentRow) -> Vec<String> {
    let payment = &row.payment;
    vec![
        payment.created_at.format("%Y-%m-%d %H:%M:%S").to_string(),
        payment.payment_id.to_string(),
        payment.user_id.to_string(),
        payment.order_id.clone(),
        payment.status.to_string(),
        payment.money.to_string(),
        payment.provider.clone(),
    ]
}

fn page_words(page: &PaymentPage) -> String {
    let rows: Vec<_> = page.payments.iter().map(row_words).collect();
    let created = format!("CREATED ({})", page.zone);
    let mut said = if rows.is_empty() {
        "No payments match.".to_owned()
    } else {
        table(&[&created, "PAYMENT", "USER", "ORDER", "STATUS", "AMOUNT", "PROVIDER"], &rows)
    };
    for missing in &page.missing {
        said +=
            &format!("\nINCOMPLETE: shard {} of {} did not answer: {}", missing.shard, missing.source, missing.reason);
    }
    if let Some(older) = &page.older {
        said += &format!("\nOlder: --cursor {older}");
    }
    said
}

fn search_words(answer: &SearchAnswer) -> String {
    let of = |candidate: &Candidate| {
        let option = match candidate.kind {
            SearchKind::Payment => "id",
            SearchKind::User => "user",
            SearchKind::Order => "order",
            SearchKind::Reference => "reference",
        };
        let found = if candidate.found { "found" } else { "none" };
        let lost: Vec<_> = candidate.missing.iter().map(|lost| format!("shard {}", lost.shard)).collect();
        let lost = if lost.is_empty() { lost.concat() } else { format!("no answer from {}", lost.join(", ")) };
        vec![
            candidate.kind.to_string(),
            found.to_owned(),
            format!("payhist payments list --{option} '{}'", answer.text),
            lost,
        ]
    };
    table(&["AS A", "", "TO LIST THEM", ""], &answer.candidates.iter().map(of).collect::<Vec<_>>())
}

fn detail_words(detail: &PaymentDetail) -> String {
    let PaymentDetail { payment, location, zone, held_by, .. } = detail;
    let held_by: Vec<_> =
        held_by.iter().map(|held| format!("hold {} (case {})", held.hold, held.case_number)).collect();
    let optional = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
    let time = |at: DateTime<FixedOffset>| format!("{} {zone}", at.format("%Y-%m-%d %H:%M:%S%.6f"));
    let rows = [
        ("payment", payment.payment_id.to_string()),
        ("user", payment.user_id.to_string()),
        ("order", payment.order_id.clone()),
        ("amount", payment.money.to_string()),
        ("status", payment.status.to_string()),
        ("provider", format!("{} {}", payment.provider, optional(&payment.provider_tx_id))),
        ("method", payment.method.clone()),
        ("payer", format!("{} {}", optional(&payment.payer_name), optional(&payment.payer_email))),
        ("failure", optional(&payment.failure_code)),
        ("created", time(payment.created_at)),
        ("updated", optional(&payment.updated_at.map(time))),
        ("held by", if held_by.is_empty() { "none".to_owned() } else { held_by.join(", ") }),
        (
            "lives in",
            format!(
                "{} {}.{} partition {}",
                location.source,
                location.schema,
                location.table,
                optional(&location.partition)
            ),
        ),
    ];
    rows.map(|(name, value)| format!("{name:<9} {value}")).join("\n")
}
