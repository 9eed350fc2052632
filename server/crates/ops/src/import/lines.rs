//! A file as lines, in constant memory, with its hash.
//!
//! Invariant: a record is one line in every format, so that one bad line never swallows the ones after it (an open
//! quote, a missing brace), and a reject can be named by its line.

use crate::OpsError;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Longest line that is taken, in bytes without its end.
pub const LINE_BYTES_MAX: usize = 64 * 1024;
/// Bytes read from the file at once.
const READ_BUFFER_BYTES: usize = 256 * 1024;

/// A line as it stands in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    /// From 1.
    pub(super) number: u64,
    /// Without its end; cut at [`LINE_BYTES_MAX`].
    pub(super) bytes: &'a [u8],
    /// It has a line end: only the last line of a file may lack it.
    pub(super) ended: bool,
    /// It was longer than [`LINE_BYTES_MAX`].
    pub(super) too_long: bool,
}

/// Reads a file line by line and hashes what it reads.
pub(super) struct Lines {
    input: BufReader<File>,
    hasher: Sha256,
    line: Vec<u8>,
    number: u64,
    bytes_read: u64,
}

impl Lines {
    /// Opens a file.
    ///
    /// # Errors
    /// [`OpsError::BadInput`] naming the file: missing, a folder, empty, or not readable.
    pub(super) fn open(path: &Path) -> Result<Self, OpsError> {
        let bad = |what: &str| OpsError::field("file", format!("{} {what}", path.display()));
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
        if metadata.is_dir() {
            return Err(bad("is a folder: name the file in it"));
        }
        if metadata.is_file() && metadata.len() == 0 {
            return Err(bad("is empty"));
        }
        if !metadata.is_file() {
            return Err(bad("is no plain file: it is read twice, so write a stream to a file first"));
        }
        let input = BufReader::with_capacity(READ_BUFFER_BYTES, file);
        Ok(Self { input, hasher: Sha256::new(), line: Vec::new(), number: 0, bytes_read: 0 })
    }

    /// The next line, or `None` at the end.
    pub(super) fn next(&mut self) -> std::io::Result<Option<Line<'_>>> {
        self.line.clear();
        let limit = LINE_BYTES_MAX as u64 + 2; // with its end
        self.input.by_ref().take(limit).read_until(b'\n', &mut self.line)?;
        if self.line.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        self.count_line();
        let mut ended = self.line.ends_with(b"\n");
        let too_long = !ended && self.line.len() as u64 == limit;
        if too_long {
            ended = self.skip_rest_of_line()?;
        }
        let bytes = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let bytes = if ended { bytes.strip_suffix(b"\r").unwrap_or(bytes) } else { bytes };
        Ok(Some(Line { number: self.number, bytes, ended, too_long }))
    }

    fn count_line(&mut self) {
        self.hasher.update(&self.line);
        self.bytes_read += self.line.len() as u64;
    }

    /// Reads on to the line's end without keeping it; answers whether there is one.
    fn skip_rest_of_line(&mut self) -> std::io::Result<bool> {
        loop {
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                return Ok(false);
            }
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(chunk.len(), |at| at + 1);
            self.hasher.update(&chunk[..taken]);
            self.input.consume(taken);
            self.bytes_read += taken as u64;
            if end.is_some() {
                return Ok(true);
            }
        }
    }

    /// Bytes read so far.
    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// The SHA-256 of everything read, in hex.
    pub(super) fn finish(self) -> String {
        hex::encode(self.hasher.finalize())
    }
}

/// The file cannot be read, in words.
pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> OpsError {
    let what = match error.kind() {
        std::io::ErrorKind::NotFound => "does not exist".to_owned(),
        std::io::ErrorKind::PermissionDenied => "may not be read by this user".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    OpsError::field("file", format!("{} {what}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn lines_of(content: &[u8]) -> Vec<(u64, Vec<u8>, bool, bool)> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        let mut lines = Lines::open(file.path()).unwrap();
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            all.push((line.number, line.bytes.to_vec(), line.ended, line.too_long));
        }
        assert_eq!(lines.bytes_read(), content.len() as u64);
        assert_eq!(
            lines.finish(),
            hex::encode(Sha256::digest(content)),
            "every byte is hashed, those of long lines too"
        );
        all
    }

    #[test]
    fn both_line_ends_are_taken_and_a_missing_one_is_seen() {
        let expected =
            [(1, b"a".to_vec(), true, false), (2, b"b".to_vec(), true, false), (3, b"c\r".to_vec(), false, false)];
        assert_eq!(lines_of(b"a\r\nb\nc\r"), expected);
    }

    #[test]
    fn a_line_without_end_cannot_fill_the_memory_and_the_next_line_is_read() {
        let mut content = vec![b'x'; 10 * LINE_BYTES_MAX];
        content.extend(b"\nnext\n");
        let lines = lines_of(&content);
        assert!(lines[0].3 && lines[0].1.len() <= LINE_BYTES_MAX + 2);
        assert_eq!(lines[1], (2, b"next".to_vec(), true, false));
    }
}
