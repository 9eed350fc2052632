//! Builds the site: WASM, bindings, style, hashing, precompression.
fn main() {}
