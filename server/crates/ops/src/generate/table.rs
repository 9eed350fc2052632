//! The same payments as a CSV file that `payhist import` reads: for LOAD DATA, and for other tools.

use super::schedule::Schedule;
use super::{GenerateRequest, end_of};
use crate::import::COLUMNS;
use crate::{Ops, OpsError, import};
use chrono::{DateTime, SecondsFormat, Utc};
use payhist_storage::bulk::NewPayment;
use payhist_types::history::HistorySpec;
use std::io::Write;

/// Writes the payments that [`super::run`] would write into that history, the oldest month first; answers how many.
///
/// # Errors
/// [`OpsError::BadInput`] for numbers that cannot be, or when the file cannot be written.
pub async fn write_csv(ops: &Ops, request: &GenerateRequest, out: &mut (dyn Write + Send)) -> Result<u64, OpsError> {
    let spec = import::target_spec(ops, &request.history, "", "").await?;
    write_csv_of(spec, request, end_of(request, ops.now()), out)
}

/// The same for a layout that need not be registered.
pub fn write_csv_of(
    spec: HistorySpec,
    request: &GenerateRequest,
    until: DateTime<Utc>,
    out: &mut dyn Write,
) -> Result<u64, OpsError> {
    let schedule = Schedule::new(request, spec, until)?;
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(COLUMNS).map_err(|error| unwritable(&error))?;
    let mut written = 0;
    for place in schedule.cells.clone() {
        for row in schedule.rows(place)? {
            write_row(&mut writer, &row).map_err(|error| unwritable(&error))?;
            written += 1;
        }
    }
    writer.flush().map_err(|error| unwritable(&error))?;
    Ok(written)
}

fn unwritable(error: &dyn std::error::Error) -> OpsError {
    OpsError::field("to", format!("cannot be written: {error}"))
}

fn write_row(writer: &mut csv::Writer<&mut dyn Write>, row: &NewPayment) -> Result<(), csv::Error> {
    let instant = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    writer.write_record([
        row.user_id.to_string(),
        row.order_id.clone(),
        row.provider.clone(),
        optional(&row.provider_tx_id),
        row.method.clone(),
        row.status.to_string(),
        row.money.amount_text(),
        row.money.currency().to_string(),
        optional(&row.payer_name),
        optional(&row.payer_email),
        optional(&row.failure_code),
        instant(row.created_at),
        instant(row.updated_at),
        row.payment_id.to_string(),
    ])
}
