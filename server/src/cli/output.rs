//! How commands answer: words or JSON on standard output, errors on standard error, and the exit code.

use payhist_dbserver::ServerError;
use payhist_ops::OpsError;
use payhist_types::error::{ApiError, ErrorKind};
use serde::Serialize;
use std::io::Write;
use std::process::ExitCode;

/// How a command ended, if it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everything is done.
    Done,
    /// Some of it is done; the output names what is not.
    Partial,
    /// Nothing of it is done; the output says why.
    Failed,
    /// A guard kept everything from being done; the output names it.
    Refused,
}

/// The usage or the configuration is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{0:#}")]
struct UsageError(anyhow::Error);

/// Marks an error as one of usage or configuration: exit code 2.
pub(crate) fn usage(error: anyhow::Error) -> anyhow::Error {
    anyhow::Error::new(UsageError(error))
}

/// Answers in JSON or in words.
pub(crate) fn say<T: Serialize>(json: bool, value: &T, words: impl FnOnce() -> String) -> Outcome {
    if json {
        print(&serde_json::to_string(value).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}")));
    } else {
        print(&words());
    }
    Outcome::Done
}

/// Prints a line. A reader that has seen enough (`| head`) is no error.
pub(crate) fn print(text: &str) {
    if let Err(error) = writeln!(std::io::stdout(), "{text}")
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        eprintln!("payhist: the answer could not be written: {error}");
    }
}

/// Prints an error, if there is one, and picks the exit code.
pub(crate) fn finish(outcome: anyhow::Result<Outcome>, json: bool) -> ExitCode {
    let error = match outcome {
        Ok(Outcome::Done) => return ExitCode::SUCCESS,
        Ok(Outcome::Failed) => return ExitCode::FAILURE,
        Ok(Outcome::Refused) => return ExitCode::from(3),
        Ok(Outcome::Partial) => return ExitCode::from(4),
        Err(error) => error,
    };
    let code = exit_code(&error);
    match error.downcast::<OpsError>() {
        Ok(error) => print_ops(error, json),
        Err(error) if json => println!("{}", serde_json::json!({ "error": { "message": format!("{error:#}") } })),
        Err(error) => eprintln!("payhist: {error:#}"),
    }
    ExitCode::from(code)
}

/// The command line shows the whole cause: who can run it may see it.
fn print_ops(error: OpsError, json: bool) {
    let cause = error.to_string();
    let said = ApiError::from(error);
    if json {
        println!("{}", serde_json::json!({ "error": said, "cause": cause }));
        return;
    }
    eprintln!("payhist: {}", said.message);
    if said.incident.is_some() {
        eprintln!("  cause: {cause}");
    }
    for field in &said.fields {
        eprintln!("  {}: {}", field.field, field.message);
    }
    if let Some(remedy) = &said.remedy {
        eprintln!("  {remedy}");
    }
}

fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<UsageError>() {
        return 2;
    }
    if let Some(ServerError::Busy { .. }) = error.downcast_ref::<ServerError>() {
        return 3;
    }
    match error.downcast_ref::<OpsError>().map(OpsError::kind) {
        Some(ErrorKind::BadInput) => 2,
        Some(ErrorKind::Refused | ErrorKind::Forbidden | ErrorKind::LoginRequired | ErrorKind::TooMany) => 3,
        _ => 1,
    }
}

/// A table in plain text: columns as wide as their widest cell, two blanks between them.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        rows.iter().map(|row| row[column].chars().count()).chain([head[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..head.len()).map(width).collect();
    let line = |cells: &[String]| {
        let cells: Vec<_> = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    let head: Vec<_> = head.iter().map(ToString::to_string).collect();
    std::iter::once(line(&head)).chain(rows.iter().map(|row| line(row))).collect::<Vec<_>>().join("\n")
}
