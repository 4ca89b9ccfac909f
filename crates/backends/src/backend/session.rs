//! Session cookies.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use portcullis_core::backend::{
    AuthBackend, BackendError, Credential, Presented, RequestContext, Verdict,
};
use portcullis_core::clock::Clock;
use portcullis_core::event::{AuthEventType, Reason};
use portcullis_core::id::SessionId;
use portcullis_core::policy::IpPolicy;
use portcullis_core::principal::{Principal, Subject, Via};
use portcullis_core::rule;
use portcullis_core::rule::credential::Arrival;
use portcullis_core::session::ResolvedSession;
use portcullis_core::store::ResolveSession;
use portcullis_tokens::opaque::{TokenClass, Tokens};
use serde_json::json;

use crate::journal::Journal;
use crate::touches::Touches;

/// Resolves the session cookie, in one store read.
pub struct SessionBackend {
    pub(crate) resolve: Arc<dyn ResolveSession>,
    pub(crate) tokens: Tokens,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) touches: Arc<Touches>,
    pub(crate) journal: Arc<Journal>,
    /// Where people may come from, where their tenant does not say it.
    pub(crate) system: IpPolicy,
}

impl fmt::Debug for SessionBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionBackend")
    }
}

#[async_trait]
impl AuthBackend for SessionBackend {
    fn name(&self) -> &'static str {
        "session"
    }

    fn claims(&self, presented: &Presented<'_>) -> bool {
        matches!(presented.credential, Some(Credential::Cookie(_)))
    }

    async fn authenticate(
        &self,
        presented: &Presented<'_>,
        context: &RequestContext,
    ) -> Result<Verdict, BackendError> {
        let Some(Credential::Cookie(text)) = presented.credential else {
            return Ok(Verdict::NotMine);
        };
        let Ok(token) = self.tokens.parse(TokenClass::Session, text) else {
            return Ok(Verdict::Rejected(Reason::MalformedCredential));
        };
        let Some(resolved) = self
            .resolve
            .resolve_session(SessionId::from_bytes(token.id()))
            .await?
        else {
            self.tokens.verify_miss(&token);
            return Ok(Verdict::Rejected(Reason::UnknownCredential));
        };
        if !self.tokens.verify(&token, &resolved.session.digest) {
            return Ok(Verdict::Rejected(Reason::WrongSecret));
        }
        if resolved.session.tenant != context.tenant {
            return Ok(Verdict::Rejected(Reason::UnknownCredential));
        }
        let now = self.clock.now();
        let from = Arrival {
            ip: context.client.ip,
            system: &self.system,
        };
        if let Err(reason) = rule::credential::session(&resolved, from, now) {
            let session = &resolved.session;
            let detail = json!({ "session": session.id });
            let kind = AuthEventType::CredentialRejected;
            self.journal
                .note(
                    session.tenant,
                    session.user,
                    kind,
                    reason,
                    detail,
                    &context.client,
                )
                .await;
            return Ok(Verdict::Rejected(reason));
        }
        if let Some(touch) = rule::session::touch(&resolved.session, now) {
            self.touches.session(touch);
        }
        Ok(Verdict::Authenticated(Box::new(principal(resolved))))
    }
}

pub(crate) fn principal(resolved: ResolvedSession) -> Principal {
    let ResolvedSession { session, subject } = resolved;
    Principal {
        subject: Subject::User(session.user),
        handle: subject.handle,
        tenant: session.tenant,
        via: Via::Session(session.id),
        assurance: session.assurance,
        scopes: None,
        roles: subject.roles,
        actor: session.actor,
    }
}
