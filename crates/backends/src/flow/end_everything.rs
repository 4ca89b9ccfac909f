//! Ending what everybody is signed in with, after a database was restored or a key was lost.

use portcullis_core::along::{Along, Refusal, Write};
use portcullis_core::entity::EndAll;
use portcullis_core::event::{AuthEvent, AuthEventType};
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::net::ClientInfo;
use serde_json::json;

use super::admin::AdminOutcome;
use crate::error::FlowError;
use crate::portcullis::Portcullis;

/// How many accounts are ended in one write.
const BATCH: u32 = 500;

/// What was ended, of everybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndedEverything {
    /// Accounts whose sessions, refresh and access tokens and links are over.
    pub accounts: u64,
    /// API tokens that were revoked.
    pub api_tokens: u64,
}

/// What becomes of API tokens, which do not follow the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiTokensToo {
    /// They go on: a deployment does not break because people sign in again.
    Kept,
    /// They are revoked.
    Revoked,
}

impl Portcullis {
    /// Ends every session, refresh token, access token and link of everybody in every tenant, a batch of accounts at a
    /// time; `told` hears how far it is. Event first: one when it begins, which commits with the first batch, and one with
    /// the counts when it is done.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer. Those before that are ended; the same call again begins anew and is
    /// safe: whoever came in meanwhile comes in once more.
    pub async fn admin_end_everything(
        &self,
        api_tokens: ApiTokensToo,
        mut told: impl FnMut(EndedEverything),
    ) -> Result<EndedEverything, FlowError> {
        let revoke = api_tokens == ApiTokensToo::Revoked;
        let mut ended = EndedEverything::default();
        let mut after = None;
        let mut along = Along::event(self.system_event(json!({ "api_tokens": revoke }))?);
        loop {
            let batch = EndAll {
                after,
                limit: BATCH,
                api_tokens: revoke,
                now: self.now(),
            };
            let security = &self.0.stores.security;
            let done = match security.end_all(&batch, along).await? {
                Write::Applied(done) => done,
                Write::Refused(refusal) => return Err(FlowError::internal(refusal)),
            };
            ended.accounts += done.accounts;
            ended.api_tokens += done.api_tokens;
            along = Along::default();
            if done.last.is_none() {
                break;
            }
            after = done.last;
            told(ended);
        }
        let detail = json!({
            "accounts": ended.accounts,
            "api_tokens_revoked": ended.api_tokens,
            "done": true,
        });
        self.explain(Along::event(self.system_event(detail)?))
            .await?;
        Ok(ended)
    }

    /// Ends what one person is signed in with, for an operator: sessions, refresh and access tokens and links by the
    /// epoch, and API tokens where that is asked for.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer; the same call again is safe.
    pub async fn admin_sign_out(
        &self,
        tenant: TenantId,
        user: UserId,
        api_tokens: ApiTokensToo,
    ) -> Result<AdminOutcome, FlowError> {
        let security = &self.0.stores.security;
        if api_tokens == ApiTokensToo::Revoked {
            let kind = AuthEventType::ApiTokensRevoked;
            let along = self.operator_event(tenant, user, kind, serde_json::Value::Null)?;
            let now = self.now();
            let revoked = security.revoke_all_api_tokens(tenant, user, now, along);
            if let Write::Refused(refusal) = revoked.await? {
                return Ok(refused(refusal));
            }
        }
        let kind = AuthEventType::SessionsRevoked;
        let along = self.operator_event(tenant, user, kind, json!({ "everything": true }))?;
        if let Write::Refused(refusal) = security.bump_epoch(tenant, user, along).await? {
            return Ok(refused(refusal));
        }
        self.tidy_sessions(tenant, user, None).await;
        Ok(AdminOutcome::Done)
    }

    /// About every tenant.
    fn system_event(&self, detail: serde_json::Value) -> Result<AuthEvent, FlowError> {
        let kind = AuthEventType::EverythingEnded;
        let event = self.event(TenantId::SYSTEM, kind, &ClientInfo::default())?;
        let mut event = event.by(UserId::SYSTEM).with(detail).finish();
        event.tenant = None;
        Ok(event)
    }
}

const fn refused(refusal: Refusal) -> AdminOutcome {
    match refusal {
        Refusal::NotFound => AdminOutcome::NotFound,
        refusal => AdminOutcome::Refused(refusal),
    }
}
