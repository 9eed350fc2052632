//! What scripts rely on: the exit code says how a command ended, and `--json` answers in JSON even then.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

mod support;

use payhist_testkit::TestOps;
use payhist_types::EngineKind;
use payhist_types::history::{Policy, Switches};
use rstest::rstest;
use sqlx::mysql::MySqlDatabaseError;
use std::fs;
use std::process::Command;
use support::two_sources::TwoSources;
use support::{PAYHIST, configuration};

#[tokio::test]
async fn the_exit_code_says_how_a_command_ended() {
    let test = TestOps::new(EngineKind::MariaDb, "2026-11-15T12:00:00Z").await;
    let policy = Policy { premake_months: None, retention_months: None, zone: "UTC".to_owned(), ..Policy::default() };
    test.history(1, policy, Switches::default(), "2026-10", "2026-11").await;
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(&test, folder.path());
    let row = |status| format!("1,A,stripe,card,{status},1,USD,2026-10-01T00:00:00Z\n");
    let header = "user_id,order_id,provider,method,status,amount,currency,created_at\n";
    fs::write(folder.path().join("half.csv"), [header, &row("PAID"), &row("PAYED")].concat()).unwrap();
    for (expected, arguments) in [
        (0, "config check"),
        (0, "payments list"),
        (0, "jobs list"),
        (0, "doctor"),
        (0, "holds add --month 2026-10 --case 2026/88 --reason audit"),
        (0, "holds list"),
        (0, "holds release 1 --reason closed"),
        (1, "holds release 99 --reason closed"),
        (1, "payments show 1"),
        (1, "import missing.csv --format csv"),
        (1, "import half.csv --format csv"),
        (2, "payments list --limit 501"),
        (2, "import half.csv --format csv --history Capital"),
        (2, "payments list --config missing.toml"),
        (2, "holds add --month 2026-10 --case 2026/88 --reason audit --last-day 2020-01-01"),
        (3, "holds release 1 --reason again"),
        (0, "partitions simulate --months 3 --retention 1y"),
        (0, "partitions policy set --windows daily_01:00-05:00"),
        (0, "partitions policy show"),
        (2, "partitions policy set --retention 0"),
        (2, "partitions simulate --months 0"),
        (3, "partitions apply --plan stale"),
        (3, "partitions restore payments 2019-01"),
        (4, "import half.csv --format csv --on-error skip --rejects rejects.csv"),
    ] {
        let mut command = Command::new(PAYHIST);
        command
            .current_dir(folder.path())
            .env("PAYHIST_CONFIG", &config)
            .arg("--json")
            .args(arguments.split(' ').map(|word| word.replace('_', " ")));
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(expected), "{arguments}: {said}");
        assert!(serde_json::from_str::<serde_json::Value>(&said).is_ok(), "{arguments}: {said}");
    }
    let mut connection = test.db.connect().await;
    sqlx::query("DROP TABLE payment_history_shard_0").execute(&mut connection).await.unwrap();
    let doctor = Command::new(PAYHIST).env("PAYHIST_CONFIG", &config).args(["doctor", "--json"]).output().unwrap();
    assert_eq!(doctor.status.code(), Some(1), "an error that doctor finds");
    let said: serde_json::Value = serde_json::from_slice(&doctor.stdout).unwrap();
    assert_eq!(said["findings"][0]["code"], "missing_table", "{said}");
}

fn shop(test: &TestOps, zone: &str) -> String {
    format!(
        "[[history]]\nname = \"legacy\"\nsource = \"main\"\nschema = \"{}\"\ntable_pattern = \"legacy\"\n\
         route = {{ kind = \"single\" }}\n[history.policy]\nzone = \"{zone}\"\n",
        test.db.name()
    )
}

/// The table of the document that payhist began with: the server refuses it, doctor says what works, and it does.
#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_configured_history_is_adopted_examined_and_mended_by_what_doctor_writes(#[case] engine: EngineKind) {
    let test = TestOps::new(engine, "2026-11-15T12:00:00Z").await;
    let mut connection = test.db.connect().await;
    let columns = "CREATE TABLE legacy (id BIGINT PRIMARY KEY, created_at DATE)";
    let refused = " PARTITION BY RANGE (UNIX_TIMESTAMP(created_at)) (PARTITION p VALUES LESS THAN (1900000000))";
    let refused = sqlx::query(sqlx::AssertSqlSafe([columns, refused].concat())).execute(&mut connection).await;
    let number = |error: sqlx::Error| error.into_database_error().unwrap().downcast::<MySqlDatabaseError>().number();
    assert!([1486, 1503].contains(&refused.map_err(number).unwrap_err()));
    sqlx::query(columns).execute(&mut connection).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(&test, folder.path());
    let base = fs::read_to_string(&config).unwrap();
    let mut said = String::new();
    for (expected, zone) in [(2, "Europe/Nowhere"), (1, "UTC")] {
        fs::write(&config, base.clone() + &shop(&test, zone)).unwrap();
        let arguments = ["doctor", "--history", "legacy", "--json"];
        let output = Command::new(PAYHIST).env("PAYHIST_CONFIG", &config).args(arguments).output().unwrap();
        said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(expected), "{said}");
        let names = if expected == 2 { "policy.zone" } else { "PARTITION BY RANGE COLUMNS (`created_at`)" };
        assert!(said.contains(names), "{said}");
    }
    let diagnosis: serde_json::Value = serde_json::from_str(&said).unwrap();
    for sql in diagnosis["findings"].as_array().unwrap().iter().flat_map(|one| one["sql"].as_array().unwrap()) {
        let sql = sqlx::AssertSqlSafe(sql.as_str().unwrap().to_owned());
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    }
    let output =
        Command::new(PAYHIST).env("PAYHIST_CONFIG", &config).args(["doctor", "--history", "legacy"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn the_exit_code_says_how_a_conversion_ended(#[case] engine: EngineKind) {
    let test = TestOps::new(engine, "2026-11-15T12:00:00Z").await;
    let mut connection = test.db.connect().await;
    let create = "CREATE TABLE legacy (id BIGINT PRIMARY KEY, created_at DATE)";
    sqlx::query(create).execute(&mut connection).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(&test, folder.path());
    fs::write(&config, fs::read_to_string(&config).unwrap() + &shop(&test, "UTC")).unwrap();
    let convert = |arguments: &[&str]| {
        let mut command = Command::new(PAYHIST);
        command.env("PAYHIST_CONFIG", &config).args(["partitions", "convert", "--json", "--history", "legacy"]);
        let output = command.args(arguments).output().unwrap();
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.code().unwrap(), said)
    };
    assert_eq!(convert(&["--apply"]).0, 2, "a hash is wanted");
    assert_eq!(convert(&["--apply", "x", "--abort"]).0, 2, "one or the other");
    let (shown, plan) = convert(&[]);
    assert!(shown == 0 && plan["tables"][0]["left_alone"].to_string().contains("NULL"), "{plan}");
    let of_plan = |plan: &serde_json::Value| plan["hash"].as_str().unwrap().to_owned();
    assert_eq!(convert(&["--apply", &of_plan(&plan)]).0, 3, "nothing of it can be converted");
    sqlx::query("ALTER TABLE legacy MODIFY created_at DATE NOT NULL").execute(&mut connection).await.unwrap();
    assert_eq!(convert(&["--apply", &of_plan(&plan)]).0, 3, "the plan is stale");
    assert_eq!(convert(&["--abort"]).0, 3, "none was begun");
    let (_, plan) = convert(&[]);
    let (converted, said) = convert(&["--apply", &of_plan(&plan)]);
    assert_eq!((converted, &said[0]["outcome"]), (0, &"converted".into()), "{said}");
    assert_eq!(convert(&["--apply", &of_plan(&plan)]).0, 3, "it was done");
}

#[tokio::test]
async fn a_plan_that_a_hold_blocks_is_refused_and_says_which() {
    let test = TestOps::new(EngineKind::MariaDb, "2026-11-15T12:00:00Z").await;
    let policy =
        Policy { premake_months: None, retention_months: Some(1), zone: "UTC".to_owned(), ..Policy::default() };
    test.history(1, policy, Switches { drop: true, ..Switches::default() }, "2019-01", "2019-03").await;
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(&test, folder.path());
    let run = |arguments: &[&str]| {
        let output = Command::new(PAYHIST).env("PAYHIST_CONFIG", &config).args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (placed, said) =
        run(&["holds", "add", "--whole-history", "--case", "2026/88", "--reason", "audit", "--last-day", "9999-12-30"]);
    assert_eq!((placed, said.as_str()), (Some(0), "Hold 1 keeps the whole history.\n"));
    let (refused, said) = run(&["partitions", "apply"]);
    assert_eq!(refused, Some(3), "{said}");
    assert!(said.contains("hold 1 (case 2026/88) keeps it until 9999-12-31 00:00 UTC"), "{said}");
    let (refused, said) = run(&["partitions", "apply", "--json"]);
    assert_eq!((refused, said.contains("\"kind\":\"held\"")), (Some(3), true), "{said}");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_summary_without_a_silent_source_is_one_in_part_and_names_it(#[case] engine: EngineKind) {
    let two = TwoSources::new(engine).await;
    let summary = || {
        let mut command = Command::new(PAYHIST);
        command
            .env("PAYHIST_CONFIG", &two.config)
            .args(["payments", "summary", "--from", "2020-01", "--to", "2020-03"]);
        let output = command.arg("--json").output().unwrap();
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.code().unwrap(), said)
    };
    let (code, said) = summary();
    assert_eq!((code, &said["complete"]), (0, &true.into()), "{said}");
    two.far.kill9().await;
    // What was kept of closed months needs no source: this has to be counted.
    two.test.execute("DELETE FROM summary").await;
    let (code, said) = summary();
    assert_eq!((code, &said["complete"]), (4, &false.into()), "{said}");
    let missing = &said["missing"];
    assert_eq!((&missing[0]["shard"], &missing[0]["source"]), (&1.into(), &"far".into()), "{said}");
    assert_eq!(
        (missing.as_array().unwrap().len(), &said["breakdowns"][0]["rows"][0]["count"]),
        (1, &1.into()),
        "{said}"
    );
}
