//! Statements, read just far enough to know what in them is a value and where a quotation or a comment ends.
//!
//! Both engines' defaults: `"` quotes a string and a backslash escapes. Under `ANSI_QUOTES` or
//! `NO_BACKSLASH_ESCAPES` a statement may be read wrongly, which then only costs a coarser signature.

/// Does the statement end outside quotations and comments? Not if it was cut within one.
pub(super) fn is_closed(sql: &str) -> bool {
    let mut rest = sql.trim_start();
    while !rest.is_empty() {
        let (_, Some(length)) = token(rest) else { return false };
        rest = rest[length..].trim_start();
    }
    true
}

/// The statement's tokens with one space between them: comments gone, each literal and each list of literals a `?`.
pub fn without_values(sql: &str) -> String {
    let mut tokens: Vec<&str> = Vec::new();
    let mut rest = sql.trim_start();
    while !rest.is_empty() {
        let (kind, length) = token(rest);
        let (token, after) = rest.split_at(length.unwrap_or(rest.len()));
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

/// The kind and the length of a text's first token; no length if it does not end.
fn token(text: &str) -> (Token, Option<usize>) {
    let first = text.chars().next().unwrap_or_default();
    let line = || text.find('\n').or(Some(text.len()));
    let dashes =
        text.strip_prefix("--").is_some_and(|after| after.is_empty() || after.starts_with(char::is_whitespace));
    match first {
        '#' => (Token::Comment, line()),
        '-' if dashes => (Token::Comment, line()),
        '/' if text.starts_with("/*") => (Token::Comment, text.find("*/").map(|at| at + "*/".len())),
        '\'' | '"' => (Token::Literal, quoted_length(text, first)),
        '`' => (Token::Code, quoted_length(text, first)),
        _ if first.is_ascii_digit() => (Token::Literal, Some(number_length(text))),
        _ if is_word(first) => word(text),
        _ => (Token::Code, Some(first.len_utf8())),
    }
}

/// A word, or a literal with its introducer (`x'00'`, `_utf8mb4'a'`).
fn word(text: &str) -> (Token, Option<usize>) {
    let length = text.find(|c| !is_word(c)).unwrap_or(text.len());
    let (word, after) = text.split_at(length);
    let introduces = word.starts_with('_') || ["x", "b", "n"].iter().any(|one| word.eq_ignore_ascii_case(one));
    if introduces && after.starts_with('\'') {
        return (Token::Literal, quoted_length(after, '\'').map(|quoted| length + quoted));
    }
    (Token::Code, Some(length))
}

/// `0x1f`, `1.5`, `1e-7`
fn number_length(text: &str) -> usize {
    let mut before = ' ';
    let end = text.find(|c: char| {
        let exponent = matches!(c, '-' | '+') && matches!(before, 'e' | 'E') && !text.starts_with("0x");
        before = c;
        !(is_word(c) || c == '.' || exponent)
    });
    end.unwrap_or(text.len())
}

/// From a quotation mark to its partner, past doubled marks and, but in identifiers, escaped ones.
fn quoted_length(text: &str, mark: char) -> Option<usize> {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' && mark != '`' {
            chars.next();
        } else if c == mark && chars.next_if(|(_, next)| *next == mark).is_none() {
            return Some(at + mark.len_utf8());
        }
    }
    None
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$' | '@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_make_no_other_shape() {
        for (one, other) in [
            ("UPDATE t SET n=1 WHERE id=5", "UPDATE t  SET n = -20\nWHERE id = 0x1F"),
            ("SELECT * FROM t WHERE s='a' FOR UPDATE", r#"SELECT * FROM t WHERE s="it's \" ''" FOR UPDATE"#),
            ("DELETE FROM t WHERE id IN (1)", "DELETE FROM t WHERE id IN (1, 2,3)"),
            ("INSERT INTO t VALUES (1,'a')", "INSERT INTO t VALUES (1.5e-3,x'00'),(2,_utf8mb4'b'), (3, 'c')"),
            ("UPDATE t SET n = 1", "/* trace=abc */ UPDATE t -- it's\nSET n = 1 # done"),
            ("UPDATE t SET s = 'a''b'", "UPDATE t SET s = 'cut by the eng"),
        ] {
            assert_eq!(without_values(one), without_values(other));
        }
    }

    #[test]
    fn tables_and_operations_make_another_shape() {
        for (one, other) in [
            ("UPDATE payment_history_shard_3 SET n=1", "UPDATE payment_history_shard_4 SET n=1"),
            ("UPDATE `t 1` SET n=1", "UPDATE `t 2` SET n=1"),
            ("UPDATE t SET n=n-1", "UPDATE t SET n=n+1"),
            ("SELECT 1 FROM t WHERE a=1 FOR UPDATE", "SELECT 1 FROM t WHERE b=1 FOR UPDATE"),
        ] {
            assert_ne!(without_values(one), without_values(other));
        }
    }

    #[test]
    fn no_value_stays() {
        let shape =
            without_values("UPDATE t SET mail='a@b.example', n=0x1F, d=-1.5e-3 WHERE id IN (77, 'x\\'y') AND k=N'z'");
        assert_eq!(shape, "UPDATE t SET mail = ? , n = ? , d = ? WHERE id IN ( ? ) AND k = ?");
    }

    #[test]
    fn a_statement_cut_within_a_quotation_or_a_comment_is_open() {
        for closed in ["", "SELECT 'a''b', \"c\\\"\", `d``e`", "SELECT 1 -- it's", "SELECT /* it's */ 1 # it's"] {
            assert!(is_closed(closed), "{closed}");
        }
        for open in ["SELECT 'a''", "SELECT 'a\\'", "SELECT `a", "SELECT /* 'a'", "SELECT x'0", "SELECT -- a\n'"] {
            assert!(!is_closed(open), "{open}");
        }
    }
}
