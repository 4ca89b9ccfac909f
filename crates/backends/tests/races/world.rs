//! The instance under test, and what many at once do to it.

use std::sync::Arc;
use std::time::Duration;

use portcullis_backends::core::backend::{Credential, Presented, RequestContext};
use portcullis_backends::core::clock::{Clock as _, ManualClock};
use portcullis_backends::core::entropy::SeededEntropy;
use portcullis_backends::core::event::{
    AuthEvent, AuthEventStatus, AuthEventType, EventQueryFilter,
};
use portcullis_backends::core::id::UserId;
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::net::ClientInfo;
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::core::principal::Principal;
use portcullis_backends::core::secret::{Password, SecretText};
use portcullis_backends::core::store::{AuditQuery, IdentityStore};
use portcullis_backends::flow::{
    SendEmailCode, SignIn, SignInOutcome, SignUp, SignUpOutcome, SignedIn, VerifyEmail,
    VerifyEmailOutcome,
};
use portcullis_backends::tokens::keys::KeyRings;
use portcullis_backends::tokens::opaque::TokenClass;
use portcullis_backends::{Authentication, Builder, Portcullis};
use portcullis_testing::{CapturedMail, CapturedMailbox, CountingHasher};
use tokio::runtime::Runtime;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use portcullis_testing::NoRequest;

pub(crate) const PASSWORD: &str = "correct horse battery staple";
/// How many do the same at once.
pub(crate) const MANY: usize = 64;
/// The most live sessions that a person has here.
pub(crate) const SESSIONS_MAX: usize = 5;

/// Races are run 20 times, 100 times where `PORTCULLIS_LONG` is set.
pub(crate) fn rounds() -> usize {
    match std::env::var_os("PORTCULLIS_LONG") {
        Some(_) => 100,
        None => 20,
    }
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// Starts many of it at one moment; their numbers and ends, in the order in which they came.
pub(crate) async fn at_once<F>(what: impl Fn(usize) -> F) -> Vec<(usize, F::Output)>
where
    F: Future<Output: Send> + Send + 'static,
{
    let start = Arc::new(Barrier::new(MANY));
    let mut tasks = JoinSet::new();
    for number in 0..MANY {
        let (start, task) = (Arc::clone(&start), what(number));
        tasks.spawn(async move {
            start.wait().await;
            (number, task.await)
        });
    }
    tasks.join_all().await
}

/// Clones are one world.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) portcullis: Portcullis,
    clock: Arc<ManualClock>,
    mailbox: CapturedMailbox,
}

impl World {
    /// Everything that mail can do is on, and nobody is delayed: what refuses is what is used up.
    pub(crate) async fn on<S: IdentityStore + AuditQuery>(builder: Builder<S>) -> Self {
        let clock = Arc::new(ManualClock::default());
        let mailbox = CapturedMailbox::new();
        let policy = PolicyOverrides {
            email_code: Some(true),
            magic_link_sign_up: Some(true),
            session_max_per_user: Some(u32::try_from(SESSIONS_MAX).unwrap()),
            lockout_free_attempts: Some(100),
            ..Default::default()
        };
        let portcullis = builder
            .keys(KeyRings::generate(&SeededEntropy::new(1), clock.now()).unwrap())
            .public_url("https://auth.example.com")
            .mailer(mailbox.clone())
            .hasher(Arc::new(CountingHasher::new()))
            .clock(clock.clone())
            .policy(policy)
            .with_audit_query()
            .without_workers()
            .build()
            .await
            .unwrap();
        Self {
            portcullis,
            clock,
            mailbox,
        }
    }

    pub(crate) fn context(&self) -> RequestContext {
        let client = ClientInfo::new(Some("192.0.2.1".parse().unwrap()), Some("test"), Some("r1"));
        RequestContext {
            tenant: self.portcullis.default_tenant(),
            client,
        }
    }

    pub(crate) fn advance(&self, secs: u64) {
        self.clock.advance(Duration::from_secs(secs));
    }

    /// Well formed, and nobody's.
    pub(crate) fn made_up(&self, class: TokenClass) -> SecretText {
        let format = self.portcullis.tokens().format();
        format.encode(class, [9; 16], &[7; 32])
    }

    pub(crate) async fn sign_up(&self, email: &str) -> SecretText {
        let input = SignUp {
            email: Identifier::email(email).unwrap(),
            password: Password::new(PASSWORD).unwrap(),
        };
        // Mails of one moment come in no order.
        self.advance(1);
        let signed_up = self.portcullis.sign_up(input, &self.context()).await;
        match signed_up.unwrap() {
            SignUpOutcome::Accepted { browser } => browser,
            other => panic!("{other:?}"),
        }
    }

    /// An active person, through the whole sign-up.
    pub(crate) async fn person(&self, email: &str) -> UserId {
        let browser = self.sign_up(email).await;
        let input = VerifyEmail {
            token: self.mailed_token(email).await,
            browser: Some(browser),
            password: None,
        };
        let verified = self.portcullis.verify_email(input, &self.context()).await;
        match verified.unwrap() {
            VerifyEmailOutcome::Verified { user } => user,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn sign_in(&self, who: &str, password: &str) -> Option<Box<SignedIn>> {
        let input = SignIn {
            identifier: who.to_owned(),
            password: Password::new(password).unwrap(),
            replaces: None,
        };
        let signed_in = self.portcullis.sign_in(input, &self.context()).await;
        match signed_in.unwrap() {
            SignInOutcome::SignedIn(signed_in) => Some(signed_in),
            SignInOutcome::Refused => None,
            other => panic!("{other:?}"),
        }
    }

    /// The mails to an address, after delivering what is due.
    pub(crate) async fn mails(&self, email: &str) -> Vec<CapturedMail> {
        self.portcullis.run_due().await.unwrap();
        self.mailbox.to(email)
    }

    /// The token of the latest.
    pub(crate) async fn mailed_token(&self, email: &str) -> SecretText {
        let mails = self.mails(email).await;
        SecretText::new(mails.last().unwrap().token().unwrap())
    }

    /// A ticket, and the code that works with it.
    pub(crate) async fn code(&self, email: &str) -> (SecretText, String) {
        let input = SendEmailCode {
            email: Identifier::email(email).unwrap(),
            ticket: None,
        };
        self.advance(30);
        let sent = self
            .portcullis
            .send_email_code(input, &self.context())
            .await;
        let ticket = sent.unwrap().ticket;
        let mails = self.mails(email).await;
        let code = mails.last().unwrap().code().unwrap().to_owned();
        (ticket, code)
    }

    /// Who has an address.
    pub(crate) async fn owner_of(&self, email: &str) -> Option<UserId> {
        let tenant = self.portcullis.default_tenant();
        let found = self.portcullis.admin_find_user(tenant, email).await;
        found.unwrap().map(|found| found.user.id)
    }

    pub(crate) async fn is_signed_in(&self, cookie: &SecretText) -> bool {
        let presented = Presented {
            credential: Some(Credential::Cookie(cookie.expose())),
            request: &NoRequest,
        };
        let context = self.context();
        let seen = self.portcullis.authenticate(&presented, &context).await;
        matches!(seen.unwrap(), Authentication::Authenticated(_))
    }

    /// How many live sessions somebody has.
    pub(crate) async fn sessions(&self, of: &Principal) -> usize {
        self.portcullis.list_sessions(of).await.unwrap().len()
    }

    /// What the log says about somebody.
    pub(crate) async fn events(
        &self,
        user: Option<UserId>,
        kind: AuthEventType,
        status: AuthEventStatus,
    ) -> Vec<AuthEvent> {
        let filter = EventQueryFilter {
            user_id: user,
            event_type: Some(kind),
            status: Some(status),
            ..Default::default()
        };
        let tenant = self.portcullis.default_tenant();
        let events = self.portcullis.admin_audit(tenant, &filter).await;
        events.unwrap()
    }

    /// How often that succeeded.
    pub(crate) async fn times(&self, user: UserId, kind: AuthEventType) -> usize {
        let success = AuthEventStatus::Success;
        self.events(Some(user), kind, success).await.len()
    }
}
