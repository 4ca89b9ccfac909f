//! `PostgresStore` on a real PostgreSQL, see [`server`].

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod conformance;
mod connecting;
mod faults;
mod hanging_up;
mod migrations;
mod reads;
mod restart;
mod sample;
mod schema;
mod server;
mod turns;

// What `cargo xtask services` starts servers with; only the standard library, see there.
#[path = "../../../../xtask/src/services/postgres.rs"]
mod cluster;
#[path = "../../../../xtask/src/services/place.rs"]
mod place;
