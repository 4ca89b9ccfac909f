//! Signing in with the code.

use std::time::Duration;

use portcullis_core::along::{Along, Refusal, Spend, Write};
use portcullis_core::backend::RequestContext;
use portcullis_core::entity::SubjectState;
use portcullis_core::event::{AuthEventType, Reason};
use portcullis_core::factor::FactorKind;
use portcullis_core::id::UserId;
use portcullis_core::policy::TenantPolicy;
use portcullis_core::secret::SecretText;
use portcullis_core::session::AssuranceLevel;
use portcullis_core::state::EntityState;
use portcullis_core::store::{AttemptKey, AttemptPurpose, Reservation, Settlement, TicketKind};
use portcullis_core::verification::TokenKind;
use portcullis_tokens::code::MailedCode;
use serde_json::{Value, json};

use super::ticket::{Asked, Found};
use crate::error::FlowError;
use crate::flow::magic_link::stored_address;
use crate::flow::mailed_link::reason_of;
use crate::flow::open_session::{Opening, SignedIn};
use crate::metrics::{Ended, Way};
use crate::portcullis::Portcullis;

/// The code from the mail, typed.
#[derive(Debug)]
pub struct EmailCode {
    /// The ticket that asking for the code gave.
    pub ticket: SecretText,
    /// The code as it was typed.
    pub code: SecretText,
    /// The session cookie that came with the request: its session ends when the new one begins.
    pub replaces: Option<SecretText>,
}

/// How it ended.
#[derive(Debug)]
pub enum EmailCodeOutcome {
    /// Signed in.
    SignedIn {
        /// The session.
        signed_in: Box<SignedIn>,
        /// The address that the code was sent to.
        email: String,
    },
    /// Not signed in; the reason is in the audit log only.
    Refused,
    /// Too many wrong codes before this one, for this address, known or not. Nothing was compared, and no try of the
    /// ticket is used up.
    Locked {
        /// When the next code may be tried.
        retry_after: Duration,
    },
}

impl Portcullis {
    /// Signs in with a code. The try is counted before the code is compared, for the address and on the ticket; the
    /// token behind it is used up with the event, and the session comes after: a crash between them costs a new code.
    ///
    /// # Errors
    /// [`FlowError`] where a store does not answer.
    pub async fn sign_in_with_email_code(
        &self,
        input: EmailCode,
        context: &RequestContext,
    ) -> Result<EmailCodeOutcome, FlowError> {
        let outcome = self.try_code(input, context).await?;
        let ended = match &outcome {
            EmailCodeOutcome::SignedIn { .. } => Ended::SignedIn,
            EmailCodeOutcome::Refused => Ended::Refused,
            EmailCodeOutcome::Locked { .. } => Ended::Locked,
        };
        self.0.metrics.signed_in(Way::EmailCode, ended);
        Ok(outcome)
    }

    async fn try_code(
        &self,
        input: EmailCode,
        context: &RequestContext,
    ) -> Result<EmailCodeOutcome, FlowError> {
        // What is no code is no guess, and counts as none.
        let Ok(code) = MailedCode::parse(input.code.expose()) else {
            return Ok(EmailCodeOutcome::Refused);
        };
        let Some(found) = self.find_code_ticket(&input.ticket, context).await? else {
            return Ok(EmailCodeOutcome::Refused);
        };
        let policy = self.policy(context.tenant).await?;
        let key = self.code_attempts(&found.asked, context);
        let (security, now) = (&self.0.stores.security, self.now());
        let reserved = security.reserve_attempt(&key, &policy.lockout, now);
        if let Reservation::Locked { until } = reserved.await? {
            self.note_code_locked(&key, &found.asked, context).await?;
            return Ok(EmailCodeOutcome::Locked {
                retry_after: until.since(now),
            });
        }
        match self
            .compare_and_spend(&found, &code, &key, &policy, context)
            .await?
        {
            Ok(subject) => {
                self.open_with_code(found, subject, &policy, input.replaces.as_ref(), context)
                    .await
            }
            Err(reason) => {
                self.settle_wrong_code(&key, &found.asked, reason, context)
                    .await?;
                Ok(EmailCodeOutcome::Refused)
            }
        }
    }

    /// The counts of codes are the address's, or those that this browser makes for it (SECURITY TH-05).
    fn code_attempts(&self, asked: &Asked, context: &RequestContext) -> AttemptKey {
        let passwords = &self.0.passwords;
        AttemptKey {
            tenant: context.tenant,
            identifier: passwords.attempts_of(context.tenant, &asked.email, &context.client.device),
            purpose: AttemptPurpose::Email,
        }
    }

    /// Uses up one try of the ticket, and where the code is right the token behind it. What is checked before was
    /// checked when it was sent too: an account may have been suspended, a policy changed since.
    async fn compare_and_spend(
        &self,
        found: &Found,
        code: &MailedCode,
        key: &AttemptKey,
        policy: &TenantPolicy,
        context: &RequestContext,
    ) -> Result<Result<SubjectState, Reason>, FlowError> {
        let (tenant, id, now) = (context.tenant, found.ticket.id, self.now());
        let tickets = &self.0.stores.tickets;
        let attempted = tickets.attempt_ticket(tenant, TicketKind::EmailCode, id, now);
        if attempted.await?.is_none() {
            return Ok(Err(Reason::LockedOut));
        }
        if !self.is_code_of(found, code) {
            return Ok(Err(Reason::WrongCode));
        }
        if !policy.ip.admits(context.client.ip) {
            return Ok(Err(Reason::AddressNotAllowed));
        }
        let email = found.asked.email()?;
        let (user, person) = self.mailed_person(tenant, &email).await?;
        let moved = found.asked.user != user.as_ref().map(|user| user.id);
        // One canonical form has spellings that are mailboxes of different people: what was sent to one signs in nobody
        // who has another.
        if moved || stored_address(user.as_ref(), &email).raw != email.raw {
            return Ok(Err(Reason::UnknownIdentifier));
        }
        if let Err(reason) = self.may_use_a_code(person.as_ref(), &email, policy) {
            return Ok(Err(reason));
        }
        let Some(person) = person else {
            return Ok(Err(Reason::UnknownIdentifier));
        };
        let user = person.subject.user;
        let event = self.event(tenant, AuthEventType::SignIn, &context.client)?;
        let detail = json!({ "factors": [FactorKind::Email], "via": TokenKind::EmailCode });
        let along = Along::event(event.about(user).with(detail).finish()).with_spend(Spend {
            tenant,
            id: found.asked.token,
            kind: TokenKind::EmailCode,
            now,
        });
        let settled =
            self.0
                .stores
                .security
                .settle_attempt(key, Settlement::Succeeded { user }, now, along);
        Ok(match settled.await? {
            Write::Applied(()) => Ok(SubjectState {
                // Whatever moved the epoch since the mail ends this session too.
                epoch: found.asked.epoch,
                ..person.subject
            }),
            Write::Refused(Refusal::Token(rejection)) => Err(reason_of(rejection)),
            // The account went away meanwhile.
            Write::Refused(Refusal::NotFound) => Err(Reason::UnknownIdentifier),
            Write::Refused(other) => return Err(FlowError::internal(other)),
        })
    }

    async fn open_with_code(
        &self,
        found: Found,
        subject: SubjectState,
        policy: &TenantPolicy,
        replaces: Option<&SecretText>,
        context: &RequestContext,
    ) -> Result<EmailCodeOutcome, FlowError> {
        let Found { ticket, asked } = found;
        // Its token is used up already; this frees what it holds.
        let tickets = &self.0.stores.tickets;
        tickets
            .take_ticket(ticket.tenant, ticket.kind, ticket.id, self.now())
            .await?;
        let opening = Opening {
            tenant: context.tenant,
            user: subject.user,
            subject,
            level: AssuranceLevel::Aal1,
            factors: vec![FactorKind::Email],
        };
        let signed_in = self
            .open_session(opening, &policy.session, replaces, context)
            .await?;
        Ok(EmailCodeOutcome::SignedIn {
            signed_in: Box::new(signed_in),
            email: asked.email,
        })
    }

    /// The count has it already; what is missing is the event.
    async fn settle_wrong_code(
        &self,
        key: &AttemptKey,
        asked: &Asked,
        reason: Reason,
        context: &RequestContext,
    ) -> Result<(), FlowError> {
        let about = self.whom_it_was_for(asked, context).await?;
        let event = self.event(context.tenant, AuthEventType::SignIn, &context.client)?;
        let event = event
            .about_if_known(about)
            .refused(reason)
            .with(self.refused_code(asked, context));
        let along = Along::event(event.finish());
        let security = &self.0.stores.security;
        let settled = security.settle_attempt(key, Settlement::Failed, self.now(), along);
        match settled.await? {
            Write::Applied(()) => Ok(()),
            Write::Refused(refusal) => Err(FlowError::internal(refusal)),
        }
    }

    /// Who asked for the code, unless they were erased meanwhile: then nothing more is written about them. One read,
    /// for nobody too.
    async fn whom_it_was_for(
        &self,
        asked: &Asked,
        context: &RequestContext,
    ) -> Result<Option<UserId>, FlowError> {
        let user = match asked.user {
            Some(user) => user,
            None => UserId::time_ordered(self.now(), self.entropy())?,
        };
        let security = &self.0.stores.security;
        let subject = security.subject_state(context.tenant, user).await?;
        let there = subject.filter(|there| there.user_status.state != EntityState::Archived);
        Ok(there.map(|there| there.user))
    }

    async fn note_code_locked(
        &self,
        key: &AttemptKey,
        asked: &Asked,
        context: &RequestContext,
    ) -> Result<(), FlowError> {
        let about = self.whom_it_was_for(asked, context).await?;
        let noted = key.identifier.first_chunk().copied().unwrap_or_default();
        let detail = self.refused_code(asked, context);
        let (kind, reason) = (AuthEventType::SignIn, Reason::LockedOut);
        self.0
            .journal
            .note_once(
                noted,
                context.tenant,
                about,
                kind,
                reason,
                detail,
                &context.client,
            )
            .await;
        Ok(())
    }

    fn refused_code(&self, asked: &Asked, context: &RequestContext) -> Value {
        let digest = self.identifier_digest_hex(context.tenant, &asked.email);
        json!({ "via": TokenKind::EmailCode, "identifier_digest": digest })
    }
}
