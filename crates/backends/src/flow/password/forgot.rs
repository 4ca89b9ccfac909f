//! Asking for a link that sets a new password.

use portcullis_core::along::{Along, Refusal, Write};
use portcullis_core::backend::RequestContext;
use portcullis_core::entity::{Epoch, SubjectState, User};
use portcullis_core::event::{AuthEventType, Reason};
use portcullis_core::id::UserId;
use portcullis_core::identifier::Identifier;
use portcullis_core::policy::TenantPolicy;
use portcullis_core::rule;
use portcullis_core::rule::sign_up::may_sign_up;
use portcullis_core::state::EntityState;
use portcullis_core::time::Timestamp;
use portcullis_core::verification::TokenKind;

use crate::error::FlowError;
use crate::flow::mailed_link::{LinkSpec, Recipient};
use crate::flow::spelling::as_mailed;
use crate::mail::MailParams;
use crate::portcullis::Portcullis;

/// Somebody who does not know their password.
#[derive(Debug)]
pub struct ForgotPassword {
    /// Their address.
    pub email: Identifier,
}

impl Portcullis {
    /// Sends a link that sets a new password, in place of an older one. For an address that nobody may have one for
    /// the answer and the work are the same, and nothing is kept but the event; on the account nothing changes.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer.
    pub async fn forgot_password(
        &self,
        input: ForgotPassword,
        context: &RequestContext,
    ) -> Result<(), FlowError> {
        let tenant = context.tenant;
        let policy = self.policy(tenant).await?;
        let kind = AuthEventType::PasswordResetRequested;
        if !self.lets_come(kind, &input.email, &policy, context).await {
            return Ok(());
        }
        let event = self.event(tenant, kind, &context.client)?;
        let stores = &self.0.stores;
        let found = stores.directory.find_user(tenant, &input.email).await?;
        // Nobody has this id, and looking them up costs as much.
        let nobody = UserId::time_ordered(self.now(), self.entropy())?;
        let id = found.as_ref().map_or(nobody, |user| user.id);
        let subject = stores.security.subject_state(tenant, id).await?;
        let found = found.map(|user| as_mailed(user, subject.as_ref()));
        let allowed = self.may_have_a_link(found.as_ref(), subject.as_ref(), &policy);
        let to = Recipient {
            tenant,
            user: Some(id),
            epoch: Some(subject.map_or(Epoch::default(), |subject| subject.epoch)),
            email: found.as_ref().and_then(User::email).unwrap_or(&input.email),
        };
        let spec = LinkSpec {
            kind: TokenKind::PasswordReset,
            page: "/password/reset",
            ttl: policy.link.password_reset,
        };
        // Made for everybody, and thrown away where it may not be sent.
        let address = self.seal_address(tenant, to.email)?;
        let (token, link) = self.mint_link(&spec, &to, Some(address))?;
        let minutes = spec.ttl.as_secs().div_ceil(60);
        let params = MailParams::PasswordReset { link, minutes };
        let mail = match &found {
            Some(user) => self.queue_mail(tenant, user, &params, &context.client)?,
            None => self.queue_mail_to(tenant, &to.email.raw, &params, &context.client)?,
        };
        let event = event.about_if_known(found.as_ref().map(|user| user.id));
        let along = match allowed {
            Ok(()) => Along::event(event.finish())
                .with_issue(token)
                .with_mail(mail),
            Err(reason) => Along::event(event.refused(reason).finish()),
        };
        match stores.security.record(along).await? {
            Write::Applied(()) => {
                self.0.mail_queued.notify_one();
                Ok(())
            }
            // They were erased meanwhile: now they are nobody.
            Write::Refused(Refusal::NotFound) => {
                self.note_nobody(kind, &input.email, context).await;
                Ok(())
            }
            Write::Refused(refusal) => Err(FlowError::internal(refusal)),
        }
    }

    fn may_have_a_link(
        &self,
        user: Option<&User>,
        subject: Option<&SubjectState>,
        policy: &TenantPolicy,
    ) -> Result<(), Reason> {
        match (user, subject) {
            (Some(user), Some(subject)) => {
                rule::credential::reset(subject, None, self.now())?;
                let email = user.email().map_or("", |email| &*email.canonical);
                still_may_sign_up(subject, email, policy, self.now())
            }
            _ => Err(Reason::UnknownIdentifier),
        }
    }
}

/// A link that sets a password also activates an account that has proved nothing yet: for that its address has to be one
/// that may sign up.
pub(super) fn still_may_sign_up(
    subject: &SubjectState,
    canonical_email: &str,
    policy: &TenantPolicy,
    now: Timestamp,
) -> Result<(), Reason> {
    match subject.user_status.effective_at(now) {
        EntityState::Candidate | EntityState::Pending => {
            may_sign_up(&policy.sign_up, canonical_email)
                .map_err(|_refusal| Reason::SignUpNotAllowed)
        }
        _ => Ok(()),
    }
}
