//! The shippable site: optimised, named by content hash, precompressed, and held to its size budget.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{Layout, OUTPUT_NAME, assets, client, files};

/// WASM and JavaScript together as the browser fetches them (brotli), in bytes: UI.md's budget.
const CLIENT_BROTLI_BYTES_MAX: u64 = 250_000;

/// Builds `dist/payhist`: the release binary, `site/` and `hash.txt`, which the server reads beside itself.
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
    fs::write(work.join("hash.txt"), hash_names(&pkg)?)?;
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

/// Renames the entry files from `payhist…` to `payhist.<hash>…` and returns the hash, which is that of all of them: so the
/// server knows their names by one word that it reads once. Leptos can look up a hash for each file, but does so anew
/// for every page.
fn hash_names(pkg: &Path) -> Result<String> {
    let entries = [".js", "_bg.wasm", ".css"];
    let path = |name: &str, entry: &str| pkg.join(format!("{name}{entry}"));
    let mut all = Vec::new();
    for entry in entries {
        let path = path(OUTPUT_NAME, entry);
        all.extend(fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?);
    }
    let hash = assets::content_hash(&all);
    let hashed = format!("{OUTPUT_NAME}.{hash}");
    for entry in entries {
        fs::rename(path(OUTPUT_NAME, entry), path(&hashed, entry))?;
    }
    Ok(hash)
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
    fn every_entry_file_is_named_by_the_hash_of_all() {
        let named = |style: &str| {
            let dir = tempfile::tempdir().unwrap();
            for (name, text) in [("payhist.js", "js"), ("payhist_bg.wasm", "wasm"), ("payhist.css", style)] {
                fs::write(dir.path().join(name), text).unwrap();
            }
            let hash = hash_names(dir.path()).unwrap();
            for end in [".js", "_bg.wasm", ".css"] {
                assert!(dir.path().join(format!("payhist.{hash}{end}")).is_file(), "{end}");
            }
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3, "no unhashed file is left");
            hash
        };
        assert_eq!(named("a"), named("a"));
        assert_ne!(named("a"), named("b"));
    }
}
