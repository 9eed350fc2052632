-- API tokens. `secret_hash` is the SHA-256 of a random secret of 256 bits, which is kept nowhere: such a secret cannot be
-- guessed from its hash, so no slow hash is needed. `scopes` are permissions, separated by commas.

CREATE TABLE IF NOT EXISTS api_token (
    id           BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    operator_id  BIGINT UNSIGNED NOT NULL,
    name         VARCHAR(64)     NOT NULL,
    secret_hash  CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    scopes       VARCHAR(1024)   NOT NULL,
    created_at   DATETIME(6)     NOT NULL,
    expires_at   DATETIME(6)     NOT NULL,
    last_used_at DATETIME(6)     NULL,
    revoked_at   DATETIME(6)     NULL,
    UNIQUE KEY api_token_secret (secret_hash),
    KEY api_token_owner (operator_id, id)
);
