//! Pure engine knowledge: capabilities, identifiers, partition DDL, error classes, deadlock reports.
