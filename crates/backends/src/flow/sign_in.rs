//! Sign-in with an identifier and a password.
//!
//! Unknown, unproved, suspended, without a password or with another: each runs one hash and gives one answer. The
//! attempt is counted as failed before the password is verified, so a burst cannot slip past.

use std::time::Duration;

use portcullis_core::along::{Along, Write};
use portcullis_core::backend::RequestContext;
use portcullis_core::event::AuthEventType;
use portcullis_core::factor::FactorKind;
use portcullis_core::id::SessionId;
use portcullis_core::policy::SessionPolicy;
use portcullis_core::principal::Principal;
use portcullis_core::rule;
use portcullis_core::secret::{Password, SecretText};
use portcullis_core::session::{Assurance, AssuranceLevel, Device, ResolvedSession, Session};
use portcullis_core::store::SessionInsert;
use portcullis_tokens::opaque::TokenClass;
use serde_json::json;

use crate::backend;
use crate::error::FlowError;
use crate::passwords::{Asking, Checked, Matched};
use crate::portcullis::Portcullis;

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
        let detail = json!({ "factors": [FactorKind::Password] });
        let asking = Asking {
            tenant: context.tenant,
            client: &context.client,
            detail: &detail,
        };
        let passwords = &self.0.passwords;
        let matched = match passwords
            .check(&input.identifier, &input.password, &policy, asking)
            .await?
        {
            Checked::Matched(matched) => matched,
            Checked::Refused => return Ok(SignInOutcome::Refused),
            Checked::Locked { retry_after } => return Ok(SignInOutcome::Locked { retry_after }),
        };
        passwords.rehash(&matched, &input.password, asking).await?;
        let signed_in = self
            .open_session(&matched, &policy.session, context)
            .await?;
        if let Some(old) = &input.replaces {
            self.end_replaced(old, context).await?;
        }
        Ok(SignInOutcome::SignedIn(Box::new(signed_in)))
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
