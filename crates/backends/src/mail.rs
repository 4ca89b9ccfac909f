//! Mail: what is queued, how it reads, and where it goes.
//!
//! Flows queue mail in the same write as its cause; a worker delivers it. Trouble with delivery never shows in a
//! request.

#[cfg(feature = "mail-file")]
mod eml_folder;
mod log;
#[cfg(feature = "mail-file")]
mod message;
mod params;
mod queue;
pub(crate) mod render;
mod templates;

#[cfg(feature = "mail-file")]
pub use eml_folder::EmlFolder;
pub use log::LogMailer;
pub(crate) use params::MailParams;
pub(crate) use templates::Compiled;
pub use templates::{MailPart, TemplateError, Templates};
