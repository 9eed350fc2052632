//! Fills an empty data folder, so that it is there complete or not at all.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::folder::{self, Folder};
use crate::watchdog::{self, Watched};
use crate::{Installation, ServerConfig, ServerError, stray};

/// How much of the end of a log an error shows, in bytes.
const LOG_TAIL_BYTES: u64 = 2048;

/// Makes the folder's data ready without starting the server; does nothing when it is. Tests copy such a folder.
/// Errors: as [`crate::PrivateServer::start`].
pub async fn initialise(config: &ServerConfig) -> Result<(), ServerError> {
    prepare(config).await.map(drop)
}

/// Locks the folder, finds the engine, stops strays, checks what the folder holds and fills it when empty.
pub(crate) async fn prepare(config: &ServerConfig) -> Result<(Folder, Installation), ServerError> {
    let folder = Folder::acquire(&config.dir)?;
    let engine = config.engine.or(folder.contents()?.map(|(engine, _)| engine));
    let installation = match (&config.tree, engine) {
        (Some(tree), _) => Installation::in_tree(tree).await?,
        (None, Some(engine)) => Installation::find(engine).await?,
        (None, None) => Installation::find_any().await?,
    };
    folder.check_contents(&installation)?;
    stray::stop(&[&folder.data(), &folder.data_new()]).await?;
    if folder.contents()?.is_none() {
        fill(&folder, &installation, config).await?;
    }
    Ok((folder, installation))
}

async fn fill(folder: &Folder, installation: &Installation, config: &ServerConfig) -> Result<(), ServerError> {
    let (data, data_new, log) = (folder.data(), folder.data_new(), folder.log());
    if data_new.exists() {
        fs::remove_dir_all(&data_new).map_err(|e| ServerError::io("remove", &data_new, e))?;
    }
    folder.require_space(config.profile.needed_to_initialise_bytes(installation.engine()))?;
    tracing::info!(engine = %installation.engine(), data = %data.display(), "initialising a private database server");

    let mut command = installation.initialise_command()?;
    command.push(option("--datadir=", &data_new));
    command.extend(config.profile.storage_options(installation.engine()));
    command.extend(config.options.iter().filter(|option| is_of_data(option)).cloned());
    let log_start = log.metadata().map_or(0, |metadata| metadata.len());
    // The lifeline stays open until the program has ended: should we be killed, the watchdog stops it.
    let Watched { mut watchdog, lifeline, .. } = watchdog::spawn(command, &log, &folder.tmp()).await?;
    let status = watchdog.wait().await.map_err(|e| ServerError::io("wait for", &data_new, e))?;
    drop(lifeline);
    if !status.success() {
        let (status, log_tail) = (status.to_string(), tail(&log, log_start));
        return Err(ServerError::Ended { action: "initialising its data", status, log, log_tail });
    }

    folder::mark(&data_new, installation)?;
    fs::rename(&data_new, &data)
        .and_then(|()| File::open(data.parent().unwrap_or(Path::new("/")))?.sync_all())
        .map_err(|e| ServerError::io("put in place", &data, e))
}

/// Must the data be made with it? `MySQL` does not start with another value than that of its initialisation.
fn is_of_data(option: &OsStr) -> bool {
    option.to_string_lossy().starts_with("--lower-case-table-names")
}

/// `--name=` and a path, as one argument.
pub(crate) fn option(name: &str, path: &Path) -> OsString {
    let mut argument = OsString::from(name);
    argument.push(path);
    argument
}

/// The last lines of `log`, of those written since it was `start` bytes long.
pub(crate) fn tail(log: &Path, start: u64) -> String {
    let read = || {
        let mut file = File::open(log)?;
        let end = file.metadata()?.len();
        file.seek(SeekFrom::Start(start.max(end.saturating_sub(LOG_TAIL_BYTES))))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&bytes).trim().to_owned())
    };
    read().unwrap_or_else(|e| format!("(cannot be read: {e})"))
}
