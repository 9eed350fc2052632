//! Pure planning: routing, months, retention, rotation plans and their checker.
