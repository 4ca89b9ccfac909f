//! The composition root: one value that holds stores, keys, clock and backends, and runs every flow.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use portcullis_core::backend::{AuthBackend, Credential, Presented, RequestContext, Verdict};
use portcullis_core::clock::Clock;
use portcullis_core::entity::TenantKey;
use portcullis_core::entropy::Entropy;
use portcullis_core::event::{AuthEventType, Reason};
use portcullis_core::id::{SessionId, TenantId};
use portcullis_core::mail::Mailer;
use portcullis_core::net::{ClientInfo, DeviceMark};
use portcullis_core::policy::TenantPolicy;
use portcullis_core::principal::Principal;
use portcullis_core::rule::credential::Arrival;
use portcullis_core::secret::SecretText;
use portcullis_core::store::{
    AuditQuery, Crossing, IdentityAdmin, IdentityStore, LimitKey, PasswordHistory, RateLimit,
    RateLimitStore, ResolveSession, SecurityStore, SessionStore, Taken, TicketStore,
};
use portcullis_core::time::Timestamp;
use portcullis_tokens::keys::LiveKeys;
use portcullis_tokens::opaque::Tokens;
use portcullis_tokens::password::{AdoptHashes, PasswordHasher};
use portcullis_tokens::seal::Sealer;
use serde_json::json;
use tokio::sync::{Mutex, Notify};

use crate::access::AccessSigner;
use crate::breach::Breaches;
use crate::builder::Builder;
use crate::captcha::Captchas;
use crate::devices;
use crate::error::FlowError;
use crate::journal::{EventDraft, Journal};
use crate::mail::Compiled;
use crate::metrics::Metrics;
use crate::passwords::Passwords;
use crate::settings::Settings;
use crate::touches::Touches;

/// Keyed-hash domain of tokens in limit keys.
const TOKEN_DOMAIN: &str = "limited token";

/// One instance. Cheap to clone; a value without globals.
#[derive(Clone)]
pub struct Portcullis(pub(crate) Arc<Inner>);

/// The stores, one handle a family.
pub(crate) struct Stores {
    pub(crate) directory: Arc<dyn IdentityAdmin>,
    pub(crate) security: Arc<dyn SecurityStore>,
    pub(crate) crossing: Arc<dyn Crossing>,
    pub(crate) sessions: Arc<dyn SessionStore>,
    pub(crate) resolve: Arc<dyn ResolveSession>,
    pub(crate) tickets: Arc<dyn TicketStore>,
    pub(crate) limits: Arc<dyn RateLimitStore>,
    pub(crate) audit: Option<Arc<dyn AuditQuery>>,
    pub(crate) history: Option<Arc<dyn PasswordHistory>>,
}

pub(crate) struct Inner {
    pub(crate) stores: Stores,
    pub(crate) settings: Settings,
    pub(crate) default_tenant: TenantId,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) keys: LiveKeys,
    /// Up to which change of the keys the database knows them.
    pub(crate) keys_known: AtomicU64,
    pub(crate) tokens: Tokens,
    pub(crate) sealer: Sealer,
    pub(crate) hasher: Arc<dyn PasswordHasher>,
    /// The same, where it takes over hashes of other systems.
    pub(crate) adopts: Option<Arc<dyn AdoptHashes>>,
    pub(crate) passwords: Arc<Passwords>,
    pub(crate) breaches: Breaches,
    pub(crate) captchas: Captchas,
    pub(crate) mailer: Arc<dyn Mailer>,
    pub(crate) templates: Compiled,
    pub(crate) keep_dead_mail: Duration,
    /// Signs access tokens, where the instance makes any.
    pub(crate) access: Option<Arc<dyn AccessSigner>>,
    /// In the order in which they are asked.
    pub(crate) chain: Vec<Arc<dyn AuthBackend>>,
    /// Tenants with an order of their own.
    pub(crate) orders: HashMap<TenantId, Vec<Arc<dyn AuthBackend>>>,
    pub(crate) touches: Arc<Touches>,
    pub(crate) mail_queued: Arc<Notify>,
    /// One pass of background work at a time: whoever stops waits for the mail in hand.
    pub(crate) due: Mutex<()>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) metrics: Metrics,
}

impl fmt::Debug for Portcullis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.chain.iter().map(|backend| backend.name()).collect();
        f.debug_struct("Portcullis")
            .field("settings", &self.0.settings)
            .field("backends", &names)
            .finish()
    }
}

/// Who a request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// Nobody in particular: no credential, or a session cookie that is over.
    Anonymous,
    /// Somebody.
    Authenticated(Principal),
    /// A credential in a header of its own that is not good: 401, even where signing in is optional.
    Rejected,
}

impl Portcullis {
    /// Starts an instance on a store that keeps everything.
    #[must_use]
    pub fn builder<S>(store: S) -> Builder<S>
    where
        S: IdentityStore + SessionStore + ResolveSession + TicketStore + RateLimitStore,
    {
        Builder::new(store)
    }

    /// Starts an instance on two stores: one keeps people and whatever must never be forgotten, the other sessions,
    /// tickets and limits. Whatever the second loses signs people out, and lets nobody in.
    #[must_use]
    pub fn builder_with<S, E>(people: S, ephemeral: E) -> Builder<S>
    where
        S: IdentityStore,
        E: SessionStore + TicketStore + RateLimitStore,
    {
        Builder::new_with(people, ephemeral)
    }

    /// What this instance is set to.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The present moment of this instance's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// This instance's randomness.
    #[must_use]
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.0.entropy
    }

    /// The tenant that requests belong to which name no other.
    #[must_use]
    pub fn default_tenant(&self) -> TenantId {
        self.0.default_tenant
    }

    /// The form and keys of opaque tokens.
    #[must_use]
    pub fn tokens(&self) -> &Tokens {
        &self.0.tokens
    }

    /// The public keys of access tokens, as a JWK Set (RFC 7517 section 5); `None` where the instance makes none.
    #[must_use]
    pub fn jwks(&self) -> Option<serde_json::Value> {
        self.0.access.as_ref().map(|signer| signer.jwks())
    }

    /// A tenant's policy: the default, the system's settings over it, the tenant's own over both.
    ///
    /// # Errors
    /// [`FlowError::Unavailable`] where the store does not answer.
    pub async fn policy(&self, tenant: TenantId) -> Result<TenantPolicy, FlowError> {
        self.0.passwords.policy(tenant).await
    }

    /// A tenant's policy, and whether the tenant is active: the same one read.
    pub(crate) async fn policy_and_state(
        &self,
        tenant: TenantId,
    ) -> Result<(TenantPolicy, bool), FlowError> {
        self.0.passwords.policy_and_state(tenant).await
    }

    /// Turns what a request presents into who it comes from: the backends in order, the first that knows decides.
    ///
    /// # Errors
    /// [`FlowError::Unavailable`] where a backend could not decide: 503, never 401 and never access.
    pub async fn authenticate(
        &self,
        presented: &Presented<'_>,
        context: &RequestContext,
    ) -> Result<Authentication, FlowError> {
        let explicit = presented
            .credential
            .as_ref()
            .is_some_and(Credential::is_explicit);
        let chain = self.0.orders.get(&context.tenant).unwrap_or(&self.0.chain);
        for backend in chain {
            if !backend.claims(presented) {
                continue;
            }
            let answer = backend.authenticate(presented, context).await;
            self.0.metrics.authenticated(backend.name(), &answer);
            match answer {
                Ok(Verdict::Authenticated(principal)) => {
                    return Ok(Authentication::Authenticated(*principal));
                }
                Ok(Verdict::NotMine) => {}
                Ok(Verdict::Rejected(reason)) => {
                    tracing::debug!(backend = backend.name(), %reason, "credential rejected");
                    // A dead cookie is no answer: a backend behind may know a header of its own.
                    if !matches!(presented.credential, Some(Credential::Cookie(_))) {
                        return Ok(Authentication::Rejected);
                    }
                }
                Err(error) => {
                    tracing::error!(
                        backend = backend.name(),
                        error = &error as &dyn std::error::Error,
                        "backend failed"
                    );
                    return Err(error.into());
                }
            }
        }
        Ok(if explicit {
            Authentication::Rejected
        } else {
            Authentication::Anonymous
        })
    }

    /// Takes one from a rate limit.
    ///
    /// # Errors
    /// [`FlowError::Unavailable`] where the store does not answer.
    pub async fn take_limit(&self, key: &LimitKey, limit: &RateLimit) -> Result<Taken, FlowError> {
        Ok(self.0.stores.limits.take(key, limit, self.now()).await?)
    }

    /// Gives one back to a rate limit.
    ///
    /// # Errors
    /// [`FlowError::Unavailable`] where the store does not answer.
    pub async fn refund_limit(&self, key: &LimitKey, limit: &RateLimit) -> Result<(), FlowError> {
        Ok(self.0.stores.limits.refund(key, limit, self.now()).await?)
    }

    /// A keyed digest of what somebody typed to say who they are, for logs: the same for every spelling of one
    /// identifier, and nothing that can be read back.
    #[must_use]
    pub fn identifier_digest_hex(&self, tenant: TenantId, typed: &str) -> String {
        hex16(&self.0.passwords.identifier_digest(tenant, typed))
    }

    /// The same for limits and what else counts attempts: a browser that its owner signed in with before is counted apart from everybody
    /// else, so that a stranger's failures keep no owner out.
    #[must_use]
    pub fn attempts_digest_hex(&self, context: &RequestContext, typed: &str) -> String {
        let passwords = &self.0.passwords;
        hex16(&passwords.attempts_of(context.tenant, typed, &context.client.device))
    }

    /// A keyed digest of a token as it came, good or not, for limit keys.
    #[must_use]
    pub fn token_digest_hex(&self, token: &SecretText) -> String {
        let text = token.expose().as_bytes();
        hex16(&self.0.tokens.keyed(TOKEN_DOMAIN, &[text]).bytes)
    }

    /// What a browser is to show from now on that has just signed in with what somebody typed; `None` where it does
    /// already. It is good for 400 days, or until the token pepper it was made under is retired.
    ///
    /// # Errors
    /// [`FlowError::Unavailable`] where the source of randomness fails.
    pub fn mark_device(
        &self,
        context: &RequestContext,
        typed: &str,
    ) -> Result<Option<DeviceMark>, FlowError> {
        let identifier = self.0.passwords.identifier_digest(context.tenant, typed);
        Ok(devices::after_sign_in(
            &self.0.tokens,
            context.tenant,
            identifier,
            &context.client.device,
            &*self.0.entropy,
        )?)
    }

    /// Notes in the audit log that somebody was denied, at most once a minute for one person and reason. A log that
    /// cannot be written does not turn a denial into anything else; it is traced.
    pub async fn record_denied(
        &self,
        principal: &Principal,
        reason: Reason,
        route: &'static str,
        context: &RequestContext,
    ) {
        let detail = json!({ "route": route });
        let (tenant, user) = (principal.tenant, principal.user());
        self.0
            .journal
            .note(
                tenant,
                user,
                AuthEventType::AccessDenied,
                reason,
                detail,
                &context.client,
            )
            .await;
    }

    /// Whether the stores answer, are the ones this instance was started on, and every key that they were written with is
    /// here.
    ///
    /// # Errors
    /// [`FlowError::Unavailable`] where it is not so.
    pub async fn is_ready(&self) -> Result<(), FlowError> {
        let tenant = TenantKey::Id(self.0.default_tenant);
        if self.0.stores.directory.tenant(tenant).await?.is_none() {
            let error = "the default tenant is gone: this is not the database that the instance was started on";
            return Err(FlowError::Unavailable(error.into()));
        }
        // It may be another store: a read that finds nothing.
        let nobodys = SessionId::from_bytes([0; 16]);
        self.0.stores.sessions.session(nobodys).await?;
        self.has_every_key().await
    }

    /// From where a credential comes, for its rules.
    pub(crate) fn arrival(&self, context: &RequestContext) -> Arrival<'_> {
        Arrival {
            ip: context.client.ip,
            system: &self.0.passwords.system_policy.ip,
        }
    }

    pub(crate) fn event(
        &self,
        tenant: TenantId,
        kind: AuthEventType,
        client: &ClientInfo,
    ) -> Result<EventDraft, FlowError> {
        Ok(self.0.journal.event(tenant, kind, client)?)
    }
}

/// The first sixteen bytes, which are enough to tell digests apart.
fn hex16(digest: &[u8; 32]) -> String {
    use std::fmt::Write as _;
    let mut hex = String::with_capacity(32);
    for byte in digest.iter().take(16) {
        // Writing to a String cannot fail.
        let _written = write!(hex, "{byte:02x}");
    }
    hex
}
