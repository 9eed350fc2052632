-- What the payments of a closed month of a shard add up to: counts and sums of amounts, nothing of a person.
-- `version` is raised before payhist changes rows of the month. Figures are those of `kept_version`: they hold while it is
-- still the version; afterwards they say how the month was before, which matters once it has left its table.
-- `source_time` is the source's own clock right before its rows were counted, to compare with what it says of changes.
CREATE TABLE IF NOT EXISTS summary (
    history_id   BIGINT UNSIGNED   NOT NULL,
    shard        SMALLINT UNSIGNED NOT NULL,
    month        CHAR(7) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version      BIGINT UNSIGNED   NOT NULL,
    kept_version BIGINT UNSIGNED   NULL,
    basis        CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
    counted_at   DATETIME(6)       NULL,
    source_time  DATETIME(6)       NULL,
    month_cells  MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    day_cells    MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    PRIMARY KEY (history_id, month, shard)
);
