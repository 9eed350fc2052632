//! From Parquet to batches.

use super::schema;
use crate::ArchiveError;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{DataType, FixedLenByteArray};
use parquet::file::reader::{FileReader as _, RowGroupReader, SerializedFileReader};
use payhist_storage::columns::{Batch, Blobs, Cells, Values};
use payhist_types::archive::Column;
use std::fs::File;

/// A Parquet file that [`super::FileWriter`] wrote.
pub struct FileReader {
    columns: Vec<Column>,
    reader: SerializedFileReader<File>,
    next: usize,
}

impl std::fmt::Debug for FileReader {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("FileReader").field("columns", &self.columns).finish_non_exhaustive()
    }
}

impl FileReader {
    /// Opens a file of those columns.
    ///
    /// # Errors
    /// [`ArchiveError::Damaged`] when it is no Parquet, or has other columns.
    pub fn open(file: File, columns: &[Column], encrypted: &[String]) -> Result<Self, ArchiveError> {
        let reader = SerializedFileReader::new(file)?;
        let expected = schema::of(columns, encrypted)?;
        if reader.metadata().file_metadata().schema().get_fields() != expected.get_fields() {
            return Err(ArchiveError::Damaged("the file has other columns than its manifest says".to_owned()));
        }
        Ok(Self { columns: columns.to_vec(), reader, next: 0 })
    }

    /// The next batch.
    pub fn read(&mut self) -> Result<Option<Batch>, ArchiveError> {
        if self.next == self.reader.num_row_groups() {
            return Ok(None);
        }
        let group = self.reader.get_row_group(self.next)?;
        self.next += 1;
        let rows = usize::try_from(group.metadata().num_rows())
            .map_err(|_| ArchiveError::Damaged("a row group without a size".to_owned()))?;
        let cells = (0..self.columns.len()).map(|place| cells(&*group, place, rows));
        Ok(Some(Batch { rows, cells: cells.collect::<Result<_, _>>()? }))
    }
}

fn cells(group: &dyn RowGroupReader, place: usize, rows: usize) -> Result<Cells, ArchiveError> {
    let (present, values) = match group.get_column_reader(place)? {
        ColumnReader::Int32ColumnReader(reader) => {
            let (present, days) = all(reader, rows)?;
            (present, Values::Longs(days.into_iter().map(i64::from).collect()))
        }
        ColumnReader::Int64ColumnReader(reader) => {
            let (present, longs) = all(reader, rows)?;
            (present, Values::Longs(longs))
        }
        ColumnReader::FixedLenByteArrayColumnReader(reader) => {
            let (present, values) = all(reader, rows)?;
            let decimal = |value: &FixedLenByteArray| value.data().try_into().map(i128::from_be_bytes);
            let decimals = values.iter().map(decimal).collect::<Result<_, _>>();
            (present, Values::Decimals(decimals.map_err(|_| damaged())?))
        }
        ColumnReader::ByteArrayColumnReader(reader) => {
            let (present, values) = all(reader, rows)?;
            let mut blobs = Blobs::default();
            for value in &values {
                blobs.push(value.data());
            }
            (present, Values::Blobs(blobs))
        }
        _ => return Err(damaged()),
    };
    Ok(Cells { present, values })
}

fn all<T: DataType>(mut reader: ColumnReaderImpl<T>, rows: usize) -> Result<(Vec<i16>, Vec<T::T>), ArchiveError> {
    let (mut present, mut values) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
    let (read, _, _) = reader.read_records(rows, Some(&mut present), None, &mut values)?;
    if present.is_empty() {
        present = vec![1; read]; // a column that is never NULL has no definition levels
    }
    let there = present.iter().filter(|present| **present == 1).count();
    if read == rows && present.len() == rows && values.len() == there { Ok((present, values)) } else { Err(damaged()) }
}

fn damaged() -> ArchiveError {
    ArchiveError::Damaged("a column has not the values that its row group says".to_owned())
}
