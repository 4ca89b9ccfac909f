//! Random stories of all account flows, against a model of who may do what. The tests package tells them on SQLite too.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its harness too"
)]

mod act;
mod law;
mod probe;
mod property;
mod store;
mod story;
mod teeth;
mod tell;
mod world;
