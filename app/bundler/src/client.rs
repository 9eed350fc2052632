//! The browser build: cargo for wasm32, then wasm-bindgen's JavaScript bindings.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use wasm_bindgen_cli_support::Bindgen;

use crate::{Layout, OUTPUT_NAME, assets, files};

const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Builds the debug site beside the debug binary; does nothing that is already done.
pub(crate) fn build_debug(layout: &Layout) -> Result<()> {
    let wasm = compile(layout, "dev")?;
    let pkg = layout.debug_dir().join("site/pkg");
    let bound = pkg.join(format!("{OUTPUT_NAME}_bg.wasm"));
    if !files::is_fresh(&bound, &[&wasm, &env::current_exe()?]) {
        files::fresh_dir(&pkg)?;
        // The bindings go to a folder of their own first: the .wasm, whose age decides freshness, moves in last.
        let work = layout.debug_dir().join("site/pkg.new");
        files::fresh_dir(&work)?;
        bind(&wasm, &work)?;
        let is_wasm = |path: &Path| path.extension().is_some_and(|ext| ext == "wasm");
        let mut produced: Vec<_> = fs::read_dir(&work)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        produced.sort_by_key(|path| is_wasm(path));
        for path in produced {
            fs::rename(&path, pkg.join(path.file_name().context("a produced file has a name")?))?;
        }
        fs::remove_dir(&work)?;
    }
    write_style(layout, &pkg)?;
    println!("site: {}", layout.debug_dir().join("site").display());
    Ok(())
}

/// Compiles the style into the debug site.
pub(crate) fn write_style(layout: &Layout, pkg: &Path) -> Result<()> {
    let css = assets::compile_style(&layout.root.join("style/main.scss"))?;
    files::write_if_changed(&pkg.join(format!("{OUTPUT_NAME}.css")), css.as_bytes())
}

/// Compiles the frontend with cargo's `profile` and returns the module.
pub(crate) fn compile(layout: &Layout, profile: &str) -> Result<PathBuf> {
    let status = cargo()
        .args(["build", "-p", "payhist-frontend", "--target", WASM_TARGET, "--profile", profile])
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the browser side does not compile (see above); `make setup` installs what it needs");
    let folder = if profile == "dev" { "debug" } else { profile };
    Ok(layout.target.join(WASM_TARGET).join(folder).join("payhist_frontend.wasm"))
}

/// Writes the bindings of `wasm` into the folder `out`.
pub(crate) fn bind(wasm: &Path, out: &Path) -> Result<()> {
    Bindgen::new()
        .input_path(wasm)
        .out_name(OUTPUT_NAME)
        .web(true)?
        .typescript(false)
        .generate(out)
        .with_context(|| format!("wasm-bindgen failed on {}", wasm.display()))
}

/// The cargo that runs us, so that one compiler builds everything.
pub(crate) fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
