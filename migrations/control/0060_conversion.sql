-- Conversions of tables without partitions. The plan is frozen when one begins; at most one of a history is unfinished.
CREATE TABLE IF NOT EXISTS conversion (
    id          BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    history_id  BIGINT UNSIGNED NOT NULL,
    plan        MEDIUMTEXT      NOT NULL,
    started_by  VARCHAR(80)     NOT NULL,
    started_at  DATETIME(6)     NOT NULL,
    finished_at DATETIME(6)     NULL,
    KEY conversion_history (history_id, finished_at)
);

-- How far each table is: `stage` is payhist_storage::conversions::Stage, `copied_to` the last key copied, as JSON.
CREATE TABLE IF NOT EXISTS conversion_shard (
    conversion_id BIGINT UNSIGNED   NOT NULL,
    shard         SMALLINT UNSIGNED NOT NULL,
    stage         VARCHAR(16)       NOT NULL,
    copied_to     TEXT              NULL,
    PRIMARY KEY (conversion_id, shard)
);
