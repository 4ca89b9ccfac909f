//! Signing out.

use portcullis_core::backend::RequestContext;
use portcullis_core::event::AuthEventType;
use portcullis_core::principal::{Principal, Via};

use crate::error::FlowError;
use crate::portcullis::Portcullis;

impl Portcullis {
    /// Ends the session or the refresh family that the principal came with. For one that came with something else there is nothing to end.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer; the session may live on, and signing out again is safe.
    pub async fn sign_out(
        &self,
        principal: &Principal,
        context: &RequestContext,
    ) -> Result<(), FlowError> {
        match principal.via {
            Via::Session(session) => {
                self.end_session(principal, session, AuthEventType::SignOut, context)
                    .await?;
            }
            Via::AccessToken(family) => self.end_own_family(principal, family, context).await?,
            _ => {}
        }
        Ok(())
    }
}
