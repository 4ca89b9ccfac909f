//! Closing one's own account, for good.

use portcullis_core::along::{Along, Refusal, Write};
use portcullis_core::backend::RequestContext;
use portcullis_core::event::AuthEventType;
use portcullis_core::principal::Principal;
use portcullis_core::state::{EntityState, Status, StatusDetail};
use serde_json::json;

use crate::error::FlowError;
use crate::mail::MailParams;
use crate::portcullis::Portcullis;

/// What operators read as the reason of the state.
const REASON: &str = "closed by owner";

/// How closing an account ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseAccountOutcome {
    /// It is closed, and nothing of its owner's is accepted any more.
    Closed,
    /// The caller came without a session, or with one that is over.
    SessionRequired,
}

impl Portcullis {
    /// Closes the caller's account. That the sign-in behind it is recent is the caller's to check (SECURITY SE-07).
    ///
    /// State, epoch, event and notice commit together. Every session, refresh family, access token and link ends with
    /// the epoch, and API tokens are refused for their owner's state. What is kept about the person, and their
    /// address, which nobody signs up with meanwhile, is erased after the tenant's
    /// [`erase_after`](portcullis_core::policy::AccountPolicy::erase_after).
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer; closing it again is safe.
    pub async fn close_account(
        &self,
        principal: &Principal,
        context: &RequestContext,
    ) -> Result<CloseAccountOutcome, FlowError> {
        let (tenant, id) = (principal.tenant, principal.user());
        let Some(session) = self.own_session(principal).await? else {
            return Ok(CloseAccountOutcome::SessionRequired);
        };
        let stores = &self.0.stores;
        let subject = stores.security.subject_state(tenant, id).await?;
        // It was good when the request came; a change since then has ended it.
        if subject.is_none_or(|subject| subject.epoch != session.epoch) {
            return Ok(CloseAccountOutcome::SessionRequired);
        }
        let user = stores.directory.user(tenant, id).await?;
        let kind = AuthEventType::AccountStateChanged;
        let detail = json!({ "to": EntityState::Terminated, "reason": REASON, "until": null });
        let event = self.event(tenant, kind, &context.client)?.about(id);
        let mut along = Along::event(event.with(detail).finish()).with_epoch_of(tenant, id);
        if let Some(user) = user.filter(|user| user.email().is_some()) {
            let notice = &MailParams::AccountClosed {};
            along = along.with_mail(self.queue_mail(tenant, &user, notice, &context.client)?);
        }
        let closed = Status {
            state: EntityState::Terminated,
            detail: StatusDetail {
                reason: Some(REASON.to_owned()),
                since: self.now(),
                until: None,
            },
        };
        let security = &stores.security;
        match security.set_state(tenant, id, &closed, along).await? {
            Write::Applied(()) => {}
            Write::Refused(Refusal::Transition { .. } | Refusal::NotFound) => {
                return Ok(CloseAccountOutcome::SessionRequired);
            }
            Write::Refused(other) => return Err(FlowError::internal(other)),
        }
        self.0.mail_queued.notify_one();
        self.tidy_sessions(tenant, id, None).await;
        Ok(CloseAccountOutcome::Closed)
    }
}
