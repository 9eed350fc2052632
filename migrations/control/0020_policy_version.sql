-- Every policy that a history has had: version 1 is its first, and each follows from the one before.
CREATE TABLE IF NOT EXISTS policy_version (
    history_id BIGINT UNSIGNED NOT NULL,
    version    BIGINT UNSIGNED NOT NULL,
    policy     TEXT            NOT NULL,
    changed_by VARCHAR(80)     NOT NULL,
    changed_at DATETIME(6)     NOT NULL,
    PRIMARY KEY (history_id, version)
);
INSERT IGNORE INTO policy_version
    SELECT id, 1, JSON_EXTRACT(spec, '$.policy'), 'before versions', created_at FROM history;
