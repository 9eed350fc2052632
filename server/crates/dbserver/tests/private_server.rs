//! A private server's life on a quick engine: folders that are not as they should be are refused, by name.
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use payhist_dbserver::{PrivateServer, Profile, ServerConfig, ServerError};
use payhist_types::EngineKind;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{Connection, Executor};

fn config(dir: &Path) -> ServerConfig {
    ServerConfig {
        dir: dir.to_owned(),
        engine: Some(EngineKind::MariaDb),
        tree: None,
        profile: Profile::Test,
        options: Vec::new(),
    }
}

async fn connect(socket: &Path) -> MySqlConnection {
    MySqlConnection::connect_with(&MySqlConnectOptions::new().socket(socket).username("root"))
        .await
        .expect("the server answers")
}

#[tokio::test]
async fn data_survives_a_stop_and_stale_files_do_not_hinder_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("it's a folder");
    let server = PrivateServer::start(config(&dir)).await.unwrap();
    connect(server.socket()).await.execute("CREATE DATABASE kept").await.unwrap();
    let (socket, pid) = (server.socket().to_owned(), server.pid());
    assert!(server.stop().await.unwrap().clean);
    assert!(!Path::new(&format!("/proc/{pid}")).exists());

    // As after a crash of the machine: files that name processes which are not ours. Pid 1 lives, and is no server.
    let _stale = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    fs::write(dir.join("run/server.pid"), "1\n").unwrap();
    fs::write(dir.join("lock"), "1\n").unwrap();
    fs::create_dir_all(dir.join("data.new/half")).unwrap();
    let server = PrivateServer::start(ServerConfig { engine: None, ..config(&dir) }).await.unwrap();
    assert_eq!(server.engine(), EngineKind::MariaDb);
    connect(server.socket()).await.execute("DROP DATABASE kept").await.unwrap();
    let restarted = server.restart().await.unwrap();
    connect(restarted.socket()).await.execute("CREATE DATABASE kept").await.unwrap();
    restarted.stop().await.unwrap();
}

#[tokio::test]
async fn a_second_start_is_refused_and_names_the_owner() {
    let dir = tempfile::tempdir().unwrap();
    let server = PrivateServer::start(config(dir.path())).await.unwrap();
    let error = PrivateServer::start(config(dir.path())).await.unwrap_err();
    assert!(matches!(error, ServerError::Busy { pid: Some(pid), .. } if pid == std::process::id()), "{error}");
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    connect(server.socket()).await.ping().await.unwrap();
}

#[tokio::test]
async fn the_owner_learns_that_the_server_was_killed_and_may_restart_it() {
    let dir = tempfile::tempdir().unwrap();
    let server = PrivateServer::start(config(dir.path())).await.unwrap();
    connect(server.socket()).await.execute("CREATE DATABASE kept").await.unwrap();
    server.kill9();
    let exit = server.wait().await;
    assert!(!exit.clean && exit.status.contains("137"), "{exit:?}");
    let server = server.restart().await.unwrap();
    connect(server.socket()).await.execute("DROP DATABASE kept").await.unwrap();
}

#[tokio::test]
async fn a_socket_path_that_is_too_long_moves_to_a_folder_of_ours_alone() {
    let base = tempfile::tempdir().unwrap();
    let dir = base.path().join("long".repeat(30));
    let server = PrivateServer::start(config(&dir)).await.unwrap();
    let run = server.socket().parent().unwrap().to_owned();
    assert_eq!(fs::metadata(&run).unwrap().permissions().mode() & 0o777, 0o700);
    connect(server.socket()).await.ping().await.unwrap();
    let socket = server.socket().to_owned();
    let server = server.restart().await.unwrap();
    assert_eq!(server.socket(), socket);
    server.stop().await.unwrap();
    assert!(!run.exists());
}

#[tokio::test]
async fn data_of_others_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("ibdata1"), "precious").unwrap();
    let start = || PrivateServer::start(config(dir.path()));
    let error = start().await.unwrap_err();
    assert!(matches!(error, ServerError::ForeignData { .. }), "{error}");

    fs::write(data.join("payhist-engine"), "mysql 9.7.4\n").unwrap();
    let error = start().await.unwrap_err();
    assert!(matches!(error, ServerError::OtherEngine { found: EngineKind::MySql, .. }), "{error}");

    fs::write(data.join("payhist-engine"), "mariadb 99.1.0\n").unwrap();
    let error = start().await.unwrap_err();
    assert!(matches!(error, ServerError::NewerData { .. }), "{error}");
    assert!(error.to_string().contains("99.1.0"), "{error}");
    assert_eq!(fs::read_to_string(data.join("ibdata1")).unwrap(), "precious");
}

#[tokio::test]
async fn a_server_that_cannot_start_shows_the_end_of_its_log() {
    let dir = tempfile::tempdir().unwrap();
    payhist_dbserver::initialise(&config(dir.path())).await.unwrap();
    fs::remove_file(dir.path().join("data/ibdata1")).unwrap();
    fs::create_dir(dir.path().join("data/ibdata1")).unwrap();
    let error = PrivateServer::start(config(dir.path())).await.unwrap_err();
    assert!(matches!(error, ServerError::Ended { .. }), "{error}");
    assert!(error.to_string().contains("ibdata1"), "{error}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    // Not by permissions: tests may run as root, which ignores them.
    let error = PrivateServer::start(config(Path::new("/proc/payhist"))).await.unwrap_err();
    assert!(error.to_string().contains("/proc/payhist"), "{error}");
}

/// Root runs this test again as `nobody`; anybody else is an ordinary user already.
#[tokio::test]
async fn an_ordinary_user_needs_no_privilege_and_a_folder_of_others_is_refused() {
    const TEST: &str = "an_ordinary_user_needs_no_privilege_and_a_folder_of_others_is_refused";
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        let dir = tempfile::tempdir().unwrap();
        let server = PrivateServer::start(config(dir.path())).await.unwrap();
        connect(server.socket()).await.execute("CREATE DATABASE works").await.unwrap();
        assert!(server.stop().await.unwrap().clean);
        let error = PrivateServer::start(config(Path::new("/usr/payhist"))).await.unwrap_err();
        assert!(matches!(error, ServerError::NotWritable { .. }), "{error}");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let test = place.path().join("test");
    fs::copy(std::env::current_exe().unwrap(), &test).unwrap();
    let child = tokio::process::Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .args([test.as_os_str(), "--exact".as_ref(), TEST.as_ref()])
        .env("TMPDIR", place.path())
        .current_dir(place.path())
        .status();
    assert!(child.await.unwrap().success());
}
