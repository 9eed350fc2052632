//! The first pass: the whole file is read and judged before anything is written.
//!
//! Invariant: the memory is bounded by the months and the currencies that occur, not by the file's rows.

use super::format::{Content, Parser};
use super::lines::{Line, Lines, unreadable};
use super::record::{Reason, Record};
use super::{BadLine, LINES_NAMED_MAX, OnError, Phase, Progress, Target};
use crate::OpsError;
use payhist_plan::{months, routing};
use payhist_storage::bulk::Candidate;
use payhist_types::Month;
use payhist_types::money::Currency;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// Lines between two looks at the stop token and two reports of progress.
const LINES_PER_REPORT: u64 = 10_000;

/// What the first pass found.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// SHA-256 of the file, in hex.
    pub(super) sha256: String,
    /// Its size.
    pub(super) bytes: u64,
    /// Records that can be stored.
    pub(super) rows: u64,
    /// Lines that cannot.
    pub(super) rejected: u64,
    /// Blank lines, comments, the header.
    pub(super) skipped: u64,
    /// Sum of the good records' amounts, by currency.
    pub(super) sums: BTreeMap<Currency, Decimal>,
    /// Months of the good records.
    pub(super) months: BTreeSet<Month>,
    /// The first bad lines.
    pub(super) bad: Vec<BadLine>,
}

/// Reads a file from end to end.
///
/// # Errors
/// [`OpsError::BadInput`] naming the first bad lines, unless they are to be skipped; or when no line holds a payment.
pub(super) fn check(
    path: &Path,
    target: &Target,
    on_error: &OnError,
    stop: &CancellationToken,
    report: &dyn Fn(Progress),
) -> Result<Checked, OpsError> {
    let mut lines = Lines::open(path)?;
    let mut parser = Parser::new(target.format, target.zone);
    let mut rejects = match on_error {
        OnError::Stop => None,
        OnError::Skip { rejects } => Some(Rejects::create(rejects, path)?),
    };
    let mut checked = Checked::default();
    let total = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?.len();
    while let Some(line) = lines.next().map_err(|error| unreadable(path, &error))? {
        match parser.read(line).and_then(|content| judge(content, target)) {
            Ok(Content::Record(record)) => checked.count(&record, target)?,
            Ok(Content::Nothing) => checked.skipped += 1,
            Ok(Content::Header) => {
                checked.skipped += 1;
                rejects.as_mut().map_or(Ok(()), |rejects| rejects.copy(&line))?;
            }
            Err(reason) => {
                checked.reject(&line, &reason);
                if let Some(rejects) = &mut rejects {
                    rejects.write(&line, &reason)?;
                }
                if parser.is_lost() {
                    return Err(checked.refusal());
                }
            }
        }
        if line.number.is_multiple_of(LINES_PER_REPORT) {
            report(Progress { phase: Phase::Check, done: lines.bytes_read(), total });
            if stop.is_cancelled() {
                return Err(OpsError::refused(
                    "stopped while the file was checked, before anything was loaded",
                    "Run the same command again.",
                ));
            }
        }
    }
    if let Some(rejects) = rejects {
        rejects.finish()?;
    } else if checked.rejected > 0 {
        return Err(checked.refusal());
    }
    if checked.rows == 0 {
        return Err(OpsError::field("file", format!("{} holds no payment that can be loaded", path.display())));
    }
    checked.bytes = lines.bytes_read();
    checked.sha256 = lines.finish();
    Ok(checked)
}

/// A payment id of the file must lead to its row: its month and its shard are the row's.
pub(super) fn judge(content: Content, target: &Target) -> Result<Content, Reason> {
    if let Content::Record(Record { row: Candidate { payment, id_given: true }, .. }) = &content {
        let shard = routing::shard_of(&target.spec.route, payment.user_id);
        if payment.payment_id.shard() != shard {
            return Err(format!(
                "payment_id: it says shard {}, the user is on shard {shard}",
                payment.payment_id.shard()
            ));
        }
        let (id, row) = (
            months::month_of(payment.payment_id.created_at(), target.zone),
            months::month_of(payment.created_at, target.zone),
        );
        if id != row {
            return Err(format!("payment_id: it says {id}, created_at is in {row}"));
        }
    }
    Ok(content)
}

impl Checked {
    fn count(&mut self, record: &Record, target: &Target) -> Result<(), OpsError> {
        self.rows += 1;
        self.months.insert(months::month_of(record.row.payment.created_at, target.zone));
        let money = record.row.payment.money;
        let sum = self.sums.entry(money.currency()).or_default();
        *sum = sum.checked_add(money.amount()).ok_or_else(|| {
            OpsError::field(
                "file",
                format!("line {}: the sum of the file's amounts is too large to be told", record.line),
            )
        })?;
        Ok(())
    }

    fn reject(&mut self, line: &Line<'_>, reason: &str) {
        self.rejected += 1;
        if self.bad.len() < LINES_NAMED_MAX {
            self.bad.push(BadLine { line: line.number, reason: reason.to_owned() });
        }
    }

    fn refusal(&self) -> OpsError {
        let named = self.bad.iter().map(|bad| (format!("line {}", bad.line), bad.reason.clone()));
        let more = self.rejected - self.bad.len() as u64;
        let rest = (more > 0).then(|| ("file".to_owned(), format!("{more} more lines are bad")));
        let fields = named.chain(rest).map(|(field, message)| payhist_types::error::FieldError { field, message });
        OpsError::BadInput(fields.collect())
    }
}

/// The file of rejected lines: each as it was, below a comment that says why. Correct it and import it.
struct Rejects<'a> {
    file: BufWriter<File>,
    path: &'a Path,
}

impl<'a> Rejects<'a> {
    fn create(path: &'a Path, input: &Path) -> Result<Self, OpsError> {
        let same = matches!((path.canonicalize(), input.canonicalize()), (Ok(a), Ok(b)) if a == b);
        if same {
            return Err(OpsError::field("rejects", format!("{} is the file that is imported", path.display())));
        }
        let file = File::create(path).map_err(|error| Self::failed(path, &error))?;
        Ok(Self { file: BufWriter::new(file), path })
    }

    fn write(&mut self, line: &Line<'_>, reason: &str) -> Result<(), OpsError> {
        let reason = reason.replace(['\r', '\n'], " ");
        writeln!(self.file, "# line {}: {reason}", line.number).map_err(|error| Self::failed(self.path, &error))?;
        self.copy(line)
    }

    fn copy(&mut self, line: &Line<'_>) -> Result<(), OpsError> {
        let written = self.file.write_all(line.bytes).and_then(|()| self.file.write_all(b"\n"));
        written.map_err(|error| Self::failed(self.path, &error))
    }

    fn finish(mut self) -> Result<(), OpsError> {
        self.file.flush().map_err(|error| Self::failed(self.path, &error))
    }

    fn failed(path: &Path, error: &std::io::Error) -> OpsError {
        OpsError::field("rejects", format!("{} cannot be written: {error}", path.display()))
    }
}
