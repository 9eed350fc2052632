-- Legal holds. `scope` is payhist_types::holds::HoldScope as JSON; one that cannot be read keeps the whole history.
-- A hold has ended when it is released, or when `until` has passed.
CREATE TABLE IF NOT EXISTS legal_hold (
    id               BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    history_id       BIGINT UNSIGNED NOT NULL,
    scope            TEXT            NOT NULL,
    reason           TEXT            NOT NULL,
    case_number      VARCHAR(64)     NOT NULL,
    placed_by        VARCHAR(80)     NOT NULL,
    placed_at        DATETIME(6)     NOT NULL,
    until            DATETIME(6)     NULL,
    release_reason   TEXT            NULL,
    release_asked_by VARCHAR(80)     NULL,
    release_asked_at DATETIME(6)     NULL,
    released_by      VARCHAR(80)     NULL,
    released_at      DATETIME(6)     NULL,
    KEY legal_hold_history (history_id, released_at)
);
