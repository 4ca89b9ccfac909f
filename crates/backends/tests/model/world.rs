//! The instance under test, and everything secret that ever came out of it.

#[path = "world/mailed.rs"]
pub(crate) mod mailed;
#[path = "world/perform.rs"]
pub(crate) mod perform;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use portcullis_backends::core::backend::RequestContext;
use portcullis_backends::core::clock::{Clock, ManualClock};
use portcullis_backends::core::entropy::SeededEntropy;
use portcullis_backends::core::id::{ApiTokenId, SessionId, UserId};
use portcullis_backends::core::net::ClientInfo;
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::core::store::{
    AuditQuery, IdentityStore, PasswordHistory, RateLimitStore, ResolveSession, SessionStore,
    TicketStore,
};
use portcullis_backends::tokens::jwt::{JwtAlgorithm, JwtKeys};
use portcullis_backends::tokens::keys::KeyRings;
use portcullis_backends::{Builder, Portcullis};
use portcullis_testing::{Around, CapturedMailbox, CountingHasher, Wrapped};

use crate::act::Spelling;
use crate::law::{COOLDOWN, PAIRS_MAX, SESSIONS_MAX};
use crate::story::Story;

/// Everything in the order in which it was made, as the law numbers it.
pub(crate) struct World {
    pub(crate) portcullis: Portcullis,
    /// Another process on the same store: what is tried there leaves no last use behind.
    pub(crate) witness: Portcullis,
    clock: Arc<ManualClock>,
    mailbox: CapturedMailbox,
    mails_read: usize,
    networks: Cell<u32>,
    acts: usize,
    /// Tickets that were tried since the last act.
    pub(crate) tried: RefCell<Vec<usize>>,
    pub(crate) people: Vec<UserId>,
    pub(crate) browsers: Vec<SecretText>,
    pub(crate) links: Vec<SecretText>,
    /// Where each went.
    pub(crate) mailed_to: Vec<String>,
    /// Each with the code that came with it and where that went, where one came.
    pub(crate) tickets: Vec<(SecretText, Option<(SecretText, String)>)>,
    pub(crate) custom: Vec<SecretText>,
    pub(crate) sessions: Vec<(SessionId, SecretText)>,
    pub(crate) api_tokens: Vec<(ApiTokenId, SecretText)>,
    pub(crate) refresh: Vec<SecretText>,
    pub(crate) access: Vec<SecretText>,
}

impl World {
    pub(crate) async fn new<S>(store: S, story: &Story) -> Self
    where
        S: IdentityStore + SessionStore + ResolveSession,
        S: TicketStore + RateLimitStore + AuditQuery + PasswordHistory,
    {
        let store = Arc::new(store);
        let clock = Arc::new(ManualClock::default());
        let mailbox = CapturedMailbox::new();
        let hasher = Arc::new(CountingHasher::new());
        let cap = |cap: usize| Some(u32::try_from(cap).unwrap());
        let policy = PolicyOverrides {
            magic_link_sign_up: Some(story.links_make_accounts),
            // The one that somebody has, and the one before.
            password_history: Some(if story.remembers { 2 } else { 0 }),
            password_change_cooldown_secs: story.waits.then(|| u32::try_from(COOLDOWN).unwrap()),
            email_code: Some(true),
            session_max_per_user: cap(SESSIONS_MAX),
            token_refresh_max_per_user: cap(PAIRS_MAX),
            ..Default::default()
        };
        let instance = async |seed: u64| {
            let store = Wrapped::new(Shared(Arc::clone(&store)));
            let builder: Builder<_> = Portcullis::builder(store)
                .keys(KeyRings::generate(&SeededEntropy::new(1), clock.now()).unwrap())
                .access_tokens(jwt_keys(&clock))
                .public_url("https://auth.example.com")
                .mailer(mailbox.clone())
                .hasher(hasher.clone())
                .clock(clock.clone())
                .entropy(Arc::new(SeededEntropy::new(seed)))
                .policy(policy.clone())
                .enable_basic()
                .with_audit_query()
                .with_password_history()
                .without_workers();
            builder.build().await.unwrap()
        };
        let (portcullis, witness) = (instance(2).await, instance(3).await);
        Self {
            portcullis,
            witness,
            clock,
            mailbox,
            mails_read: 0,
            networks: Cell::new(0),
            acts: 0,
            tried: RefCell::default(),
            people: Vec::new(),
            browsers: Vec::new(),
            links: Vec::new(),
            mailed_to: Vec::new(),
            tickets: Vec::new(),
            custom: Vec::new(),
            sessions: Vec::new(),
            api_tokens: Vec::new(),
            refresh: Vec::new(),
            access: Vec::new(),
        }
    }

    pub(crate) fn context(&self) -> RequestContext {
        let client = ClientInfo::new(Some("192.0.2.1".parse().unwrap()), Some("test"), Some("r1"));
        RequestContext {
            tenant: self.portcullis.default_tenant(),
            client,
        }
    }

    /// An address that nothing came from before.
    pub(crate) fn another_network(&self) -> IpAddr {
        self.networks.set(self.networks.get() + 1);
        Ipv4Addr::from_bits(self.networks.get()).into()
    }

    fn wait(&self, secs: u64) {
        self.clock.advance(Duration::from_secs(secs));
    }

    /// One of four takes its turn after each act.
    pub(crate) fn is_the_turn_of(&self, number: usize) -> bool {
        number % 4 == self.acts % 4
    }

    /// Reads the mail, writes last uses, and looks for new people: what follows a request.
    async fn after(&mut self) {
        self.acts += 1;
        self.portcullis.run_due().await.unwrap();
        let mails = self.mailbox.all();
        for mail in mails.iter().skip(self.mails_read) {
            if let Some(token) = mail.token() {
                self.links.push(SecretText::new(token));
                self.mailed_to.push(mail.to.clone());
            } else if let Some(code) = mail.code() {
                // Nothing but a request for one sends one, and it made the latest ticket.
                let (_, came) = self.tickets.last_mut().unwrap();
                assert!(came.is_none(), "two codes for one ticket");
                *came = Some((SecretText::new(code), mail.to.clone()));
            }
        }
        self.mails_read = mails.len();
        let tenant = self.portcullis.default_tenant();
        for spelling in Spelling::ALL {
            let found = self.portcullis.admin_find_user(tenant, spelling.as_str());
            if let Some(found) = found.await.unwrap()
                && !self.people.contains(&found.user.id)
            {
                self.people.push(found.user.id);
            }
        }
    }

    /// The number of somebody.
    pub(crate) fn number_of(&self, user: UserId) -> Option<usize> {
        self.people.iter().position(|known| *known == user)
    }

    /// How much of everything there is.
    pub(crate) fn counts(&self) -> BTreeMap<&'static str, usize> {
        BTreeMap::from([
            ("people", self.people.len()),
            ("sign-up cookies", self.browsers.len()),
            ("links", self.links.len()),
            ("tickets", self.tickets.len()),
            ("custom tokens", self.custom.len()),
            ("sessions", self.sessions.len()),
            ("API tokens", self.api_tokens.len()),
            ("refresh tokens", self.refresh.len()),
            ("access tokens", self.access.len()),
        ])
    }
}

fn jwt_keys(clock: &ManualClock) -> JwtKeys {
    JwtKeys::generate(JwtAlgorithm::EdDsa, &SeededEntropy::new(4), clock.now()).unwrap()
}

/// One store for two instances.
struct Shared<S>(Arc<S>);

impl<S: Send + Sync + 'static> Around for Shared<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.0
    }
}
