//! API tokens, as `Authorization: Bearer` or `X-API-Key`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use portcullis_core::backend::{
    AuthBackend, BackendError, Credential, Presented, RequestContext, Verdict,
};
use portcullis_core::clock::Clock;
use portcullis_core::event::{AuthEventType, Reason};
use portcullis_core::id::ApiTokenId;
use portcullis_core::policy::IpPolicy;
use portcullis_core::principal::{Principal, Subject, Via};
use portcullis_core::role::Roles;
use portcullis_core::rule;
use portcullis_core::rule::credential::Arrival;
use portcullis_core::session::{Assurance, AssuranceLevel};
use portcullis_core::store::SecurityStore;
use portcullis_tokens::opaque::{TokenClass, Tokens};
use serde_json::json;

use crate::journal::Journal;
use crate::touches::Touches;

/// Last use is kept to this precision.
const USED_INTERVAL: Duration = Duration::from_secs(60);

/// Resolves API tokens, in one store read.
pub struct ApiTokenBackend {
    pub(crate) security: Arc<dyn SecurityStore>,
    pub(crate) tokens: Tokens,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) touches: Arc<Touches>,
    pub(crate) journal: Arc<Journal>,
    /// Where people may come from, where their tenant does not say it.
    pub(crate) system: IpPolicy,
}

impl fmt::Debug for ApiTokenBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiTokenBackend")
    }
}

#[async_trait]
impl AuthBackend for ApiTokenBackend {
    fn name(&self) -> &'static str {
        "api_token"
    }

    /// Ours by class alone, so that a foreign bearer token goes on to the backend that knows it.
    fn claims(&self, presented: &Presented<'_>) -> bool {
        match presented.credential {
            Some(Credential::Bearer(text) | Credential::ApiKey(text)) => {
                self.tokens.class_of(text) == Some(TokenClass::ApiToken)
            }
            _ => false,
        }
    }

    async fn authenticate(
        &self,
        presented: &Presented<'_>,
        context: &RequestContext,
    ) -> Result<Verdict, BackendError> {
        let Some(Credential::Bearer(text) | Credential::ApiKey(text)) = presented.credential else {
            return Ok(Verdict::NotMine);
        };
        let Ok(presented) = self.tokens.parse(TokenClass::ApiToken, text) else {
            return Ok(Verdict::Rejected(Reason::MalformedCredential));
        };
        let Some(resolved) = self
            .security
            .resolve_api_token(ApiTokenId::from_bytes(presented.id()))
            .await?
        else {
            self.tokens.verify_miss(&presented);
            return Ok(Verdict::Rejected(Reason::UnknownCredential));
        };
        if !self.tokens.verify(&presented, &resolved.token.digest) {
            return Ok(Verdict::Rejected(Reason::WrongSecret));
        }
        let token = &resolved.token;
        if token.tenant != context.tenant {
            return Ok(Verdict::Rejected(Reason::UnknownCredential));
        }
        let now = self.clock.now();
        let from = Arrival {
            ip: context.client.ip,
            system: &self.system,
        };
        if let Err(reason) = rule::credential::api_token(&resolved, from, now) {
            let detail = json!({ "api_token": token.id });
            let kind = AuthEventType::CredentialRejected;
            self.journal
                .note(
                    token.tenant,
                    token.owner,
                    kind,
                    reason,
                    detail,
                    &context.client,
                )
                .await;
            return Ok(Verdict::Rejected(reason));
        }
        if token
            .last_used_at
            .is_none_or(|used| now.since(used) >= USED_INTERVAL)
        {
            self.touches.token(token.id, now);
        }
        Ok(Verdict::Authenticated(Box::new(Principal {
            subject: Subject::User(token.owner),
            handle: resolved.subject.handle,
            tenant: resolved.token.tenant,
            via: Via::ApiToken(resolved.token.id),
            assurance: Assurance {
                level: AssuranceLevel::Aal1,
                factors: Vec::new(),
                at: resolved.token.created_at,
            },
            scopes: Some(resolved.token.scopes),
            roles: Roles::default(),
            actor: None,
        })))
    }
}
