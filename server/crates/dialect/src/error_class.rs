//! The engines' error numbers in classes that callers act on.

/// What kind of refusal a server's error number is. Numbers: `MySQL` "Server Error Message Reference", `MariaDB`
/// "Error Codes"; those named by FACTS were measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// 1213: the engine rolled this transaction back.
    Deadlock,
    /// 1205: a row or metadata lock did not come in time. `MySQL` rolls back only the statement: roll back the rest.
    LockWaitTimeout,
    /// 1062, 1586: a unique key has the value already.
    Duplicate,
    /// 1526: no partition takes the row.
    NoPartition,
    /// 1044, 1045, 1142, 1143, 1227, 1370: the user may not.
    PrivilegeMissing,
    /// 1969 (`MariaDB`), 3024 (`MySQL`): the statement outlasted its deadline.
    StatementTimeout,
    /// 1317: the statement was killed.
    QueryKilled,
    /// 1040, 1053, 1077, 1158–1161, 1203, 2002–2013, 1927, 4031: the server is away, full or going down.
    Gone,
    /// 1290, 1836: the server is read-only.
    ReadOnly,
    /// 1021, 1026, 1041, 1114, 3675 (`MySQL`), and whatever names the system's errors 28 and 135: no room.
    DiskFull,
    /// 1030, 1878: the storage engine failed and says no more; `MySQL` says so of a full disk too, in mid-`ALTER`.
    EngineFailed,
    /// 1146, 1049: no such table or schema.
    NoSuchTable,
    /// Anything else.
    Other,
}

impl ErrorClass {
    /// May the whole transaction be tried again?
    pub const fn is_retryable_transaction(self) -> bool {
        matches!(self, Self::Deadlock | Self::LockWaitTimeout)
    }
}

/// The words of the system's errors 28 and 135. They come with numbers that mean any failure of a file: 3 (`MySQL`),
/// 1005 and 1030 (`MariaDB`).
const NO_ROOM: [&str; 2] = ["No space left on device", "No more room in record file"];

/// The class of an error by its number, and by its message where the number alone does not tell.
pub fn classify(code: u16, message: &str) -> ErrorClass {
    match code {
        1213 => ErrorClass::Deadlock,
        1205 => ErrorClass::LockWaitTimeout,
        1062 | 1586 => ErrorClass::Duplicate,
        1526 => ErrorClass::NoPartition,
        1044 | 1045 | 1142 | 1143 | 1227 | 1370 => ErrorClass::PrivilegeMissing,
        1969 | 3024 => ErrorClass::StatementTimeout,
        1317 => ErrorClass::QueryKilled,
        1040 | 1053 | 1077 | 1158..=1161 | 1203 | 1927 | 2002..=2013 | 4031 => ErrorClass::Gone,
        1290 | 1836 => ErrorClass::ReadOnly,
        1021 | 1026 | 1041 | 1114 | 3675 => ErrorClass::DiskFull,
        1049 | 1146 => ErrorClass::NoSuchTable,
        _ if NO_ROOM.iter().any(|words| message.contains(words)) => ErrorClass::DiskFull,
        1030 | 1878 => ErrorClass::EngineFailed,
        _ => ErrorClass::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_known_by_its_words_where_the_number_means_any_failure_of_a_file() {
        let mariadb = r#"Can't create table `s`.`t` (errno: 135 "No more room in record file")"#;
        let mysql = "Error writing file '/d/tmp/psyfd=81' (OS errno 28 - No space left on device)";
        let engine = r#"Got error 28 "No space left on device" from storage engine InnoDB"#;
        let classes = [classify(1005, mariadb), classify(3, mysql), classify(1030, engine)];
        assert_eq!(classes, [ErrorClass::DiskFull; 3]);
        assert_eq!(classify(1030, "Got error 100 - 'InnoDB error' from storage engine"), ErrorClass::EngineFailed);
        assert_eq!(classify(1005, "Can't create table `s`.`t` (errno: 150)"), ErrorClass::Other);
    }
}
