//! The shippable site: optimised, named by content hash, precompressed, and held to its size budget.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{Layout, OUTPUT_NAME, assets, client, files};

/// WASM and JavaScript together as the browser fetches them (brotli), in bytes: UI.md's budget.
const CLIENT_BROTLI_BYTES_MAX: u64 = 250_000;

/// Builds `dist/payhist`: the release binary, `site/` and `hash.txt`, which Leptos reads beside the executable.
pub(crate) fn build(layout: &Layout) -> Result<()> {
    let binary = build_server(layout)?;
    let wasm = client::compile(layout, "wasm-release")?;

    // Beside the final folder, then renamed: a half-built release is never taken for a whole one.
    let work = layout.root.join("dist/payhist.new");
    let pkg = work.join("site/pkg");
    files::fresh_dir(&pkg)?;
    fs::copy(&binary, work.join("payhist")).context("cannot copy the server binary")?;
    client::bind(&wasm, &pkg)?;
    optimise(layout, &pkg.join(format!("{OUTPUT_NAME}_bg.wasm")))?;
    client::write_style(layout, &pkg)?;
    let hashes = hash_names(&pkg)?;
    fs::write(work.join("hash.txt"), hashes)?;
    let client_bytes = compress_all(&work)?;

    let dist = layout.dist_dir();
    if dist.exists() {
        fs::remove_dir_all(&dist)?;
    }
    fs::rename(&work, &dist)?;
    println!(
        "dist/payhist: binary {} KB; WASM + JS {} KB brotli of {} KB allowed",
        fs::metadata(dist.join("payhist"))?.len() / 1000,
        client_bytes.div_ceil(1000),
        CLIENT_BROTLI_BYTES_MAX / 1000
    );
    ensure!(client_bytes <= CLIENT_BROTLI_BYTES_MAX, "the browser side is over its size budget");
    Ok(())
}

fn build_server(layout: &Layout) -> Result<PathBuf> {
    let status = client::cargo().args(["build", "--release", "-p", "payhist"]).status().context("cannot run cargo")?;
    ensure!(status.success(), "the server does not compile (see above)");
    Ok(layout.target.join("release/payhist"))
}

fn optimise(layout: &Layout, wasm: &Path) -> Result<()> {
    let wasm_opt = layout.root.join("end2end/node_modules/.bin/wasm-opt");
    ensure!(wasm_opt.exists(), "wasm-opt is missing: `make setup` installs it (npm package binaryen)");
    let status = Command::new(wasm_opt)
        .args(["-Oz", "--enable-bulk-memory", "--enable-nontrapping-float-to-int"])
        .args(["--enable-reference-types", "--enable-sign-ext", "--enable-mutable-globals", "--enable-multivalue"])
        .arg(wasm)
        .arg("-o")
        .arg(wasm)
        .status()
        .context("cannot run wasm-opt")?;
    ensure!(status.success(), "wasm-opt failed");
    Ok(())
}

/// Renames the three entry files to `payhist.<hash>.<ext>` and returns the text of `hash.txt`.
/// The names are those of `HydrationScripts` and `HashedStylesheet` with `hash_files` on.
fn hash_names(pkg: &Path) -> Result<String> {
    let mut lines = String::new();
    for (kind, name) in [
        ("js", format!("{OUTPUT_NAME}.js")),
        ("wasm", format!("{OUTPUT_NAME}_bg.wasm")),
        ("css", format!("{OUTPUT_NAME}.css")),
    ] {
        let path = pkg.join(name);
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let hash = assets::content_hash(&bytes);
        fs::rename(&path, pkg.join(format!("{OUTPUT_NAME}.{hash}.{kind}")))?;
        writeln!(lines, "{kind}: {hash}")?;
    }
    Ok(lines)
}

/// Precompresses every asset, prints its sizes, and returns the brotli bytes of WASM and JavaScript.
fn compress_all(work: &Path) -> Result<u64> {
    let mut client_bytes = 0;
    for path in files::walk(&work.join("site"))? {
        let raw = fs::metadata(&path)?.len();
        let brotli = assets::precompress(&path)?;
        println!("{:>9} bytes {brotli:>8} brotli  {}", raw, path.strip_prefix(work)?.display());
        if path.extension().is_some_and(|ext| ext == "wasm" || ext == "js") {
            client_bytes += brotli;
        }
    }
    Ok(client_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_file_names_every_entry_file() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["payhist.js", "payhist_bg.wasm", "payhist.css"] {
            fs::write(dir.path().join(name), name).unwrap();
        }

        let lines = hash_names(dir.path()).unwrap();

        let named: Vec<_> = lines.lines().map(|line| line.split_once(": ").unwrap()).collect();
        assert_eq!(named.len(), 3);
        for (kind, hash) in named {
            assert!(dir.path().join(format!("payhist.{hash}.{kind}")).is_file(), "{kind}");
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3, "no unhashed file is left");
    }
}
