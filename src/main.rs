//! The service's entry.
fn main() {}
