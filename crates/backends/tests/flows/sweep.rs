//! The background work that erases who is due: nobody who cannot be erased keeps others waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use portcullis_backends::Portcullis;
use portcullis_backends::core::along::{Along, Refusal, Write};
use portcullis_backends::core::backend::RequestContext;
use portcullis_backends::core::clock::{Clock as _, ManualClock};
use portcullis_backends::core::entity::{
    Enrolment, Erasure, Tenant, TenantSecurity, Unproved, User,
};
use portcullis_backends::core::error::StoreError;
use portcullis_backends::core::id::{TenantId, UserId};
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::net::ClientInfo;
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::core::secret::Password;
use portcullis_backends::core::state::{EntityState, Status};
use portcullis_backends::core::store::{AccountStore as _, Crossing, WriteResult};
use portcullis_backends::flow::SignUp;
use portcullis_stores_kv::MemoryStore;
use portcullis_testing::{Around, CapturedMailbox, CountingHasher, Wrapped};
use serde_json::json;

use crate::harness::keys;

const DAY: u64 = 24 * 3600;

/// What a store does to somebody whom it does not let go.
#[derive(Clone, Copy, Debug)]
enum Holds {
    Fails,
    Refuses,
}

/// A store that does not let go the people with ids below a number.
struct HoldsOn {
    store: MemoryStore,
    below: u64,
    how: Holds,
}

impl HoldsOn {
    fn holds(&self, user: UserId) -> Option<WriteResult<()>> {
        (user < UserId::from_integer(self.below)).then(|| match self.how {
            Holds::Fails => Err(StoreError::corrupt("accounts", "state")),
            Holds::Refuses => Ok(Write::Refused(Refusal::Stale)),
        })
    }
}

#[async_trait]
impl Around for HoldsOn {
    type Store = MemoryStore;

    fn store(&self) -> &MemoryStore {
        &self.store
    }

    async fn erase(&self, erasure: &Erasure, along: Along) -> WriteResult<()> {
        match self.holds(erasure.user) {
            Some(held) => held,
            None => self.store.erase(erasure, along).await,
        }
    }

    async fn discard(&self, unproved: &Unproved, along: Along) -> WriteResult<()> {
        match self.holds(unproved.user) {
            Some(held) => held,
            None => self.store.discard(unproved, along).await,
        }
    }
}

struct World {
    portcullis: Portcullis,
    store: MemoryStore,
    clock: Arc<ManualClock>,
}

/// Where people with ids below a number are not let go.
async fn world(below: u64, how: Holds) -> World {
    let (store, clock) = (MemoryStore::new(), Arc::new(ManualClock::default()));
    let around = HoldsOn {
        store: store.clone(),
        below,
        how,
    };
    let portcullis = Portcullis::builder(Wrapped::new(around))
        .keys(keys(1))
        .public_url("https://auth.example.com")
        .mailer(CapturedMailbox::new())
        .hasher(Arc::new(CountingHasher::new()))
        .clock(clock.clone())
        .without_workers()
        .build()
        .await
        .unwrap();
    World {
        portcullis,
        store,
        clock,
    }
}

impl World {
    /// Another tenant, after the default one.
    async fn second_tenant(&self) -> TenantId {
        let id = TenantId::from_bytes([0xff; 16]);
        let tenant = Tenant {
            id,
            slug: "second".to_owned(),
            domains: Vec::new(),
            name: "Second".to_owned(),
        };
        let security = TenantSecurity {
            tenant: id,
            status: Status::new(EntityState::Active, self.clock.now()),
            policy: PolicyOverrides::default(),
        };
        let made = self
            .store
            .create_tenant(&tenant, &security, Along::default());
        assert!(made.await.unwrap().applied().is_some());
        id
    }

    /// People by number, in a state, longest first.
    async fn people(&self, tenant: TenantId, ids: std::ops::Range<u64>, state: EntityState) {
        for id in ids {
            self.clock.advance(Duration::from_secs(1));
            let enrolment = Enrolment {
                user: User {
                    id: UserId::from_integer(id),
                    tenant,
                    identifiers: vec![Identifier::email(&format!("p{id}@example.com")).unwrap()],
                    profile: json!({}),
                    created_at: self.clock.now(),
                },
                state,
                handle: format!("p{id}@example.com"),
                verified: false,
                factor: None,
                now: self.clock.now(),
            };
            let enrolled = self.store.enrol(&enrolment, Along::default());
            assert!(enrolled.await.unwrap().applied().is_some());
        }
    }

    async fn state(&self, tenant: TenantId, id: u64) -> Option<EntityState> {
        let account = self.store.account(tenant, UserId::from_integer(id)).await;
        account.unwrap().map(|account| account.status.state)
    }
}

#[tokio::test]
async fn one_who_cannot_be_erased_keeps_nobody_waiting_in_any_tenant() {
    for how in [Holds::Fails, Holds::Refuses] {
        let w = world(2, how).await;
        let (first, second) = (w.portcullis.default_tenant(), w.second_tenant().await);
        w.people(first, 1..3, EntityState::Terminated).await;
        w.people(second, 3..4, EntityState::Terminated).await;
        w.clock.advance(Duration::from_secs(31 * DAY));
        let purged = w.portcullis.run_purge().await;
        assert_eq!(purged.is_err(), matches!(how, Holds::Fails), "{purged:?}");
        let held = w.state(first, 1).await;
        assert_eq!(held, Some(EntityState::Terminated));
        for (tenant, id) in [(first, 2), (second, 3)] {
            let erased = w.state(tenant, id).await;
            assert_eq!(erased, Some(EntityState::Archived), "{how:?}, {id}");
        }
    }
}

#[tokio::test]
async fn a_hundred_who_are_not_let_go_hide_nobody_behind_them() {
    for how in [Holds::Fails, Holds::Refuses] {
        let w = world(251, how).await;
        let tenant = w.portcullis.default_tenant();
        w.people(tenant, 1..253, EntityState::Terminated).await;
        w.clock.advance(Duration::from_secs(31 * DAY));
        let _held = w.portcullis.run_purge().await;
        for id in [251, 252] {
            let erased = w.state(tenant, id).await;
            assert_eq!(erased, Some(EntityState::Archived), "{how:?}, {id}");
        }
        let w = world(251, how).await;
        let tenant = w.portcullis.default_tenant();
        w.people(tenant, 1..253, EntityState::Pending).await;
        w.clock.advance(Duration::from_secs(8 * DAY));
        let _held = w.portcullis.run_purge().await;
        for id in [251, 252] {
            assert_eq!(w.state(tenant, id).await, None, "{how:?}, {id}");
        }
        assert_eq!(w.state(tenant, 250).await, Some(EntityState::Pending));
    }
}

/// A store in which somebody signs up while the first one is erased, and that sees when they are mailed.
struct SignsUpMeanwhile {
    store: MemoryStore,
    other: Portcullis,
    mailbox: CapturedMailbox,
    erased: Arc<AtomicU64>,
    mailed: Arc<AtomicU64>,
}

#[async_trait]
impl Around for SignsUpMeanwhile {
    type Store = MemoryStore;

    fn store(&self) -> &MemoryStore {
        &self.store
    }

    async fn erase(&self, erasure: &Erasure, along: Along) -> WriteResult<()> {
        let erased = self.erased.fetch_add(1, Ordering::Relaxed);
        if erased == 0 {
            let input = SignUp {
                email: Identifier::email("eve@example.com").unwrap(),
                password: Password::new("correct horse battery staple").unwrap(),
            };
            let context = RequestContext {
                tenant: self.other.default_tenant(),
                client: ClientInfo::default(),
            };
            self.other.sign_up(input, &context).await.unwrap();
        }
        if !self.mailbox.all().is_empty() {
            self.mailed.fetch_min(erased, Ordering::Relaxed);
        }
        self.store.erase(erasure, along).await
    }
}

/// A thousand people are erased in pieces, and mail goes out between them.
#[tokio::test]
async fn mail_does_not_wait_until_everybody_is_erased() {
    const EVERYBODY: u64 = 1000;
    let w = world(0, Holds::Refuses).await;
    let tenant = w.portcullis.default_tenant();
    w.people(tenant, 1..EVERYBODY + 1, EntityState::Terminated)
        .await;
    w.clock.advance(Duration::from_secs(31 * DAY));
    let (erased, mailed) = (Arc::default(), Arc::new(AtomicU64::new(EVERYBODY)));
    let mailbox = CapturedMailbox::new();
    let around = SignsUpMeanwhile {
        store: w.store.clone(),
        other: w.portcullis.clone(),
        mailbox: mailbox.clone(),
        erased: Arc::clone(&erased),
        mailed: Arc::clone(&mailed),
    };
    let _at_work = Portcullis::builder(Wrapped::new(around))
        .keys(keys(1))
        .public_url("https://auth.example.com")
        .mailer(mailbox)
        .hasher(Arc::new(CountingHasher::new()))
        .clock(w.clock.clone())
        .build()
        .await
        .unwrap();
    for _ in 0..1_000_000 {
        if erased.load(Ordering::Relaxed) == EVERYBODY {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(erased.load(Ordering::Relaxed), EVERYBODY);
    let mailed = mailed.load(Ordering::Relaxed);
    assert!(mailed < EVERYBODY / 2, "mailed after {mailed}");
}
