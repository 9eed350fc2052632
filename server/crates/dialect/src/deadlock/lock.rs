//! One line of the report that describes a lock: `RECORD LOCKS space id …` or `TABLE LOCK table …`.
//!
//! Invariant: a line is understood to its last word or not at all, so that a cut line never yields a wider lock.

use payhist_types::deadlock::{LockSpan, RecordLock};

/// A lock, whose it is, and whether it is only asked for.
#[derive(Debug, Clone)]
pub(super) struct LockLine<'a> {
    pub(super) lock: RecordLock,
    pub(super) trx_id: &'a str,
    pub(super) waiting: bool,
}

/// Reads a lock line, without its line end.
pub(super) fn lock_line(line: &str) -> Option<LockLine<'_>> {
    if let Some(table) = line.strip_prefix("TABLE LOCK table ") {
        return on_table(None, table);
    }
    let (_, index) = line.strip_prefix("RECORD LOCKS space id ")?.split_once(" index ")?;
    // The engines print an index's name unquoted, older ones quoted.
    let at = index.find(" of table `")?;
    let (index, table) = index.split_at(at);
    on_table(Some(index.trim_matches('`').to_owned()), table.strip_prefix(" of table ")?)
}

fn on_table(index: Option<String>, text: &str) -> Option<LockLine<'_>> {
    let (schema, rest) = quoted(text)?;
    let (table, rest) = quoted(rest.strip_prefix('.')?)?;
    let (partition, rest) = match rest.strip_prefix(" /* Partition ") {
        Some(comment) => {
            let (name, rest) = quoted(comment)?;
            // A subpartition may follow; locks are shown by partition.
            (Some(name), rest.split_once(" */")?.1)
        }
        None => (None, rest),
    };
    let (trx_id, rest) = rest.strip_prefix(" trx id ")?.split_once(' ')?;
    let mode = rest.strip_prefix("lock_mode ").or_else(|| rest.strip_prefix("lock mode "))?;
    let (mode, waiting) = mode.strip_suffix(" waiting").map_or((mode, false), |mode| (mode, true));
    let (mode, span) = if index.is_some() { record_mode(mode)? } else { (mode, LockSpan::Table) };
    let lock = RecordLock { schema, table, partition, index, mode: mode.to_owned(), span };
    Some(LockLine { lock, trx_id, waiting })
}

fn record_mode(text: &str) -> Option<(&str, LockSpan)> {
    let Some((mode, span)) = text.split_once(' ') else { return Some((text, LockSpan::NextKey)) };
    let span = match span {
        "locks rec but not gap" => LockSpan::Record,
        "locks gap before rec" => LockSpan::Gap,
        // Before the supremum the engines leave the gap out.
        "insert intention" | "locks gap before rec insert intention" => LockSpan::InsertIntention,
        _ => return None,
    };
    Some((mode, span))
}

/// A backquoted identifier, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut rest = text.strip_prefix('`')?;
    let mut name = String::new();
    loop {
        let (part, after) = rest.split_once('`')?;
        name.push_str(part);
        match after.strip_prefix('`') {
            Some(more) => {
                name.push('`');
                rest = more;
            }
            None => return Some((name, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> (RecordLock, bool) {
        let read = lock_line(line).unwrap_or_else(|| panic!("not understood: {line}"));
        (read.lock, read.waiting)
    }

    #[test]
    fn each_span_is_told_from_the_others() {
        for (tail, mode, span, waiting) in [
            ("lock_mode X", "X", LockSpan::NextKey, false),
            ("lock mode S waiting", "S", LockSpan::NextKey, true),
            ("lock mode S locks rec but not gap waiting", "S", LockSpan::Record, true),
            ("lock_mode X locks gap before rec", "X", LockSpan::Gap, false),
            ("lock_mode X locks gap before rec insert intention waiting", "X", LockSpan::InsertIntention, true),
            ("lock_mode X insert intention waiting", "X", LockSpan::InsertIntention, true),
        ] {
            let (lock, waits) =
                read(&format!("RECORD LOCKS space id 1 page no 3 n bits 72 index k of table `d`.`t` trx id 7 {tail}"));
            assert_eq!((lock.mode.as_str(), lock.span, waits), (mode, span, waiting), "{tail}");
        }
    }

    #[test]
    fn a_table_lock_has_no_index() {
        let (lock, waiting) = read("TABLE LOCK table `d`.`t` /* Partition `p1` */ trx id 7 lock mode AUTO-INC waiting");
        assert_eq!((lock.index, lock.mode.as_str(), lock.span), (None, "AUTO-INC", LockSpan::Table));
        assert_eq!(lock.partition.as_deref(), Some("p1"));
        assert!(waiting);
    }

    #[test]
    fn hostile_names_stay_within_their_quotes() {
        let (lock, _) = read(concat!(
            "RECORD LOCKS space id 1 page no 3 n bits 72 index `PRIMARY` of table `a``b`.`t trx id 9` ",
            "/* Partition `p*/`, Subpartition `s` */ trx id 7 lock_mode X"
        ));
        assert_eq!((lock.schema.as_str(), lock.table.as_str()), ("a`b", "t trx id 9"));
        assert_eq!((lock.partition.as_deref(), lock.index.as_deref()), (Some("p*/"), Some("PRIMARY")));
    }

    #[test]
    fn a_cut_line_is_no_lock() {
        let line = "RECORD LOCKS space id 1 page no 3 n bits 72 index k of table `d`.`t` trx id 7 lock_mode X locks rec but not gap";
        for end in line.find("lock_mode").unwrap() + "lock_mode X ".len()..line.len() {
            assert!(lock_line(&line[..end]).is_none(), "{}", &line[..end]);
        }
    }
}
