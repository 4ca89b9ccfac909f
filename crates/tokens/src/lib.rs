#![doc = include_str!("../README.md")]

pub mod code;
pub mod entropy;
#[cfg(feature = "jwt")]
pub mod jwt;
pub mod keys;
pub mod opaque;
pub mod password;
pub mod seal;

mod mac;

pub use entropy::OsEntropy;
