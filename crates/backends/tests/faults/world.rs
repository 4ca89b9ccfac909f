//! An instance on a store that can fail, and the people in it.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use portcullis_backends::core::api_token::Scopes;
use portcullis_backends::core::backend::RequestContext;
use portcullis_backends::core::clock::{Clock, ManualClock};
use portcullis_backends::core::entropy::SeededEntropy;
use portcullis_backends::core::event::{AuthEvent, EventQueryFilter};
use portcullis_backends::core::id::{TenantId, UserId};
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::net::ClientInfo;
use portcullis_backends::core::principal::Principal;
use portcullis_backends::core::secret::{Password, SecretText};
use portcullis_backends::core::store::{
    AuditQuery, IdentityStore, PasswordHistory, RateLimitStore, ResolveSession, SessionStore,
    Split, TicketStore,
};
use portcullis_backends::flow::{
    ApiTokenInfo, CreateApiTokenOutcome, NewApiToken, SignIn, SignInOutcome, SignUp, SignUpOutcome,
    SignedIn, VerifyEmail, VerifyEmailOutcome,
};
use portcullis_backends::tokens::keys::KeyRings;
use portcullis_backends::{Builder, FlowError, Portcullis};
use portcullis_testing::{CapturedMailbox, CountingHasher, FaultStore, Faults};

use crate::store::{Keep, Store, fresh};

pub(crate) const ADA: &str = "ada@example.com";
pub(crate) const EVE: &str = "eve@example.com";
pub(crate) const PASSWORD: &str = "correct horse battery staple";
pub(crate) const OTHER_PASSWORD: &str = "another horse, another staple";

pub(crate) struct World {
    pub(crate) portcullis: Portcullis,
    pub(crate) store: FaultStore<Store>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) mailbox: CapturedMailbox,
    pub(crate) hasher: Arc<CountingHasher>,
    /// What ended with an acknowledged answer before the flow began.
    dead: OnceCell<Dead>,
    /// Directory and accounts are two stores, so that a person may be there who has no account.
    pub(crate) split: bool,
    _keep: Keep,
}

impl AsRef<Faults> for World {
    fn as_ref(&self) -> &Faults {
        self.store.faults()
    }
}

/// Eve's credentials, all of them over.
pub(crate) struct Dead {
    pub(crate) cookie: SecretText,
    pub(crate) api_token: SecretText,
    pub(crate) link: SecretText,
}

impl World {
    /// An instance with Eve, who came and left.
    pub(crate) async fn new() -> Self {
        Self::with(|store| store, |builder| builder).await
    }

    /// The same, with the directory in one store and the rest in another. They never look at each other's rows, so the
    /// tables of one store will do.
    pub(crate) async fn split() -> Self {
        let halves = |store: FaultStore<Store>| Split::new(store.clone(), store);
        Self {
            split: true,
            ..Self::with(halves, |builder| builder).await
        }
    }

    /// The same, on what `wrap` makes of the store, and built as `change` has it.
    pub(crate) async fn with<S>(
        wrap: impl FnOnce(FaultStore<Store>) -> S,
        change: impl FnOnce(Builder<S>) -> Builder<S>,
    ) -> Self
    where
        S: IdentityStore + SessionStore + ResolveSession,
        S: TicketStore + RateLimitStore + AuditQuery + PasswordHistory,
    {
        let (store, keep) = fresh().await;
        let store = FaultStore::new(store);
        let clock = Arc::new(ManualClock::default());
        let (mailbox, hasher) = (CapturedMailbox::new(), Arc::new(CountingHasher::new()));
        let builder = builder(wrap(store.clone()), &clock, &mailbox)
            .hasher(hasher.clone())
            .entropy(Arc::new(SeededEntropy::new(2)));
        let portcullis = change(builder).build().await.unwrap();
        let world = Self {
            portcullis,
            store,
            clock,
            mailbox,
            hasher,
            dead: OnceCell::new(),
            split: false,
            _keep: keep,
        };
        let dead = world.eve_comes_and_leaves().await;
        world.dead.get_or_init(|| dead);
        world
    }

    async fn eve_comes_and_leaves(&self) -> Dead {
        let browser = self.sign_up(EVE, PASSWORD).await;
        let link = self.mailed_link(EVE).await;
        self.verify(&link, Some(&browser)).await;
        let eve = self.sign_in(EVE).await;
        let (info, api_token) = self.api_token(&eve.principal).await;
        let context = self.context();
        let revoked = self
            .portcullis
            .revoke_api_token(&eve.principal, info.id, &context);
        assert!(revoked.await.unwrap());
        let signed_out = self.portcullis.sign_out(&eve.principal, &context);
        signed_out.await.unwrap();
        self.advance(1);
        Dead {
            cookie: eve.cookie,
            api_token,
            link,
        }
    }

    pub(crate) fn dead(&self) -> &Dead {
        self.dead.get().unwrap()
    }

    pub(crate) fn tenant(&self) -> TenantId {
        self.portcullis.default_tenant()
    }

    pub(crate) fn context(&self) -> RequestContext {
        let client = ClientInfo::new(Some("192.0.2.1".parse().unwrap()), Some("test"), Some("r1"));
        RequestContext {
            tenant: self.tenant(),
            client,
        }
    }

    pub(crate) fn advance(&self, secs: u64) {
        self.clock.advance(Duration::from_secs(secs));
    }

    pub(crate) async fn try_sign_up(
        &self,
        email: &str,
        password: &str,
    ) -> Result<SignUpOutcome, FlowError> {
        let sign_up = SignUp {
            email: Identifier::email(email).unwrap(),
            password: Password::new(password).unwrap(),
        };
        // One mail a moment, so that there is a latest one.
        self.advance(1);
        self.portcullis.sign_up(sign_up, &self.context()).await
    }

    /// The sign-up cookie.
    pub(crate) async fn sign_up(&self, email: &str, password: &str) -> SecretText {
        cookie_of(self.try_sign_up(email, password).await.unwrap())
    }

    /// Delivers what is due, also what a dead worker still holds.
    pub(crate) async fn deliver(&self) {
        self.advance(61);
        self.portcullis.run_due().await.unwrap();
    }

    /// The token of the latest mail to an address.
    pub(crate) async fn mailed_link(&self, email: &str) -> SecretText {
        self.deliver().await;
        let mails = self.mailbox.to(email);
        let token = mails.iter().rev().find_map(|mail| mail.token());
        SecretText::new(token.expect("no mail with a link"))
    }

    pub(crate) async fn try_verify(
        &self,
        link: &SecretText,
        browser: Option<&SecretText>,
        password: Option<&str>,
    ) -> Result<VerifyEmailOutcome, FlowError> {
        let input = VerifyEmail {
            token: link.clone(),
            browser: browser.cloned(),
            password: password.map(|password| Password::new(password).unwrap()),
        };
        self.portcullis.verify_email(input, &self.context()).await
    }

    pub(crate) async fn verify(
        &self,
        link: &SecretText,
        browser: Option<&SecretText>,
    ) -> VerifyEmailOutcome {
        self.try_verify(link, browser, None).await.unwrap()
    }

    /// An active person, through the whole sign-up.
    pub(crate) async fn person(&self, email: &str) -> UserId {
        let browser = self.sign_up(email, PASSWORD).await;
        let link = self.mailed_link(email).await;
        match self.verify(&link, Some(&browser)).await {
            VerifyEmailOutcome::Verified { user } => user,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn try_sign_in(
        &self,
        who: &str,
        password: &str,
        replaces: Option<&SecretText>,
    ) -> Result<SignInOutcome, FlowError> {
        let input = SignIn {
            identifier: who.to_owned(),
            password: Password::new(password).unwrap(),
            replaces: replaces.cloned(),
        };
        self.portcullis.sign_in(input, &self.context()).await
    }

    pub(crate) async fn sign_in(&self, who: &str) -> SignedIn {
        session_of(self.try_sign_in(who, PASSWORD, None).await.unwrap())
    }

    pub(crate) async fn try_api_token(
        &self,
        principal: &Principal,
    ) -> Result<CreateApiTokenOutcome, FlowError> {
        let context = self.context();
        let created = self
            .portcullis
            .create_api_token(principal, new_token(), &context);
        created.await
    }

    pub(crate) async fn api_token(&self, principal: &Principal) -> (ApiTokenInfo, SecretText) {
        token_of(self.try_api_token(principal).await.unwrap())
    }

    /// The audit log, newest first.
    pub(crate) async fn events(&self) -> Vec<AuthEvent> {
        let everything = EventQueryFilter {
            include_unscoped: true,
            ..EventQueryFilter::default()
        };
        let events = self.portcullis.admin_audit(self.tenant(), &everything);
        events.await.unwrap()
    }
}

/// Everything but the hasher.
pub(crate) fn builder<S>(
    store: S,
    clock: &Arc<ManualClock>,
    mailbox: &CapturedMailbox,
) -> Builder<S>
where
    S: IdentityStore + SessionStore + ResolveSession,
    S: TicketStore + RateLimitStore + AuditQuery + PasswordHistory,
{
    Portcullis::builder(store)
        .keys(keys())
        .public_url("https://auth.example.com")
        .mailer(mailbox.clone())
        .clock(clock.clone())
        .with_audit_query()
        .with_password_history()
        .enable_basic()
        .without_workers()
}

pub(crate) fn new_token() -> NewApiToken {
    NewApiToken {
        name: "CI".to_owned(),
        scopes: Scopes::new(["deploy".parse().unwrap()]).unwrap(),
        ip_allowlist: Default::default(),
        expires_in: Some(Duration::from_secs(86_400)),
    }
}

#[track_caller]
pub(crate) fn cookie_of(outcome: SignUpOutcome) -> SecretText {
    match outcome {
        SignUpOutcome::Accepted { browser } => browser,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(crate) fn session_of(outcome: SignInOutcome) -> SignedIn {
    match outcome {
        SignInOutcome::SignedIn(signed_in) => *signed_in,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(crate) fn token_of(outcome: CreateApiTokenOutcome) -> (ApiTokenInfo, SecretText) {
    match outcome {
        CreateApiTokenOutcome::Created { info, token } => (*info, token),
        other => panic!("{other:?}"),
    }
}

/// The keys of every world.
pub(crate) fn keys() -> KeyRings {
    KeyRings::generate(&SeededEntropy::new(1), ManualClock::default().now()).unwrap()
}
