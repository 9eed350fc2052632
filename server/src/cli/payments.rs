//! `payhist payments`

mod export;

use super::output::{Outcome, say, table};
use super::summary;
use chrono::{DateTime, FixedOffset};
use clap::Subcommand;
use payhist_ops::auth::Permit;
use payhist_ops::{Ops, browse};
use payhist_types::PaymentId;
use payhist_types::payment::{PaymentDetail, PaymentPage, PaymentQuery, PaymentRow};
use payhist_types::search::{Candidate, SearchAnswer, SearchKind};
use payhist_types::timeline::TimelineEntry;

#[derive(Debug, Subcommand)]
pub(super) enum PaymentsCommand {
    /// List payments, newest first.
    #[command(after_help = "Example: payhist payments list --user 42 --status PAID,REFUNDED --from 2026-11-01 --json")]
    List(Box<PaymentQuery>),
    /// Write payments to a file, months from the newest, with a manifest beside it.
    #[command(
        after_help = "Example: payhist payments export --format csv --status PAID --from month-1 --to month-1 --out paid.csv"
    )]
    Export(Box<export::ExportArgs>),
    /// Look for whatever a text may be: a payment id, a user id, an order, a provider's reference, an e-mail address (the
    /// audit log keeps that it was looked for).
    #[command(after_help = "Example: payhist payments search ORD-20261101-7")]
    Search {
        /// What to look for, exactly as it is written.
        text: String,
        /// Which history; the oldest one by default.
        #[arg(long, default_value = "")]
        history: String,
    },
    /// Add up payments by month, day, provider, method, currency or status.
    #[command(after_help = "Example: payhist payments summary --from 2026-01 --by month,provider --currency EUR")]
    Summary(summary::SummaryArgs),
    /// Show one payment and where it lives.
    #[command(after_help = "Example: payhist payments show 7394857239847239")]
    Show {
        /// The payment id.
        id: PaymentId,
        /// Show the personal fields in clear, for this reason; the audit log keeps it.
        #[arg(long, value_name = "REASON")]
        reveal: Option<String>,
        /// Which history; the oldest one by default.
        #[arg(long, default_value = "")]
        history: String,
    },
}

pub(super) async fn run(command: PaymentsCommand, ops: &Ops, json: bool) -> anyhow::Result<Outcome> {
    let permit = Permit::for_command();
    match command {
        PaymentsCommand::List(query) => {
            let page = browse::list(ops, &permit, &query).await?;
            say(json, &page, || page_words(&page));
            Ok(if page.complete { Outcome::Done } else { Outcome::Partial })
        }
        PaymentsCommand::Export(args) => export::run(*args, ops, json).await,
        PaymentsCommand::Search { text, history } => {
            let answer = browse::search(ops, &permit, Some(&Permit::for_command()), &history, &text).await?;
            say(json, &answer, || search_words(&answer));
            let complete = answer.candidates.iter().all(|candidate| candidate.missing.is_empty());
            Ok(if complete { Outcome::Done } else { Outcome::Partial })
        }
        PaymentsCommand::Summary(args) => summary::run(args, ops, json).await,
        PaymentsCommand::Show { id, reveal, history } => {
            let may_see = reveal.is_some().then(Permit::for_command);
            if let (Some(permit), Some(reason)) = (&may_see, reveal) {
                browse::reveal(ops, permit, &history, id, &reason).await?;
            }
            let detail = browse::show(ops, &permit, may_see.as_ref(), &history, id).await?;
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
            SearchKind::User | SearchKind::Email => "user",
            SearchKind::Order => "order",
            SearchKind::Reference => "reference",
        };
        let what = if candidate.query.user.is_empty() { &answer.text } else { &candidate.query.user };
        let found = if candidate.found { "found" } else { "none" };
        let lost: Vec<_> = candidate.missing.iter().map(|lost| format!("shard {}", lost.shard)).collect();
        let lost = if lost.is_empty() { lost.concat() } else { format!("no answer from {}", lost.join(", ")) };
        vec![
            candidate.kind.to_string(),
            found.to_owned(),
            if candidate.found || candidate.kind != SearchKind::Email {
                format!("payhist payments list --{option} '{what}'")
            } else {
                String::new()
            },
            lost,
        ]
    };
    table(&["AS A", "", "TO LIST THEM", ""], &answer.candidates.iter().map(of).collect::<Vec<_>>())
}

fn detail_words(detail: &PaymentDetail) -> String {
    let PaymentDetail { payment, location, zone, held_by, timeline, .. } = detail;
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
    let facts = rows.map(|(name, value)| format!("{name:<9} {value}")).join("\n");
    let line = |entry: &TimelineEntry| {
        let by = entry.by.as_ref().map(|by| format!(", by {by}")).unwrap_or_default();
        format!("  {} {}{by}", entry.at.format("%Y-%m-%d %H:%M:%S"), entry.event)
    };
    format!("{facts}\ntimeline\n{}", timeline.iter().map(line).collect::<Vec<_>>().join("\n"))
}
