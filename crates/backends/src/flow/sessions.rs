//! A person's own sessions: seeing them and ending them.

use portcullis_core::along::{Along, Write};
use portcullis_core::backend::RequestContext;
use portcullis_core::event::AuthEventType;
use portcullis_core::id::SessionId;
use portcullis_core::principal::Principal;
use portcullis_core::session::Device;
use portcullis_core::time::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::error::FlowError;
use crate::portcullis::Portcullis;

/// A session as its owner sees it; never a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionInfo {
    /// Its id.
    pub id: SessionId,
    /// When it was opened.
    pub created_at: Timestamp,
    /// Last use, to the minute.
    pub seen_at: Timestamp,
    /// Over when unused until here.
    pub idle_deadline: Timestamp,
    /// Over here, used or not.
    pub absolute_deadline: Timestamp,
    /// Where it was opened.
    pub device: Device,
    /// What its owner calls it.
    pub name: Option<String>,
    /// Whether it is the one that asks.
    pub current: bool,
}

impl Portcullis {
    /// The principal's live sessions, newest first.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer.
    pub async fn list_sessions(
        &self,
        principal: &Principal,
    ) -> Result<Vec<SessionInfo>, FlowError> {
        let sessions = self
            .0
            .stores
            .sessions
            .list_sessions(principal.tenant, principal.user(), self.now())
            .await?;
        Ok(sessions
            .into_iter()
            .map(|session| SessionInfo {
                current: principal.session() == Some(session.id),
                id: session.id,
                created_at: session.created_at,
                seen_at: session.seen_at,
                idle_deadline: session.idle_deadline,
                absolute_deadline: session.absolute_deadline,
                device: session.device,
                name: session.name,
            })
            .collect())
    }

    /// Ends one of the principal's sessions; `false` where they have no such live session.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer; ending it again is safe.
    pub async fn revoke_session(
        &self,
        principal: &Principal,
        id: SessionId,
        context: &RequestContext,
    ) -> Result<bool, FlowError> {
        if !self.is_theirs(principal, id).await? {
            return Ok(false);
        }
        self.end_session(principal, id, AuthEventType::SessionRevoked, context)
            .await
    }

    /// Gives one of the principal's sessions a name that [`parse_name`] made, or takes it away; `false` where they have no
    /// such live session.
    ///
    /// [`parse_name`]: portcullis_core::session::parse_name
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer; doing it again is safe.
    pub async fn rename_session(
        &self,
        principal: &Principal,
        id: SessionId,
        name: Option<&str>,
        context: &RequestContext,
    ) -> Result<bool, FlowError> {
        if !self.is_theirs(principal, id).await? {
            return Ok(false);
        }
        let (tenant, user) = (principal.tenant, principal.user());
        // Not the name: it is its owner's to take back.
        let detail = json!({ "session": id, "named": name.is_some() });
        let event = self.event(tenant, AuthEventType::SessionRenamed, &context.client)?;
        self.explain(Along::event(event.about(user).with(detail).finish()))
            .await?;
        let sessions = &self.0.stores.sessions;
        let renamed = sessions.rename_session(tenant, user, id, name, self.now());
        Ok(renamed.await?)
    }

    async fn is_theirs(&self, principal: &Principal, id: SessionId) -> Result<bool, FlowError> {
        let session = self.0.stores.sessions.session(id).await?;
        Ok(session.is_some_and(|session| {
            session.user == principal.user()
                && session.tenant == principal.tenant
                && session.is_live(self.now())
        }))
    }

    /// Ends all of the principal's sessions but the one they came with; says how many.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer; ending them again is safe.
    pub async fn revoke_other_sessions(
        &self,
        principal: &Principal,
        context: &RequestContext,
    ) -> Result<u32, FlowError> {
        let live = self.list_sessions(principal).await?;
        if live.iter().all(|session| session.current) {
            return Ok(0);
        }
        let event = self.event(
            principal.tenant,
            AuthEventType::SessionsRevoked,
            &context.client,
        )?;
        let detail = json!({ "kept": principal.session() });
        self.explain(Along::event(
            event.about(principal.user()).with(detail).finish(),
        ))
        .await?;
        let keep = principal.session();
        let sessions = &self.0.stores.sessions;
        Ok(sessions
            .revoke_sessions(principal.tenant, principal.user(), keep, self.now())
            .await?)
    }

    /// Event first, then the effect: a crash between them leaves a session that can be ended again.
    pub(super) async fn end_session(
        &self,
        principal: &Principal,
        id: SessionId,
        kind: AuthEventType,
        context: &RequestContext,
    ) -> Result<bool, FlowError> {
        let detail = json!({ "session": id });
        let event = self
            .event(principal.tenant, kind, &context.client)?
            .about(principal.user())
            .with(detail);
        self.explain(Along::event(event.finish())).await?;
        let sessions = &self.0.stores.sessions;
        Ok(sessions
            .revoke_session(principal.tenant, principal.user(), id, self.now())
            .await?)
    }

    /// Commits the companions of an effect that lies in another family.
    pub(super) async fn explain(&self, along: Along) -> Result<(), FlowError> {
        match self.0.stores.security.record(along).await? {
            Write::Applied(()) => Ok(()),
            Write::Refused(refusal) => Err(FlowError::internal(refusal)),
        }
    }
}
