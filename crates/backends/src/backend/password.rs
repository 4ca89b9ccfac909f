//! A password in the request itself: HTTP Basic (RFC 7617).
//!
//! Off unless the builder is told: each request costs a hash. Counts and delays are those of sign-in.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_core::backend::{
    AuthBackend, BackendError, Credential, Presented, RequestContext, Verdict,
};
use portcullis_core::clock::Clock;
use portcullis_core::event::{AuthEventType, Reason};
use portcullis_core::factor::FactorKind;
use portcullis_core::net::limit_prefix;
use portcullis_core::principal::{Principal, Subject, Via};
use portcullis_core::secret::Password;
use portcullis_core::session::{Assurance, AssuranceLevel};
use portcullis_core::store::{LimitKey, RateLimit, RateLimitStore, Taken};
use serde_json::json;
use zeroize::Zeroizing;

use crate::passwords::{Asking, Checked, Passwords};

/// One address may try so often over all names, as at sign-in; what succeeds is given back.
const LIMIT: RateLimit = RateLimit {
    burst: 30,
    period: Duration::from_secs(60),
};

/// Verifies `Authorization: Basic`, in as many reads as a sign-in and with the same one hash.
#[doc(alias = "BasicAuth")]
pub struct PasswordBackend {
    pub(crate) passwords: Arc<Passwords>,
    pub(crate) limits: Arc<dyn RateLimitStore>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl fmt::Debug for PasswordBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordBackend")
    }
}

#[async_trait]
impl AuthBackend for PasswordBackend {
    fn name(&self) -> &'static str {
        "password"
    }

    fn claims(&self, presented: &Presented<'_>) -> bool {
        matches!(presented.credential, Some(Credential::Basic(_)))
    }

    async fn authenticate(
        &self,
        presented: &Presented<'_>,
        context: &RequestContext,
    ) -> Result<Verdict, BackendError> {
        let Some(Credential::Basic(text)) = presented.credential else {
            return Ok(Verdict::NotMine);
        };
        let Some((identifier, password)) = decode(text) else {
            return Ok(Verdict::Rejected(Reason::MalformedCredential));
        };
        let from = context
            .client
            .ip
            .map_or_else(String::new, |ip| limit_prefix(ip).to_string());
        let key = LimitKey::new("basic", "ip", &from);
        if self.limits.take(&key, &LIMIT, self.clock.now()).await? != Taken::Granted {
            return Ok(Verdict::Rejected(Reason::LockedOut));
        }
        let detail = json!({ "factors": [FactorKind::Password], "via": "basic" });
        let asking = Asking {
            event: AuthEventType::SignIn,
            tenant: context.tenant,
            client: &context.client,
            detail: &detail,
        };
        let checked = async {
            let policy = self.passwords.policy(context.tenant).await?;
            let checked = self
                .passwords
                .check(&identifier, &password, &policy, asking)
                .await?;
            if let Checked::Matched(matched) = &checked {
                self.passwords.rehash(matched, &password, asking).await?;
            }
            Ok::<_, crate::FlowError>(checked)
        };
        match checked.await.map_err(BackendError::new)? {
            Checked::Matched(matched) => {
                self.limits.refund(&key, &LIMIT, self.clock.now()).await?;
                Ok(Verdict::Authenticated(Box::new(Principal {
                    subject: Subject::User(matched.user),
                    handle: matched.loaded.subject.handle,
                    tenant: context.tenant,
                    via: Via::Basic,
                    assurance: Assurance {
                        level: AssuranceLevel::Aal1,
                        factors: vec![FactorKind::Password],
                        at: self.clock.now(),
                    },
                    scopes: None,
                    roles: matched.loaded.subject.roles,
                    actor: None,
                })))
            }
            Checked::Refused => Ok(Verdict::Rejected(Reason::WrongPassword)),
            Checked::Locked { .. } => Ok(Verdict::Rejected(Reason::LockedOut)),
        }
    }
}

/// `user-id ":" password` in UTF-8; the first colon divides them (RFC 7617 section 2).
fn decode(text: &str) -> Option<(String, Password)> {
    let bytes = Zeroizing::new(STANDARD.decode(text).ok()?);
    let (identifier, password) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
    Some((identifier.to_owned(), Password::new(password).ok()?))
}
