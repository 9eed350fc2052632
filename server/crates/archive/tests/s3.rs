//! An S3-compatible server on loopback: everything that archives do with their store.

use bytes::Bytes;
use payhist_archive::ArchiveError;
use payhist_archive::store::{Secret, Target, TargetConfig};
use payhist_testkit::S3Server;
use std::io::Read;
use tokio::sync::mpsc;

#[tokio::test(flavor = "multi_thread")]
async fn an_object_store_keeps_what_archives_need() {
    let server = S3Server::start();
    let secret = |text: &str| Some(Secret::from(text.to_owned()));
    let config = TargetConfig {
        url: "s3://archives/of/payments".to_owned(),
        endpoint: Some(server.endpoint().to_owned()),
        region: Some("us-east-1".to_owned()),
        access_key_id: secret("someone"),
        secret_access_key: secret("hush"),
    };
    let target = Target::open(&config).unwrap();
    let made = reqwest::Client::new().put(format!("{}/archives", server.endpoint())).send().await.unwrap();
    assert!(made.status().is_success(), "{}", made.status());

    // Several parts of an upload, and one that is not full.
    let (sender, pieces) = mpsc::channel(1);
    let whole: Vec<u8> = (0..=250_u8).cycle().take(13_000_000).collect();
    let source = Bytes::from(whole.clone());
    let sending = async move {
        for start in (0..source.len()).step_by(1_000_000) {
            sender.send(source.slice(start..start + 1_000_000)).await.unwrap();
        }
    };
    let (written, ()) = tokio::join!(target.write("2025-10/t.parquet.tmp", pieces), sending);
    target.rename("2025-10/t.parquet.tmp", "2025-10/t.parquet").await.unwrap();
    assert!(matches!(target.size("2025-10/t.parquet.tmp").await, Err(ArchiveError::Missing(_))));
    let (mut file, bytes, sha256) = target.read("2025-10/t.parquet").await.unwrap();
    let mut back = Vec::new();
    file.read_to_end(&mut back).unwrap();
    assert!(back == whole && written.unwrap() == (bytes, sha256));
    assert_eq!(target.size("2025-10/t.parquet").await.unwrap(), 13_000_000);

    target.put("2025-10/t.parquet.json", Bytes::from_static(b"{}")).await.unwrap();
    assert_eq!(target.get("2025-10/t.parquet.json").await.unwrap(), "{}");
    assert!(matches!(target.get("2025-10/u.parquet.json").await, Err(ArchiveError::Missing(_))));

    drop(server);
    let said = target.get("2025-10/t.parquet.json").await.unwrap_err();
    assert!(matches!(said, ArchiveError::Store { .. }) && !said.to_string().contains("hush"), "{said}");
}
