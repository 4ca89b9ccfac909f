//! The conformance suite: what every store must do, whoever wrote it.
//!
//! One line runs it on a store of yours, each case as a test of its own:
//!
//! ```text
//! async fn fresh() -> Arc<MyStore> { /* an empty store for one test */ }
//!
//! portcullis_testing::conformance!(all: fresh);
//! ```
//!
//! | family | what the store implements |
//! |---|---|
//! | `directory` | `IdentityAdmin` |
//! | `crossing` | `IdentityStore` |
//! | `security` | `SecurityStore` |
//! | `refresh` | `SecurityStore` |
//! | `sessions` | `SessionStore` |
//! | `resolution` | `ResolveSession`, `SessionStore` and `SecurityStore` |
//! | `limits` | `RateLimitStore` |
//! | `tickets` | `TicketStore` |
//! | `kv` | `KeyValueStore` |
//! | `audit` | `AuditQuery` and `SecurityStore` |
//! | `history` | `PasswordHistory` and `SecurityStore` |
//!
//! `all` stands for every family but `kv`. A store that needs something to outlive it, such as a
//! temporary folder, comes as a pair: `(Arc<MyStore>, TempDir)`. One that a machine may lack, such as a server's,
//! comes as an `Option`: without it nothing is tried, so say so, and fail where it must be there. New cases join by
//! themselves with a new version of this crate.
//!
//! The tests run on tokio, which your crate needs as a dev-dependency with `macros` and `rt-multi-thread`. The cases
//! themselves need no particular runtime: each takes a [`Trial`], which is told how to spawn.
//!
//! Races are run a few times; with `PORTCULLIS_LONG` set, ten times as often.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is test code, published as a library: a failed expectation is a panic"
)]

pub mod accounts;
pub mod activation;
pub mod any_tenant;
pub mod api_tokens;
pub mod attempts;
pub mod audit;
mod cases;
pub mod commits;
pub mod companions;
pub mod crossing;
pub mod discarding;
pub mod enrolment;
pub mod erased_log;
pub mod erasure;
mod expect;
pub mod factors;
pub mod history;
pub mod identifier_change;
pub mod kv;
pub mod limits;
pub mod opening;
mod operation;
pub mod outbox;
pub mod people;
pub mod refresh;
pub mod refresh_cap;
pub mod resolution;
pub mod roles;
pub mod rotation;
mod sample;
mod scene;
pub mod session_cap;
pub mod session_names;
pub mod session_use;
pub mod sessions;
pub mod supersession;
pub mod tenants;
pub mod tickets;
pub mod tokens;
mod trial;

pub use trial::{Fixture, Spawn, Trial};

#[cfg(test)]
mod tests;
