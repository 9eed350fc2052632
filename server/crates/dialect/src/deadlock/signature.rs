//! "The same deadlock again": what stays when values, connections, months and the order of transactions change.

use payhist_types::deadlock::{DeadlockTransaction, RecordLock};

/// One line for each transaction, sorted: its statement without values, what it holds and what it waits for.
/// Partitions are values here (the same code deadlocks in every month); tables, shards included, are not.
pub(super) fn signature(transactions: &[DeadlockTransaction]) -> String {
    let mut lines: Vec<_> = transactions.iter().map(transaction).collect();
    lines.sort_unstable();
    lines.join("\n")
}

fn transaction(transaction: &DeadlockTransaction) -> String {
    let statement = transaction.query.as_deref().map(without_values).unwrap_or_default();
    let mut holds: Vec<_> = transaction.holds.iter().map(lock).collect();
    holds.sort_unstable();
    holds.dedup();
    let waits_for = transaction.waits_for.as_ref().map(lock).unwrap_or_default();
    format!("{statement} | holds {} | waits for {waits_for}", holds.join(", "))
}

fn lock(lock: &RecordLock) -> String {
    let RecordLock { schema, table, partition: _, index, mode, span } = lock;
    format!("{schema}.{table}.{} {mode} {span}", index.as_deref().unwrap_or_default())
}

/// The statement's tokens with one space between them: comments gone, each literal and each list of literals a `?`.
fn without_values(sql: &str) -> String {
    let mut tokens: Vec<&str> = Vec::new();
    let mut rest = sql.trim_start();
    while !rest.is_empty() {
        let (kind, length) = token(rest);
        let (token, after) = rest.split_at(length);
        rest = after.trim_start();
        match kind {
            Token::Comment => {}
            Token::Literal => {
                drop_sign(&mut tokens);
                if matches!(tokens[..], [.., "?", ","]) {
                    tokens.pop();
                } else {
                    tokens.push("?");
                }
            }
            // One more row of VALUES (?), (?).
            Token::Code if token == ")" && tokens.ends_with(&["(", "?", ")", ",", "(", "?"]) => {
                tokens.truncate(tokens.len() - 3);
            }
            Token::Code => tokens.push(token),
        }
    }
    tokens.join(" ")
}

/// `= -5` and `= 5` are one shape: a sign that follows no operand belongs to the value.
fn drop_sign(tokens: &mut Vec<&str>) {
    if let [before @ .., "-" | "+"] = &tokens[..] {
        let follows_operand = before.last().is_some_and(|last| last.ends_with(|c| is_word(c) || "?)`".contains(c)));
        if !follows_operand {
            tokens.pop();
        }
    }
}

enum Token {
    Comment,
    Literal,
    Code,
}

/// The kind and the length of a text's first token; one that the engine cut runs to the end.
fn token(text: &str) -> (Token, usize) {
    let to = |end: &str| text.find(end).map_or(text.len(), |at| at + end.len());
    let first = text.chars().next().unwrap_or_default();
    let dashes = text.strip_prefix("--").is_some_and(|after| !after.starts_with(|c: char| !c.is_whitespace()));
    match first {
        '#' => (Token::Comment, to("\n")),
        '-' if dashes => (Token::Comment, to("\n")),
        '/' if text.starts_with("/*") => (Token::Comment, to("*/")),
        '\'' | '"' => (Token::Literal, quoted_length(text, first)),
        '`' => (Token::Code, quoted_length(text, first)),
        _ if first.is_ascii_digit() => (Token::Literal, number_length(text)),
        _ if is_word(first) => word(text),
        _ => (Token::Code, first.len_utf8()),
    }
}

/// A word, or a literal with its introducer (`x'00'`, `_utf8mb4'a'`).
fn word(text: &str) -> (Token, usize) {
    let length = text.find(|c| !is_word(c)).unwrap_or(text.len());
    let (word, after) = text.split_at(length);
    let introduces = word.starts_with('_') || ["x", "b", "n"].iter().any(|one| word.eq_ignore_ascii_case(one));
    if introduces && after.starts_with('\'') {
        return (Token::Literal, length + quoted_length(after, '\''));
    }
    (Token::Code, length)
}

/// `0x1f`, `1.5`, `1e-7`
fn number_length(text: &str) -> usize {
    let mut before = ' ';
    let end = text.find(|c: char| {
        let part = is_word(c)
            || c == '.'
            || (matches!(c, '-' | '+') && matches!(before, 'e' | 'E') && !text.starts_with("0x"));
        before = c;
        !part
    });
    end.unwrap_or(text.len())
}

/// From a quotation mark to its partner, past doubled marks and, but in identifiers, escaped ones.
fn quoted_length(text: &str, mark: char) -> usize {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' && mark != '`' {
            chars.next();
        } else if c == mark && chars.next_if(|(_, next)| *next == mark).is_none() {
            return at + mark.len_utf8();
        }
    }
    text.len()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$' | '@')
}
