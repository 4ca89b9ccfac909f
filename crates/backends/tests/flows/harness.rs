//! One instance with everything a test wants to see.

#[path = "harness/jumps.rs"]
pub(crate) mod jumps;

use std::sync::Arc;
use std::time::Duration;

use portcullis_backends::core::along::Along;
use portcullis_backends::core::backend::{Credential, Presented, RequestContext};
use portcullis_backends::core::clock::{Clock, ManualClock};
use portcullis_backends::core::entity::TenantSecurity;
use portcullis_backends::core::entropy::SeededEntropy;
use portcullis_backends::core::event::{AuthEvent, EventQueryFilter};
use portcullis_backends::core::id::UserId;
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::net::ClientInfo;
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::core::secret::{Password, SecretText};
use portcullis_backends::core::state::EntityState;
use portcullis_backends::core::store::AccountStore as _;
use portcullis_backends::flow::{
    SignIn, SignInOutcome, SignUp, SignUpOutcome, SignedIn, StateChange, VerifyEmail,
    VerifyEmailOutcome,
};
use portcullis_backends::tokens::keys::KeyRings;
use portcullis_backends::{Authentication, Builder, FlowError, Portcullis};
use portcullis_stores_kv::MemoryStore;
use portcullis_testing::{CapturedMailbox, CountingHasher, NoRequest};

pub(crate) const ADA: &str = "ada@example.com";
pub(crate) const PASSWORD: &str = "correct horse battery staple";

pub(crate) struct Harness {
    pub(crate) portcullis: Portcullis,
    pub(crate) store: MemoryStore,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) mailbox: CapturedMailbox,
    pub(crate) hasher: Arc<CountingHasher>,
}

impl Harness {
    pub(crate) async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    pub(crate) async fn with(
        change: impl FnOnce(Builder<MemoryStore>) -> Builder<MemoryStore>,
    ) -> Self {
        let store = MemoryStore::new();
        Self::on(Portcullis::builder(store.clone()), store, change).await
    }

    /// People in `store`, the rest where the builder says.
    pub(crate) async fn on(
        builder: Builder<MemoryStore>,
        store: MemoryStore,
        change: impl FnOnce(Builder<MemoryStore>) -> Builder<MemoryStore>,
    ) -> Self {
        let clock = Arc::new(ManualClock::default());
        let mailbox = CapturedMailbox::new();
        let hasher = Arc::new(CountingHasher::new());
        let builder = builder
            .keys(keys(1))
            .public_url("https://auth.example.com")
            .mailer(mailbox.clone())
            .hasher(hasher.clone())
            .clock(clock.clone())
            .with_audit_query()
            .with_password_history()
            .without_workers();
        let portcullis = change(builder).build().await.unwrap();
        Self {
            portcullis,
            store,
            clock,
            mailbox,
            hasher,
        }
    }

    pub(crate) fn context(&self) -> RequestContext {
        let client = ClientInfo::new(Some("192.0.2.1".parse().unwrap()), Some("test"), Some("r1"));
        RequestContext {
            tenant: self.portcullis.default_tenant(),
            client,
        }
    }

    pub(crate) async fn sign_up(&self, email: &str, password: &str) -> SecretText {
        let sign_up = SignUp {
            email: Identifier::email(email).unwrap(),
            password: Password::new(password).unwrap(),
        };
        match self
            .portcullis
            .sign_up(sign_up, &self.context())
            .await
            .unwrap()
        {
            SignUpOutcome::Accepted { browser } => browser,
            other => panic!("{other:?}"),
        }
    }

    /// The token of the latest mail to an address, after delivering what is due.
    pub(crate) async fn mailed_token(&self, email: &str) -> SecretText {
        self.portcullis.run_due().await.unwrap();
        SecretText::new(self.mailbox.last_to(email).unwrap().token().unwrap())
    }

    pub(crate) async fn verify(
        &self,
        token: &SecretText,
        browser: Option<&SecretText>,
    ) -> VerifyEmailOutcome {
        let input = VerifyEmail {
            token: token.clone(),
            browser: browser.cloned(),
            password: None,
        };
        self.portcullis
            .verify_email(input, &self.context())
            .await
            .unwrap()
    }

    pub(crate) async fn verify_with_password(
        &self,
        token: &SecretText,
        password: &str,
    ) -> VerifyEmailOutcome {
        let password = Some(Password::new(password).unwrap());
        let input = VerifyEmail {
            token: token.clone(),
            browser: None,
            password,
        };
        self.portcullis
            .verify_email(input, &self.context())
            .await
            .unwrap()
    }

    /// An active person, through the whole sign-up.
    pub(crate) async fn person(&self, email: &str) -> UserId {
        let browser = self.sign_up(email, PASSWORD).await;
        let token = self.mailed_token(email).await;
        match self.verify(&token, Some(&browser)).await {
            VerifyEmailOutcome::Verified { user } => user,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn try_sign_in(
        &self,
        who: &str,
        password: &str,
    ) -> Result<SignInOutcome, FlowError> {
        let password = Password::new(password).unwrap();
        let input = SignIn {
            identifier: who.to_owned(),
            password,
            replaces: None,
        };
        self.portcullis.sign_in(input, &self.context()).await
    }

    pub(crate) async fn sign_in(&self, who: &str) -> Box<SignedIn> {
        match self.try_sign_in(who, PASSWORD).await.unwrap() {
            SignInOutcome::SignedIn(signed_in) => signed_in,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn set_state(&self, user: UserId, to: EntityState) {
        let change = StateChange {
            to,
            reason: None,
            until: None,
        };
        let outcome = self
            .portcullis
            .admin_set_state(self.portcullis.default_tenant(), user, change)
            .await
            .unwrap();
        assert_eq!(outcome, portcullis_backends::flow::AdminOutcome::Done);
    }

    /// What the tenant asks of its people from now on.
    pub(crate) async fn set_policy(&self, policy: PolicyOverrides) {
        let tenant = self.portcullis.default_tenant();
        let security = self.store.tenant_security(tenant).await.unwrap();
        let security = TenantSecurity {
            policy,
            ..security.unwrap()
        };
        let set = self.store.set_tenant_security(&security, Along::default());
        assert!(set.await.unwrap().applied().is_some());
    }

    pub(crate) async fn present(
        &self,
        credential: Option<Credential<'_>>,
    ) -> Result<Authentication, FlowError> {
        self.present_from(credential, &self.context()).await
    }

    pub(crate) async fn present_from(
        &self,
        credential: Option<Credential<'_>>,
        context: &RequestContext,
    ) -> Result<Authentication, FlowError> {
        self.portcullis
            .authenticate(
                &Presented {
                    credential,
                    request: &NoRequest,
                },
                context,
            )
            .await
    }

    pub(crate) async fn events(&self) -> Vec<AuthEvent> {
        let tenant = self.portcullis.default_tenant();
        self.portcullis
            .admin_audit(tenant, &EventQueryFilter::default())
            .await
            .unwrap()
    }

    pub(crate) fn advance(&self, secs: u64) {
        self.clock.advance(Duration::from_secs(secs));
    }
}

pub(crate) fn keys(seed: u64) -> KeyRings {
    KeyRings::generate(&SeededEntropy::new(seed), ManualClock::default().now()).unwrap()
}
