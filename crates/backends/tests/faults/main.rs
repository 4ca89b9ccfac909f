//! Every flow, failed at every store call it makes and in every way there is, on the memory store. The tests package
//! runs the same files on SQLite.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its harness too"
)]

mod account;
mod admin;
mod api_tokens;
mod background;
mod chain;
mod custom_token;
mod email_change;
mod email_code;
mod erase;
mod every;
#[cfg(feature = "foreign-hashes")]
mod import_user;
mod instance;
mod keys;
mod laws;
mod magic_link;
mod operator;
mod password_history;
mod passwords;
mod present;
mod sessions;
mod sign_in;
mod sign_up;
mod split;
mod store;
mod teeth;
#[cfg(feature = "jwt")]
mod token_pair;
mod verify_email;
mod world;
