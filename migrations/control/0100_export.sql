-- Exports of payments: who took what away, how far each came and what became of it. No payment data but the filter's.
-- `heartbeat_at` tells an export that is at work from one whose process is gone.
CREATE TABLE IF NOT EXISTS export (
    id            BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    history_id    BIGINT UNSIGNED NOT NULL,
    started_by    VARCHAR(80)     NOT NULL,
    query         TEXT            NOT NULL,
    format        VARCHAR(16)     NOT NULL,
    reveal_reason TEXT            NULL,
    scope         TEXT            NOT NULL,
    state         VARCHAR(16)     NOT NULL,
    reads_done    INT UNSIGNED    NOT NULL DEFAULT 0,
    row_count     BIGINT UNSIGNED NOT NULL DEFAULT 0,
    bytes         BIGINT UNSIGNED NOT NULL DEFAULT 0,
    sha256        CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
    failure       TEXT            NULL,
    started_at    DATETIME(6)     NOT NULL,
    heartbeat_at  DATETIME(6)     NOT NULL,
    finished_at   DATETIME(6)     NULL,
    cancelled_by  VARCHAR(80)     NULL,
    KEY export_history (history_id, id)
);
