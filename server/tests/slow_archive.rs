//! Archives killed with -9 at every fault point, and a disk that fills up under one: nothing is dropped, no half archive
//! counts, and the next run finishes.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

mod support;

use payhist_types::EngineKind;
use rstest::rstest;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use support::Frozen;
use support::archive_site::{Site, TABLE};

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn an_archive_killed_anywhere_is_finished_by_the_next_apply(#[case] engine: EngineKind) {
    for fault in [
        "rotation.after_intent",
        "archive.after_begin",
        "archive.after_upload",
        "archive.after_rename",
        "archive.after_manifest",
        "archive.after_record",
        "rotation.after_settle",
    ] {
        let site = Site::new(engine, None, 500).await;
        let died = site.run(&["partitions", "apply"], Some(fault)).status;
        assert_eq!(died.signal(), Some(6), "{fault} was not reached: {died}");
        site.end_lease().await;
        assert_eq!(site.count(&site.twin()).await, 500, "{fault}");
        assert!(site.run(&["partitions", "apply"], None).status.success(), "{fault}: the next one finishes");
        assert_eq!(site.archives(), [("verified".to_owned(), 500)], "{fault}");
        let [file, manifest] = &site.files()[..] else { panic!("{fault}: {:?}", site.files()) };
        assert_eq!(*manifest, format!("{file}.json"), "{fault}");
        assert!(site.run(&["archive", "verify"], None).status.success(), "{fault}");
        site.assert_nothing_left_to_do().await;
    }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_deletion_killed_anywhere_is_finished_by_repeating_it(#[case] engine: EngineKind) {
    let site = Site::new(engine, None, 50).await;
    let delete = ["archive", "delete", "payments", &site.month.to_string(), "--reason", "kept long enough"];
    assert!(site.run(&["partitions", "apply"], None).status.success());
    let hold = ["holds", "add", "--user", "1", "--case", "1", "--reason", "audit"];
    assert!(site.run(&hold, None).status.success());
    assert_eq!(site.run(&delete, None).status.code(), Some(3), "a hold may keep rows of it");
    assert_eq!(site.archives(), [("verified".to_owned(), 50)]);
    site.end_holds().await;
    for fault in ["archive.after_delete_begun", "archive.after_manifest_deleted"] {
        assert!(site.run(&["partitions", "apply"], None).status.success(), "{fault}");
        assert_eq!(site.run(&delete, Some(fault)).status.signal(), Some(6), "{fault} was not reached");
        site.end_lease().await;
        assert_eq!(site.archives().last().unwrap().0, "deleting", "{fault}: good for no drop any more");
        assert!(site.run(&delete, None).status.success(), "{fault}");
        assert_eq!((site.archives().last().unwrap().0.as_str(), site.files()), ("deleted", vec![]), "{fault}");
    }
    assert_eq!(site.count(&site.twin()).await, 50);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_store_that_keeps_something_else_than_was_written_has_no_archive(#[case] engine: EngineKind) {
    let site = Site::new(engine, None, 500).await;
    let mut apply = site.command(&["partitions", "apply"], Some("archive.after_upload:freeze"));
    let mut frozen = Frozen::start(&mut apply).await;
    let [file] = &site.files()[..] else { panic!("{:?}", site.files()) };
    let path = site.archive.join("payments").join(site.month.to_string()).join(file);
    let mut bytes = std::fs::read(&path).unwrap();
    // In the footer's words, which neither the rows' checksum nor a decryption covers.
    let place = bytes.windows(13).position(|part| part == b"payhist.table").unwrap();
    bytes[place] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(frozen.wake().code(), Some(1));
    assert_eq!(site.archives(), [("writing".to_owned(), 0)]);
    assert_eq!(site.count(&site.twin()).await, 500);
    assert!(site.run(&["partitions", "apply"], None).status.success(), "the next one archives it");
    assert_eq!(site.archives(), [("verified".to_owned(), 500)]);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_restore_of_an_archive_killed_anywhere_is_finished_by_repeating_it(#[case] engine: EngineKind) {
    let site = Site::new(engine, None, 500).await;
    assert!(site.run(&["partitions", "apply"], None).status.success());
    let month = site.month.to_string();
    let restore = ["archive", "restore", "payments", &month];
    for fault in ["archive.after_create", "archive.after_prepare", "archive.after_batch", "archive.after_load"] {
        assert_eq!(site.run(&restore, Some(fault)).status.signal(), Some(6), "{fault} was not reached");
        site.end_lease().await;
    }
    for already_there in [false, true] {
        assert_eq!(site.json(&restore)[0]["already_there"], already_there);
        assert_eq!(site.count(&site.restored()).await, 500);
    }
}

/// A tmpfs, unmounted when dropped.
struct Disk(tempfile::TempDir);

impl Drop for Disk {
    fn drop(&mut self) {
        let _unmounted = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

fn mount(options: &str, folder: &Path) -> bool {
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder).output();
    mount.is_ok_and(|mount| mount.status.success())
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_disk_that_fills_up_leaves_no_half_archive_and_the_next_run_finishes(#[case] engine: EngineKind) {
    let disk = Disk(tempfile::tempdir().unwrap());
    if !mount("size=1m", disk.0.path()) {
        eprintln!("not tested: mounting a tmpfs is not permitted here");
        return;
    }
    let site = Site::new(engine, Some(disk.0.path()), 40_000).await;
    for _ in 0..2 {
        let failed = site.run(&["partitions", "apply"], None);
        let said = String::from_utf8_lossy(&failed.stdout).into_owned();
        assert_eq!(failed.status.code(), Some(1), "{said}");
        let place = format!("writing payments/{}/{TABLE}.", site.month);
        assert!(said.contains("the disk of the archive is full") && said.contains(&place), "{said}");
        assert_eq!(site.archives(), [("writing".to_owned(), 0)]);
        assert_eq!(site.count(&site.twin()).await, 40_000, "nothing is dropped");
        assert_eq!(site.files(), [""; 0], "nothing is left on the disk");
    }
    assert!(mount("remount,size=64m", disk.0.path()));
    assert!(site.run(&["partitions", "apply"], None).status.success(), "with room the next run finishes");
    assert_eq!(site.archives(), [("verified".to_owned(), 40_000)]);
    assert!(site.run(&["archive", "verify"], None).status.success());
}
