//! Mail: what is queued, how it reads, and where it goes.
//!
//! Flows queue mail in the same write as its cause; a worker delivers it. Trouble with delivery never shows in a
//! request.

#[cfg(feature = "mail-file")]
mod eml_folder;
mod log;
pub(crate) mod render;

#[cfg(feature = "mail-file")]
pub use eml_folder::EmlFolder;
pub use log::LogMailer;
