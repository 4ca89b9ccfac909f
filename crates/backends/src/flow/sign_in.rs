//! Sign-in with an identifier and a password.
//!
//! Unknown, unproved, suspended, without a password or with another: each runs one hash and gives one answer. The
//! attempt is counted as failed before the password is verified, so a burst cannot slip past.

use std::time::Duration;

use portcullis_core::along::{Along, Write};
use portcullis_core::backend::RequestContext;
use portcullis_core::event::{AuthEventType, Reason};
use portcullis_core::factor::{FactorConfig, FactorKind, FactorVersion, LoadedFactor};
use portcullis_core::id::{SessionId, UserId};
use portcullis_core::identifier::Identifier;
use portcullis_core::policy::SessionPolicy;
use portcullis_core::principal::Principal;
use portcullis_core::rule;
use portcullis_core::secret::{Password, PasswordHash, SecretText};
use portcullis_core::session::{Assurance, AssuranceLevel, Device, ResolvedSession, Session};
use portcullis_core::store::{AttemptKey, AttemptPurpose, Reservation, SessionInsert, Settlement};
use portcullis_tokens::opaque::TokenClass;
use serde_json::json;

use crate::backend;
use crate::error::FlowError;
use crate::portcullis::Portcullis;

/// The most bytes of what somebody types to say who they are; longer is cut, and therefore nobody.
pub const IDENTIFIER_MAX_BYTES: usize = 512;

/// A sign-in.
pub struct SignIn {
    /// An e-mail address or user name, as typed.
    pub identifier: String,
    /// The password, as typed.
    pub password: Password,
    /// The session cookie that came with the request: its session ends when the new one begins.
    pub replaces: Option<SecretText>,
}

/// Prints nothing of its content: people type passwords into the wrong field.
impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignIn([redacted])")
    }
}

/// How a sign-in ended.
#[derive(Debug)]
pub enum SignInOutcome {
    /// Signed in.
    SignedIn(Box<SignedIn>),
    /// Not signed in; the reason is in the audit log only.
    Refused,
    /// Too many failures before this one, of this identifier, known or not. Nothing was hashed.
    Locked {
        /// When the next attempt may be made.
        retry_after: Duration,
    },
}

/// A new session.
#[derive(Debug)]
pub struct SignedIn {
    /// Who signed in.
    pub principal: Principal,
    /// The session token, for the cookie.
    pub cookie: SecretText,
    /// How long the cookie is good for.
    pub max_age: Duration,
}

/// A password that matched, and whose.
struct Matched {
    user: UserId,
    loaded: LoadedFactor,
    hash: PasswordHash,
    version: FactorVersion,
    outdated: bool,
}

impl Portcullis {
    /// Signs in.
    ///
    /// # Errors
    /// [`FlowError`] where hashing or the store could not be had: never "no".
    pub async fn sign_in(
        &self,
        input: SignIn,
        context: &RequestContext,
    ) -> Result<SignInOutcome, FlowError> {
        let policy = self.policy(context.tenant).await?;
        let typed = bounded(&input.identifier);
        let key = AttemptKey {
            tenant: context.tenant,
            identifier: self.identifier_digest(context.tenant, typed),
            purpose: AttemptPurpose::Password,
        };
        let security = &self.0.stores.security;
        let reservation = security
            .reserve_attempt(&key, &policy.lockout, self.now())
            .await?;
        if let Reservation::Locked { until } = reservation {
            return self.locked(until.since(self.now()), typed, context).await;
        }
        let event = self.event(context.tenant, AuthEventType::SignIn, &context.client)?;
        match self
            .verify_password(typed, &input.password, context)
            .await?
        {
            Ok(matched) => {
                let detail = json!({ "factors": [FactorKind::Password] });
                let along = Along::event(event.about(matched.user).with(detail).finish());
                let settlement = Settlement::Succeeded { user: matched.user };
                match security
                    .settle_attempt(&key, settlement, self.now(), along)
                    .await?
                {
                    Write::Applied(()) => {}
                    // The account went away meanwhile.
                    Write::Refused(_) => return Ok(SignInOutcome::Refused),
                }
                self.rehash(&matched, &input.password, context).await?;
                let signed_in = self
                    .open_session(&matched, &policy.session, context)
                    .await?;
                if let Some(old) = &input.replaces {
                    self.end_replaced(old, context).await?;
                }
                Ok(SignInOutcome::SignedIn(Box::new(signed_in)))
            }
            Err((user, reason)) => {
                // Somebody unknown is logged by digest alone: the field may hold a typed password.
                let known = hex16(&key.identifier);
                let draft = event
                    .about_if_known(user)
                    .refused(reason)
                    .with(json!({ "identifier_digest": known }));
                let along = Along::event(draft.finish());
                match security
                    .settle_attempt(&key, Settlement::Failed, self.now(), along)
                    .await?
                {
                    Write::Applied(()) => Ok(SignInOutcome::Refused),
                    Write::Refused(refusal) => Err(FlowError::internal(refusal)),
                }
            }
        }
    }

    /// The delay depends on the count alone, known identifier or not. The refusal is logged where the person is known.
    async fn locked(
        &self,
        retry_after: Duration,
        typed: &str,
        context: &RequestContext,
    ) -> Result<SignInOutcome, FlowError> {
        let found = match Identifier::parse(typed) {
            Ok(identifier) => {
                self.0
                    .stores
                    .directory
                    .find_user(context.tenant, &identifier)
                    .await?
            }
            Err(_) => None,
        };
        if let Some(user) = found {
            let (kind, reason) = (AuthEventType::SignIn, Reason::LockedOut);
            let detail = serde_json::Value::Null;
            self.0
                .journal
                .note(
                    context.tenant,
                    user.id,
                    kind,
                    reason,
                    detail,
                    &context.client,
                )
                .await;
        }
        Ok(SignInOutcome::Locked { retry_after })
    }

    /// Exactly one hash on every way through.
    async fn verify_password(
        &self,
        typed: &str,
        password: &Password,
        context: &RequestContext,
    ) -> Result<Result<Matched, (Option<UserId>, Reason)>, FlowError> {
        let (user, loaded, missing) = self.load_password(typed, context).await?;
        let hash = loaded
            .as_ref()
            .and_then(|loaded| loaded.factor.as_ref())
            .and_then(|factor| match &factor.config {
                FactorConfig::Password(hash) => Some((hash.clone(), factor.version)),
                _ => None,
            });
        let verification = self
            .0
            .hasher
            .verify(password, hash.as_ref().map(|(hash, _)| hash))
            .await?;
        let (Some(user), Some(loaded)) = (user, loaded) else {
            return Ok(Err((user, missing)));
        };
        let Some((hash, version)) = hash else {
            return Ok(Err((
                Some(user),
                reason_without_password(&loaded, self.now()),
            )));
        };
        if !verification.matches {
            return Ok(Err((Some(user), Reason::WrongPassword)));
        }
        match rule::credential::admit(&loaded.subject, None, self.now()) {
            Ok(()) => Ok(Ok(Matched {
                user,
                loaded,
                hash,
                version,
                outdated: verification.outdated,
            })),
            Err(reason) => Ok(Err((Some(user), reason))),
        }
    }

    async fn load_password(
        &self,
        typed: &str,
        context: &RequestContext,
    ) -> Result<(Option<UserId>, Option<LoadedFactor>, Reason), FlowError> {
        let Ok(identifier) = Identifier::parse(typed) else {
            return Ok((None, None, Reason::MalformedIdentifier));
        };
        let Some(user) = self
            .0
            .stores
            .directory
            .find_user(context.tenant, &identifier)
            .await?
        else {
            return Ok((None, None, Reason::UnknownIdentifier));
        };
        let loaded = self
            .0
            .stores
            .security
            .load_factor(context.tenant, user.id, FactorKind::Password)
            .await?;
        Ok((Some(user.id), loaded, Reason::NoPassword))
    }

    /// Brings an old hash up to the current parameters. A password that changed meanwhile wins.
    async fn rehash(
        &self,
        matched: &Matched,
        password: &Password,
        context: &RequestContext,
    ) -> Result<(), FlowError> {
        if !matched.outdated {
            return Ok(());
        }
        let hash = match self.0.hasher.hash(password).await {
            Ok(hash) if hash != matched.hash => hash,
            Ok(_) => return Ok(()),
            // The sign-in itself is good; the next one tries again.
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "an old password hash was not upgraded"
                );
                return Ok(());
            }
        };
        let kind = AuthEventType::PasswordRehashed;
        let event = self
            .event(context.tenant, kind, &context.client)?
            .about(matched.user)
            .finish();
        let config = FactorConfig::Password(hash);
        let (user, now) = (matched.user, self.now());
        let saved = self.0.stores.security.compare_and_save_factor(
            context.tenant,
            user,
            matched.version,
            &config,
            now,
            Along::event(event),
        );
        if let Write::Refused(refusal) = saved.await? {
            tracing::debug!(%refusal, "the password changed while its hash was upgraded; the newer one stays");
        }
        Ok(())
    }

    /// Opens a session with the epoch that was read together with the password.
    async fn open_session(
        &self,
        matched: &Matched,
        policy: &SessionPolicy,
        context: &RequestContext,
    ) -> Result<SignedIn, FlowError> {
        // An id that was used before is refused by the store; then there is another.
        for _ in 0..3 {
            let now = self.now();
            let id = SessionId::tagged(matched.user, self.entropy())?;
            let minted = self
                .0
                .tokens
                .mint(TokenClass::Session, *id.as_bytes(), self.entropy())?;
            let (idle_deadline, absolute_deadline) = rule::session::deadlines(policy, now);
            let session = Session {
                id,
                user: matched.user,
                tenant: context.tenant,
                epoch: matched.loaded.subject.epoch,
                digest: minted.digest,
                assurance: Assurance {
                    level: AssuranceLevel::Aal1,
                    factors: vec![FactorKind::Password],
                    at: now,
                },
                created_at: now,
                seen_at: now,
                idle_deadline,
                absolute_deadline,
                device: Device {
                    ip: context.client.ip,
                    user_agent: context.client.user_agent.clone(),
                },
                actor: None,
                revoked_at: None,
            };
            match self
                .0
                .stores
                .sessions
                .insert_session(&session, policy.max_per_user)
                .await?
            {
                SessionInsert::Inserted { .. } => {
                    let resolved = ResolvedSession {
                        session,
                        subject: matched.loaded.subject.clone(),
                    };
                    return Ok(SignedIn {
                        principal: backend::session_principal(resolved),
                        cookie: minted.plaintext,
                        max_age: policy.absolute,
                    });
                }
                SessionInsert::IdTaken => {}
            }
        }
        Err(FlowError::internal(
            "three session ids in a row were used before: the source of randomness repeats itself",
        ))
    }

    /// Ends the session whose cookie the browser had before, whoever's it was, so that no older id lives on in it.
    async fn end_replaced(
        &self,
        cookie: &SecretText,
        context: &RequestContext,
    ) -> Result<(), FlowError> {
        let Ok(presented) = self.0.tokens.parse(TokenClass::Session, cookie.expose()) else {
            return Ok(());
        };
        let sessions = &self.0.stores.sessions;
        let id = SessionId::from_bytes(presented.id());
        let Some(session) = sessions.session(id).await? else {
            return Ok(());
        };
        if !session.is_live(self.now()) || !self.0.tokens.verify(&presented, &session.digest) {
            return Ok(());
        }
        let detail = json!({ "session": id, "replaced": true });
        let event = self.event(
            session.tenant,
            AuthEventType::SessionRevoked,
            &context.client,
        )?;
        let along = Along::event(event.about(session.user).with(detail).finish());
        if let Write::Refused(refusal) = self.0.stores.security.record(along).await? {
            return Err(FlowError::internal(refusal));
        }
        sessions
            .revoke_session(session.tenant, session.user, id, self.now())
            .await?;
        Ok(())
    }
}

/// Why there is no password: an account that is not proved yet has none.
fn reason_without_password(loaded: &LoadedFactor, now: portcullis_core::time::Timestamp) -> Reason {
    rule::credential::admit(&loaded.subject, None, now)
        .err()
        .unwrap_or(Reason::NoPassword)
}

fn bounded(typed: &str) -> &str {
    let mut end = typed.len().min(IDENTIFIER_MAX_BYTES);
    while !typed.is_char_boundary(end) {
        end -= 1;
    }
    typed.get(..end).unwrap_or_default()
}

fn hex16(bytes: &[u8]) -> String {
    bytes
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
