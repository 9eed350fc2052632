//! What is done to single assets: style, content hashes, precompression.

use std::{fs, io::Write, path::Path};

use anyhow::{Context, Result};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

/// Hex digits of SHA-256 in a file name: 64 bits, far beyond what one site can collide in.
const HASH_HEX_LEN: usize = 16;
const BROTLI_QUALITY: i32 = 11;
const BROTLI_WINDOW_BITS: i32 = 22;

/// Compiles SCSS to compressed CSS. Errors name the file and the line.
pub(crate) fn compile_style(main: &Path) -> Result<String> {
    let options = grass::Options::default().style(grass::OutputStyle::Compressed);
    grass::from_path(main, &options).map_err(|error| anyhow::anyhow!("the style does not compile: {error}"))
}

/// The part of a file name that changes exactly when the content does.
pub(crate) fn content_hash(bytes: &[u8]) -> String {
    let mut digits = hex::encode(Sha256::digest(bytes));
    digits.truncate(HASH_HEX_LEN);
    digits
}

/// Writes `path.br` and `path.gz` and returns the brotli size in bytes.
pub(crate) fn precompress(path: &Path) -> Result<u64> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let brotli = brotli(&bytes)?;
    fs::write(with_suffix(path, "br"), &brotli)?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&bytes)?;
    fs::write(with_suffix(path, "gz"), gzip.finish()?)?;
    Ok(brotli.len() as u64)
}

fn brotli(bytes: &[u8]) -> Result<Vec<u8>> {
    let params = brotli::enc::BrotliEncoderParams {
        quality: BROTLI_QUALITY,
        lgwin: BROTLI_WINDOW_BITS,
        size_hint: bytes.len(),
        ..Default::default()
    };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut &*bytes, &mut compressed, &params)?;
    Ok(compressed)
}

fn with_suffix(path: &Path, suffix: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn precompressed_files_decompress_to_the_original() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("payhist.css");
        let original = "a { color: red } ".repeat(1000);
        fs::write(&file, &original).unwrap();

        let brotli_len = precompress(&file).unwrap();

        let packed = fs::read(dir.path().join("payhist.css.br")).unwrap();
        assert_eq!(packed.len() as u64, brotli_len);
        let mut unpacked = Vec::new();
        brotli::BrotliDecompress(&mut &*packed, &mut unpacked).unwrap();
        assert_eq!(unpacked, original.as_bytes());

        let mut unpacked = String::new();
        let gzip = fs::File::open(dir.path().join("payhist.css.gz")).unwrap();
        flate2::read::GzDecoder::new(gzip).read_to_string(&mut unpacked).unwrap();
        assert_eq!(unpacked, original);
    }

    #[test]
    fn hash_follows_the_content() {
        assert_eq!(content_hash(b"a"), content_hash(b"a"));
        assert_ne!(content_hash(b"a"), content_hash(b"b"));
        assert_eq!(content_hash(b"a").len(), HASH_HEX_LEN);
    }

    #[test]
    fn broken_style_names_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let main = dir.path().join("main.scss");
        fs::write(&main, "a { color: red; }\nb { color: $missing; }\n").unwrap();
        let message = compile_style(&main).unwrap_err().to_string();
        assert!(message.contains("main.scss:2"), "{message}");
    }
}
