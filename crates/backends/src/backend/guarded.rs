//! A backend of the adopter's own, held to the tenant's IP policy.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use portcullis_core::backend::{AuthBackend, BackendError, Presented, RequestContext, Verdict};
use portcullis_core::event::{AuthEventType, Reason};
use portcullis_core::policy::IpPolicy;
use portcullis_core::store::SecurityStore;
use serde_json::json;

use crate::journal::Journal;

/// Our own backends get the policy with the credential, in one read. What another one reads we do not know, so whomever
/// it lets in costs one read more.
pub(crate) struct Guarded {
    pub(crate) backend: Arc<dyn AuthBackend>,
    pub(crate) security: Arc<dyn SecurityStore>,
    pub(crate) journal: Arc<Journal>,
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
        let tenant = self.security.tenant_security(principal.tenant).await?;
        let own = tenant.map(|tenant| tenant.policy.ip()).unwrap_or_default();
        if self.system.admits_under(&own, context.client.ip) {
            return Ok(Verdict::Authenticated(principal));
        }
        let (kind, reason) = (AuthEventType::CredentialRejected, Reason::AddressNotAllowed);
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
