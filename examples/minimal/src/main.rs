//! The smallest app.
fn main() {}
