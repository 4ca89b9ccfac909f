//! Putting another address in the place of one's own, in two steps: asking for it in a recent session, and proving the
//! new one with the link that was sent to it.
//!
//! The old address is told when it is asked for and when it is done. What the new one answers to whoever asked does not
//! depend on whether somebody has it; who has it is told. The link works in a session of the account alone: whoever owns
//! a mistyped address gets a mail and no account.

use portcullis_core::along::{Along, Refusal, Spend, Write};
use portcullis_core::backend::RequestContext;
use portcullis_core::entity::{IdentifierChange, SubjectState, User};
use portcullis_core::event::{AuthEventType, Reason};
use portcullis_core::identifier::Identifier;
use portcullis_core::policy::TenantPolicy;
use portcullis_core::principal::Principal;
use portcullis_core::rule::sign_up::{SignUpRefusal, may_use};
use portcullis_core::secret::SecretText;
use portcullis_core::session::Session;
use portcullis_core::verification::{TokenKind, VerificationToken};

use super::mailed_link::{LinkSpec, ReadLink, Recipient, reason_of};
use super::open_session::SignedIn;
use crate::error::FlowError;
use crate::mail::MailParams;
use crate::portcullis::Portcullis;

/// Asks for another address.
#[derive(Debug)]
pub struct RequestEmailChange {
    /// The address to come.
    pub email: Identifier,
}

/// How that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestEmailChangeOutcome {
    /// A mail is on its way to both addresses, whoever has the new one.
    Accepted,
    /// The account has this very address already.
    Unchanged,
    /// The account has no address to change.
    NoAddress,
    /// The tenant takes addresses of certain domains only, and this is none of them, whoever has it.
    NotAllowed(SignUpRefusal),
}

/// The link from the mail to the new address, acted on.
#[derive(Debug)]
pub struct ConfirmEmailChange {
    /// The token in the link.
    pub token: SecretText,
}

/// How that ended.
#[derive(Debug)]
pub enum ConfirmEmailChangeOutcome {
    /// The new address is proved and in place; every other session, refresh family and link is over.
    Changed {
        /// The caller's own session under a new id; `None` where it could not be taken along, and they sign in again.
        session: Option<Box<SignedIn>>,
    },
    /// The link does not work, or not for this account; the reason is in the audit log only.
    Rejected,
    /// The caller came without a session, or with one that is over.
    SessionRequired,
}

impl Portcullis {
    /// Sends a link to a new address, and a notice to the old one. That the sign-in behind it is recent is the caller's
    /// to check (SECURITY SE-07).
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer; nothing is sent.
    pub async fn request_email_change(
        &self,
        principal: &Principal,
        input: RequestEmailChange,
        context: &RequestContext,
    ) -> Result<RequestEmailChangeOutcome, FlowError> {
        let (tenant, id) = (principal.tenant, principal.user());
        let policy = self.policy(tenant).await?;
        let stores = &self.0.stores;
        let user = stores.directory.user(tenant, id).await?;
        let subject = stores.security.subject_state(tenant, id).await?;
        let (Some(user), Some(subject)) = (user, subject) else {
            return Ok(RequestEmailChangeOutcome::NoAddress);
        };
        let Some(old) = user.email() else {
            return Ok(RequestEmailChangeOutcome::NoAddress);
        };
        if old.raw == input.email.raw {
            return Ok(RequestEmailChangeOutcome::Unchanged);
        }
        let kind = AuthEventType::EmailChangeRequested;
        if let Err(refusal) = may_use(&policy.sign_up, &input.email.canonical) {
            self.note_link(id, kind, Reason::SignUpNotAllowed, context)
                .await;
            return Ok(RequestEmailChangeOutcome::NotAllowed(refusal));
        }
        let holder = stores.directory.find_user(tenant, &input.email).await?;
        let event = self.event(tenant, kind, &context.client)?.about(id);
        let notice = &MailParams::EmailChangeRequested {};
        let notice = self.queue_mail(tenant, &user, notice, &context.client)?;
        let along = match holder.filter(|holder| holder.id != id) {
            None => {
                let along = Along::event(event.finish());
                self.with_change_link(along, &subject, &input.email, &policy, context)?
            }
            Some(holder) => {
                let event = event.refused(Reason::AlreadyRegistered).finish();
                let told = &MailParams::AddressTaken {};
                let told = self.queue_mail(tenant, &holder, told, &context.client)?;
                Along::event(event).with_mail(told)
            }
        };
        match stores.security.record(along.with_mail(notice)).await? {
            Write::Applied(()) => {
                self.0.mail_queued.notify_one();
                Ok(RequestEmailChangeOutcome::Accepted)
            }
            // They were erased meanwhile.
            Write::Refused(Refusal::NotFound) => Ok(RequestEmailChangeOutcome::NoAddress),
            Write::Refused(refusal) => Err(FlowError::internal(refusal)),
        }
    }

    fn with_change_link(
        &self,
        along: Along,
        subject: &SubjectState,
        email: &Identifier,
        policy: &TenantPolicy,
        context: &RequestContext,
    ) -> Result<Along, FlowError> {
        let tenant = subject.tenant;
        let spec = LinkSpec {
            kind: TokenKind::EmailChange,
            page: "/email/change/confirm",
            ttl: policy.link.email_change,
        };
        let to = Recipient {
            tenant,
            user: Some(subject.user),
            epoch: Some(subject.epoch),
            email,
        };
        let payload = Some(self.seal_address(tenant, email)?);
        let (token, link) = self.mint_link(&spec, &to, payload)?;
        let hours = spec.ttl.as_secs().div_ceil(3600);
        let params = MailParams::EmailChange { link, hours };
        let mut mail = self.queue_mail_to(tenant, &email.raw, &params, &context.client)?;
        mail.user = to.user;
        Ok(along.with_issue(token).with_mail(mail))
    }

    /// Proves the new address and puts it in place: address, proof, epoch, event and notice commit together, then the
    /// caller's own session goes on under a new id. The token says which address, whatever was asked for since.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer; the token is not used up.
    pub async fn confirm_email_change(
        &self,
        principal: &Principal,
        input: ConfirmEmailChange,
        context: &RequestContext,
    ) -> Result<ConfirmEmailChangeOutcome, FlowError> {
        let Some(session) = self.own_session(principal).await? else {
            return Ok(ConfirmEmailChangeOutcome::SessionRequired);
        };
        let kind = AuthEventType::EmailChanged;
        let policy = self.policy(context.tenant).await?;
        let (token, subject) = match self
            .read_link(&input.token, TokenKind::EmailChange, kind, &policy, context)
            .await?
        {
            ReadLink::Works(token, subject) => (token, subject),
            ReadLink::Rejected => return Ok(ConfirmEmailChangeOutcome::Rejected),
        };
        let owner = subject.user;
        if owner != session.user || token.tenant != session.tenant {
            self.note_link(owner, kind, Reason::UnknownCredential, context)
                .await;
            return Ok(ConfirmEmailChangeOutcome::Rejected);
        }
        let stores = &self.0.stores;
        let Some(user) = stores.directory.user(token.tenant, owner).await? else {
            return Ok(ConfirmEmailChangeOutcome::SessionRequired);
        };
        if subject.epoch != session.epoch {
            return Ok(ConfirmEmailChangeOutcome::SessionRequired);
        }
        let changed = match may_use(&policy.sign_up, &token.email) {
            Ok(()) => self.change_email(&token, &user, context).await?,
            Err(_refusal) => Err(Reason::SignUpNotAllowed),
        };
        match changed {
            Ok(change) => {
                self.0.mail_queued.notify_one();
                let session = self.after_email_change(&session, *subject, &change).await;
                Ok(ConfirmEmailChangeOutcome::Changed { session })
            }
            Err(reason) => {
                self.note_link(owner, kind, reason, context).await;
                Ok(ConfirmEmailChangeOutcome::Rejected)
            }
        }
    }

    async fn change_email(
        &self,
        token: &VerificationToken,
        user: &User,
        context: &RequestContext,
    ) -> Result<Result<IdentifierChange, Reason>, FlowError> {
        let (tenant, now) = (token.tenant, self.now());
        let Some(old) = user.email() else {
            return Ok(Err(Reason::UnknownIdentifier));
        };
        let Some(to) = self.address_of(token)? else {
            return Ok(Err(Reason::Expired));
        };
        let change = IdentifierChange {
            tenant,
            user: user.id,
            from: old.clone(),
            to,
            now,
        };
        let event = self.event(tenant, AuthEventType::EmailChanged, &context.client)?;
        let told = &MailParams::EmailChanged {};
        let told = self.queue_mail(tenant, user, told, &context.client)?;
        let spend = Spend {
            tenant,
            id: token.id,
            kind: token.kind,
            now,
        };
        let along = Along::event(event.about(user.id).finish())
            .with_spend(spend)
            .with_mail(told)
            .with_epoch_of(tenant, user.id);
        let crossing = &self.0.stores.crossing;
        Ok(match crossing.change_identifier(&change, along).await? {
            Write::Applied(()) => Ok(change),
            Write::Refused(Refusal::Token(rejection)) => Err(reason_of(rejection)),
            Write::Refused(Refusal::IdentifierTaken) => Err(Reason::AlreadyRegistered),
            Write::Refused(Refusal::Stale) => Err(Reason::Superseded),
            Write::Refused(Refusal::NotFound) => Err(Reason::UnknownIdentifier),
            Write::Refused(other) => return Err(FlowError::internal(other)),
        })
    }

    /// The change is made. What fails from here on costs a session, and is never answered with "not changed".
    async fn after_email_change(
        &self,
        session: &Session,
        mut subject: SubjectState,
        change: &IdentifierChange,
    ) -> Option<Box<SignedIn>> {
        if subject.handle == change.from.raw {
            subject.handle.clone_from(&change.to.raw);
        }
        let renewed = match self.renewed(session, subject).await {
            Ok(renewed) => renewed,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a session was not taken along over a change of address"
                );
                None
            }
        };
        let keep = renewed.as_ref().and_then(|kept| kept.principal.session());
        self.tidy_sessions(change.tenant, change.user, keep).await;
        renewed.map(Box::new)
    }
}
