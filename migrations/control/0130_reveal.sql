-- Who saw whose personal data in clear, why, and until when without asking again. The audit log has the same, for good.
CREATE TABLE IF NOT EXISTS reveal (
    id         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    history_id BIGINT UNSIGNED NOT NULL,
    payment_id BIGINT UNSIGNED NOT NULL,
    actor      VARCHAR(80)     NOT NULL,
    reason     TEXT            NOT NULL,
    at         DATETIME(6)     NOT NULL,
    until      DATETIME(6)     NOT NULL,
    KEY reveal_payment (history_id, payment_id, at)
);
