//! Data folders that are initialised once per engine and version, and copied for each server: an initialisation takes
//! 0.6 s (`MariaDB`) or 3 s (`MySQL`), a copy a tenth of it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::TestEngine;
use payhist_dbserver::{Installation, Profile, ServerConfig, initialise};

/// Where all that outlives one test process is kept: `testkit` in the target folder.
pub(crate) fn testkit_folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../target"), PathBuf::from);
    let folder = target.join("testkit");
    fs::create_dir_all(&folder).unwrap_or_else(|e| panic!("cannot create {}: {e}", folder.display()));
    folder.canonicalize().unwrap_or_else(|e| panic!("cannot find {}: {e}", folder.display()))
}

/// What a test server in `dir` is started with.
pub(crate) fn config(engine: TestEngine, dir: &Path) -> ServerConfig {
    ServerConfig {
        dir: dir.to_owned(),
        engine: Some(engine.kind()),
        tree: engine.tree(),
        profile: Profile::Test,
        options: Vec::new(),
    }
}

/// Gives the server folder `dir` fresh data, whatever it had.
pub(crate) async fn copy_template(engine: TestEngine, dir: &Path) {
    let template = template(engine).await;
    let copy = || -> std::io::Result<()> {
        let data = dir.join("data");
        if data.exists() {
            fs::remove_dir_all(&data)?;
        }
        fs::create_dir_all(dir)?;
        let status = Command::new("cp").args(["-a", "--reflink=auto"]).arg(&template).arg(&data).status()?;
        if !status.success() {
            return Err(std::io::Error::other(format!("cp: {status}")));
        }
        // MySQL's identity, which it makes anew: a replica refuses a source that has the same.
        match fs::remove_file(data.join("auto.cnf")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    };
    copy().unwrap_or_else(|e| panic!("cannot copy {} into {}: {e}", template.display(), dir.display()));
}

/// The initialised data folder of `engine` in its installed version; made by whoever needs it first.
async fn template(engine: TestEngine) -> PathBuf {
    let installation = match engine.tree() {
        Some(tree) => Installation::in_tree(&tree).await,
        None => Installation::find(engine.kind()).await,
    };
    let (name, installation) = (engine.name(), installation.unwrap_or_else(|e| panic!("{e}")));
    let dir = testkit_folder().join(format!("template-{name}-{}", installation.version()));
    let _building = exclusive_lock(dir.with_file_name(format!("template-{name}.building"))).await;
    initialise(&config(engine, &dir)).await.unwrap_or_else(|e| panic!("{e}"));
    dir.join("data")
}

/// Waits until this process alone holds the lock file `path`; the lock ends with the returned file.
pub(crate) async fn exclusive_lock(path: PathBuf) -> File {
    lock(path, File::lock).await
}

/// As [`exclusive_lock`], together with all others that hold it shared.
pub(crate) async fn shared_lock(path: PathBuf) -> File {
    lock(path, File::lock_shared).await
}

async fn lock(path: PathBuf, how: fn(&File) -> std::io::Result<()>) -> File {
    let locked = tokio::task::spawn_blocking(move || {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&path)?;
        how(&file).map(|()| file)
    });
    locked.await.unwrap_or_else(|e| panic!("{e}")).unwrap_or_else(|e| panic!("cannot lock: {e}"))
}
