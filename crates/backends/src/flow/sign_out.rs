//! Signing out.

use portcullis_core::along::{Along, Refusal, Write};
use portcullis_core::backend::RequestContext;
use portcullis_core::event::AuthEventType;
use portcullis_core::principal::{Principal, Via};
use serde_json::json;

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

    /// Ends everything that the principal's person is signed in with, this session too: sessions, refresh families and
    /// access tokens by the epoch, in the write of the event, and with them the links that are under way. API tokens
    /// stay; they are revoked on their own.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer; signing out again is safe.
    pub async fn sign_out_everywhere(
        &self,
        principal: &Principal,
        context: &RequestContext,
    ) -> Result<(), FlowError> {
        let (tenant, user) = (principal.tenant, principal.user());
        let event = self.event(tenant, AuthEventType::SessionsRevoked, &context.client)?;
        let event = event.about(user).with(json!({ "everything": true }));
        let along = Along::event(event.finish());
        match self
            .0
            .stores
            .security
            .bump_epoch(tenant, user, along)
            .await?
        {
            // Whoever is gone is signed in nowhere.
            Write::Applied(_) | Write::Refused(Refusal::NotFound) => {}
            Write::Refused(refusal) => return Err(FlowError::internal(refusal)),
        }
        self.tidy_sessions(tenant, user, None).await;
        Ok(())
    }
}
