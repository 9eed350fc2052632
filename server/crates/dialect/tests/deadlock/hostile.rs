//! Texts that are broken or forged.
