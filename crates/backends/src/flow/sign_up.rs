//! Sign-up with an e-mail address and a password.
//!
//! The answer, the number of hashes and the store work are the same whoever the address belongs to. The
//! password is not the account's yet: it travels, hashed and sealed, with the token in the mail, so that a stranger's
//! sign-up never becomes the owner's account.

use portcullis_core::along::{Along, Refusal, Write};
use portcullis_core::backend::RequestContext;
use portcullis_core::entity::{Enrolment, Epoch, NewAccount, SubjectState, User};
use portcullis_core::entropy::random_bytes;
use portcullis_core::event::{AuthEventType, Reason};
use portcullis_core::factor::FactorConfig;
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::identifier::Identifier;
use portcullis_core::net::ClientInfo;
use portcullis_core::policy::TenantPolicy;
use portcullis_core::rule::password::PasswordRejection;
use portcullis_core::rule::sign_up::{SignUpRefusal, may_sign_up};
use portcullis_core::secret::{Password, PasswordHash, Sealed, SecretText, TokenDigest};
use portcullis_core::state::EntityState;
use portcullis_core::verification::TokenKind;
use portcullis_tokens::seal::SealError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::mailed_link::{LinkSpec, Recipient};
use super::spelling::stored_spelling;
use crate::error::FlowError;
use crate::mail::MailParams;
use crate::portcullis::Portcullis;

/// A sign-up.
#[derive(Debug)]
pub struct SignUp {
    /// The address that will prove who they are.
    pub email: Identifier,
    /// The password they chose.
    pub password: Password,
}

/// How a sign-up ended.
#[derive(Debug)]
pub enum SignUpOutcome {
    /// A mail is on its way, to whoever owns the address.
    Accepted {
        /// For a cookie of this browser: with it, the link in the mail activates the password that was chosen here.
        browser: SecretText,
    },
    /// The password breaks the tenant's rules; nothing was looked up.
    PasswordRefused(PasswordRejection),
    /// The tenant's policy does not let the address sign up, whoever has it; nothing was looked up or hashed.
    NotAllowed(SignUpRefusal),
}

/// What travels with a verification token, sealed.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Carried {
    /// The address as the mail was addressed: this spelling is what it proves.
    #[serde(default)]
    pub(super) address: String,
    /// What the sign-up left for the link, while its own works.
    #[serde(flatten)]
    pub(super) pending: Option<Pending>,
}

/// A password that waits for the proof of its address.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Pending {
    /// The password that came with the sign-up.
    pub(super) password: PasswordHash,
    /// Digest of the sign-up cookie.
    pub(super) browser: TokenDigest,
}

/// Who has the address that somebody signs up with, and where they stand.
struct Known {
    user: User,
    subject: Option<SubjectState>,
}

/// Keyed-hash domain of the sign-up cookie.
pub(super) const BROWSER_DOMAIN: &str = "sign-up browser";

/// What the payload is sealed for, with tenant and owner: it opens for nobody else.
const PAYLOAD_CONTEXT: &[u8] = b"verification_tokens.payload";

impl Portcullis {
    /// Signs up: exactly one hash, whatever the account's state.
    ///
    /// # Errors
    /// [`FlowError`] where hashing or the store could not be had; nothing is half done.
    pub async fn sign_up(
        &self,
        input: SignUp,
        context: &RequestContext,
    ) -> Result<SignUpOutcome, FlowError> {
        let (policy, is_open) = self.policy_and_state(context.tenant).await?;
        let address = &input.email.canonical;
        if let Err(refusal) = self
            .let_sign_up(AuthEventType::SignUp, &input.email, &policy, context)
            .await
        {
            return Ok(SignUpOutcome::NotAllowed(refusal));
        }
        if let Err(rejection) = self
            .judge_password(&input.password, &policy, address, None)
            .await?
        {
            return Ok(SignUpOutcome::PasswordRefused(rejection));
        }
        let password = self.0.hasher.hash(&input.password).await?;
        let browser = self.browser_secret()?;
        let digest = self
            .0
            .tokens
            .keyed(BROWSER_DOMAIN, &[browser.expose().as_bytes()]);
        let pending = Pending {
            password,
            browser: digest,
        };
        let kind = AuthEventType::SignUp;
        if !self.is_open(kind, &input.email, is_open, context).await
            || !self.lets_come(kind, &input.email, &policy, context).await
        {
            return Ok(SignUpOutcome::Accepted { browser });
        }
        // Between the look-up and the write somebody else may sign up with the address; then it is known, and where
        // directory and accounts are two stores, known a moment before it has its account.
        for _ in 0..3 {
            let (tenant, stores) = (context.tenant, &self.0.stores);
            let found = stores.directory.find_user(tenant, &input.email).await?;
            // Drawn for everybody. Nobody has it, and looking them up costs as much.
            let new = self.new_user_id(tenant).await?;
            let id = found.as_ref().map_or(new, |user| user.id);
            let subject = stores.security.subject_state(tenant, id).await?;
            let written = match found {
                None => {
                    self.enrol(new, &input.email, &pending, &policy, context)
                        .await?
                }
                Some(user) => {
                    let known = Known { user, subject };
                    self.sign_up_again(&known, &input.email, &pending, &policy, context)
                        .await?
                }
            };
            match written {
                Write::Applied(()) => {
                    self.0.mail_queued.notify_one();
                    return Ok(SignUpOutcome::Accepted { browser });
                }
                Write::Refused(Refusal::IdentifierTaken | Refusal::Exists) => {}
                // Somebody proved it meanwhile, or it is gone.
                Write::Refused(Refusal::Transition { .. } | Refusal::NotFound) => {}
                Write::Refused(refusal) => return Err(FlowError::internal(refusal)),
            }
        }
        Err(FlowError::Unavailable(Box::new(Refusal::Stale)))
    }

    /// Whether the policy lets an address sign up. It is asked before anybody is looked up, so that the answer is about
    /// the policy alone.
    pub(super) async fn let_sign_up(
        &self,
        event: AuthEventType,
        email: &Identifier,
        policy: &TenantPolicy,
        context: &RequestContext,
    ) -> Result<(), SignUpRefusal> {
        let allowed = may_sign_up(&policy.sign_up, &email.canonical);
        if let Err(refusal) = allowed {
            let detail = json!({ "policy": refusal.to_string() });
            let reason = Reason::SignUpNotAllowed;
            self.note_unasked(event, email, reason, detail, context)
                .await;
        }
        allowed
    }

    /// Whether the policy lets somebody come from where they are. It is asked before anybody is looked up, and what is
    /// answered does not show it.
    pub(super) async fn lets_come(
        &self,
        event: AuthEventType,
        email: &Identifier,
        policy: &TenantPolicy,
        context: &RequestContext,
    ) -> bool {
        let comes = policy.ip.admits(context.client.ip);
        if !comes {
            let reason = Reason::AddressNotAllowed;
            self.note_unasked(event, email, reason, Value::Null, context)
                .await;
        }
        comes
    }

    /// Whether the tenant is active, as its row says. It is asked before anybody is looked up, and what is answered does
    /// not show it (SECURITY TH-10).
    pub(super) async fn is_open(
        &self,
        event: AuthEventType,
        email: &Identifier,
        is_open: bool,
        context: &RequestContext,
    ) -> bool {
        if !is_open {
            let reason = Reason::TenantInactive;
            self.note_unasked(event, email, reason, Value::Null, context)
                .await;
        }
        is_open
    }

    /// Notes that something was asked for somebody who was erased while it was made: nothing more is written about them.
    pub(super) async fn note_nobody(
        &self,
        event: AuthEventType,
        email: &Identifier,
        context: &RequestContext,
    ) {
        let reason = Reason::UnknownIdentifier;
        self.note_unasked(event, email, reason, Value::Null, context)
            .await;
    }

    /// Notes a refusal that depends on nobody's account, under the digest of what was typed.
    async fn note_unasked(
        &self,
        event: AuthEventType,
        email: &Identifier,
        reason: Reason,
        detail: Value,
        context: &RequestContext,
    ) {
        let (tenant, client) = (context.tenant, &context.client);
        let digest = self.0.tokens.identifier_digest(tenant, &email.canonical);
        let key = digest.first_chunk().copied().unwrap_or_default();
        let journal = &self.0.journal;
        journal
            .note_once(key, tenant, None, event, reason, detail, client)
            .await;
    }

    async fn enrol(
        &self,
        id: UserId,
        email: &Identifier,
        pending: &Pending,
        policy: &TenantPolicy,
        context: &RequestContext,
    ) -> Result<Write<()>, FlowError> {
        let now = self.now();
        let event = self
            .event(context.tenant, AuthEventType::SignUp, &context.client)?
            .about(id)
            .finish();
        let to = Recipient {
            tenant: context.tenant,
            user: Some(id),
            epoch: Some(Epoch::default()),
            email,
        };
        let along = Along::event(event);
        let along = self.with_verification(along, &to, Some(pending), policy, &context.client)?;
        let user = User {
            id,
            tenant: context.tenant,
            identifiers: vec![email.clone()],
            profile: json!({}),
            created_at: now,
        };
        let enrolment = Enrolment {
            user,
            state: EntityState::Pending,
            handle: email.raw.clone(),
            verified: false,
            factor: None,
            now,
        };
        Ok(self.0.stores.crossing.enrol(&enrolment, along).await?)
    }

    /// Somebody has the address. While it is not proved, this sign-up takes the place of the one before; after that,
    /// its owner is told. Somebody whom the directory knows and who never signed up is a candidate until they do.
    ///
    /// Nothing is written to the directory: while nothing is proved, the latest sign-up says where its mail goes, so that
    /// another spelling of the address does not keep the owner's mail away from them, and what proves the address writes
    /// the spelling down. A candidate's the directory says.
    async fn sign_up_again(
        &self,
        known: &Known,
        email: &Identifier,
        pending: &Pending,
        policy: &TenantPolicy,
        context: &RequestContext,
    ) -> Result<Write<()>, FlowError> {
        let Known { user, subject } = known;
        let event = self
            .event(context.tenant, AuthEventType::SignUp, &context.client)?
            .about(user.id);
        let stored = stored_spelling(user, email);
        let state = subject.as_ref().map(|subject| subject.user_status.state);
        let epoch = subject.as_ref().map(|subject| subject.epoch);
        let epoch = epoch.unwrap_or_default();
        let along = match state {
            None | Some(EntityState::Candidate | EntityState::Pending) => {
                let is_ours = state == Some(EntityState::Pending);
                let email = if is_ours { email } else { stored };
                let to = Recipient {
                    tenant: context.tenant,
                    user: Some(user.id),
                    epoch: Some(epoch),
                    email,
                };
                let along = Along::event(event.finish());
                self.with_verification(along, &to, Some(pending), policy, &context.client)?
            }
            Some(_) => {
                let along = Along::event(event.refused(Reason::AlreadyRegistered).finish());
                along.with_mail(self.queue_mail(
                    context.tenant,
                    user,
                    &MailParams::AlreadyRegistered {},
                    &context.client,
                )?)
            }
        };
        let security = &self.0.stores.security;
        Ok(match state {
            Some(EntityState::Pending) => {
                let handle = &email.raw;
                security
                    .sign_up_again(context.tenant, user.id, handle, along)
                    .await?
            }
            Some(_) => security.record(along).await?,
            None => {
                let account = NewAccount {
                    user: user.id,
                    tenant: context.tenant,
                    state: EntityState::Candidate,
                    handle: stored.raw.clone(),
                    verified: Vec::new(),
                    factor: None,
                    now: self.now(),
                };
                security.open_account(&account, along).await?
            }
        })
    }

    /// The id of somebody who is about to be created.
    pub(super) async fn new_user_id(&self, tenant: TenantId) -> Result<UserId, FlowError> {
        let offered = UserId::time_ordered(self.now(), self.entropy())?;
        let directory = &self.0.stores.directory;
        Ok(directory.new_user_id(tenant, offered).await?)
    }

    /// Adds a new verification token to `along`, with what travels with it, and the mail that brings it.
    pub(super) fn with_verification(
        &self,
        along: Along,
        to: &Recipient<'_>,
        pending: Option<&Pending>,
        policy: &TenantPolicy,
        client: &ClientInfo,
    ) -> Result<Along, FlowError> {
        let carried = Carried {
            address: to.email.raw.clone(),
            pending: pending.cloned(),
        };
        let owner = to.user.unwrap_or(UserId::SYSTEM);
        let payload = Some(self.seal_signed_up(to.tenant, owner, &carried)?);
        let spec = LinkSpec {
            kind: TokenKind::EmailVerification,
            page: "/signup/verify",
            ttl: policy.link.email_verification,
        };
        let (token, link) = self.mint_link(&spec, to, payload)?;
        let params = MailParams::VerifyEmail {
            link,
            hours: spec.ttl.as_secs().div_ceil(3600),
        };
        let mut mail = self.queue_mail_to(to.tenant, &to.email.raw, &params, client)?;
        mail.user = to.user;
        Ok(along.with_issue(token).with_mail(mail))
    }

    fn seal_signed_up(
        &self,
        tenant: TenantId,
        user: UserId,
        carried: &Carried,
    ) -> Result<Sealed, FlowError> {
        let plain = Zeroizing::new(serde_json::to_vec(carried).map_err(FlowError::internal)?);
        let sealing = [PAYLOAD_CONTEXT, tenant.as_bytes(), user.as_bytes()];
        Ok(self.0.sealer.seal(&sealing, &plain, self.entropy())?)
    }

    /// What travels with a verification token; `None` where the key it was sealed with is retired.
    pub(super) fn open_signed_up(
        &self,
        tenant: TenantId,
        user: UserId,
        payload: &Sealed,
    ) -> Result<Option<Carried>, FlowError> {
        let sealing = [PAYLOAD_CONTEXT, tenant.as_bytes(), user.as_bytes()];
        let plain = match self.0.sealer.open(&sealing, payload) {
            Err(SealError::RetiredKey { .. }) => return Ok(None),
            opened => opened?,
        };
        let carried = serde_json::from_slice(&plain).map_err(FlowError::internal)?;
        Ok(Some(carried))
    }

    /// 256 random bits for a cookie, as 64 hexadecimal digits.
    fn browser_secret(&self) -> Result<SecretText, FlowError> {
        let bytes = Zeroizing::new(random_bytes::<32>(self.entropy())?);
        let mut hex = String::with_capacity(64);
        for byte in bytes.iter() {
            for nibble in [byte >> 4, byte & 0x0f] {
                hex.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
            }
        }
        Ok(SecretText::new(hex))
    }
}

impl Pending {
    /// The factor that the link activates.
    pub(super) fn into_factor(self) -> FactorConfig {
        FactorConfig::Password(self.password)
    }
}
