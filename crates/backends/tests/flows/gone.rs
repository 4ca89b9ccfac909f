//! Somebody who is erased between the look at them and the write: they are answered as nobody, and mailed nothing.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use portcullis_backends::Portcullis;
use portcullis_backends::core::along::Along;
use portcullis_backends::core::backend::RequestContext;
use portcullis_backends::core::clock::{Clock as _, ManualClock};
use portcullis_backends::core::entity::Erasure;
use portcullis_backends::core::id::UserId;
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::net::ClientInfo;
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::core::secret::Password;
use portcullis_backends::core::state::{EntityState, Status};
use portcullis_backends::core::store::{
    AccountStore as _, Crossing as _, IdentityAuthnLog as _, IdentityLookup as _, WriteResult,
};
use portcullis_backends::core::verification::KindName;
use portcullis_backends::flow::{
    ForgotPassword, IssueRefusal, IssueToken, IssueTokenOutcome, OpenAccountOutcome, SendEmailCode,
    SendMagicLink,
};
use portcullis_stores_kv::MemoryStore;
use portcullis_testing::{Around, CapturedMailbox, CountingHasher, Wrapped};
use serde_json::Value;

use crate::harness::{ADA, PASSWORD, keys};

/// A store in which whoever is to get a link is erased right before.
struct ErasesBefore {
    store: MemoryStore,
    clock: Arc<ManualClock>,
}

#[async_trait]
impl Around for ErasesBefore {
    type Store = MemoryStore;

    fn store(&self) -> &MemoryStore {
        &self.store
    }

    async fn record(&self, along: Along) -> WriteResult<()> {
        if let Some(token) = &along.issue
            && let Some(user) = token.user
        {
            let (tenant, now) = (token.tenant, self.clock.now());
            let closed = Status::new(EntityState::Terminated, now);
            let none = Along::default;
            let _closed = self.store.set_state(tenant, user, &closed, none()).await?;
            let erasure = Erasure {
                tenant,
                user,
                identifiers: Vec::new(),
                until: now,
                attempts: Vec::new(),
                now,
            };
            let _erased = self.store.erase(&erasure, none()).await?;
        }
        self.store.record(along).await
    }
}

struct World {
    portcullis: Portcullis,
    store: MemoryStore,
    mailbox: CapturedMailbox,
    ada: UserId,
}

async fn world() -> World {
    let (store, clock) = (MemoryStore::new(), Arc::new(ManualClock::default()));
    let mailbox = CapturedMailbox::new();
    let around = ErasesBefore {
        store: store.clone(),
        clock: clock.clone(),
    };
    let portcullis = Portcullis::builder(Wrapped::new(around))
        .keys(keys(1))
        .public_url("https://auth.example.com")
        .mailer(mailbox.clone())
        .hasher(Arc::new(CountingHasher::new()))
        .clock(clock)
        .policy(PolicyOverrides {
            email_code: Some(true),
            ..PolicyOverrides::default()
        })
        .without_workers()
        .build()
        .await
        .unwrap();
    let (email, password) = (Identifier::email(ADA), Password::new(PASSWORD));
    let tenant = portcullis.default_tenant();
    let opened = portcullis.admin_open_account(tenant, email.unwrap(), password.unwrap());
    let ada = match opened.await.unwrap() {
        OpenAccountOutcome::Opened { user } => user,
        other => panic!("{other:?}"),
    };
    World {
        portcullis,
        store,
        mailbox,
        ada,
    }
}

impl World {
    fn context(&self) -> RequestContext {
        RequestContext {
            tenant: self.portcullis.default_tenant(),
            client: ClientInfo::default(),
        }
    }

    /// They were erased, and nothing was sent.
    async fn is_over(&self) {
        let tenant = self.portcullis.default_tenant();
        let person = self.store.user(tenant, self.ada).await.unwrap();
        assert_eq!(person, None);
        self.portcullis.run_due().await.unwrap();
        assert!(self.mailbox.all().is_empty(), "a tombstone is mailed");
    }
}

// AZ-05, TH-01
#[tokio::test]
async fn whoever_is_erased_while_a_reset_link_is_made_gets_none() {
    let w = world().await;
    let email = Identifier::email(ADA).unwrap();
    let context = w.context();
    let asked = w
        .portcullis
        .forgot_password(ForgotPassword { email }, &context);
    asked.await.unwrap();
    w.is_over().await;
}

// AZ-05, TH-01
#[tokio::test]
async fn whoever_is_erased_while_a_magic_link_is_made_gets_none() {
    let w = world().await;
    let email = Identifier::email(ADA).unwrap();
    let context = w.context();
    let asked = w
        .portcullis
        .send_magic_link(SendMagicLink { email }, &context);
    asked.await.unwrap();
    w.is_over().await;
}

// AZ-05, TH-01
#[tokio::test]
async fn whoever_is_erased_while_a_code_is_made_gets_none() {
    let w = world().await;
    let email = Identifier::email(ADA).unwrap();
    let (context, ticket) = (w.context(), None);
    let input = SendEmailCode { email, ticket };
    w.portcullis.send_email_code(input, &context).await.unwrap();
    w.is_over().await;
}

// AZ-05
#[tokio::test]
async fn whoever_is_erased_while_a_token_is_made_gets_none() {
    let w = world().await;
    let input = IssueToken {
        kind: KindName::new("seat").unwrap(),
        email: Identifier::email(ADA).unwrap(),
        user: Some(w.ada),
        payload: Value::Null,
        ttl: Duration::from_secs(3600),
    };
    let context = w.context();
    let issued = w.portcullis.issue_token(input, &context).await.unwrap();
    let is_nobody = matches!(issued, IssueTokenOutcome::Refused(IssueRefusal::User));
    assert!(is_nobody, "{issued:?}");
    w.is_over().await;
}
