//! Batches to Parquet and back, one row group each.
//!
//! Invariant: what is written is read back by the very same columns; a file with others is damaged.

mod read;
mod schema;
mod write;

pub use read::FileReader;
pub use write::FileWriter;
