//! Mail: what is queued, how it reads, and where it goes.
//!
//! Flows queue mail in the same write as its cause; a worker delivers it. Trouble with delivery never shows in a
//! request.

#[cfg(feature = "mail-file")]
mod eml_folder;
mod log;
#[cfg(any(feature = "mail-file", feature = "smtp"))]
mod message;
mod params;
mod queue;
pub(crate) mod render;
#[cfg(feature = "smtp")]
mod smtp;
mod templates;
#[cfg(feature = "webhook")]
mod webhook;

#[cfg(feature = "mail-file")]
pub use eml_folder::EmlFolder;
pub use log::{LogMailer, NoMail};
pub(crate) use params::MailParams;
#[cfg(feature = "smtp")]
pub use smtp::{SmtpMailer, SmtpOptions, SmtpOptionsError, SmtpTls};
pub(crate) use templates::Compiled;
pub use templates::{MailPart, TemplateError, Templates};
#[cfg(feature = "webhook")]
pub use webhook::{WebhookMailer, WebhookOptions, WebhookOptionsError};
