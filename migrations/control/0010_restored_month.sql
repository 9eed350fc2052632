-- Months that were restored from quarantine: no run takes them away again before `until`.
CREATE TABLE IF NOT EXISTS restored_month (
    history_id  BIGINT UNSIGNED   NOT NULL,
    shard       SMALLINT UNSIGNED NOT NULL,
    month       CHAR(7) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    until       DATETIME(6)       NOT NULL,
    restored_by VARCHAR(80)       NOT NULL,
    restored_at DATETIME(6)       NOT NULL,
    PRIMARY KEY (history_id, shard, month)
);
