//! Proving an address with the link from the mail, and asking for the mail again.

use portcullis_core::along::{Along, Refusal, Spend, Write};
use portcullis_core::backend::RequestContext;
use portcullis_core::event::{AuthEventType, Reason};
use portcullis_core::factor::FactorConfig;
use portcullis_core::id::UserId;
use portcullis_core::identifier::{Identifier, IdentifierKind};
use portcullis_core::policy::TenantPolicy;
use portcullis_core::rule::password::PasswordRejection;
use portcullis_core::rule::sign_up::{SignUpRefusal, may_sign_up};
use portcullis_core::secret::{Password, SecretText};
use portcullis_core::state::EntityState;
use portcullis_core::store::Activation;
use portcullis_core::verification::{TokenKind, VerificationToken};

use super::mailed_link::{ReadLink, Recipient};
use super::sign_up::{BROWSER_DOMAIN, Carried, Pending};
use super::spelling::{as_mailed, proved_as, stored_spelling, why_not_proved};
use crate::error::FlowError;
use crate::portcullis::Portcullis;

/// The link from the mail, opened.
#[derive(Debug)]
pub struct VerifyEmail {
    /// The token in the link.
    pub token: SecretText,
    /// The cookie that sign-up left, where this is the same browser.
    pub browser: Option<SecretText>,
    /// A password: it becomes the account's, in place of the one chosen at sign-up.
    pub password: Option<Password>,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifyEmailOutcome {
    /// The address is proved and the account active.
    Verified {
        /// Whose.
        user: UserId,
    },
    /// Another browser than the one that signed up: whoever owns the address sets the password now. The token is not
    /// used up.
    PasswordRequired,
    /// The password breaks the tenant's rules. The token is not used up.
    PasswordRefused(PasswordRejection),
    /// The token does not work; the reason is in the audit log only.
    Rejected,
}

/// How asking for the mail again ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResendOutcome {
    /// A mail is on its way, where the address needs one.
    Accepted,
    /// The tenant's policy does not let the address sign up, whoever has it; nothing was looked up.
    NotAllowed(SignUpRefusal),
}

/// Asks for the verification mail again.
#[derive(Debug)]
pub struct ResendVerification {
    /// The address given at sign-up.
    pub email: Identifier,
}

impl Portcullis {
    /// Proves an address. Token, proof, activation, password and event commit together or not at all.
    ///
    /// The password chosen at sign-up counts only in the browser that signed up; anywhere else the owner of the
    /// address sets one, so that nobody can prepare an account for somebody else.
    ///
    /// # Errors
    /// [`FlowError`] where hashing or the store could not be had; the token is not used up.
    pub async fn verify_email(
        &self,
        input: VerifyEmail,
        context: &RequestContext,
    ) -> Result<VerifyEmailOutcome, FlowError> {
        let policy = self.policy(context.tenant).await?;
        let (token, subject) = match self
            .read_link(
                &input.token,
                TokenKind::EmailVerification,
                AuthEventType::EmailVerified,
                &policy,
                context,
            )
            .await?
        {
            ReadLink::Works(token, subject) => (token, subject),
            ReadLink::Rejected => return Ok(VerifyEmailOutcome::Rejected),
        };
        let user = subject.user;
        // The write would refuse it: said before a password is asked for or hashed.
        if token.epoch.is_some_and(|epoch| epoch != subject.epoch) {
            let (kind, reason) = (AuthEventType::EmailVerified, Reason::Superseded);
            self.note_link(user, kind, reason, context).await;
            return Ok(VerifyEmailOutcome::Rejected);
        }
        // Sign-up may have been closed since the link was sent (SECURITY TH-10).
        if may_sign_up(&policy.sign_up, &token.email).is_err() {
            let (event, reason) = (AuthEventType::EmailVerified, Reason::SignUpNotAllowed);
            self.note_link(user, event, reason, context).await;
            return Ok(VerifyEmailOutcome::Rejected);
        }
        // Neither has a tenant been left running that was switched off since.
        if subject.tenant_status.effective_at(self.now()) != EntityState::Active {
            let (event, reason) = (AuthEventType::EmailVerified, Reason::TenantInactive);
            self.note_link(user, event, reason, context).await;
            return Ok(VerifyEmailOutcome::Rejected);
        }
        let Carried { address, pending } = match &token.payload {
            // Where the key is retired: the link that works is the one to the latest spelling.
            Some(payload) => self
                .open_signed_up(token.tenant, user, payload)?
                .unwrap_or_else(|| Carried {
                    address: subject.handle.clone(),
                    pending: None,
                }),
            None => Carried::default(),
        };
        let owner = (context.tenant, user);
        let factor = match self
            .factor_for(&input, &token, pending, user, &policy)
            .await?
        {
            Ok(factor) => factor,
            Err(outcome) => return Ok(outcome),
        };
        let now = self.now();
        let activation = Activation {
            kind: IdentifierKind::Email,
            canonical: token.email.clone(),
            activate: true,
            spelling: proved_as(&subject, &address),
            factor: Some(factor),
            now,
        };
        let event = self
            .event(
                context.tenant,
                AuthEventType::EmailVerified,
                &context.client,
            )?
            .about(user)
            .finish();
        let spend = Spend {
            tenant: context.tenant,
            id: token.id,
            kind: TokenKind::EmailVerification,
            now,
        };
        let along = Along::event(event).with_spend(spend);
        let along = self.remembering(along, owner, &policy);
        match self
            .0
            .stores
            .crossing
            .prove(context.tenant, user, &activation, along)
            .await?
        {
            Write::Applied(()) => Ok(VerifyEmailOutcome::Verified { user }),
            Write::Refused(refusal) => {
                let reason = why_not_proved(refusal)?;
                self.note_link(user, AuthEventType::EmailVerified, reason, context)
                    .await;
                Ok(VerifyEmailOutcome::Rejected)
            }
        }
    }

    /// The password that becomes the account's, or why there is none.
    async fn factor_for(
        &self,
        input: &VerifyEmail,
        token: &VerificationToken,
        pending: Option<Pending>,
        user: UserId,
        policy: &TenantPolicy,
    ) -> Result<Result<FactorConfig, VerifyEmailOutcome>, FlowError> {
        let owner = (token.tenant, user);
        if let Some(password) = &input.password {
            return match self
                .judge_password_of(owner, password, policy, &token.email, None)
                .await?
            {
                Ok(()) => Ok(Ok(FactorConfig::Password(
                    self.0.hasher.hash(password).await?,
                ))),
                Err(rejection) => Ok(Err(VerifyEmailOutcome::PasswordRefused(rejection))),
            };
        }
        let (Some(browser), Some(pending)) = (&input.browser, pending) else {
            return Ok(Err(VerifyEmailOutcome::PasswordRequired));
        };
        let same = self.0.tokens.verify_keyed(
            BROWSER_DOMAIN,
            &[browser.expose().as_bytes()],
            &pending.browser,
        );
        Ok(if same {
            Ok(pending.into_factor())
        } else {
            Err(VerifyEmailOutcome::PasswordRequired)
        })
    }

    /// Sends the verification mail again, with a new link in place of the older one. For an address that needs none
    /// the answer is the same.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer.
    pub async fn resend_verification(
        &self,
        input: ResendVerification,
        context: &RequestContext,
    ) -> Result<ResendOutcome, FlowError> {
        let (policy, is_open) = self.policy_and_state(context.tenant).await?;
        let kind = AuthEventType::VerificationRequested;
        if let Err(refusal) = self.let_sign_up(kind, &input.email, &policy, context).await {
            return Ok(ResendOutcome::NotAllowed(refusal));
        }
        if !self.is_open(kind, &input.email, is_open, context).await
            || !self.lets_come(kind, &input.email, &policy, context).await
        {
            return Ok(ResendOutcome::Accepted);
        }
        let event = self.event(context.tenant, kind, &context.client)?;
        let (tenant, stores) = (context.tenant, &self.0.stores);
        let security = &stores.security;
        let found = stores.directory.find_user(tenant, &input.email).await?;
        // Nobody ever has the reserved id, and looking them up costs as much.
        let id = found.as_ref().map_or(UserId::SYSTEM, |user| user.id);
        let subject = security.subject_state(tenant, id).await?;
        let found = found.map(|user| as_mailed(user, subject.as_ref()));
        let live = security.live_token(tenant, id, TokenKind::EmailVerification, self.now());
        // The password of the latest sign-up goes on in the new link. Where its link has ended, the new one asks for a
        // password.
        let carried = match live.await?.and_then(|token| token.payload) {
            Some(payload) => self.open_signed_up(tenant, id, &payload)?,
            None => None,
        };
        let pending = carried.and_then(|carried| carried.pending);
        let state = subject.as_ref().map(|subject| subject.user_status.state);
        let to = Recipient {
            tenant,
            user: Some(id),
            epoch: Some(subject.map(|subject| subject.epoch).unwrap_or_default()),
            email: found
                .as_ref()
                .map_or(&input.email, |user| stored_spelling(user, &input.email)),
        };
        // Made for everybody, and thrown away where it may not be sent.
        let nothing = Along::default();
        let link =
            self.with_verification(nothing, &to, pending.as_ref(), &policy, &context.client)?;
        let (event, mut along) = match (&found, state) {
            (Some(_), Some(EntityState::Candidate | EntityState::Pending)) => {
                (event.about(id), link)
            }
            (Some(_), Some(_)) => {
                let event = event.about(id).refused(Reason::AlreadyRegistered);
                (event, Along::default())
            }
            // Known to the directory or not, they never signed up.
            _ => (event.refused(Reason::UnknownIdentifier), Along::default()),
        };
        along.events.push(event.finish());
        let written = match state {
            // Its handle is the spelling that the one link that works went to, whoever signs up meanwhile.
            Some(EntityState::Pending) => {
                let handle = &to.email.raw;
                security.sign_up_again(tenant, id, handle, along).await?
            }
            _ => security.record(along).await?,
        };
        match written {
            Write::Applied(()) => {
                self.0.mail_queued.notify_one();
                Ok(ResendOutcome::Accepted)
            }
            // It was proved meanwhile, or is gone: for such an address none is sent.
            Write::Refused(Refusal::Transition { .. } | Refusal::NotFound) => {
                let reason = Reason::Superseded;
                self.note_link(id, kind, reason, context).await;
                Ok(ResendOutcome::Accepted)
            }
            Write::Refused(refusal) => Err(FlowError::internal(refusal)),
        }
    }
}
