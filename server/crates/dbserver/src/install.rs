//! Finds an installed server program, and knows how to run it.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use payhist_types::EngineKind;
use tokio::process::Command;

use crate::ServerError;
use crate::init::option;

/// Where a server program may be although it is not on the PATH: Debian's and Fedora's places.
const SERVER_FOLDERS: [&str; 4] = ["/usr/sbin", "/usr/libexec", "/usr/local/sbin", "/usr/local/bin"];

/// A server's version. Orders as one expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// As in **10**.11.19.
    pub major: u16,
    /// As in 10.**11**.19.
    pub minor: u16,
    /// As in 10.11.**19**.
    pub patch: u16,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl FromStr for Version {
    type Err = ();

    /// Reads `10.11.19`, and whatever a distribution hangs on to it: `9.7.4-2`, `10.11.19-MariaDB-0+deb12u1`.
    fn from_str(text: &str) -> Result<Self, ()> {
        let digits = text.split(|c: char| !c.is_ascii_digit() && c != '.').next().unwrap_or_default();
        let mut parts = digits.split('.').map(str::parse);
        match (parts.next(), parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch))) => Ok(Self { major, minor, patch }),
            _ => Err(()),
        }
    }
}

/// A server program on this machine.
#[derive(Debug, Clone)]
pub struct Installation {
    engine: EngineKind,
    version: Version,
    /// The program and the arguments that must come first (those of the loader of an unpacked tree).
    launcher: Vec<OsString>,
    /// Arguments that tell an unpacked server where its own files are.
    location: Vec<OsString>,
    /// The tree whose own script initialises its data.
    tree: Option<PathBuf>,
}

impl Installation {
    /// Finds the server program of `engine`: on the PATH and in the usual folders; for `MySQL` also an unpacked tree
    /// in `$PAYHIST_MYSQL_DIR` (which wins) or in payhist's cache folder (the last resort).
    /// Errors: `NotInstalled`.
    pub async fn find(engine: EngineKind) -> Result<Self, ServerError> {
        for launcher in candidates(engine) {
            if let Some(found) = launcher.examine(engine).await {
                return Ok(found);
            }
        }
        Err(ServerError::NotInstalled { engine: Some(engine) })
    }

    /// The `MariaDB` of a tree that `.setup/ensure mariadb11` unpacked, whose programs find their own loader and libraries.
    /// Errors: `NotInstalled`.
    pub async fn in_tree(tree: &Path) -> Result<Self, ServerError> {
        let server = tree.join("usr/sbin/mariadbd");
        let candidate = Candidate { launcher: vec![server.into()], location: location(tree, "usr/share/mariadb") };
        let found = candidate.examine(EngineKind::MariaDb).await;
        let missing = ServerError::NotInstalled { engine: Some(EngineKind::MariaDb) };
        found.map(|found| Self { tree: Some(tree.to_owned()), ..found }).ok_or(missing)
    }

    /// Finds any server program, `MariaDB` before `MySQL`: it starts faster and needs less memory.
    /// Errors: `NotInstalled`.
    pub async fn find_any() -> Result<Self, ServerError> {
        for engine in [EngineKind::MariaDb, EngineKind::MySql] {
            if let Ok(found) = Self::find(engine).await {
                return Ok(found);
            }
        }
        Err(ServerError::NotInstalled { engine: None })
    }

    /// The engine.
    pub fn engine(&self) -> EngineKind {
        self.engine
    }

    /// The version that the program reports.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The command line up to and including `--no-defaults` and the places of the server's own files.
    pub(crate) fn server_command(&self) -> Vec<OsString> {
        let mut command = self.launcher.clone();
        command.push("--no-defaults".into());
        command.extend(self.location.iter().cloned());
        // Both servers refuse to run as root unless told so.
        command.extend(rustix::process::geteuid().is_root().then(|| "--user=root".into()));
        command
    }

    /// The command line that fills an empty data folder. Root may log in without a password: the folder's mode
    /// (0700) keeps everybody but the owner from the socket, and nothing listens on a port.
    pub(crate) fn initialise_command(&self) -> Result<Vec<OsString>, ServerError> {
        let mut command = match self.engine {
            EngineKind::MySql => self.server_command(),
            EngineKind::MariaDb => {
                let in_tree = self.tree.as_ref().map(|tree| tree.join("usr/bin/mariadb-install-db"));
                let script = in_tree.or_else(|| find_programs("mariadb-install-db").next());
                let script = script.ok_or(ServerError::NotInstalled { engine: Some(self.engine) })?;
                let mut command = vec![script.into_os_string(), "--no-defaults".into()];
                command.extend(self.tree.as_ref().map(|tree| option("--basedir=", &tree.join("usr"))));
                // In the short form: the script's own --user makes it run a chown that fails on a path with spaces.
                command.extend(rustix::process::geteuid().is_root().then(|| "-uroot".into()));
                command
            }
        };
        command.extend(match self.engine {
            EngineKind::MySql => vec!["--initialize-insecure".into()],
            EngineKind::MariaDb => vec![
                "--auth-root-authentication-method=normal".into(),
                "--skip-test-db".into(),
                "--skip-name-resolve".into(),
            ],
        });
        Ok(command)
    }
}

/// A program that may be a server.
struct Candidate {
    launcher: Vec<OsString>,
    location: Vec<OsString>,
}

impl Candidate {
    fn program(path: &Path) -> Self {
        Self { launcher: vec![path.into()], location: Vec::new() }
    }

    /// Asks the program who it is: on Debian `mysqld` is often a link to `mariadbd`.
    async fn examine(self, wanted: EngineKind) -> Option<Installation> {
        let output = Command::new(&self.launcher[0])
            .args(&self.launcher[1..])
            .args(["--no-defaults", "--version"])
            .output()
            .await
            .ok()?;
        let answer = String::from_utf8_lossy(&output.stdout);
        let engine = if answer.contains("MariaDB") { EngineKind::MariaDb } else { EngineKind::MySql };
        let version = answer.split_once("Ver ")?.1.parse().ok()?;
        (output.status.success() && engine == wanted).then_some(Installation {
            engine,
            version,
            launcher: self.launcher,
            location: self.location,
            tree: None,
        })
    }
}

fn candidates(engine: EngineKind) -> Vec<Candidate> {
    let installed = |name| find_programs(name).map(|path| Candidate::program(&path));
    match engine {
        EngineKind::MariaDb => installed("mariadbd").chain(installed("mysqld")).collect(),
        EngineKind::MySql => {
            let named = env::var_os("PAYHIST_MYSQL_DIR").map(PathBuf::from);
            let cached = cache_folder().map(|cache| cache.join("mysql"));
            let tree = |dir: Option<PathBuf>| dir.as_deref().and_then(unpacked_tree);
            tree(named).into_iter().chain(installed("mysqld")).chain(tree(cached)).collect()
        }
    }
}

fn find_programs(name: &str) -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path).chain(SERVER_FOLDERS.map(PathBuf::from)).collect();
    let name = name.to_owned();
    folders.into_iter().map(move |folder| folder.join(&name)).filter(|program| program.is_file())
}

/// `$PAYHIST_CACHE`, or `payhist` in the user's cache folder.
pub fn cache_folder() -> Option<PathBuf> {
    let named = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    named("PAYHIST_CACHE")
        .or_else(|| named("XDG_CACHE_HOME").map(|dir| dir.join("payhist")))
        .or_else(|| named("HOME").map(|home| home.join(".cache/payhist")))
}

/// A distribution's packages, unpacked into a folder, not installed: the server runs through the tree's own loader
/// and libraries, because the machine's may be older.
fn unpacked_tree(tree: &Path) -> Option<Candidate> {
    let server = tree.join("usr/sbin/mysqld");
    let libraries = find_entry(&tree.join("usr/lib"), |name| name.ends_with("-linux-gnu"))?;
    let loader = find_entry(&libraries, |name| name.starts_with("ld-linux"))?;
    let library_path =
        env::join_paths([&libraries, &tree.join("usr/lib/mysql/private")]).ok().filter(|_| server.is_file())?;
    let launcher = vec![loader.into(), "--library-path".into(), library_path, server.into()];
    Some(Candidate { launcher, location: location(tree, "usr/share/mysql") })
}

/// Where the files of an unpacked server are.
fn location(tree: &Path, share: &str) -> Vec<OsString> {
    vec![
        option("--basedir=", &tree.join("usr")),
        option("--lc-messages-dir=", &tree.join(share)),
        option("--character-sets-dir=", &tree.join(share).join("charsets")),
        option("--plugin-dir=", &tree.join("usr/lib/mysql/plugin")),
    ]
}

fn find_entry(folder: &Path, wanted: impl Fn(&str) -> bool) -> Option<PathBuf> {
    let entries = folder.read_dir().ok()?.flatten();
    entries.map(|entry| entry.path()).find(|path| path.file_name().and_then(|n| n.to_str()).is_some_and(&wanted))
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn versions_are_read_with_what_distributions_add() {
        let version = |major, minor, patch| Ok(Version { major, minor, patch });
        assert_eq!("10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu".parse(), version(10, 11, 19));
        assert_eq!("9.7.4-2 for Linux".parse(), version(9, 7, 4));
        assert_eq!("".parse::<Version>(), Err(()));
        assert_eq!("10.11".parse::<Version>(), Err(()));
    }
}
