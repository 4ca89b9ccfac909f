//! Signing in with a link in a mail: one factor (AAL1), exactly once.
//!
//! Asking for it is the same work and the same answer for every address. Where the policy lets a link make accounts, an
//! address that nobody has proved yet becomes the account of whoever opens the link, and nothing that a stranger
//! prepared with it counts: their link and the password that travels with it are over.

use portcullis_core::along::{Along, Refusal, Spend, Write};
use portcullis_core::backend::RequestContext;
use portcullis_core::entity::{Account, Enrolment, Epoch, SubjectState, User};
use portcullis_core::event::{AuthEventType, Reason};
use portcullis_core::factor::FactorKind;
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::identifier::{Identifier, IdentifierKind};
use portcullis_core::policy::TenantPolicy;
use portcullis_core::rule::mailed::{self, MailedSignIn};
use portcullis_core::rule::sign_up::may_sign_up;
use portcullis_core::secret::SecretText;
use portcullis_core::session::AssuranceLevel;
use portcullis_core::state::EntityState;
use portcullis_core::store::{Activation, AttemptKey, AttemptPurpose, Settlement};
use portcullis_core::verification::{TokenKind, VerificationToken};
use serde_json::json;

use super::mailed_link::{LinkSpec, Recipient, reason_of};
use super::open_session::{Opening, SignedIn};
use super::spelling::{as_mailed, is_outdated, proved_as, stored_spelling, why_not_proved};
use crate::error::FlowError;
use crate::mail::MailParams;
use crate::metrics::{Ended, Way};
use crate::portcullis::Portcullis;

/// Asks for a link to sign in with.
#[derive(Debug)]
pub struct SendMagicLink {
    /// The address to send it to.
    pub email: Identifier,
}

/// The link from the mail, acted on.
#[derive(Debug)]
pub struct MagicLink {
    /// The token in the link.
    pub token: SecretText,
    /// The session cookie that came with the request: its session ends when the new one begins.
    pub replaces: Option<SecretText>,
}

/// How it ended.
#[derive(Debug)]
pub enum MagicLinkOutcome {
    /// Signed in.
    SignedIn(Box<SignedIn>),
    /// The link does not work; the reason is in the audit log only.
    Rejected,
}

/// Who has an address, and where they stand.
pub(super) struct Person {
    pub(super) subject: SubjectState,
    pub(super) account: Account,
}

/// What the spent link made sure of.
struct Proved {
    user: UserId,
    epoch: Epoch,
}

impl Portcullis {
    /// Sends a link to sign in with, where the address may have one. The answer, the store calls and the hashes, none,
    /// are the same for every address.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer.
    pub async fn send_magic_link(
        &self,
        input: SendMagicLink,
        context: &RequestContext,
    ) -> Result<(), FlowError> {
        let (policy, is_open) = self.policy_and_state(context.tenant).await?;
        let kind = AuthEventType::MagicLinkRequested;
        if !self.is_open(kind, &input.email, is_open, context).await
            || !self.lets_come(kind, &input.email, &policy, context).await
        {
            return Ok(());
        }
        let event = self.event(context.tenant, kind, &context.client)?;
        let (user, person) = self.mailed_person(context.tenant, &input.email).await?;
        let event = event.about_if_known(user.as_ref().map(|user| user.id));
        let along = match self.may_sign_in(person.as_ref(), &input.email, &policy) {
            Err(reason) => Along::event(event.refused(reason).finish()),
            Ok(_) => {
                let email = stored_address(user.as_ref(), &input.email);
                let along = Along::event(event.finish());
                self.with_magic_link(along, person.as_ref(), email, &policy, context)?
            }
        };
        match self.0.stores.security.record(along).await? {
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

    /// Who has an address, in the spelling that their mail goes to: the same three reads whether anybody has or not.
    pub(super) async fn mailed_person(
        &self,
        tenant: TenantId,
        email: &Identifier,
    ) -> Result<(Option<User>, Option<Person>), FlowError> {
        let user = self.0.stores.directory.find_user(tenant, email).await?;
        let id = match &user {
            Some(user) => user.id,
            None => UserId::time_ordered(self.now(), self.entropy())?,
        };
        let security = &self.0.stores.security;
        let subject = security.subject_state(tenant, id).await?;
        let account = security.account(tenant, id).await?;
        let user = user.map(|user| as_mailed(user, subject.as_ref()));
        let person = subject.zip(account);
        Ok((
            user,
            person.map(|(subject, account)| Person { subject, account }),
        ))
    }

    fn may_sign_in(
        &self,
        person: Option<&Person>,
        email: &Identifier,
        policy: &TenantPolicy,
    ) -> Result<MailedSignIn, Reason> {
        if !policy.sign_in.magic_link {
            return Err(Reason::SwitchedOff);
        }
        let person = person.map(|person| (&person.subject, &person.account));
        let allowed = may_sign_up(&policy.sign_up, &email.canonical).is_ok();
        let makes_accounts = policy.sign_in.magic_link_sign_up;
        match mailed::sign_in(person, email, makes_accounts && allowed, self.now()) {
            Err(Reason::UnknownIdentifier | Reason::Unverified) if makes_accounts && !allowed => {
                Err(Reason::SignUpNotAllowed)
            }
            decided => decided,
        }
    }

    fn with_magic_link(
        &self,
        along: Along,
        person: Option<&Person>,
        email: &Identifier,
        policy: &TenantPolicy,
        context: &RequestContext,
    ) -> Result<Along, FlowError> {
        let tenant = context.tenant;
        let spec = LinkSpec {
            kind: TokenKind::MagicLink,
            page: "/magic-link/verify",
            ttl: policy.link.magic_link,
        };
        let payload = Some(self.seal_address(tenant, email)?);
        let to = Recipient {
            tenant,
            user: person.map(|person| person.subject.user),
            epoch: person.map(|person| person.subject.epoch),
            email,
        };
        let (token, link) = self.mint_link(&spec, &to, payload)?;
        let minutes = spec.ttl.as_secs().div_ceil(60);
        let params = MailParams::MagicLink { link, minutes };
        let mut mail = self.queue_mail_to(tenant, &email.raw, &params, &context.client)?;
        mail.user = to.user;
        Ok(along.with_issue(token).with_mail(mail))
    }

    /// Signs in with the link. The token is used up with the event that says so, and the session comes after: a crash
    /// between them costs a new link.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer.
    pub async fn sign_in_with_magic_link(
        &self,
        input: MagicLink,
        context: &RequestContext,
    ) -> Result<MagicLinkOutcome, FlowError> {
        let outcome = self.prove_and_open(input, context).await?;
        let ended = match &outcome {
            MagicLinkOutcome::SignedIn(_) => Ended::SignedIn,
            MagicLinkOutcome::Rejected => Ended::Refused,
        };
        self.0.metrics.signed_in(Way::MagicLink, ended);
        Ok(outcome)
    }

    async fn prove_and_open(
        &self,
        input: MagicLink,
        context: &RequestContext,
    ) -> Result<MagicLinkOutcome, FlowError> {
        let Some(token) = self.find_link(&input.token, context).await? else {
            return Ok(MagicLinkOutcome::Rejected);
        };
        let (policy, is_open) = self.policy_and_state(context.tenant).await?;
        let proved = if !is_open {
            Err(Reason::TenantInactive)
        } else if !policy.ip.admits(context.client.ip) {
            Err(Reason::AddressNotAllowed)
        } else {
            self.prove(&token, &policy, context).await?
        };
        let proved = match proved {
            Ok(proved) => proved,
            Err(reason) => {
                self.note_magic_link(&token, reason, context).await;
                return Ok(MagicLinkOutcome::Rejected);
            }
        };
        let security = &self.0.stores.security;
        let subject = security.subject_state(context.tenant, proved.user).await?;
        let Some(mut subject) = subject else {
            return Ok(MagicLinkOutcome::Rejected);
        };
        // Whatever moved the epoch since ends this session too.
        subject.epoch = proved.epoch;
        let opening = Opening {
            tenant: context.tenant,
            user: proved.user,
            subject,
            level: AssuranceLevel::Aal1,
            factors: vec![FactorKind::Email],
        };
        let replaces = input.replaces.as_ref();
        let signed_in = self
            .open_session(opening, &policy.session, replaces, context)
            .await?;
        Ok(MagicLinkOutcome::SignedIn(Box::new(signed_in)))
    }

    /// Uses the token up, on the write that it is for. What is checked before is checked when it is sent too: an account
    /// may have been suspended, a policy changed since.
    async fn prove(
        &self,
        token: &VerificationToken,
        policy: &TenantPolicy,
        context: &RequestContext,
    ) -> Result<Result<Proved, Reason>, FlowError> {
        if let Err(rejection) = token.check(TokenKind::MagicLink, self.now()) {
            return Ok(Err(reason_of(rejection)));
        }
        let Some(email) = self.address_of(token)? else {
            return Ok(Err(Reason::Expired));
        };
        // Between the look-up and the write somebody may sign up with the address; then it is somebody's.
        for _ in 0..3 {
            let (mut user, person) = self.mailed_person(context.tenant, &email).await?;
            if let (Some(read), Some(person)) = (&user, &person)
                && is_outdated(read, &person.subject)
            {
                let directory = &self.0.stores.directory;
                user = directory.user(context.tenant, read.id).await?;
            }
            let moved = token.user.is_some() && token.user != user.as_ref().map(|user| user.id);
            // One canonical form has spellings that are mailboxes of different people: what was sent to one signs in
            // nobody who has another.
            if moved || stored_address(user.as_ref(), &email).raw != email.raw {
                return Ok(Err(Reason::UnknownIdentifier));
            }
            // It was sent when nobody had the address. Whoever has it now may have signed up since; what ended everything
            // they were given ends this as well.
            let epoch = person.as_ref().map(|person| person.subject.epoch);
            if token.user.is_none() && epoch.is_some_and(|epoch| epoch != Epoch::default()) {
                return Ok(Err(Reason::EpochMoved));
            }
            let decided = match self.may_sign_in(person.as_ref(), &email, policy) {
                Ok(decided) => decided,
                Err(reason) => return Ok(Err(reason)),
            };
            let written = match (decided, &person) {
                (MailedSignIn::SignIn, Some(person)) => {
                    self.spend_on_sign_in(token, person, context).await?
                }
                (MailedSignIn::Activate, Some(person)) => {
                    self.spend_on_activation(token, person, &email, context)
                        .await?
                }
                _ => {
                    let known = user.as_ref();
                    self.spend_on_enrolment(token, known, &email, context)
                        .await?
                }
            };
            let reason = match written {
                Write::Applied(proved) => return Ok(Ok(proved)),
                Write::Refused(Refusal::IdentifierTaken | Refusal::Exists) => continue,
                Write::Refused(refusal) => why_not_proved(refusal)?,
            };
            return Ok(Err(reason));
        }
        Err(FlowError::Unavailable(Box::new(Refusal::Stale)))
    }

    async fn spend_on_sign_in(
        &self,
        token: &VerificationToken,
        person: &Person,
        context: &RequestContext,
    ) -> Result<Write<Proved>, FlowError> {
        let user = person.subject.user;
        let along = self.sign_in_event(user, context)?;
        let along = along.with_spend(self.spend_of(token));
        let epoch = token.epoch.unwrap_or(person.subject.epoch);
        let written = self.settle(user, &token.email, along, context).await?;
        Ok(written.map(|()| Proved { user, epoch }))
    }

    /// The account becomes that of whoever opened the link: nothing made before counts, above all no link with a
    /// stranger's password.
    async fn spend_on_activation(
        &self,
        token: &VerificationToken,
        person: &Person,
        email: &Identifier,
        context: &RequestContext,
    ) -> Result<Write<Proved>, FlowError> {
        let (tenant, user) = (context.tenant, person.subject.user);
        let security = &self.0.stores.security;
        let factor = security.load_factor(tenant, user, FactorKind::Password);
        if factor.await?.is_some_and(|loaded| loaded.factor.is_some()) {
            // Whose password that is nobody knows.
            let from = EntityState::Pending;
            return Ok(Write::Refused(Refusal::Transition { from }));
        }
        let now = self.now();
        let activation = Activation {
            kind: IdentifierKind::Email,
            canonical: token.email.clone(),
            activate: true,
            spelling: proved_as(&person.subject, &email.raw),
            factor: None,
            now,
        };
        let along = self
            .proved_event(user, AuthEventType::EmailVerified, context)?
            .with_spend(self.spend_of(token))
            .with_epoch_of(tenant, user);
        let crossing = &self.0.stores.crossing;
        let verified = crossing.prove(tenant, user, &activation, along);
        if let Write::Refused(refusal) = verified.await? {
            return Ok(Write::Refused(refusal));
        }
        let before = token.epoch.unwrap_or(person.subject.epoch);
        let epoch = Epoch(before.0.saturating_add(1));
        let along = self.sign_in_event(user, context)?;
        let written = self.settle(user, &token.email, along, context).await?;
        Ok(written.map(|()| Proved { user, epoch }))
    }

    /// An account for somebody new, or for somebody whom the directory knows and who never signed up.
    async fn spend_on_enrolment(
        &self,
        token: &VerificationToken,
        known: Option<&User>,
        email: &Identifier,
        context: &RequestContext,
    ) -> Result<Write<Proved>, FlowError> {
        let now = self.now();
        let id = match known {
            Some(user) => user.id,
            None => self.new_user_id(context.tenant).await?,
        };
        let signed_up = self.proved_event(id, AuthEventType::SignUp, context)?;
        let mut along = self.proved_event(id, AuthEventType::EmailVerified, context)?;
        along.events.extend(signed_up.events);
        let along = along.with_spend(self.spend_of(token));
        let enrolment = Enrolment {
            user: User {
                id,
                tenant: context.tenant,
                identifiers: vec![email.clone()],
                profile: json!({}),
                created_at: now,
            },
            state: EntityState::Active,
            handle: email.raw.clone(),
            verified: true,
            factor: None,
            now,
        };
        let stores = &self.0.stores;
        let written = match known {
            Some(_) => {
                stores
                    .security
                    .open_account(&enrolment.account(), along)
                    .await?
            }
            None => stores.crossing.enrol(&enrolment, along).await?,
        };
        if let Write::Refused(refusal) = written {
            return Ok(Write::Refused(refusal));
        }
        let along = self.sign_in_event(id, context)?;
        let written = self.settle(id, &token.email, along, context).await?;
        let epoch = Epoch::default();
        Ok(written.map(|()| Proved { user: id, epoch }))
    }

    /// Notes the sign-in: the event, and the time of the last one.
    async fn settle(
        &self,
        user: UserId,
        canonical: &str,
        along: Along,
        context: &RequestContext,
    ) -> Result<Write<()>, FlowError> {
        let key = AttemptKey {
            tenant: context.tenant,
            identifier: self.0.tokens.identifier_digest(context.tenant, canonical),
            purpose: AttemptPurpose::Email,
        };
        let succeeded = Settlement::Succeeded { user };
        let security = &self.0.stores.security;
        let settled = security.settle_attempt(&key, succeeded, self.now(), along);
        Ok(settled.await?)
    }

    fn spend_of(&self, token: &VerificationToken) -> Spend {
        Spend {
            tenant: token.tenant,
            id: token.id,
            kind: token.kind,
            now: self.now(),
        }
    }

    fn sign_in_event(&self, user: UserId, context: &RequestContext) -> Result<Along, FlowError> {
        let event = self.event(context.tenant, AuthEventType::SignIn, &context.client)?;
        let detail = json!({ "factors": [FactorKind::Email], "via": TokenKind::MagicLink });
        Ok(Along::event(event.about(user).with(detail).finish()))
    }

    fn proved_event(
        &self,
        user: UserId,
        kind: AuthEventType,
        context: &RequestContext,
    ) -> Result<Along, FlowError> {
        let event = self.event(context.tenant, kind, &context.client)?;
        let detail = json!({ "via": TokenKind::MagicLink });
        Ok(Along::event(event.about(user).with(detail).finish()))
    }

    async fn note_magic_link(
        &self,
        token: &VerificationToken,
        reason: Reason,
        context: &RequestContext,
    ) {
        let key = token
            .user
            .map_or(*token.id.as_bytes(), |user| *user.as_bytes());
        let detail = json!({ "via": TokenKind::MagicLink });
        let kind = AuthEventType::SignIn;
        let journal = &self.0.journal;
        journal
            .note_once(
                key,
                context.tenant,
                token.user,
                kind,
                reason,
                detail,
                &context.client,
            )
            .await;
    }
}

/// The address as the directory holds it, not the spelling that was typed now.
pub(super) fn stored_address<'a>(user: Option<&'a User>, typed: &'a Identifier) -> &'a Identifier {
    user.map_or(typed, |user| stored_spelling(user, typed))
}
