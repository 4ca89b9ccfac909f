//! The word of a proxy that signs people in: a header with who it is, from a peer that is configured as one.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use ipnet::IpNet;
use portcullis_core::backend::{AuthBackend, BackendError, Presented, RequestContext, Verdict};
use portcullis_core::clock::Clock;
use portcullis_core::event::{AuthEventType, Reason};
use portcullis_core::identifier::Identifier;
use portcullis_core::policy::IpPolicy;
use portcullis_core::principal::{Principal, Subject, Via};
use portcullis_core::rule;
use portcullis_core::rule::credential::Arrival;
use portcullis_core::session::{Assurance, AssuranceLevel};
use portcullis_core::store::{IdentityAdmin, SecurityStore};
use serde_json::Value;

use crate::journal::Journal;

/// The most bytes of the header.
const HEADER_MAX_BYTES: usize = 512;

/// Which header says who it is, and from which peers it is believed.
#[derive(Clone, Debug)]
pub struct TrustedProxy {
    /// The header's name, such as `X-Remote-User`. The proxy must remove it from what clients send.
    pub header: String,
    /// The proxies, by the address of the peer itself.
    pub peers: Vec<IpNet>,
}

/// Believes a configured proxy. The header counts only from its peers: from anybody else it is as if it were not there.
#[doc(alias = "RemoteUserBackend")]
pub struct TrustedProxyBackend {
    pub(crate) proxy: TrustedProxy,
    pub(crate) directory: Arc<dyn IdentityAdmin>,
    pub(crate) security: Arc<dyn SecurityStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) journal: Arc<Journal>,
    /// Where people may come from, where their tenant does not say it.
    pub(crate) system: IpPolicy,
}

impl fmt::Debug for TrustedProxyBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustedProxyBackend")
            .field("proxy", &self.proxy)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl AuthBackend for TrustedProxyBackend {
    fn name(&self) -> &'static str {
        "trusted_proxy"
    }

    fn claims(&self, presented: &Presented<'_>) -> bool {
        let request = presented.request;
        let trusted = |ip| self.proxy.peers.iter().any(|net| net.contains(&ip));
        request.peer_ip().is_some_and(trusted)
            && !request.header_values(&self.proxy.header).is_empty()
    }

    async fn authenticate(
        &self,
        presented: &Presented<'_>,
        context: &RequestContext,
    ) -> Result<Verdict, BackendError> {
        let values = presented.request.header_values(&self.proxy.header);
        let [value] = values.as_slice() else {
            return Ok(Verdict::Rejected(Reason::MalformedCredential));
        };
        let typed = std::str::from_utf8(value)
            .ok()
            .filter(|text| text.len() <= HEADER_MAX_BYTES);
        let Some(identifier) = typed.and_then(|text| Identifier::parse(text).ok()) else {
            return Ok(Verdict::Rejected(Reason::MalformedIdentifier));
        };
        let Some(user) = self
            .directory
            .find_user(context.tenant, &identifier)
            .await?
        else {
            return Ok(Verdict::Rejected(Reason::UnknownIdentifier));
        };
        let Some(subject) = self.security.subject_state(context.tenant, user.id).await? else {
            return Ok(Verdict::Rejected(Reason::UnknownIdentifier));
        };
        let now = self.clock.now();
        let from = Arrival {
            ip: context.client.ip,
            system: &self.system,
        };
        let admitted = rule::credential::arrive(&subject, from)
            .and_then(|()| rule::credential::admit(&subject, None, now));
        if let Err(reason) = admitted {
            let kind = AuthEventType::CredentialRejected;
            self.journal
                .note(
                    context.tenant,
                    user.id,
                    kind,
                    reason,
                    Value::Null,
                    &context.client,
                )
                .await;
            return Ok(Verdict::Rejected(reason));
        }
        Ok(Verdict::Authenticated(Box::new(Principal {
            subject: Subject::User(user.id),
            handle: subject.handle,
            tenant: context.tenant,
            via: Via::TrustedProxy,
            assurance: Assurance {
                level: AssuranceLevel::Aal1,
                factors: Vec::new(),
                at: now,
            },
            scopes: None,
            roles: subject.roles,
            actor: None,
        })))
    }
}
