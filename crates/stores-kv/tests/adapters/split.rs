//! Sessions in one store, their owners in another.

use std::sync::Arc;

use portcullis_core::along::{Along, Write};
use portcullis_core::entity::{Enrolment, Tenant, TenantSecurity, User};
use portcullis_core::error::StoreErrorKind;
use portcullis_core::id::UserId;
use portcullis_core::policy::PolicyOverrides;
use portcullis_core::state::{EntityState, Status};
use portcullis_core::store::{AccountStore, Crossing, ResolveSession, SessionStore, SplitResolve};
use portcullis_stores_kv::{KvSessions, MemoryStore};

use crate::watched::Watched;
use crate::{NOW, TENANT, USER, after, session};

/// A store in which [`USER`] is active in [`TENANT`].
async fn people() -> MemoryStore {
    let people = MemoryStore::new();
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
    let created = people.create_tenant(&tenant, &security, Along::default());
    assert_eq!(created.await.unwrap(), Write::Applied(()));
    let enrolment = Enrolment {
        user: User {
            id: USER,
            tenant: TENANT,
            identifiers: Vec::new(),
            profile: serde_json::Value::Null,
            created_at: NOW,
        },
        state: EntityState::Active,
        handle: "Ada".to_owned(),
        verified: false,
        factor: None,
        now: NOW,
    };
    let enrolled = people.enrol(&enrolment, Along::default()).await;
    assert_eq!(enrolled.unwrap(), Write::Applied(()));
    people
}

// SE-05
#[tokio::test]
async fn a_session_is_resolved_by_one_read_of_each_store() {
    let (kv, people) = (Watched::default(), people().await);
    let sessions = KvSessions::new(kv.clone());
    let split = SplitResolve::new(Arc::new(sessions.clone()), Arc::new(people.clone()));
    let session = session(1);
    sessions.insert_session(&session, 5).await.unwrap();
    let cost = || (kv.round_trips(), people.calls());
    let (_, before) = cost();

    let resolved = split.resolve_session(session.id).await.unwrap().unwrap();
    assert_eq!(cost(), (1, before + 1));
    assert_eq!(resolved.session.id, session.id);
    assert_eq!(resolved.subject.user, USER);

    let suspended = Status::new(EntityState::Suspended, after(1));
    let set = people.set_state(TENANT, USER, &suspended, Along::default());
    assert_eq!(set.await.unwrap(), Write::Applied(()));
    let resolved = split.resolve_session(session.id).await.unwrap().unwrap();
    assert_eq!(resolved.subject.user_status, suspended);
    assert!(
        sessions
            .revoke_session(TENANT, USER, session.id, after(2))
            .await
            .unwrap()
    );
    let resolved = split.resolve_session(session.id).await.unwrap().unwrap();
    assert_eq!(resolved.session.revoked_at, Some(after(2)));
}

#[tokio::test]
async fn an_unknown_session_or_owner_is_none_and_a_failure_is_an_error() {
    let (kv, people) = (Watched::default(), people().await);
    let sessions = KvSessions::new(kv.clone());
    let split = SplitResolve::new(Arc::new(sessions.clone()), Arc::new(people.clone()));
    let before = people.calls();
    assert!(
        split
            .resolve_session(session(1).id)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(people.calls(), before, "nobody to ask about");

    let mut nobodys = session(2);
    nobodys.user = UserId::from_integer(7);
    nobodys.id = portcullis_core::id::SessionId::tagged(
        nobodys.user,
        &portcullis_core::entropy::SeededEntropy::new(2),
    )
    .unwrap();
    sessions.insert_session(&nobodys, 5).await.unwrap();
    assert!(split.resolve_session(nobodys.id).await.unwrap().is_none());
    sessions.insert_session(&session(3), 5).await.unwrap();
    people.fail_next(StoreErrorKind::Unavailable);
    let failed = split.resolve_session(session(3).id).await.unwrap_err();
    assert_eq!(failed.kind(), StoreErrorKind::Unavailable);
}
