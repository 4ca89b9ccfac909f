//! Signing out.

use portcullis_core::backend::RequestContext;
use portcullis_core::event::AuthEventType;
use portcullis_core::principal::Principal;

use crate::error::FlowError;
use crate::portcullis::Portcullis;

impl Portcullis {
    /// Ends the session that the principal came with. For one that came with something else there is nothing to end.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer; the session may live on, and signing out again is safe.
    pub async fn sign_out(
        &self,
        principal: &Principal,
        context: &RequestContext,
    ) -> Result<(), FlowError> {
        if let Some(session) = principal.session() {
            self.end_session(principal, session, AuthEventType::SignOut, context)
                .await?;
        }
        Ok(())
    }
}
