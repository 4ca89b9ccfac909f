//! Opens a session for somebody whom a flow has authenticated.

use std::time::Duration;

use portcullis_core::along::{Along, Write};
use portcullis_core::backend::RequestContext;
use portcullis_core::entity::SubjectState;
use portcullis_core::event::AuthEventType;
use portcullis_core::factor::FactorKind;
use portcullis_core::id::{SessionId, TenantId, UserId};
use portcullis_core::policy::SessionPolicy;
use portcullis_core::principal::Principal;
use portcullis_core::rule;
use portcullis_core::secret::SecretText;
use portcullis_core::session::{Assurance, AssuranceLevel, Device, ResolvedSession, Session};
use portcullis_core::store::SessionInsert;
use portcullis_tokens::opaque::TokenClass;
use serde_json::json;

use crate::backend;
use crate::error::FlowError;
use crate::portcullis::Portcullis;

/// Whose session, and by what.
pub(crate) struct Opening {
    pub(crate) tenant: TenantId,
    pub(crate) user: UserId,
    /// As it was read together with what proved who they are: its epoch is the session's, so a sign-in that races a
    /// reset dies.
    pub(crate) subject: SubjectState,
    pub(crate) level: AssuranceLevel,
    pub(crate) factors: Vec<FactorKind>,
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
    /// Opens a session, then ends the one whose cookie the browser had before. The event that explains it is the
    /// caller's, and commits first.
    pub(crate) async fn open_session(
        &self,
        opening: Opening,
        policy: &SessionPolicy,
        replaces: Option<&SecretText>,
        context: &RequestContext,
    ) -> Result<SignedIn, FlowError> {
        let signed_in = self.insert_session(opening, policy, context).await?;
        if let Some(old) = replaces {
            self.end_replaced(old, context).await?;
        }
        Ok(signed_in)
    }

    async fn insert_session(
        &self,
        opening: Opening,
        policy: &SessionPolicy,
        context: &RequestContext,
    ) -> Result<SignedIn, FlowError> {
        // An id that was used before is refused by the store; then there is another.
        for _ in 0..3 {
            let now = self.now();
            let id = SessionId::tagged(opening.user, self.entropy())?;
            let minted = self
                .0
                .tokens
                .mint(TokenClass::Session, *id.as_bytes(), self.entropy())?;
            let (idle_deadline, absolute_deadline) = rule::session::deadlines(policy, now);
            let session = Session {
                id,
                user: opening.user,
                tenant: opening.tenant,
                epoch: opening.subject.epoch,
                digest: minted.digest,
                assurance: Assurance {
                    level: opening.level,
                    factors: opening.factors.clone(),
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
                name: None,
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
                        subject: opening.subject,
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
