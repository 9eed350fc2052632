//! How columns are spelled in Parquet.

use crate::ArchiveError;
use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::schema::types::{Type, TypePtr};
use payhist_types::archive::{Column, ColumnKind};
use std::sync::Arc;

/// Bytes of a decimal: 128 bits, big-endian.
const DECIMAL_BYTES: i32 = 16;

/// The schema of a file; encrypted columns are plain bytes.
pub(super) fn of(columns: &[Column], encrypted: &[String]) -> Result<TypePtr, ArchiveError> {
    let fields = columns.iter().map(|column| field(column, encrypted.contains(&column.name)));
    let fields = fields.collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(Type::group_type_builder("payments").with_fields(fields).build()?))
}

fn field(column: &Column, encrypted: bool) -> Result<TypePtr, ArchiveError> {
    let (physical, logical) = match column.kind {
        _ if encrypted => (Physical::BYTE_ARRAY, None),
        ColumnKind::Unsigned => (Physical::INT64, Some(LogicalType::integer(64, false))),
        ColumnKind::Signed => (Physical::INT64, Some(LogicalType::integer(64, true))),
        ColumnKind::Decimal { precision, scale } => {
            (Physical::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::decimal(scale.into(), precision.into())))
        }
        ColumnKind::Timestamp => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
        ColumnKind::Date => (Physical::INT32, Some(LogicalType::Date)),
        ColumnKind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        ColumnKind::Binary => (Physical::BYTE_ARRAY, None),
    };
    let mut builder = Type::primitive_type_builder(&column.name, physical)
        .with_logical_type(logical)
        .with_repetition(if column.nullable { Repetition::OPTIONAL } else { Repetition::REQUIRED });
    if let ColumnKind::Decimal { precision, scale } = column.kind {
        builder = builder.with_length(DECIMAL_BYTES).with_precision(precision.into()).with_scale(scale.into());
    }
    Ok(Arc::new(builder.build()?))
}
