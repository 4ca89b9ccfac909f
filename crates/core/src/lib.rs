#![doc = include_str!("../README.md")]

pub mod clock;
pub mod entropy;
pub mod error;
pub mod id;
pub mod secret;
pub mod time;
