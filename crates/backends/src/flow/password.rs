//! Passwords: changing one that is known, and setting a new one with a link.
//!
//! Both end every session, refresh family and access token in the write that sets the password, and tell the owner in
//! the same write.

mod change;
mod forgot;
mod reset;

pub use change::{ChangePassword, ChangePasswordOutcome};
pub use forgot::ForgotPassword;
pub use reset::{ResetLinkOutcome, ResetPassword, ResetPasswordOutcome};

use portcullis_core::id::{SessionId, TenantId, UserId};

use crate::portcullis::Portcullis;

impl Portcullis {
    /// Ends the rows of sessions whose epoch is over, so that they are listed no more. They are refused already, so a
    /// failure changes nothing for anybody.
    async fn tidy_sessions(&self, tenant: TenantId, user: UserId, keep: Option<SessionId>) {
        let sessions = &self.0.stores.sessions;
        let ended = sessions.revoke_sessions(tenant, user, keep, self.now());
        if let Err(error) = ended.await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "sessions that are over are still listed"
            );
        }
    }
}
