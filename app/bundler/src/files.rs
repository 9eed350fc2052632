//! File helpers whose results are either whole or absent.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::{Context, Result};

/// Writes beside the target and renames, so that a reader never sees half a file.
/// An unchanged file keeps its modification time, and with it the browser's cached copy.
pub(crate) fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    fs::write(&beside, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    fs::rename(&beside, path).with_context(|| format!("cannot write {}", path.display()))
}

/// An empty folder at `path`, whatever was there before.
pub(crate) fn fresh_dir(path: &Path) -> Result<()> {
    if path.exists() {
        fs::remove_dir_all(path).with_context(|| format!("cannot clear {}", path.display()))?;
    }
    fs::create_dir_all(path).with_context(|| format!("cannot create {}", path.display()))
}

/// Whether `output` exists and is no older than any of `inputs`.
pub(crate) fn is_fresh(output: &Path, inputs: &[&Path]) -> bool {
    let modified = |path: &Path| fs::metadata(path).and_then(|meta| meta.modified()).ok();
    let Some(built) = modified(output) else {
        return false;
    };
    inputs.iter().all(|input| modified(input).is_some_and(|changed| changed <= built))
}

/// Every file below `dir`, in a stable order; hidden entries and `node_modules` are left out.
pub(crate) fn walk(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut pending = vec![dir.to_owned()];
    while let Some(dir) = pending.pop() {
        for entry in fs::read_dir(&dir).with_context(|| format!("cannot read {}", dir.display()))? {
            let entry = entry?;
            let name = entry.file_name();
            if name.to_string_lossy().starts_with('.') || name == "node_modules" {
                continue;
            }
            if entry.file_type()?.is_dir() {
                pending.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The latest modification below `paths`; a file that vanishes while we look is no change of its own.
pub(crate) fn newest_change(paths: &[PathBuf]) -> Result<SystemTime> {
    let mut newest = SystemTime::UNIX_EPOCH;
    for path in paths {
        let files = if path.is_dir() { walk(path)? } else { vec![path.clone()] };
        for file in files {
            if let Ok(changed) = fs::metadata(&file).and_then(|meta| meta.modified()) {
                newest = newest.max(changed);
            }
        }
    }
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unchanged_content_keeps_its_modification_time() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.css");
        write_if_changed(&file, b"a{}").unwrap();
        let long_ago = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
        fs::File::options().append(true).open(&file).unwrap().set_modified(long_ago).unwrap();

        write_if_changed(&file, b"a{}").unwrap();
        assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), long_ago);

        write_if_changed(&file, b"b{}").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"b{}");
        assert_ne!(fs::metadata(&file).unwrap().modified().unwrap(), long_ago);
    }

    #[test]
    fn output_older_than_any_input_is_stale() {
        let dir = tempfile::tempdir().unwrap();
        let [input, output] = ["in", "out"].map(|name| dir.path().join(name));
        fs::write(&input, "1").unwrap();
        assert!(!is_fresh(&output, &[&input]), "a missing output is stale");
        fs::write(&output, "1").unwrap();
        assert!(is_fresh(&output, &[&input]));
        let built = fs::metadata(&output).unwrap().modified().unwrap();
        let later = built + std::time::Duration::from_secs(1);
        fs::File::options().append(true).open(&input).unwrap().set_modified(later).unwrap();
        assert!(!is_fresh(&output, &[&input]));
        assert!(!is_fresh(&output, &[&dir.path().join("gone")]), "a missing input is not fresh");
    }
}
