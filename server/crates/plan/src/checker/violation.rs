//! The rules that plans can break.

use payhist_types::Month;
use payhist_types::history::Switch;

/// A rule that a plan breaks. Steps are named by [`Step::key`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// History or policy are not the configured ones.
    #[error("the plan is not for the history, or not by its policy")]
    OtherHistoryOrPolicy,
    /// The policy's zone is unknown.
    #[error("the policy's time zone is unknown")]
    UnknownZone,
    /// The current month is not that of the moment of evaluation.
    #[error("{0} is not the month of the plan's evaluation")]
    WrongCurrentMonth(Month),
    /// An active step's stop switch is off.
    #[error("{step} is active though the {switch} switch is off")]
    SwitchOff {
        /// The step.
        step: String,
        /// The switch.
        switch: Switch,
    },
    /// An active step without statements.
    #[error("{0} is active without SQL")]
    NoSql(String),
    /// The step's table is not, or not once, in the inventory, or it is not one that payhist may touch.
    #[error("{0} is about a table that is not in the inventory as a known partitioned one")]
    NotInInventory(String),
    /// The table has edges that are unreadable or not in order.
    #[error("{0} is about a table with an unreadable edge where it matters")]
    UnreadableEdge(String),
    /// The month does not follow the table's last edge, or its own edge is not the month's end.
    #[error("{0} does not go on exactly from the table's last edge to the month's end")]
    NotContiguous(String),
    /// The name is taken.
    #[error("{0} gives a name that another partition has")]
    NameTaken(String),
    /// The policy does not ask for the month.
    #[error("{0} adds a month that the policy does not ask for")]
    NotWanted(String),
    /// Months are split off something else than the table's MAXVALUE partition, or that is not known to be empty.
    #[error("{0} splits a partition that is not an empty MAXVALUE partition")]
    NotEmptyMaxValue(String),
    /// The month is not due for quarantine.
    #[error("{0} quarantines a month that is not due")]
    NotDue(String),
    /// The twin is not what the step needs it to be.
    #[error("{0} relies on a twin table that is not as it must be")]
    TwinUnclear(String),
    /// Under a policy with quarantine, or where one was begun, months are not dropped at once.
    #[error("{0} drops a month that must be quarantined first")]
    NotQuarantined(String),
    /// The policy demands an archive of the month, and there is none.
    #[error("{0} drops a month that is not archived")]
    NotArchived(String),
    /// No archive is asked for.
    #[error("{0} archives a month though the policy names no archive")]
    ArchiveNotWanted(String),
    /// The month was restored and is to be left alone.
    #[error("{0} takes a month that was restored away again")]
    Restored(String),
    /// A hold keeps the month, or might.
    #[error("{0} drops what a legal hold keeps, or might keep")]
    Held(String),
    /// Held rows are carved out of, or into, something else than they should be.
    #[error("{0} relies on a table of held rows, or on an original of them, that is not as it must be")]
    NotCarvable(String),
    /// The month has not expired.
    #[error("{0} drops a month that has not expired")]
    NotExpired(String),
    /// The partition is not the oldest at its turn, or it is not there.
    #[error("{0} drops another partition than the oldest")]
    NotOldest(String),
    /// The partition's upper edge in the inventory is not the step's, or not the end of the month.
    #[error("{0} drops a partition that does not end where its month does")]
    EdgeDiffers(String),
    /// No maintenance window is open, and the month has more bytes than may go outside of one.
    #[error("{0} drops a month outside every maintenance window")]
    OutsideWindow(String),
    /// The partition would be the last.
    #[error("{0} drops the table's last partition")]
    LastPartition(String),
}
