#![doc = include_str!("../README.md")]

pub mod conformance;
pub mod hasher;
pub mod mailbox;

pub use hasher::CountingHasher;
pub use mailbox::{CapturedMail, CapturedMailbox};
