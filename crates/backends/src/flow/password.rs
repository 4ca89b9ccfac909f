//! Passwords: changing one that is known, and setting a new one with a link.
//!
//! Both end every session, refresh family and access token in the write that sets the password, and tell the owner in
//! the same write.

mod change;
mod forgot;
mod history;
mod reset;
mod rules;

pub use change::{ChangePassword, ChangePasswordOutcome};
pub use forgot::ForgotPassword;
pub use reset::{ResetLinkOutcome, ResetPassword, ResetPasswordOutcome};
