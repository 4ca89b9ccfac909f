#![doc = include_str!("../README.md")]

pub mod code;
pub mod entropy;
#[cfg(feature = "jwt")]
pub mod jwt;
pub mod keys;
pub mod opaque;
pub mod password;
pub mod seal;
pub mod webhook;

mod mac;

pub use entropy::OsEntropy;

/// The pages of the cookbook that this crate's code is in, so that they compile.
#[cfg(doctest)]
mod cookbook {
    #[doc = include_str!("../../../docs/cookbook/receive-mail-by-webhook.md")]
    struct ReceiveMailByWebhook;
}
