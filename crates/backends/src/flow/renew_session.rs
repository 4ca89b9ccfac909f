//! Takes a person's own session along over a change that ends every session.

use portcullis_core::entity::{Epoch, SubjectState};
use portcullis_core::id::{SessionId, TenantId, UserId};
use portcullis_core::principal::Principal;
use portcullis_core::session::{ResolvedSession, Session};
use portcullis_core::store::SessionRotation;
use portcullis_tokens::opaque::TokenClass;

use super::open_session::SignedIn;
use crate::backend;
use crate::error::FlowError;
use crate::portcullis::Portcullis;

impl Portcullis {
    /// The live session that the caller came with.
    pub(super) async fn own_session(
        &self,
        principal: &Principal,
    ) -> Result<Option<Session>, FlowError> {
        let Some(id) = principal.session() else {
            return Ok(None);
        };
        let session = self.0.stores.sessions.session(id).await?;
        Ok(session.filter(|session| {
            session.user == principal.user()
                && session.tenant == principal.tenant
                && session.is_live(self.now())
        }))
    }

    /// The same session under another id and the epoch that the change made. Where the epoch moved again meanwhile it is
    /// over from the start. `subject` is as it was before the change. How its owner proved themselves stays as it
    /// was: what they gave for the change is no second factor.
    pub(super) async fn renewed(
        &self,
        old: &Session,
        mut subject: SubjectState,
    ) -> Result<Option<SignedIn>, FlowError> {
        let Some(epoch) = subject.epoch.0.checked_add(1) else {
            return Ok(None);
        };
        subject.epoch = Epoch(epoch);
        // An id that was used before is refused by the store; then there is another.
        for _ in 0..3 {
            let now = self.now();
            let id = SessionId::tagged(old.user, self.entropy())?;
            let minted = self
                .0
                .tokens
                .mint(TokenClass::Session, *id.as_bytes(), self.entropy())?;
            let session = Session {
                id,
                epoch: subject.epoch,
                digest: minted.digest,
                seen_at: now,
                ..old.clone()
            };
            let sessions = &self.0.stores.sessions;
            match sessions.rotate_session(old.id, &session, now).await? {
                SessionRotation::Rotated => {
                    let max_age = session.absolute_deadline.since(now);
                    let resolved = ResolvedSession { session, subject };
                    return Ok(Some(SignedIn {
                        principal: backend::session_principal(resolved),
                        cookie: minted.plaintext,
                        max_age,
                    }));
                }
                SessionRotation::Gone => return Ok(None),
                SessionRotation::IdTaken => {}
            }
        }
        Ok(None)
    }

    /// Ends the rows of sessions whose epoch is over, so that they are listed no more. They are refused already, so a
    /// failure changes nothing for anybody.
    pub(super) async fn tidy_sessions(
        &self,
        tenant: TenantId,
        user: UserId,
        keep: Option<SessionId>,
    ) {
        let sessions = &self.0.stores.sessions;
        let ended = sessions.revoke_sessions(tenant, user, keep, self.now());
        if let Err(error) = ended.await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "sessions that are over are still listed"
            );
        }
    }
}
