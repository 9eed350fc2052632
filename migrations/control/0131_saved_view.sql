-- Lists of payments that somebody gave a name. `address` is what follows the question mark of the page's address.
CREATE TABLE IF NOT EXISTS saved_view (
    id         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    owner      VARCHAR(80) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    name       VARCHAR(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    shared     BOOLEAN         NOT NULL,
    address    VARCHAR(2000)   NOT NULL,
    created_at DATETIME(6)     NOT NULL,
    UNIQUE KEY saved_view_name (owner, name)
);
