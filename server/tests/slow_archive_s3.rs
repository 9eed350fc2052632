//! Archives in an object store, from the first upload to the last deletion: nothing is dropped that the store has not.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

mod support;

use payhist_testkit::S3Server;
use payhist_types::EngineKind;
use rstest::rstest;
use serde_json::Value;
use std::os::unix::process::ExitStatusExt;
use support::archive_site::Site;

/// A history whose archives go to that store, and whose month is dropped as soon as it is archived.
async fn site(engine: EngineKind, store: &S3Server) -> Site {
    create_bucket(store).await;
    let target = format!(
        "url = \"s3://archives/of/payments\"\nendpoint = \"{}\"\nregion = \"us-east-1\"\naccess_key_id = \"someone\"\n\
         secret_access_key = \"hush\"",
        store.endpoint()
    );
    Site::with(engine, tempfile::tempdir().unwrap(), &target, 5, 500).await
}

/// The states of the archives of the month that has rows.
fn states(site: &Site) -> Vec<String> {
    site.archives().into_iter().filter(|(_, rows)| *rows > 0).map(|(state, _)| state).collect()
}

async fn create_bucket(store: &S3Server) {
    // reqwest has no cryptography of its own here, and wants some even for plain HTTP (payhist_archive::store).
    let _installed_already = rustls::crypto::ring::default_provider().install_default();
    let made = reqwest::Client::new().put(format!("{}/archives", store.endpoint())).send().await.unwrap();
    assert!(made.status().is_success(), "{}", made.status());
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_month_goes_by_way_of_an_object_store_whatever_dies_on_the_way(#[case] engine: EngineKind) {
    let store = S3Server::start();
    let site = site(engine, &store).await;
    for fault in ["archive.after_begin", "archive.after_upload", "archive.after_rename", "archive.after_manifest"] {
        let died = site.run(&["partitions", "apply"], Some(fault)).status;
        assert_eq!(died.signal(), Some(6), "{fault} was not reached: {died}");
        site.end_lease().await;
        assert_eq!(site.count(&site.twin()).await, 500, "{fault}");
    }
    // The first one may finish what the killed ones began, and go on.
    for _ in 0..2 {
        assert!(site.run(&["partitions", "apply"], None).status.success());
    }
    assert_eq!(states(&site), ["verified"]);
    assert!(!site.has(&site.twin()).await, "it is dropped");

    assert!(site.run(&["archive", "verify"], None).status.success());
    let month = site.month.to_string();
    let restored = site.json(&["archive", "restore", "payments", &month]);
    assert_eq!((&restored[0]["rows"], &restored[0]["problem"]), (&500.into(), &Value::Null));
    assert_eq!(site.count(&site.restored()).await, 500);
    assert!(site.run(&["archive", "delete", "payments", &month, "--reason", "it is over"], None).status.success());
    assert_eq!(states(&site), ["deleted"]);
    assert!(!site.run(&["archive", "restore", "payments", &month], None).status.success());
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_store_that_is_down_or_has_forgotten_keeps_the_month(#[case] engine: EngineKind) {
    let mut store = S3Server::start();
    let site = site(engine, &store).await;
    store.kill9();
    let failed = site.run(&["partitions", "apply"], None);
    let said = String::from_utf8_lossy(&failed.stdout).into_owned();
    assert_eq!(failed.status.code(), Some(1), "{said}");
    assert!(said.contains("payments/") && !said.contains("hush"), "{said}");

    store = store.replace();
    create_bucket(&store).await;
    assert!(site.run(&["partitions", "apply"], None).status.success(), "it is back: the month is archived");
    store.kill9();
    assert_eq!(site.run(&["partitions", "apply"], None).status.code(), Some(1), "nobody knows whether it is there");
    assert_eq!(states(&site), ["verified"]);
    assert_eq!(site.count(&site.twin()).await, 500);

    store = store.replace();
    create_bucket(&store).await;
    let failed = site.run(&["partitions", "apply"], None);
    let said = String::from_utf8_lossy(&failed.stdout).into_owned();
    assert_eq!(failed.status.code(), Some(1), "{said}");
    assert!(said.contains("is not any more what was read back"), "{said}");
    assert_eq!(states(&site), ["stale"]);
    assert_eq!(site.count(&site.twin()).await, 500, "nothing is dropped on the strength of an archive that is gone");
    for _ in 0..2 {
        assert!(site.run(&["partitions", "apply"], None).status.success(), "it is archived again, then dropped");
    }
    assert!(!site.has(&site.twin()).await);
    drop(store);
}
