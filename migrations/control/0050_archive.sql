-- Archives of months: one row per shard, month and attempt that was not taken up again. No payment data.
CREATE TABLE IF NOT EXISTS archive (
    id              BIGINT UNSIGNED   NOT NULL AUTO_INCREMENT PRIMARY KEY,
    history_id      BIGINT UNSIGNED   NOT NULL,
    shard           SMALLINT UNSIGNED NOT NULL,
    month           CHAR(7) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    table_name      VARCHAR(64)       NOT NULL,
    edge            DATETIME(6)       NOT NULL,
    target          VARCHAR(64)       NOT NULL,
    state           VARCHAR(16)       NOT NULL,
    object_key      VARCHAR(512)      NULL,
    row_count       BIGINT UNSIGNED   NULL,
    bytes           BIGINT UNSIGNED   NULL,
    checksum        CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
    manifest_sha256 CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
    created_at      DATETIME(6)       NOT NULL,
    verified_at     DATETIME(6)       NULL,
    KEY archive_month (history_id, month, shard)
);

-- The key that a person's columns are encrypted with in every archive, wrapped by the master key. Deleting the row
-- makes the person unreadable in all of them; a later payment of the same user id gets another key and id.
CREATE TABLE IF NOT EXISTS archive_key (
    id         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    history_id BIGINT UNSIGNED NOT NULL,
    user_id    BIGINT UNSIGNED NOT NULL,
    wrapped    VARBINARY(128)  NOT NULL,
    created_at DATETIME(6)     NOT NULL,
    UNIQUE KEY archive_key_user (history_id, user_id)
);
