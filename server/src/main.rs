//! Payment history: browse, rotate, erase, observe.
fn main() {}
