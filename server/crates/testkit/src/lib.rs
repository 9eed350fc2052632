//! Dev-only: private database servers, builders, mock clock, fault points.
