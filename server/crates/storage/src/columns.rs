//! Rows of any layout that payhist knows the types of, column by column: what archives are written from and restored to.
//!
//! Invariants: a column whose type is not known, or that a plain SELECT would leave out, is an error and never skipped; a
//! batch is bounded in rows and bytes, so that a month of any size is read in bounded memory.

mod read;
mod write;

pub use read::{comment_of, of_table, stream};
pub use write::insert;

use payhist_types::archive::{Column, ColumnKind};
use std::ops::Range;

/// Most rows of a batch; one row group of an archive.
pub const BATCH_ROWS_MAX: usize = 4_096;
/// Most bytes of a batch's texts.
pub const BATCH_BYTES_MAX: usize = 8 << 20;

/// Texts or bytes one after the other: one allocation for a whole column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blobs {
    data: Vec<u8>,
    ends: Vec<usize>,
}

impl Blobs {
    /// None, with room for so many of usual length.
    pub fn with_room(count: usize) -> Self {
        /// Bytes of an order id, a name or an encrypted address.
        const USUAL_BYTES: usize = 64;
        Self { data: Vec::with_capacity(count * USUAL_BYTES), ends: Vec::with_capacity(count) }
    }

    /// Appends one.
    pub fn push(&mut self, bytes: &[u8]) {
        self.data.extend_from_slice(bytes);
        self.ends.push(self.data.len());
    }

    /// Takes all out, and leaves the room.
    fn clear(&mut self) {
        self.data.clear();
        self.ends.clear();
    }

    /// The one at that place.
    pub fn get(&self, index: usize) -> &[u8] {
        self.bytes(index..index + 1)
    }

    /// The bytes of those one after the other.
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        let end = |count: usize| count.checked_sub(1).map_or(0, |last| self.ends[last]);
        &self.data[end(range.start)..end(range.end)]
    }
}

/// The values of a column that are not NULL, in the order of the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values {
    /// Integers (unsigned ones by their bits), microseconds since 1970 in UTC, or days since 1970.
    Longs(Vec<i64>),
    /// Decimals without their point: their scale is the column's.
    Decimals(Vec<i128>),
    /// UTF-8 or bytes.
    Blobs(Blobs),
}

/// One column of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cells {
    /// For each row 1, or 0 for NULL: Parquet's definition levels.
    pub present: Vec<i16>,
    /// The others.
    pub values: Values,
}

impl Cells {
    /// An empty column of that kind, with room for so many rows: what grows leaves what it was for dead.
    fn with_room(kind: ColumnKind, rows: usize) -> Self {
        let values = match kind {
            ColumnKind::Unsigned | ColumnKind::Signed | ColumnKind::Timestamp | ColumnKind::Date => {
                Values::Longs(Vec::with_capacity(rows))
            }
            ColumnKind::Decimal { .. } => Values::Decimals(Vec::with_capacity(rows)),
            ColumnKind::Text | ColumnKind::Binary => Values::Blobs(Blobs::with_room(rows)),
        };
        Self { present: Vec::with_capacity(rows), values }
    }
}

/// Some rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// How many.
    pub rows: usize,
    /// The columns, in the table's order.
    pub cells: Vec<Cells>,
}

impl Batch {
    /// No rows, with room for [`BATCH_ROWS_MAX`].
    pub fn new(columns: &[Column]) -> Self {
        Self::with_room(columns, BATCH_ROWS_MAX)
    }

    /// No rows, with room for so many.
    pub fn with_room(columns: &[Column], rows: usize) -> Self {
        Self { rows: 0, cells: columns.iter().map(|column| Cells::with_room(column.kind, rows)).collect() }
    }

    /// Takes the rows out, and leaves the room.
    pub fn clear(&mut self) {
        self.rows = 0;
        for cells in &mut self.cells {
            cells.present.clear();
            match &mut cells.values {
                Values::Longs(longs) => longs.clear(),
                Values::Decimals(decimals) => decimals.clear(),
                Values::Blobs(blobs) => blobs.clear(),
            }
        }
    }

    /// The batch row by row.
    pub fn rows(&self) -> Rows<'_> {
        Rows { batch: self, row: 0, next: vec![0; self.cells.len()] }
    }
}

/// One value of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// NULL.
    Null,
    /// See [`Values::Longs`].
    Long(i64),
    /// See [`Values::Decimals`].
    Decimal(i128),
    /// See [`Values::Blobs`].
    Blob(&'a [u8]),
}

/// Walks a batch row by row, without an allocation per row.
#[derive(Debug)]
pub struct Rows<'a> {
    batch: &'a Batch,
    row: usize,
    next: Vec<usize>,
}

impl<'a> Rows<'a> {
    /// Puts the next row into `row`; answers whether there was one.
    pub fn read(&mut self, row: &mut Vec<Value<'a>>) -> bool {
        row.clear();
        if self.row == self.batch.rows {
            return false;
        }
        for (cells, next) in self.batch.cells.iter().zip(&mut self.next) {
            row.push(if cells.present[self.row] == 0 {
                Value::Null
            } else {
                let value = match &cells.values {
                    Values::Longs(longs) => Value::Long(longs[*next]),
                    Values::Decimals(decimals) => Value::Decimal(decimals[*next]),
                    Values::Blobs(blobs) => Value::Blob(blobs.get(*next)),
                };
                *next += 1;
                value
            });
        }
        self.row += 1;
        true
    }
}
