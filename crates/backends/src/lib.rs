#![doc = include_str!("../README.md")]

mod access;
pub mod backend;
pub mod breach;
mod builder;
pub mod captcha;
mod devices;
#[cfg(any(feature = "webhook", feature = "captcha", feature = "breach-http"))]
mod endpoint;
mod error;
pub mod flow;
mod journal;
mod keys;
pub mod mail;
pub mod metrics;
mod outside;
mod passwords;
mod portcullis;
mod settings;
mod touches;
mod worker;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/cookbook/write-a-mailer.md")]
struct WriteAMailer;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/cookbook/issue-a-token.md")]
struct IssueAToken;

#[cfg(all(doctest, feature = "captcha"))]
#[doc = include_str!("../../../docs/cookbook/ask-for-a-captcha.md")]
struct AskForACaptcha;

#[cfg(all(doctest, feature = "breach"))]
#[doc = include_str!("../../../docs/cookbook/refuse-breached-passwords.md")]
struct RefuseBreachedPasswords;

pub use access::Access;
pub use builder::{BuildError, Builder};
#[cfg(any(feature = "webhook", feature = "captcha", feature = "breach-http"))]
pub use endpoint::EndpointError;
pub use error::FlowError;
pub use keys::KeysError;
pub use portcullis::{Authentication, Portcullis};
pub use portcullis_core as core;
pub use portcullis_tokens as tokens;
pub use settings::{PublicUrl, PublicUrlError, Settings};
pub use worker::{DueReport, PurgeReport};
