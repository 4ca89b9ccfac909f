//! A backend of the adopter's own, held to what every credential is held to: the tenant that is asked for, its state, and
//! where its people may come from.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use portcullis_core::backend::{AuthBackend, BackendError, Presented, RequestContext, Verdict};
use portcullis_core::clock::Clock;
use portcullis_core::event::{AuthEventType, Reason};
use portcullis_core::policy::IpPolicy;
use portcullis_core::state::EntityState;
use portcullis_core::store::SecurityStore;
use serde_json::json;

use crate::journal::Journal;

/// Our own backends get the policy with the credential, in one read. What another one reads we do not know, so whomever
/// it lets in costs one read more.
pub(crate) struct Guarded {
    pub(crate) backend: Arc<dyn AuthBackend>,
    pub(crate) security: Arc<dyn SecurityStore>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) system: IpPolicy,
}

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guarded({})", self.backend.name())
    }
}

#[async_trait]
impl AuthBackend for Guarded {
    fn name(&self) -> &'static str {
        self.backend.name()
    }

    fn claims(&self, presented: &Presented<'_>) -> bool {
        self.backend.claims(presented)
    }

    async fn authenticate(
        &self,
        presented: &Presented<'_>,
        context: &RequestContext,
    ) -> Result<Verdict, BackendError> {
        let verdict = self.backend.authenticate(presented, context).await?;
        let Verdict::Authenticated(principal) = verdict else {
            return Ok(verdict);
        };
        if principal.tenant != context.tenant {
            // Of somebody else's tenant nothing is written into this one's log but that there was somebody.
            tracing::warn!(
                backend = self.name(),
                "let in somebody of another tenant, who is refused"
            );
            return Ok(Verdict::Rejected(Reason::UnknownCredential));
        }
        let tenant = self.security.tenant_security(principal.tenant).await?;
        let reason = match tenant {
            Some(tenant) if tenant.status.effective_at(self.clock.now()) != EntityState::Active => {
                Reason::TenantInactive
            }
            Some(tenant) => {
                let own = tenant.policy.ip();
                if self.system.admits_under(&own, context.client.ip) {
                    return Ok(Verdict::Authenticated(principal));
                }
                Reason::AddressNotAllowed
            }
            None => Reason::TenantInactive,
        };
        let kind = AuthEventType::CredentialRejected;
        let (detail, client) = (json!({ "backend": self.name() }), &context.client);
        self.journal
            .note(
                principal.tenant,
                principal.user(),
                kind,
                reason,
                detail,
                client,
            )
            .await;
        Ok(Verdict::Rejected(reason))
    }
}
