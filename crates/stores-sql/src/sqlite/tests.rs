//! What is true of SQLite alone; what is true of every store is in the conformance suite.

mod erasure;
mod faults;
#[cfg(unix)]
mod home;
mod migrations;
mod opening;
mod reads;
mod rules;
mod sample;
mod writing;
