-- How long a step waited for its lock: NULL for steps that were settled before this was recorded. Only MariaDB knows
-- ADD COLUMN IF NOT EXISTS, and a migration must bear being repeated.
SET @step_wait = IF(
    EXISTS (
        SELECT 1 FROM information_schema.COLUMNS
        WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'rotation_step' AND COLUMN_NAME = 'wait_ms'
    ),
    'DO 0',
    'ALTER TABLE rotation_step ADD COLUMN wait_ms BIGINT UNSIGNED NULL AFTER attempts'
);
PREPARE step_wait FROM @step_wait;
EXECUTE step_wait;
DEALLOCATE PREPARE step_wait;
