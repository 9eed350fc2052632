//! A history on two servers, one of which is a test's own: to be killed.

use super::configuration;
use payhist_testkit::{TestOps, TestServer};
use payhist_types::history::Policy;
use payhist_types::{EngineKind, ShardId};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// Shard 0 and the control tables on `main`, shard 1 on `far`; the history is that of the configuration.
pub(crate) struct TwoSources {
    /// On `main`.
    pub(crate) test: TestOps,
    /// The other server.
    pub(crate) far: TestServer,
    /// The configuration.
    pub(crate) config: PathBuf,
    /// Where it is.
    pub(crate) folder: TempDir,
}

impl TwoSources {
    /// With the months from January to March 2020, and a payment on `main` in March.
    pub(crate) async fn new(engine: EngineKind) -> Self {
        let (test, far) = (TestOps::new(engine, "2026-11-15T12:00:00Z").await, TestServer::private(engine).await);
        let schema = test.db.name();
        far.create_schema(schema).await;
        let spec = TestOps::spec_in(schema, 2, Policy::default());
        for (shard, connection) in [(ShardId(0), &mut test.db.connect().await), (ShardId(1), &mut far.connect().await)]
        {
            TestOps::make_tables(connection, &spec, std::iter::once(shard), "2020-01", "2020-03").await;
        }
        test.pay(&spec.table_of(ShardId(0)), [(2, 2, "2020-03-02")]).await;
        let folder = tempfile::tempdir().unwrap();
        let config = configuration(&test, folder.path());
        let socket = far.server().socket().to_string_lossy().replace('/', "%2F");
        let more = format!(
            "[[source]]\nname = \"far\"\nurl = \"mysql://root@localhost?socket={socket}\"\n\
             [[history]]\nname = \"payments\"\nschema = \"{schema}\"\ntable_pattern = \"{}\"\n\
             source = {{ main = \"0\", far = \"1\" }}\nroute = {{ kind = \"modulo\", shards = 2 }}\n[history.policy]\nzone = \"UTC\"\n",
            spec.table_pattern
        );
        fs::write(&config, fs::read_to_string(&config).unwrap() + &more).unwrap();
        Self { test, far, config, folder }
    }
}
