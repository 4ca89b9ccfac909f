//! Failures on demand, and what is counted.

use portcullis_core::along::{Along, Write};
use portcullis_core::entity::{Tenant, TenantKey, TenantSecurity};
use portcullis_core::error::StoreErrorKind;
use portcullis_core::id::TenantId;
use portcullis_core::policy::PolicyOverrides;
use portcullis_core::state::{EntityState, Status};
use portcullis_core::store::{AccountStore, Crossing, IdentityLookup};
use portcullis_core::time::Timestamp;
use portcullis_stores_kv::MemoryStore;

const ID: TenantId = TenantId::from_integer(1);

async fn create(store: &MemoryStore) -> Result<Write<()>, StoreErrorKind> {
    let tenant = Tenant {
        id: ID,
        slug: "acme".to_owned(),
        domains: Vec::new(),
        name: "Acme".to_owned(),
    };
    let security = TenantSecurity {
        tenant: ID,
        status: Status::new(EntityState::Active, Timestamp::UNIX_EPOCH),
        policy: PolicyOverrides::default(),
    };
    let created = store.create_tenant(&tenant, &security, Along::default());
    created.await.map_err(|error| error.kind())
}

async fn is_there(store: &MemoryStore) -> bool {
    matches!(store.tenant(TenantKey::Id(ID)).await, Ok(Some(_)))
}

#[tokio::test]
async fn a_failed_call_does_nothing() {
    let store = MemoryStore::new();
    store.fail_next(StoreErrorKind::Unavailable);
    assert_eq!(create(&store).await, Err(StoreErrorKind::Unavailable));
    assert!(!is_there(&store).await);
    assert_eq!(create(&store).await, Ok(Write::Applied(())));
    assert!(is_there(&store).await);
}

#[tokio::test]
async fn a_call_that_fails_afterwards_has_happened() {
    let store = MemoryStore::new();
    store.fail_after_next(StoreErrorKind::Indeterminate);
    assert_eq!(create(&store).await, Err(StoreErrorKind::Indeterminate));
    assert!(is_there(&store).await);
}

#[tokio::test]
async fn failures_come_in_order_to_reads_and_writes_alike() {
    let store = MemoryStore::new();
    store.fail_next(StoreErrorKind::Corrupt);
    store.fail_after_next(StoreErrorKind::Stale);
    let read = store.tenant_security(ID).await.unwrap_err();
    assert_eq!(read.kind(), StoreErrorKind::Corrupt);
    assert_eq!(create(&store).await, Err(StoreErrorKind::Stale));
    assert!(is_there(&store).await);
}

#[tokio::test]
async fn calls_are_counted_whatever_comes_of_them() {
    let store = MemoryStore::new();
    assert!(!is_there(&store).await);
    store.fail_next(StoreErrorKind::Unavailable);
    assert!(create(&store).await.is_err());
    assert!(create(&store).await.is_ok());
    let clone = store.clone();
    assert!(
        create(&clone)
            .await
            .is_ok_and(|write| write.refusal().is_some())
    );
    assert_eq!((store.calls(), store.writes()), (4, 3));
    assert_eq!((store.outbox_len(), store.event_count()), (0, 0));
}
