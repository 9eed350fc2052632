-- payhist's own schema. It never holds payment data. Times are UTC.
-- DDL commits implicitly: a migration killed half way is run again, so each statement must be safe to repeat.

CREATE TABLE IF NOT EXISTS operator (
    id            BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    login         VARCHAR(64)     NOT NULL,
    password_hash VARCHAR(255)    NOT NULL,
    role          VARCHAR(16)     NOT NULL,
    disabled_at   DATETIME(6)     NULL,
    failed_logins INT UNSIGNED    NOT NULL DEFAULT 0,
    locked_until  DATETIME(6)     NULL,
    created_at    DATETIME(6)     NOT NULL,
    UNIQUE KEY operator_login (login)
);

CREATE TABLE IF NOT EXISTS session (
    id         VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    data       BLOB        NOT NULL,
    expires_at DATETIME(6) NOT NULL,
    KEY session_expiry (expires_at)
);

-- One row per logical payment-history table. `spec` is payhist_types::history::HistorySpec as JSON.
CREATE TABLE IF NOT EXISTS history (
    id         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name       VARCHAR(32)     NOT NULL,
    spec       TEXT            NOT NULL,
    created_at DATETIME(6)     NOT NULL,
    UNIQUE KEY history_name (name)
);

-- The stop switches: create, drop and erase are turned one by one, and each is a row of its own.
CREATE TABLE IF NOT EXISTS history_switch (
    history_id BIGINT UNSIGNED NOT NULL,
    action     VARCHAR(8)      NOT NULL,
    enabled    BOOLEAN         NOT NULL,
    changed_by VARCHAR(64)     NOT NULL,
    changed_at DATETIME(6)     NOT NULL,
    PRIMARY KEY (history_id, action)
);

-- Leases with fencing tokens: whoever holds a lease works, and every step proves its token is still the newest.
CREATE TABLE IF NOT EXISTS lease (
    name          VARCHAR(64)     NOT NULL PRIMARY KEY,
    owner         VARCHAR(128)    NULL,
    expires_at    DATETIME(6)     NULL,
    fencing_token BIGINT UNSIGNED NOT NULL DEFAULT 0
);

CREATE TABLE IF NOT EXISTS rotation_run (
    id          BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    history_id  BIGINT UNSIGNED NOT NULL,
    plan_hash   CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    plan        MEDIUMTEXT      NOT NULL,
    started_by  VARCHAR(80)     NOT NULL,
    started_at  DATETIME(6)     NOT NULL,
    finished_at DATETIME(6)     NULL,
    outcome     VARCHAR(16)     NOT NULL,
    KEY rotation_run_history (history_id, id)
);

-- A step's intent is written before it acts, its outcome after the catalogue was read again.
CREATE TABLE IF NOT EXISTS rotation_step (
    run_id      BIGINT UNSIGNED NOT NULL,
    sequence    INT UNSIGNED    NOT NULL,
    outcome     VARCHAR(16)     NOT NULL,
    attempts    INT UNSIGNED    NOT NULL DEFAULT 0,
    intended_at DATETIME(6)     NULL,
    finished_at DATETIME(6)     NULL,
    row_count   BIGINT UNSIGNED NULL,
    detail      TEXT            NULL,
    PRIMARY KEY (run_id, sequence)
);

CREATE TABLE IF NOT EXISTS job (
    name          VARCHAR(32)  NOT NULL PRIMARY KEY,
    schedule      VARCHAR(64)  NOT NULL,
    paused        BOOLEAN      NOT NULL DEFAULT FALSE,
    planned_until DATETIME(6)  NOT NULL
);

-- What is due is a row: the unique key makes each tick happen once, however many instances look.
CREATE TABLE IF NOT EXISTS job_run (
    id            BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    job           VARCHAR(32)     NOT NULL,
    scheduled_at  DATETIME(6)     NOT NULL,
    requested_by  VARCHAR(80)     NOT NULL,
    status        VARCHAR(16)     NOT NULL,
    instance      VARCHAR(128)    NULL,
    fencing_token BIGINT UNSIGNED NOT NULL DEFAULT 0,
    started_at    DATETIME(6)     NULL,
    finished_at   DATETIME(6)     NULL,
    summary       TEXT            NULL,
    rotation_run  BIGINT UNSIGNED NULL,
    UNIQUE KEY job_run_tick (job, scheduled_at),
    KEY job_run_open (status, job)
);

CREATE TABLE IF NOT EXISTS deadlock (
    id           BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    source       VARCHAR(64)     NOT NULL,
    occurred_at  DATETIME(6)     NOT NULL,
    captured_at  DATETIME(6)     NOT NULL,
    report_hash  CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    signature    CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    tables_named TEXT            NOT NULL,
    transactions INT UNSIGNED    NOT NULL,
    report       MEDIUMTEXT      NULL,
    report_text  MEDIUMTEXT      NOT NULL,
    UNIQUE KEY deadlock_once (source, report_hash),
    KEY deadlock_time (occurred_at)
);

-- Append-only and hash-chained. `audit_head` is locked by each writer, so the chain cannot fork.
CREATE TABLE IF NOT EXISTS audit (
    sequence BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    at       DATETIME(6)     NOT NULL,
    actor    VARCHAR(80)     NOT NULL,
    action   VARCHAR(64)     NOT NULL,
    target   VARCHAR(255)    NOT NULL,
    detail   TEXT            NOT NULL,
    previous CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    hash     CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
);
CREATE TABLE IF NOT EXISTS audit_head (
    singleton TINYINT UNSIGNED NOT NULL PRIMARY KEY,
    sequence  BIGINT UNSIGNED  NOT NULL,
    hash      CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
);
INSERT IGNORE INTO audit_head VALUES (1, 0, REPEAT('0', 64));
