//! A session with its owner's state.

use portcullis_core::along::Along;
use portcullis_core::entity::Epoch;
use portcullis_core::id::SessionId;
use portcullis_core::state::{EntityState, Status};
use portcullis_core::store::{ResolveSession, SecurityStore, SessionStore};

use super::expect::{applied, assert_same_session};
use super::sample::after;
use super::trial::Trial;

/// A session is resolved with its owner's state; an unknown one, or one whose owner is not there, is not.
pub async fn a_session_is_resolved_with_its_owner<S>(trial: Trial<S>)
where
    S: ResolveSession + SessionStore + SecurityStore,
{
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    let session = trial.open(trial.new_session(tenant, user)).await;
    let resolved = store.resolve_session(session.id).await.unwrap().unwrap();
    assert_same_session(&resolved.session, &session);
    let subject = store.subject_state(tenant, user).await.unwrap();
    assert_eq!(Some(resolved.subject), subject);

    let unknown = SessionId::from_bytes(trial.id());
    let nobodys = trial.open(trial.new_session(tenant, trial.nobody())).await;
    let elsewhere = trial.tenant().await;
    let strangers = trial.open(trial.new_session(elsewhere, user)).await;
    for id in [unknown, nobodys.id, strangers.id] {
        assert!(store.resolve_session(id).await.unwrap().is_none());
    }
}

// SE-05
/// What happened to session, owner and tenant shows in the next read.
pub async fn every_change_shows_at_once<S>(trial: Trial<S>)
where
    S: ResolveSession + SessionStore + SecurityStore,
{
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    let id = trial.open(trial.new_session(tenant, user)).await.id;
    let resolve = || async { store.resolve_session(id).await.unwrap().unwrap() };

    applied(store.bump_epoch(tenant, user, Along::default()).await);
    assert_eq!(resolve().await.subject.epoch, Epoch(1));

    let suspended = Status::new(EntityState::Suspended, after(1));
    let set = store.set_state(tenant, user, &suspended, Along::default());
    applied(set.await);
    assert_eq!(resolve().await.subject.user_status, suspended);

    let mut security = store.tenant_security(tenant).await.unwrap().unwrap();
    security.status = suspended.clone();
    applied(store.set_tenant_security(&security, Along::default()).await);
    assert_eq!(resolve().await.subject.tenant_status, suspended);

    let revoked = store.revoke_session(tenant, user, id, after(2)).await;
    assert!(revoked.unwrap());
    assert_eq!(resolve().await.session.revoked_at, Some(after(2)));
}
