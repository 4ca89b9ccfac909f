//! Asking for a code.

use std::time::Duration;

use portcullis_core::along::{Along, Refusal, Write};
use portcullis_core::backend::RequestContext;
use portcullis_core::event::{AuthEventType, Reason};
use portcullis_core::id::VerificationTokenId;
use portcullis_core::identifier::Identifier;
use portcullis_core::policy::TenantPolicy;
use portcullis_core::rule::mailed;
use portcullis_core::secret::{SecretText, TokenDigest};
use portcullis_core::store::{LimitKey, RateLimit, Taken};
use portcullis_core::verification::{TokenKind, VerificationToken};
use portcullis_tokens::code::MailedCode;

use super::ticket::{Asking, Found};
use crate::error::FlowError;
use crate::flow::magic_link::{Person, stored_address};
use crate::mail::MailParams;
use crate::portcullis::Portcullis;

/// One address is sent one code in this time, however often it is asked for.
const ONE_MAIL: RateLimit = RateLimit {
    burst: 1,
    period: Duration::from_secs(30),
};

/// Asks for a code to sign in with.
#[derive(Debug)]
pub struct SendEmailCode {
    /// The address to send it to.
    pub email: Identifier,
    /// The ticket of an earlier request, where there is one: asked again at once, it stays.
    pub ticket: Option<SecretText>,
}

/// What whoever asked is given, whatever there is behind the address.
#[derive(Debug)]
pub struct EmailCodeSent {
    /// The ticket that the code works with.
    pub ticket: SecretText,
    /// How long both work.
    pub expires_in: Duration,
}

/// Everything that is made for a code, for everybody alike.
struct Made {
    token: VerificationTokenId,
    code: MailedCode,
    digest: TokenDigest,
    ticket: SecretText,
}

impl Portcullis {
    /// Sends a code to sign in with, where the address may have one, in place of an older one. The answer, the store
    /// calls and the hashes, none, are the same for every address.
    ///
    /// Within half a minute of a mail nothing new is sent: a ticket that is presented stays good then, and whoever
    /// presents none is given one that no code works with.
    ///
    /// # Errors
    /// [`FlowError`] where a store does not answer.
    pub async fn send_email_code(
        &self,
        input: SendEmailCode,
        context: &RequestContext,
    ) -> Result<EmailCodeSent, FlowError> {
        let policy = self.policy(context.tenant).await?;
        let comes = policy.ip.admits(context.client.ip);
        let key = self.mail_of_a_moment(&input.email, comes, context);
        let waited = match self.take_limit(&key, &ONE_MAIL).await {
            Ok(taken) => taken == Taken::Granted,
            Err(error) => {
                // It may have been taken all the same.
                self.give_back(&key).await;
                return Err(error);
            }
        };
        let sent = self.send_code(input, &policy, waited, context).await;
        if waited && sent.is_err() {
            self.give_back(&key).await;
        }
        sent
    }

    /// Nothing was promised: whoever asks again at once is to be sent one.
    async fn give_back(&self, key: &LimitKey) {
        if let Err(error) = self.refund_limit(key, &ONE_MAIL).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a limit was not given back"
            );
        }
    }

    /// Counted apart: a browser that signed in with the address before, and whoever may not come from where they are, so
    /// that neither of the others keeps a code from its owner (SECURITY TH-05).
    fn mail_of_a_moment(
        &self,
        email: &Identifier,
        comes: bool,
        context: &RequestContext,
    ) -> LimitKey {
        let digest = self.attempts_digest_hex(context, &email.raw);
        let dimension = if comes { "sent" } else { "refused" };
        LimitKey::new("email-code", dimension, &digest)
    }

    async fn send_code(
        &self,
        input: SendEmailCode,
        policy: &TenantPolicy,
        waited: bool,
        context: &RequestContext,
    ) -> Result<EmailCodeSent, FlowError> {
        let tenant = context.tenant;
        let kind = AuthEventType::EmailCodeRequested;
        let event = self.event(tenant, kind, &context.client)?;
        let (user, person) = self.mailed_person(tenant, &input.email).await?;
        let event = event.about_if_known(user.as_ref().map(|user| user.id));
        if !waited && let Some(kept) = self.kept_ticket(&input, context).await? {
            let along = Along::event(event.refused(Reason::TooSoon).finish());
            return match self.0.stores.security.record(along).await? {
                Write::Applied(()) => Ok(kept),
                Write::Refused(refusal) => Err(FlowError::internal(refusal)),
            };
        }
        let email = stored_address(user.as_ref(), &input.email);
        let allowed = match policy.ip.admits(context.client.ip) {
            true => self.may_have_a_code(person.as_ref(), email, policy, waited),
            false => Err(Reason::AddressNotAllowed),
        };
        let epoch = person.as_ref().map(|person| person.subject.epoch);
        let life = policy.sign_in.email_code_life;
        let (token, code) = (
            VerificationTokenId::time_ordered(self.now(), self.entropy())?,
            MailedCode::draw(self.entropy())?,
        );
        // The ticket first: a code without one would be of no use to whoever gets the mail.
        let asking = Asking {
            email,
            user: user.as_ref().map(|user| user.id),
            epoch: epoch.unwrap_or_default(),
            token,
            code: &code,
            life,
        };
        let (ticket, digest) = self.issue_code_ticket(tenant, &asking).await?;
        let made = Made {
            token,
            code,
            digest,
            ticket,
        };
        let along = match (allowed, &person) {
            (Ok(()), Some(person)) => {
                let along = Along::event(event.finish());
                self.with_email_code(along, &made, person, email, life, context)?
            }
            (Ok(()), None) => Along::event(event.refused(Reason::UnknownIdentifier).finish()),
            (Err(reason), _) => Along::event(event.refused(reason).finish()),
        };
        match self.0.stores.security.record(along).await? {
            Write::Applied(()) => self.0.mail_queued.notify_one(),
            // They were erased meanwhile: now they are nobody.
            Write::Refused(Refusal::NotFound) => {
                let kind = AuthEventType::EmailCodeRequested;
                self.note_nobody(kind, &input.email, context).await;
            }
            Write::Refused(refusal) => return Err(FlowError::internal(refusal)),
        }
        Ok(EmailCodeSent {
            ticket: made.ticket,
            expires_in: life,
        })
    }

    fn may_have_a_code(
        &self,
        person: Option<&Person>,
        email: &Identifier,
        policy: &TenantPolicy,
        waited: bool,
    ) -> Result<(), Reason> {
        self.may_use_a_code(person, email, policy)?;
        waited.then_some(()).ok_or(Reason::TooSoon)
    }

    /// Whether a code signs in whoever has the address: decided when it is sent, and again when it is used.
    pub(super) fn may_use_a_code(
        &self,
        person: Option<&Person>,
        email: &Identifier,
        policy: &TenantPolicy,
    ) -> Result<(), Reason> {
        if !policy.sign_in.email_code {
            return Err(Reason::SwitchedOff);
        }
        let person = person.map(|person| (&person.subject, &person.account));
        // Without sign-up there is one way in: for who has proved the address.
        mailed::sign_in(person, email, false, self.now()).map(|_signs_in| ())
    }

    /// The ticket that came with the request, if it is for this address.
    async fn kept_ticket(
        &self,
        input: &SendEmailCode,
        context: &RequestContext,
    ) -> Result<Option<EmailCodeSent>, FlowError> {
        let Some(text) = &input.ticket else {
            return Ok(None);
        };
        let Some(Found { ticket, asked }) = self.find_code_ticket(text, context).await? else {
            return Ok(None);
        };
        let is_for_it = asked.email()?.canonical == input.email.canonical;
        Ok(is_for_it.then(|| EmailCodeSent {
            ticket: text.clone(),
            expires_in: ticket.expires_at.since(self.now()),
        }))
    }

    fn with_email_code(
        &self,
        along: Along,
        made: &Made,
        person: &Person,
        email: &Identifier,
        life: Duration,
        context: &RequestContext,
    ) -> Result<Along, FlowError> {
        let (tenant, now) = (context.tenant, self.now());
        let token = VerificationToken {
            id: made.token,
            kind: TokenKind::EmailCode,
            tenant,
            email: email.canonical.clone(),
            user: Some(person.subject.user),
            epoch: Some(person.subject.epoch),
            payload: None,
            digest: made.digest,
            created_at: now,
            expires_at: now.plus(life),
            consumed_at: None,
            superseded_at: None,
        };
        let params = MailParams::EmailCode {
            code: made.code.grouped().expose().to_owned(),
            minutes: life.as_secs().div_ceil(60),
        };
        let mail = self.queue_mail_to(tenant, &email.raw, &params, &context.client)?;
        Ok(along.with_issue(token).with_mail(mail))
    }
}
