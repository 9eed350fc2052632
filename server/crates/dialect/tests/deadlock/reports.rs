//! Reports recorded from private servers (`reports/`): each shows what the shared samples do not.
