//! What a private server is to be like: where it lives, which engine, and for whom it is tuned.

use std::ffi::OsString;
use std::path::PathBuf;

use payhist_types::EngineKind;

/// What to start, and where.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// The folder that the server owns; created when absent.
    pub dir: PathBuf,
    /// The engine; `None` takes the one whose data the folder has, else any that is installed.
    pub engine: Option<EngineKind>,
    /// A tree of unpacked `MariaDB` packages whose server is run, instead of an installed one ([`Installation::in_tree`]).
    ///
    /// [`Installation::in_tree`]: crate::Installation::in_tree
    pub tree: Option<PathBuf>,
    /// Size and durability.
    pub profile: Profile,
    /// Further options of the running server, which override the profile's.
    pub options: Vec<OsString>,
}

/// Size and durability of a private server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Real data of one operator: 256 MiB of buffer pool, durable commits.
    Demo,
    /// Many short tests: small, and a commit survives `kill -9` of the server, but not a power cut.
    Test,
}

const MIB: u64 = 1 << 20;

/// Free bytes wanted before a server is started on data that exists: below it, recovery itself would fail.
pub(crate) const NEEDED_TO_START_BYTES: u64 = 16 * MIB;

impl Profile {
    /// Free bytes wanted before an empty data folder is filled. Measured, with room to spare:
    /// `MariaDB` takes 22 MiB (Test), `MySQL` 95 MiB (Test), and the redo log grows to its capacity.
    pub(crate) fn needed_to_initialise_bytes(self, engine: EngineKind) -> u64 {
        match (engine, self) {
            (EngineKind::MariaDb, Self::Test) => 48 * MIB,
            (EngineKind::MariaDb, Self::Demo) => 256 * MIB,
            (EngineKind::MySql, Self::Test) => 192 * MIB,
            (EngineKind::MySql, Self::Demo) => 384 * MIB,
        }
    }

    /// Options that shape the files, and so are given at initialisation as well.
    pub(crate) fn storage_options(self, engine: EngineKind) -> Vec<OsString> {
        let redo = match engine {
            EngineKind::MariaDb => "--innodb-log-file-size",
            EngineKind::MySql => "--innodb-redo-log-capacity",
        };
        match self {
            Self::Demo => vec![format!("{redo}=128M").into()],
            Self::Test => vec![
                format!("{redo}=16M").into(),
                "--innodb-buffer-pool-size=32M".into(),
                "--innodb-autoextend-increment=1".into(),
                "--innodb-flush-method=nosync".into(),
            ],
        }
    }

    /// Options of the running server. The performance schema is on in both profiles, with the metadata-lock
    /// instrument that `MariaDB` leaves off: lock monitoring needs it, and tests are to see what operators see.
    pub(crate) fn server_options(self, engine: EngineKind) -> Vec<OsString> {
        let mut options: Vec<&str> = vec![
            "--skip-networking",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            "--default-time-zone=+00:00",
            "--performance-schema=ON",
            "--performance-schema-instrument=wait/lock/metadata/sql/mdl=ON",
            "--local-infile=ON",
        ];
        options.extend(match self {
            Self::Demo => {
                ["--innodb-buffer-pool-size=256M", "--innodb-flush-log-at-trx-commit=1", "--max-connections=200"]
            }
            Self::Test => ["--innodb-flush-log-at-trx-commit=2", "--key-buffer-size=64K", "--max-connections=500"],
        });
        if engine == EngineKind::MySql {
            options.extend(["--disable-log-bin", "--mysqlx=OFF", "--secure-file-priv=NULL"]);
        }
        options.into_iter().map(OsString::from).chain(self.storage_options(engine)).collect()
    }
}
