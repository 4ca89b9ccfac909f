//! Puts an instance together and refuses what cannot work, with a sentence that says what to do.

pub(crate) mod checks;
mod error;
mod outside;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use ipnet::IpNet;
use portcullis_core::backend::AuthBackend;
use portcullis_core::clock::{Clock, SystemClock};
use portcullis_core::entropy::Entropy;
use portcullis_core::id::TenantId;
use portcullis_core::mail::Mailer;
use portcullis_core::policy::PolicyOverrides;
use portcullis_core::store::{
    AuditQuery, IdentityStore, PasswordHistory, RateLimitStore, ResolveSession, SecurityStore,
    SessionStore, SplitResolve, TicketStore,
};
use portcullis_tokens::OsEntropy;
use portcullis_tokens::keys::{KeyRings, LiveKeys};
use portcullis_tokens::opaque::{TokenFormat, Tokens};
use portcullis_tokens::password::{AdoptHashes, Argon2Pool, HashPoolConfig, PasswordHasher};
use portcullis_tokens::seal::Sealer;
use tokio::sync::{Mutex, Notify};

use crate::access::AccessSigner;
use crate::backend::{
    ApiTokenBackend, Guarded, PasswordBackend, SessionBackend, TrustedProxy, TrustedProxyBackend,
};
use crate::breach::Breaches;
use crate::captcha::Captchas;
use crate::journal::Journal;
use crate::mail::Templates;
use crate::metrics::{Metrics, Verdicts};
use crate::passwords::Passwords;
use crate::portcullis::{Inner, Portcullis, Stores};
use crate::settings::{PublicUrl, Settings};
use crate::touches::Touches;
use crate::worker;
use checks::{check, check_keys, default_tenant, orders, refuse_everybody};
pub use error::BuildError;

/// Makes the signer of access tokens and the backend that takes them, once the rest is there. A closure, so that no
/// field depends on a feature.
type MakeAccess = Box<
    dyn FnOnce(
            &Settings,
            &Arc<dyn SecurityStore>,
            &Arc<dyn Clock>,
            &Arc<Journal>,
        ) -> Result<(Arc<dyn AccessSigner>, Arc<dyn AuthBackend>), BuildError>
        + Send,
>;

/// Links in a mail are over long before.
const KEEP_DEAD_MAIL: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// Puts an instance together. Generic over the store of people until [`build`](Builder::build), so that an ability the
/// store lacks does not compile.
pub struct Builder<S> {
    people: Arc<S>,
    stores: Stores,
    keys: Option<LiveKeys>,
    ephemeral_keys: bool,
    public_url: Option<String>,
    app_name: String,
    mount_path: String,
    sign_in_page: String,
    mailer: Option<Arc<dyn Mailer>>,
    templates: Templates,
    keep_dead_mail: Duration,
    hasher: Option<Arc<dyn PasswordHasher>>,
    adopts: Option<Arc<dyn AdoptHashes>>,
    hash_pool: HashPoolConfig,
    breaches: Breaches,
    captchas: Captchas,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    policy: PolicyOverrides,
    trusted_proxies: Vec<IpNet>,
    basic: bool,
    trusted_proxy: Option<TrustedProxy>,
    access: Option<MakeAccess>,
    backends: Vec<Arc<dyn AuthBackend>>,
    orders: Vec<(TenantId, Vec<String>)>,
    token_format: TokenFormat,
    workers: bool,
}

impl<S> fmt::Debug for Builder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("public_url", &self.public_url)
            .finish_non_exhaustive()
    }
}

impl<S: IdentityStore> Builder<S> {
    /// One store for everything.
    pub(crate) fn new(store: S) -> Self
    where
        S: SessionStore + ResolveSession + TicketStore + RateLimitStore,
    {
        let store = Arc::new(store);
        Self::on(&store, &store, Arc::clone(&store) as _)
    }

    /// A store of people, and another for what ends by itself.
    pub(crate) fn new_with<E>(people: S, ephemeral: E) -> Self
    where
        E: SessionStore + TicketStore + RateLimitStore,
    {
        let (people, ephemeral) = (Arc::new(people), Arc::new(ephemeral));
        let resolve = SplitResolve::new(Arc::clone(&ephemeral), Arc::clone(&people));
        Self::on(&people, &ephemeral, Arc::new(resolve))
    }

    fn on<E>(people: &Arc<S>, ephemeral: &Arc<E>, resolve: Arc<dyn ResolveSession>) -> Self
    where
        E: SessionStore + TicketStore + RateLimitStore,
    {
        Self {
            people: Arc::clone(people),
            stores: Stores {
                directory: Arc::clone(people) as _,
                security: Arc::clone(people) as _,
                crossing: Arc::clone(people) as _,
                sessions: Arc::clone(ephemeral) as _,
                resolve,
                tickets: Arc::clone(ephemeral) as _,
                limits: Arc::clone(ephemeral) as _,
                audit: None,
                history: None,
            },
            keys: None,
            ephemeral_keys: false,
            public_url: None,
            app_name: "portcullis".to_owned(),
            mount_path: "/auth".to_owned(),
            sign_in_page: "/sign-in".to_owned(),
            mailer: None,
            templates: Templates::default(),
            keep_dead_mail: KEEP_DEAD_MAIL,
            hasher: None,
            adopts: None,
            hash_pool: HashPoolConfig::default(),
            breaches: Breaches::default(),
            captchas: Captchas::default(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            policy: PolicyOverrides::default(),
            trusted_proxies: Vec::new(),
            basic: false,
            trusted_proxy: None,
            access: None,
            backends: Vec::new(),
            orders: Vec::new(),
            token_format: TokenFormat::default(),
            workers: true,
        }
    }

    /// The keys. There are none built in. Those of [`Live::watch`](portcullis_tokens::keys::Live::watch) follow their
    /// file: see [`Portcullis::refresh_keys`].
    #[must_use]
    pub fn keys(mut self, keys: impl Into<LiveKeys>) -> Self {
        self.keys = Some(keys.into());
        self
    }

    /// Keys for this run alone, for examples and trials: whatever was made under them is worth nothing after it. Refused
    /// where the public URL is not plain HTTP on loopback, and on a store that has seen keys before.
    #[must_use]
    pub fn ephemeral_keys(mut self) -> Self {
        self.ephemeral_keys = true;
        self
    }

    /// Where browsers reach the service: `https`, or `http` on loopback.
    #[must_use]
    pub fn public_url(mut self, url: &str) -> Self {
        self.public_url = Some(url.to_owned());
        self
    }

    /// The name that mail and pages show.
    #[must_use]
    pub fn app_name(mut self, name: &str) -> Self {
        self.app_name = portcullis_core::text::printable(name, 100);
        self
    }

    /// The path that the routes stand under; `/auth` where nothing is said.
    #[must_use]
    pub fn mount_path(mut self, path: &str) -> Self {
        self.mount_path = path.to_owned();
        self
    }

    /// The application's own page that people sign in on, a path of the public origin; `/sign-in` where nothing is said.
    /// Guards of pages send people there.
    #[must_use]
    pub fn sign_in_page(mut self, path: &str) -> Self {
        self.sign_in_page = path.to_owned();
        self
    }

    /// Who delivers mail.
    #[must_use]
    pub fn mailer(mut self, mailer: impl Mailer) -> Self {
        self.mailer = Some(Arc::new(mailer));
        self
    }

    /// How mail reads, in place of our own templates and languages.
    #[must_use]
    pub fn mail_templates(mut self, templates: Templates) -> Self {
        self.templates = templates;
        self
    }

    /// How long after it was queued a mail is kept that could not be delivered, for an operator to try it again; 14 days
    /// where nothing is said.
    #[must_use]
    pub fn keep_dead_mail(mut self, window: Duration) -> Self {
        self.keep_dead_mail = window;
        self
    }

    /// Another password hasher than the argon2id pool, such as the counting one of the test kit.
    #[must_use]
    pub fn hasher(mut self, hasher: Arc<dyn PasswordHasher>) -> Self {
        self.hasher = Some(hasher);
        self.adopts = None;
        self
    }

    /// Another password hasher that takes over hashes of other systems as well, for [`Portcullis::import_user`]. The
    /// argon2id pool is one where the feature `foreign-hashes` is on.
    #[must_use]
    pub fn adopting_hasher(mut self, hasher: Arc<impl AdoptHashes>) -> Self {
        self.hasher = Some(Arc::clone(&hasher) as Arc<dyn PasswordHasher>);
        self.adopts = Some(hasher);
        self
    }

    /// Parameters, threads and queue of the argon2id pool.
    #[must_use]
    pub fn hash_pool(mut self, config: HashPoolConfig) -> Self {
        self.hash_pool = config;
        self
    }

    /// Another clock than the system's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Another source of randomness than the operating system's.
    #[must_use]
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// What the system level sets over the default policy.
    #[must_use]
    pub fn policy(mut self, policy: PolicyOverrides) -> Self {
        self.policy = policy;
        self
    }

    /// The proxies whose forwarding headers are believed; none where nothing is said.
    #[must_use]
    pub fn trusted_proxies(mut self, proxies: Vec<IpNet>) -> Self {
        self.trusted_proxies = proxies;
        self
    }

    /// Makes access and refresh tokens, signed with these keys, and takes the access tokens as bearer tokens. Keys that
    /// watch a file follow it, as [`Builder::keys`] do.
    #[cfg(feature = "jwt")]
    #[must_use]
    pub fn access_tokens(mut self, keys: impl Into<portcullis_tokens::jwt::LiveJwtKeys>) -> Self {
        use crate::backend::jwt::{self, JwtBackend};
        let keys = keys.into();
        self.access = Some(Box::new(move |settings, security, clock, journal| {
            let codec = jwt::codec(settings, keys)
                .map_err(|error| BuildError::AccessTokens(Box::new(error)))?;
            let backend = JwtBackend {
                codec: codec.clone(),
                security: Arc::clone(security),
                clock: Arc::clone(clock),
                journal: Arc::clone(journal),
                system: settings.system_policy().ip,
            };
            Ok((
                Arc::new(codec) as Arc<dyn AccessSigner>,
                Arc::new(backend) as Arc<dyn AuthBackend>,
            ))
        }));
        self
    }

    /// Takes `Authorization: Basic` (RFC 7617). Off where nothing is said: each such request costs a hash, and browsers
    /// keep sending it by themselves.
    #[must_use]
    pub fn enable_basic(mut self) -> Self {
        self.basic = true;
        self
    }

    /// Believes a header of a configured proxy that signs people in.
    #[must_use]
    pub fn trusted_proxy_users(mut self, proxy: TrustedProxy) -> Self {
        self.trusted_proxy = Some(proxy);
        self
    }

    /// Another order of backends for one tenant, by name: those it leaves out are not asked. Ours are `session`,
    /// `api_token`, `password` and `trusted_proxy`.
    #[must_use]
    pub fn backend_order(
        mut self,
        tenant: TenantId,
        names: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.orders
            .push((tenant, names.into_iter().map(Into::into).collect()));
        self
    }

    /// One more backend, asked after those before it.
    #[must_use]
    pub fn backend(mut self, backend: Arc<dyn AuthBackend>) -> Self {
        self.backends.push(backend);
        self
    }

    /// Another prefix of opaque tokens than `pcl`.
    #[must_use]
    pub fn token_format(mut self, format: TokenFormat) -> Self {
        self.token_format = format;
        self
    }

    /// Starts no background work: whoever builds it calls [`Portcullis::run_due`] (tests, command line tools).
    #[must_use]
    pub fn without_workers(mut self) -> Self {
        self.workers = false;
        self
    }

    /// Lets operators read the audit log, with a store that can.
    #[must_use]
    pub fn with_audit_query(mut self) -> Self
    where
        S: AuditQuery,
    {
        self.stores.audit = Some(Arc::clone(&self.people) as Arc<dyn AuditQuery>);
        self
    }

    /// Keeps the passwords that people had before, with a store that can, so that `password_history` of the policy may
    /// forbid them. Without it that policy is refused where it is the system's, and where it is a tenant's nobody there
    /// sets a password.
    #[must_use]
    pub fn with_password_history(mut self) -> Self
    where
        S: PasswordHistory,
    {
        self.stores.history = Some(Arc::clone(&self.people) as Arc<dyn PasswordHistory>);
        self
    }

    /// Checks everything and starts. Must be called inside a tokio runtime, which also runs the background work.
    ///
    /// # Errors
    /// [`BuildError`] with a sentence that says what to do.
    pub async fn build(self) -> Result<Portcullis, BuildError> {
        let mailer = self.mailer.ok_or(BuildError::NoMailer)?;
        let settings = Settings {
            public_url: PublicUrl::parse(self.public_url.as_deref().unwrap_or_default())
                .map_err(BuildError::PublicUrl)?,
            mount_path: self.mount_path,
            sign_in_page: self.sign_in_page,
            app_name: self.app_name,
            trusted_proxies: self.trusted_proxies,
            policy: self.policy,
        };
        check(&settings)?;
        let templates = self.templates.compiled()?;
        let believed = self.trusted_proxy.iter().flat_map(|proxy| &proxy.peers);
        refuse_everybody(settings.trusted_proxies.iter().chain(believed))?;
        let stores = self.stores;
        if stores.history.is_none() && settings.policy.password_history.unwrap_or(0) > 0 {
            return Err(BuildError::NoPasswordHistory);
        }
        let required = settings.policy.password_breach_check_required;
        if self.breaches.check.is_none() && required == Some(true) {
            return Err(BuildError::NoBreachCheck);
        }
        let keys = match self.keys {
            Some(keys) => keys,
            None if !self.ephemeral_keys => return Err(BuildError::NoKeys),
            None if !settings.is_loopback_profile()
                || stores.security.key_marker().await?.is_some() =>
            {
                return Err(BuildError::EphemeralKeys);
            }
            None => KeyRings::generate(&*self.entropy, self.clock.now())?.into(),
        };
        let known = keys.generation();
        check_keys(&stores, &keys.current()).await?;
        let (hasher, adopts) = match self.hasher {
            Some(hasher) => (hasher, self.adopts),
            None => {
                let entropy = Arc::clone(&self.entropy);
                let pool = Argon2Pool::start(self.hash_pool, keys.clone(), entropy)?;
                with_adoption(Arc::new(pool))
            }
        };
        let journal = Arc::new(Journal::new(
            Arc::clone(&stores.security),
            Arc::clone(&self.clock),
            Arc::clone(&self.entropy),
        ));
        let default_tenant =
            default_tenant(&stores, &journal, &*self.clock, &*self.entropy).await?;
        let tokens = Tokens::new(self.token_format, keys.clone());
        let system_policy = settings.system_policy();
        let passwords = Arc::new(Passwords {
            directory: Arc::clone(&stores.directory),
            security: Arc::clone(&stores.security),
            hasher: Arc::clone(&hasher),
            tokens: tokens.clone(),
            clock: Arc::clone(&self.clock),
            journal: Arc::clone(&journal),
            system_policy: system_policy.clone(),
        });
        let touches = Arc::new(Touches::default());
        let mut chain: Vec<Arc<dyn AuthBackend>> = vec![
            Arc::new(SessionBackend {
                resolve: Arc::clone(&stores.resolve),
                tokens: tokens.clone(),
                clock: Arc::clone(&self.clock),
                touches: Arc::clone(&touches),
                journal: Arc::clone(&journal),
                system: system_policy.ip.clone(),
            }),
            Arc::new(ApiTokenBackend {
                security: Arc::clone(&stores.security),
                tokens: tokens.clone(),
                clock: Arc::clone(&self.clock),
                touches: Arc::clone(&touches),
                journal: Arc::clone(&journal),
                system: system_policy.ip.clone(),
            }),
        ];
        let mut access = None;
        if let Some(make) = self.access {
            let (signer, backend) = make(&settings, &stores.security, &self.clock, &journal)?;
            access = Some(signer);
            chain.push(backend);
        }
        if self.basic {
            chain.push(Arc::new(PasswordBackend {
                passwords: Arc::clone(&passwords),
                limits: Arc::clone(&stores.limits),
                clock: Arc::clone(&self.clock),
            }));
        }
        if let Some(proxy) = self.trusted_proxy {
            chain.push(Arc::new(TrustedProxyBackend {
                proxy,
                directory: Arc::clone(&stores.directory),
                security: Arc::clone(&stores.security),
                clock: Arc::clone(&self.clock),
                journal: Arc::clone(&journal),
                system: system_policy.ip.clone(),
            }));
        }
        chain.extend(self.backends.into_iter().map(|backend| {
            Arc::new(Guarded {
                backend,
                security: Arc::clone(&stores.security),
                journal: Arc::clone(&journal),
                clock: Arc::clone(&self.clock),
                system: system_policy.ip.clone(),
            }) as Arc<dyn AuthBackend>
        }));
        let orders = orders(&chain, self.orders)?;
        let metrics = Metrics::new(Verdicts::of(&chain));
        let portcullis = Portcullis(Arc::new(Inner {
            stores,
            settings,
            default_tenant,
            clock: self.clock,
            entropy: self.entropy,
            tokens,
            sealer: Sealer::new(keys.clone()),
            keys,
            keys_known: AtomicU64::new(known),
            hasher,
            adopts,
            passwords,
            breaches: self.breaches,
            captchas: self.captchas,
            mailer,
            templates,
            keep_dead_mail: self.keep_dead_mail,
            access,
            chain,
            orders,
            touches,
            mail_queued: Arc::new(Notify::new()),
            due: Mutex::new(()),
            journal,
            metrics,
        }));
        if self.workers {
            worker::spawn(&portcullis);
        }
        Ok(portcullis)
    }
}

type Hashers = (Arc<dyn PasswordHasher>, Option<Arc<dyn AdoptHashes>>);

#[cfg(feature = "foreign-hashes")]
fn with_adoption(pool: Arc<Argon2Pool>) -> Hashers {
    (Arc::clone(&pool) as Arc<dyn PasswordHasher>, Some(pool))
}

#[cfg(not(feature = "foreign-hashes"))]
fn with_adoption(pool: Arc<Argon2Pool>) -> Hashers {
    (pool, None)
}
