//! From batches to Parquet.

use super::schema;
use crate::ArchiveError;
use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::ColumnPath;
use payhist_storage::columns::{Batch, Values};
use payhist_types::archive::{Column, ColumnKind};
use std::ops::Range;
use std::sync::Arc;

/// Of the levels 1 to 22 the one that two cores keep up with.
const ZSTD_LEVEL: i32 = 1;
/// Values that are handed to Parquet's writer at once: what is made for them stays small.
const ROWS_AT_ONCE: usize = 1_024;

/// Most bytes of a column's dictionary. One of few values is far smaller; that of values which are all different makes the file
/// larger by a sixth, and the writer as well.
const DICTIONARY_BYTES_MAX: usize = 64 << 10;
/// Bytes of a page: what the writer holds of a column, and once more compressed.
const PAGE_BYTES_MAX: usize = 128 << 10;

/// A Parquet file under way; what is ready is taken from it piece by piece.
pub struct FileWriter {
    columns: Vec<Column>,
    writer: SerializedFileWriter<Vec<u8>>,
}

impl std::fmt::Debug for FileWriter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("FileWriter").field("columns", &self.columns).finish_non_exhaustive()
    }
}

impl FileWriter {
    /// A file of those columns.
    ///
    /// # Errors
    /// [`ArchiveError::Damaged`] when Parquet has no such schema.
    pub fn new(columns: &[Column], encrypted: &[String]) -> Result<Self, ArchiveError> {
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_dictionary_page_size_limit(DICTIONARY_BYTES_MAX)
            .set_data_page_size_limit(PAGE_BYTES_MAX)
            // The writer keeps what is known of every column of every row group until the file ends, and nobody looks for a
            // page within a group.
            .set_offset_index_disabled(true)
            .set_created_by("payhist".to_owned());
        for column in columns {
            let path = ColumnPath::from(column.name.as_str());
            // What is different in each row has no use for a dictionary; times and ids that ascend shrink by their deltas.
            let encrypted = encrypted.contains(&column.name);
            if encrypted {
                properties = properties.set_column_dictionary_enabled(path.clone(), false);
            } else if matches!(column.kind, ColumnKind::Unsigned | ColumnKind::Timestamp) {
                properties = properties
                    .set_column_dictionary_enabled(path.clone(), false)
                    .set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED);
            }
            // The texts of a row group are of all kinds: their least and greatest would spare a reader nothing.
            if encrypted || matches!(column.kind, ColumnKind::Text | ColumnKind::Binary) {
                properties = properties.set_column_statistics_enabled(path, EnabledStatistics::None);
            }
        }
        let schema = schema::of(columns, encrypted)?;
        let writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties.build()))?;
        Ok(Self { columns: columns.to_vec(), writer })
    }

    /// Appends a batch as a row group; answers what of the file is ready.
    pub fn write(&mut self, batch: &Batch) -> Result<Bytes, ArchiveError> {
        let mut group = self.writer.next_row_group()?;
        for (column, cells) in self.columns.iter().zip(&batch.cells) {
            let mut writer =
                group.next_column()?.ok_or_else(|| ArchiveError::Damaged("a column too many".to_owned()))?;
            if !column.nullable && cells.present.contains(&0) {
                return Err(ArchiveError::Damaged(format!("{} is NULL", column.name)));
            }
            let mut start = 0;
            for present in cells.present.chunks(ROWS_AT_ONCE) {
                let end = start + present.iter().filter(|present| **present != 0).count();
                // A column that is never NULL has no definition levels.
                put(&mut writer, column.kind, &cells.values, start..end, column.nullable.then_some(present))?;
                start = end;
            }
            writer.close()?;
        }
        group.close()?;
        self.ready()
    }

    /// Ends the file; answers the rest of it. `facts` go into its footer.
    pub fn finish(mut self, facts: Vec<(String, String)>) -> Result<Bytes, ArchiveError> {
        for (key, value) in facts {
            self.writer.append_key_value_metadata(KeyValue::new(key, value));
        }
        self.writer.finish()?;
        self.ready()
    }

    fn ready(&mut self) -> Result<Bytes, ArchiveError> {
        self.writer.flush().map_err(|error| ArchiveError::during("writing Parquet", &error))?;
        Ok(Bytes::from(std::mem::take(self.writer.inner_mut())))
    }
}

/// Hands on some of a column's values.
fn put(
    writer: &mut SerializedColumnWriter<'_>,
    kind: ColumnKind,
    values: &Values,
    range: Range<usize>,
    levels: Option<&[i16]>,
) -> Result<(), ArchiveError> {
    match values {
        Values::Longs(days) if kind == ColumnKind::Date => {
            let days = days[range].iter().map(|day| i32::try_from(*day)).collect::<Result<Vec<_>, _>>();
            let days = days.map_err(|_| ArchiveError::Damaged("a day beyond all calendars".to_owned()))?;
            writer.typed::<Int32Type>().write_batch(&days, levels, None)?;
        }
        Values::Longs(longs) => drop(writer.typed::<Int64Type>().write_batch(&longs[range], levels, None)?),
        Values::Decimals(decimals) => {
            // Each with bytes of its own: the writer keeps the least and the greatest of every row group until the file ends.
            let own = |decimal: &i128| FixedLenByteArray::from(decimal.to_be_bytes().to_vec());
            let values: Vec<_> = decimals[range].iter().map(own).collect();
            writer.typed::<FixedLenByteArrayType>().write_batch(&values, levels, None)?;
        }
        Values::Blobs(blobs) => {
            let all = Bytes::copy_from_slice(blobs.bytes(range.clone()));
            let mut start = 0;
            let next = |index| {
                let end = start + blobs.get(index).len();
                ByteArray::from(all.slice(std::mem::replace(&mut start, end)..end))
            };
            let values: Vec<_> = range.map(next).collect();
            writer.typed::<ByteArrayType>().write_batch(&values, levels, None)?;
        }
    }
    Ok(())
}
