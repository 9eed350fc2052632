//! The shape of the workspace, held by tests: dependencies run one way, the pure crates do no I/O,
//! the browser carries islands alone, and generated SQL has two doors.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Lowest first: a crate may depend on those before it only. `dbserver` and `testkit` stand beside the chain.
const CHAIN: [&str; 9] = [
    "payhist-types",
    "payhist-plan",
    "payhist-dialect",
    "payhist-storage",
    "payhist-archive",
    "payhist-ops",
    "payhist-islands",
    "payhist-app",
    "payhist",
];

/// What reaches a disk, a socket, a clock thread or a process. `mio` and `socket2` are tokio's network half.
const IO_CRATES: [&str; 10] =
    ["tokio", "mio", "socket2", "sqlx", "sqlx-core", "rustix", "reqwest", "hyper", "tempfile", "async-std"];

/// Addresses (`std::net::IpAddr`) are data; sockets are not.
const IO_MODULES: [&str; 9] = [
    "std::fs",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
    "std::process",
    "std::env",
    "std::thread",
    "std::io::stdin",
];

/// The modules of storage that may tell sqlx that a generated statement is safe.
const SQL_DOORS: [&str; 2] = ["server/crates/storage/src/ddl.rs", "server/crates/storage/src/dynamic.rs"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn cargo(args: &[&str]) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo).args(args).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "cargo {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Names of all crates that `args` (a package and perhaps a target) really links.
fn linked_crates(args: &[&str]) -> BTreeSet<String> {
    let tree = ["tree", "--locked", "--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}"];
    let output = cargo(&[&tree, args].concat());
    output.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// Our crates' normal dependencies on each other, as their manifests declare them.
fn own_dependencies() -> BTreeMap<String, Vec<String>> {
    let metadata = cargo(&["metadata", "--locked", "--no-deps", "--format-version", "1"]);
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    let name = |value: &serde_json::Value| value["name"].as_str().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap();
    let own: BTreeSet<String> = packages.iter().map(name).collect();
    let dependencies = |package: &serde_json::Value| {
        let declared = package["dependencies"].as_array().unwrap().iter();
        declared.filter(|dependency| dependency["kind"].is_null()).map(name).filter(|it| own.contains(it)).collect()
    };
    packages.iter().map(|package| (name(package), dependencies(package))).collect()
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

#[test]
fn dependencies_run_one_way() {
    let dependencies = own_dependencies();
    for (rank, name) in CHAIN.iter().enumerate() {
        let own = dependencies.get(*name).unwrap_or_else(|| panic!("{name} is not in the workspace"));
        for dependency in own {
            let below = CHAIN[..rank].contains(&dependency.as_str());
            let beside = *name == "payhist" && dependency == "payhist-dbserver";
            assert!(below || beside, "{name} must not depend on {dependency}");
        }
    }
    for (name, own) in &dependencies {
        assert!(!own.iter().any(|it| it == "payhist-testkit"), "{name} ships the testkit: make it a dev-dependency");
    }
}

#[test]
fn pure_crates_link_no_io() {
    for package in ["payhist-types", "payhist-plan", "payhist-dialect"] {
        let linked = linked_crates(&["--package", package]);
        assert!(linked.contains(package), "cargo tree named nothing for {package}");
        let found: Vec<_> = IO_CRATES.iter().filter(|name| linked.contains(**name)).collect();
        assert!(found.is_empty(), "{package} must do no I/O but links {found:?}");
    }
}

#[test]
fn pure_crates_name_no_io_module() {
    for sources in ["app/types/src", "server/crates/plan/src", "server/crates/dialect/src"] {
        for file in rust_files(&root().join(sources)) {
            let text = fs::read_to_string(&file).unwrap();
            let found: Vec<_> = IO_MODULES.iter().filter(|module| text.contains(**module)).collect();
            assert!(found.is_empty(), "{} must do no I/O but names {found:?}", file.display());
        }
    }
}

#[test]
fn browser_links_islands_and_neither_pages_nor_server() {
    let linked = linked_crates(&["--package", "payhist-frontend", "--target", "wasm32-unknown-unknown"]);
    assert!(linked.contains("payhist-islands"), "cargo tree named nothing for payhist-frontend");
    let own: Vec<_> = linked.iter().filter(|name| name.starts_with("payhist-")).collect();
    assert_eq!(own, ["payhist-frontend", "payhist-islands"], "the client must not grow with the product");
    let server_side = ["axum", "sea-query", "argon2", "leptos_axum", "leptos_router"];
    let found: Vec<_> = server_side.iter().chain(&IO_CRATES).filter(|name| linked.contains(**name)).collect();
    assert!(found.is_empty(), "the browser side carries {found:?}: is a feature `ssr` leaking?");
}

#[test]
fn generated_sql_has_two_doors() {
    let sources = ["app/src", "server/src", "server/crates/storage/src", "server/crates/ops/src"];
    for file in sources.iter().flat_map(|dir| rust_files(&root().join(dir))) {
        let shown = file.strip_prefix(root()).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        // Comments may speak of it.
        let uses = text.lines().any(|line| line.contains("AssertSqlSafe") && !line.trim_start().starts_with("//"));
        assert!(
            !uses || SQL_DOORS.iter().any(|door| shown == Path::new(door)),
            "{} opens a third door for generated SQL: go through storage::ddl or storage::dynamic",
            shown.display()
        );
    }
}
