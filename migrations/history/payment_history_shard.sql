-- One shard of a payment history. {table}, {comment} and {partitions} are filled in by payhist_storage::shards. Each key has a
-- line of its own: a table that is filled at once gets its secondary keys afterwards.
--
-- The clustered key serves the hot path, one user's newest payments: docs/decisions/0001-clustered-key.md.
-- The partition column is in every unique key, because the engine demands it (error 1503).
CREATE TABLE {table} (
    payment_id     BIGINT UNSIGNED NOT NULL,
    user_id        BIGINT UNSIGNED NOT NULL,
    order_id       VARCHAR(64)     NOT NULL,
    provider       VARCHAR(32)     NOT NULL,
    provider_tx_id VARCHAR(64)     NULL,
    method         VARCHAR(32)     NOT NULL,
    status         VARCHAR(20)     NOT NULL,
    amount         DECIMAL(19,4)   NOT NULL,
    currency       CHAR(3)         NOT NULL,
    payer_name     VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    payer_email    VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    failure_code   VARCHAR(64)     NULL,
    version        INT UNSIGNED    NOT NULL DEFAULT 1,
    created_at     DATETIME(6)     NOT NULL,
    updated_at     DATETIME(6)     NOT NULL,
    PRIMARY KEY (user_id, created_at, payment_id),
    UNIQUE KEY by_payment (payment_id, created_at),
    KEY by_order (order_id, created_at),
    KEY by_reference (provider_tx_id, created_at),
    KEY by_email (payer_email, user_id, created_at),
    KEY by_status (status, created_at, payment_id),
    KEY by_time (created_at, payment_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT = '{comment}'
PARTITION BY RANGE COLUMNS (created_at) (
{partitions}
)
