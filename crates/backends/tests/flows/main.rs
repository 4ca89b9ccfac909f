//! The flows on the memory store: what they promise, state by state. Time is moved by hand, mail is captured, hashes
//! are counted.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its harness too"
)]

mod account;
mod basic;
mod chain;
mod clock;
mod custom_token;
mod email_change;
mod email_code;
mod erase;
mod gone;
mod harness;
#[cfg(feature = "foreign-hashes")]
mod import_user;
mod ip_policy;
mod keys;
mod known_people;
mod lifetimes;
mod magic_link;
mod metrics;
mod old_links;
mod outbox;
mod password;
mod pre_hijack;
mod session_names;
mod sign_in;
mod sign_up;
mod sign_up_policy;
mod spelling;
mod start;
mod step_up;
mod sweep;
mod switched_off;
mod trusted_proxy;
mod two_stores;
