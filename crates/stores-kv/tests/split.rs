//! A directory in one store and the rest in another pass the suite as one store does, and no fault between them leaves
//! anything that can be used.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use portcullis_core::along::{Along, Refusal, Write};
use portcullis_core::entity::{Enrolment, Tenant, TenantKey, TenantSecurity, User};
use portcullis_core::event::{AuthEvent, AuthEventStatus, AuthEventType, EventQueryFilter};
use portcullis_core::id::{EventId, TenantId, UserId};
use portcullis_core::identifier::Identifier;
use portcullis_core::net::ClientInfo;
use portcullis_core::policy::PolicyOverrides;
use portcullis_core::state::{EntityState, Status};
use portcullis_core::store::{
    AccountOpening, AccountStore, AuditQuery, Crossing, IdentityAdmin, IdentityLookup, Split,
    WriteResult,
};
use portcullis_core::time::Timestamp;
use portcullis_stores_kv::MemoryStore;
use portcullis_testing::{End, FaultStore, Faults, How, Run, for_every_fault};
use serde_json::{Value, json};

async fn two_stores() -> Arc<Split<MemoryStore, MemoryStore>> {
    Arc::new(Split::new(MemoryStore::new(), MemoryStore::new()))
}

portcullis_testing::conformance!(all: two_stores);

const TENANT: TenantId = TenantId::from_integer(1);
const ADA: UserId = UserId::from_integer(1);
const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

type Halves = Split<FaultStore<MemoryStore>, FaultStore<MemoryStore>>;

struct World(Halves);

impl AsRef<Faults> for World {
    fn as_ref(&self) -> &Faults {
        self.0.directory().faults()
    }
}

impl World {
    fn empty() -> Self {
        let directory = FaultStore::new(MemoryStore::new());
        let security = directory.beside(MemoryStore::new());
        Self(Split::new(directory, security))
    }

    async fn with_tenant() -> Self {
        let world = Self::empty();
        let created = create_tenant(&world).await.unwrap();
        assert_eq!(created, Write::Applied(()));
        world
    }

    fn directory(&self) -> &MemoryStore {
        self.0.directory().healthy()
    }

    fn security(&self) -> &MemoryStore {
        self.0.security().healthy()
    }

    async fn has_person(&self) -> bool {
        let found = self.directory().find_user(TENANT, &address()).await;
        found.unwrap().is_some()
    }

    async fn has_account(&self) -> bool {
        let account = self.security().account(TENANT, ADA).await;
        account.unwrap().is_some()
    }

    async fn has_events(&self) -> bool {
        let everything = EventQueryFilter::default();
        let events = self.security().audit_events(TENANT, &everything).await;
        !events.unwrap().is_empty()
    }
}

fn address() -> Identifier {
    Identifier::email("ada@example.com").unwrap()
}

fn ada() -> Enrolment {
    Enrolment {
        user: User {
            id: ADA,
            tenant: TENANT,
            identifiers: vec![address()],
            profile: json!({}),
            created_at: NOW,
        },
        state: EntityState::Pending,
        handle: "Ada".to_owned(),
        verified: false,
        factor: None,
        now: NOW,
    }
}

fn signed_up() -> Along {
    Along::event(AuthEvent {
        id: EventId::from_bytes([7; 16]),
        at: NOW,
        tenant: Some(TENANT),
        subject: Some(ADA),
        actor: None,
        kind: AuthEventType::SignUp,
        status: AuthEventStatus::Success,
        reason: None,
        client: ClientInfo::default(),
        detail: Value::Null,
    })
}

async fn create_tenant(World(store): &World) -> WriteResult<()> {
    let tenant = Tenant {
        id: TENANT,
        slug: "acme".to_owned(),
        domains: Vec::new(),
        name: "Acme".to_owned(),
    };
    let security = TenantSecurity {
        tenant: TENANT,
        status: Status::new(EntityState::Active, NOW),
        policy: PolicyOverrides::default(),
    };
    store
        .create_tenant(&tenant, &security, Along::default())
        .await
}

async fn enrol(World(store): &World) -> WriteResult<()> {
    store.enrol(&ada(), signed_up()).await
}

// FT-32
/// Whatever fails between the halves, nobody has an account without being in the directory, nothing is told of them,
/// and the same call again makes them whole.
#[tokio::test]
async fn an_enrolment_that_dies_between_the_halves_is_completed_by_the_same_call() {
    let calls = for_every_fault(
        &How::ALL,
        World::with_tenant,
        enrol,
        async |world: &World, run: Run<WriteResult<()>>| {
            let whole = world.has_account().await;
            assert!(!whole || world.has_person().await, "an account of nobody");
            assert_eq!(world.has_events().await, whole, "told of what is not");
            if let End::Answered(Ok(Write::Applied(()))) = run.end {
                assert!(whole);
            }
            let again = match enrol(world).await.unwrap() {
                Write::Applied(()) => false,
                Write::Refused(refusal) => refusal == Refusal::Exists,
            };
            assert_eq!(again, whole, "neither completed nor done already");
            assert!(world.has_account().await && world.has_person().await);
        },
    )
    .await;
    assert_eq!(calls, 4, "two reads, a write to each half");
}

// FT-32
/// The same for tenants: one that is in the directory alone has no people, and the same call again makes it whole.
#[tokio::test]
async fn a_tenant_that_dies_between_the_halves_is_completed_by_the_same_call() {
    for_every_fault(
        &How::ALL,
        async || World::empty(),
        create_tenant,
        async |world: &World, _: Run<WriteResult<()>>| {
            let id = TenantKey::Id(TENANT);
            let known = world.directory().tenant(id).await.unwrap().is_some();
            let security = world.security().tenant_security(TENANT).await.unwrap();
            let whole = security.is_some();
            assert!(known || !whole, "a tenant that the directory does not know");
            if known && !whole {
                let refused = Write::Refused(Refusal::NotFound);
                assert_eq!(enrol(world).await.unwrap(), refused);
                assert!(!world.has_person().await, "somebody in half a tenant");
            }
            let again = create_tenant(world).await.unwrap();
            assert_eq!(again == Write::Applied(()), !whole);
            assert_eq!(enrol(world).await.unwrap(), Write::Applied(()));
        },
    )
    .await;
}

/// What the second half refuses is undone in the first, but for whom this call did not create.
#[tokio::test]
async fn a_refused_enrolment_removes_nobody_who_was_there_before() {
    let refusing = || signed_up().with_epoch_of(TENANT, UserId::from_integer(2));
    let refused = Write::Refused(Refusal::NotFound);

    let world = World::with_tenant().await;
    let enrolled = world.0.enrol(&ada(), refusing()).await.unwrap();
    assert_eq!(enrolled, refused);
    assert!(!world.has_person().await);

    let mut customer = ada().user;
    customer.profile = json!({ "since": 1998 });
    world.directory().create_user(&customer).await.unwrap();
    let enrolled = world.0.enrol(&ada(), refusing()).await.unwrap();
    assert_eq!(enrolled, refused);
    let there = world.directory().user(TENANT, ADA).await.unwrap();
    assert_eq!(there, Some(customer));
}

/// An id of the directory's that goes by another address is nobody's to enrol.
#[tokio::test]
async fn an_enrolment_under_somebody_elses_id_is_refused() {
    let world = World::with_tenant().await;
    let mut customer = ada().user;
    customer.identifiers = vec![Identifier::email("eve@example.com").unwrap()];
    world.directory().create_user(&customer).await.unwrap();
    let enrolled = enrol(&world).await.unwrap();
    assert_eq!(enrolled, Write::Refused(Refusal::Exists));
    assert!(!world.has_account().await && !world.has_person().await);
}

/// Whoever is in the directory already gets an account without being enrolled.
#[tokio::test]
async fn an_account_is_opened_for_somebody_the_directory_knows() {
    let world = World::with_tenant().await;
    let customer = ada();
    world.directory().create_user(&customer.user).await.unwrap();
    let opened = world.0.open_account(&customer.account(), signed_up()).await;
    assert_eq!(opened.unwrap(), Write::Applied(()));
    assert!(world.has_account().await && world.has_events().await);
}
