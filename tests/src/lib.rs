//! The harness of the whole-system tests: the real binary, in a fresh folder, on a free port, driven from outside.
//!
//! `cargo xtask test` builds the binary and says where it is. Nothing here sleeps for a fixed time: what is waited for
//! is a line, an exit, a file or an answer, each with a bound.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test harness fails by panicking"
)]

mod browser;
mod exposition;
mod fake_clock;
mod mail;
mod pair;
mod person;
mod place;
mod process;
mod random;
mod service;
mod stores;
mod world;

pub use browser::{Answer, Browser};
pub use exposition::{Exposition, Family};
pub use fake_clock::FakeClock;
pub use mail::{Mail, token_in};
pub use pair::Pair;
pub use person::{ApiToken, Person, verify};
pub use place::{DEFAULT_CONFIG, Place};
pub use process::{Ran, until};
pub use random::Random;
pub use service::Service;
pub use stores::{Frozen, Redis, Stores};
pub use world::{Post, World};
