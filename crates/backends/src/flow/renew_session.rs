//! The session that somebody came with: finding it, giving the password again in it, and taking it on under another id.

use portcullis_core::backend::RequestContext;
use portcullis_core::entity::{Epoch, SubjectState, User};
use portcullis_core::event::AuthEventType;
use portcullis_core::factor::FactorKind;
use portcullis_core::id::{SessionId, TenantId, UserId};
use portcullis_core::policy::TenantPolicy;
use portcullis_core::principal::Principal;
use portcullis_core::rule;
use portcullis_core::secret::Password;
use portcullis_core::session::{Assurance, ResolvedSession, Session};
use portcullis_core::store::SessionRotation;
use portcullis_tokens::opaque::TokenClass;
use serde_json::json;

use super::SignedIn;
use crate::backend;
use crate::error::FlowError;
use crate::passwords::{Asking, Checked};
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

    /// Checks the password of somebody who is known. Counts and delays are those of sign-in, so that a session left open
    /// is no better place to guess.
    pub(super) async fn confirm_password(
        &self,
        who: &User,
        password: &Password,
        policy: &TenantPolicy,
        context: &RequestContext,
    ) -> Result<Checked, FlowError> {
        let detail = json!({ "factors": [FactorKind::Password] });
        let asking = Asking {
            event: AuthEventType::PasswordConfirmed,
            tenant: who.tenant,
            client: &context.client,
            detail: &detail,
        };
        let identifier = who.email().or(who.identifiers.first());
        let identifier = identifier.map_or("", |identifier| identifier.raw.as_str());
        let passwords = &self.0.passwords;
        let checked = passwords.check(identifier, password, policy, asking);
        Ok(match checked.await? {
            // The identifier is somebody else's by now.
            Checked::Matched(matched) if matched.user != who.id => Checked::Refused,
            checked => checked,
        })
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
        let assurance = old.assurance.clone();
        self.renew_session(old, subject, assurance).await
    }

    /// The same session under another id, with the epoch of `subject`; the old id is dead. Where the epoch moved again
    /// meanwhile it is over from the start. `None` where the old one is not live any more.
    pub(super) async fn renew_session(
        &self,
        old: &Session,
        subject: SubjectState,
        assurance: Assurance,
    ) -> Result<Option<SignedIn>, FlowError> {
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
                assurance: assurance.clone(),
                seen_at: now,
                idle_deadline: rule::session::slid(old, now),
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
