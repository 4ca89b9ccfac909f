#![doc = include_str!("../README.md")]

pub mod conformance;
pub mod fault;
pub mod hasher;
#[cfg(any(feature = "smtp", feature = "webhook"))]
mod loopback;
pub mod mailbox;
mod methods;
pub mod mutants;
mod request;
#[cfg(feature = "smtp")]
pub mod smtp;
#[cfg(feature = "webhook")]
pub mod webhook;
pub mod wrap;

pub use fault::{End, Fault, FaultStore, Faults, Fired, How, Run, for_every_fault};
pub use hasher::CountingHasher;
pub use mailbox::{CapturedMail, CapturedMailbox};
pub use request::NoRequest;
pub use wrap::{Around, Wrapped};
