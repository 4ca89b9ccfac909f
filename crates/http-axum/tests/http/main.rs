//! The routes and guards, mounted in an axum app on the memory store, as a client sees them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its harness too"
)]

mod account;
mod app;
mod audit;
mod captcha;
mod email_change;
mod email_code;
mod faults;
mod guards;
mod headers;
mod identifiers;
mod kinds;
mod limits;
mod link_origin;
mod links;
mod magic_link;
mod mail_trouble;
mod metrics;
mod no_token;
mod password_cooldown;
mod password_history;
mod password_length;
mod password_reset;
mod passwords;
mod path;
mod pre_hijack;
mod protection;
mod roles;
mod samples;
mod session_names;
mod sessions;
mod step_up;
mod surface;
mod suspended;
mod table;
#[cfg(feature = "jwt")]
mod token_pair;
mod tokens;
mod uniform;
