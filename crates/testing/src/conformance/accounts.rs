//! Accounts and tenants: state, epoch, keys.

use portcullis_core::along::{Along, Refusal};
use portcullis_core::entity::Epoch;
use portcullis_core::id::TenantId;
use portcullis_core::net::Networks;
use portcullis_core::policy::PolicyOverrides;
use portcullis_core::state::{EntityState, Status};
use portcullis_core::store::SecurityStore;

use super::expect::{applied, refused, winners};
use super::sample::{START, after, just_before};
use super::trial::{Trial, rounds};

/// The state of person and tenant and the epoch come in one read.
pub async fn a_subjects_state_is_read_whole<S: SecurityStore>(trial: Trial<S>) {
    let (tenant, user) = trial.somebody().await;
    let subject = trial.store.subject_state(tenant, user).await.unwrap();
    let subject = subject.unwrap();
    assert_eq!((subject.user, subject.tenant), (user, tenant));
    assert_eq!(subject.handle, "Zoë");
    assert_eq!(subject.user_status, Status::new(EntityState::Active, START));
    let of_tenant = Status::new(EntityState::Active, START);
    assert_eq!(subject.tenant_status, of_tenant);
    assert_eq!(subject.epoch, Epoch(0));
}

/// Nobody and a person of another tenant have no account, and nothing changes that.
pub async fn an_account_of_another_tenant_is_unknown<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    let before = store.account(tenant, user).await.unwrap();
    let nobody = trial.nobody();
    let strangers = [
        (trial.tenant().await, user),
        (TenantId::from_bytes(trial.id()), user),
        (tenant, nobody),
    ];
    let suspended = Status::new(EntityState::Suspended, START);
    for (tenant, user) in strangers {
        assert_eq!(store.account(tenant, user).await.unwrap(), None);
        assert_eq!(store.subject_state(tenant, user).await.unwrap(), None);
        let set = store.set_state(tenant, user, &suspended, Along::default());
        assert_eq!(refused(set.await), Refusal::NotFound);
        let bumped = store.bump_epoch(tenant, user, Along::default()).await;
        assert_eq!(refused(bumped), Refusal::NotFound);
    }
    assert_eq!(store.account(tenant, user).await.unwrap(), before);
}

/// An account's state changes along the table of transitions and no other way.
pub async fn a_state_follows_the_table_of_transitions<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.tenant().await;
    for from in EntityState::ALL {
        for to in EntityState::ALL {
            let mut new = trial.new_account(tenant);
            new.state = from;
            let user = trial.opened(&new).await;
            let mut status = Status::new(to, after(10));
            status.detail.reason = Some("wegen „Spam“".to_owned());
            let set = store.set_state(tenant, user, &status, Along::default());
            let account = |user| store.account(tenant, user);
            if from.may_become(to) {
                applied(set.await);
                let now = account(user).await.unwrap().unwrap().status;
                assert_eq!(now, status, "{from:?} -> {to:?}");
            } else {
                let why = refused(set.await);
                assert_eq!(why, Refusal::Transition { from }, "{from:?} -> {to:?}");
                let now = account(user).await.unwrap().unwrap().status;
                assert_eq!(now, Status::new(from, START), "{from:?} -> {to:?}");
            }
        }
    }
}

/// A suspension whose end has come counts as active, at its end and not before.
pub async fn a_suspension_that_ended_counts_as_active<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.tenant().await;
    let end = after(100);
    for (now, ended) in [(just_before(end), false), (end, true)] {
        let user = trial.person(tenant).await;
        let mut suspended = Status::new(EntityState::Suspended, START);
        suspended.detail.until = Some(end);
        let set = store.set_state(tenant, user, &suspended, Along::default());
        applied(set.await);
        let account = store.account(tenant, user).await.unwrap().unwrap();
        assert_eq!(account.status, suspended);

        let active = Status::new(EntityState::Active, now);
        let set = store.set_state(tenant, user, &active, Along::default());
        if ended {
            let from = EntityState::Active;
            assert_eq!(refused(set.await), Refusal::Transition { from });
            let again = Status::new(EntityState::Suspended, now);
            let set = store.set_state(tenant, user, &again, Along::default());
            applied(set.await);
        } else {
            applied(set.await);
        }
    }
}

// CC-01
/// Of many who close one account at once, one does.
pub async fn an_account_is_closed_once<S: SecurityStore>(trial: Trial<S>) {
    let tenant = trial.tenant().await;
    for _ in 0..rounds() / 4 {
        let user = trial.person(tenant).await;
        let closed = trial
            .race(32, |_, store| async move {
                let status = Status::new(EntityState::Terminated, after(1));
                store
                    .set_state(tenant, user, &status, Along::default())
                    .await
            })
            .await;
        let from = EntityState::Terminated;
        assert_eq!(winners(closed, Refusal::Transition { from }), 1);
    }
}

// CC-01
/// An epoch moves on by one a call, also when many move it at once.
pub async fn an_epoch_moves_by_one_a_call<S: SecurityStore>(trial: Trial<S>) {
    let (tenant, user) = trial.somebody().await;
    let bumped = trial
        .race(32, |_, store| async move {
            store.bump_epoch(tenant, user, Along::default()).await
        })
        .await;
    let mut epochs: Vec<Epoch> = bumped.into_iter().map(applied).collect();
    epochs.sort();
    assert_eq!(epochs, (1..=32).map(Epoch).collect::<Vec<_>>());
    let account = trial.store.account(tenant, user).await.unwrap();
    assert_eq!(account.unwrap().epoch, Epoch(32));
}

/// A tenant's policy is replaced whole, its state along the table; the same state again is no transition.
pub async fn a_tenants_state_and_policy_are_replaced<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.tenant().await;
    let mut security = store.tenant_security(tenant).await.unwrap().unwrap();
    security.policy = PolicyOverrides {
        lockout_free_attempts: Some(2),
        link_email_verification_secs: Some(60),
        link_password_reset_secs: Some(61),
        ..PolicyOverrides::default()
    };
    applied(store.set_tenant_security(&security, Along::default()).await);
    let found = store.tenant_security(tenant).await.unwrap();
    assert_eq!(found, Some(security.clone()));

    security.policy = PolicyOverrides::default();
    security.status = Status::new(EntityState::Suspended, after(1));
    applied(store.set_tenant_security(&security, Along::default()).await);
    let mut impossible = security.clone();
    impossible.status.state = EntityState::Pending;
    impossible.policy.password_min_length = Some(64);
    let set = store.set_tenant_security(&impossible, Along::default());
    let from = EntityState::Suspended;
    assert_eq!(refused(set.await), Refusal::Transition { from });
    let found = store.tenant_security(tenant).await.unwrap();
    assert_eq!(found, Some(security.clone()));

    security.tenant = TenantId::from_bytes(trial.id());
    let set = store.set_tenant_security(&security, Along::default()).await;
    assert_eq!(refused(set), Refusal::NotFound);
    let found = store.tenant_security(security.tenant).await.unwrap();
    assert_eq!(found, None);
}

/// A tenant's state shows in its people's at once.
pub async fn a_tenants_state_shows_in_its_people<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    let mut security = store.tenant_security(tenant).await.unwrap().unwrap();
    security.status = Status::new(EntityState::Suspended, after(1));
    applied(store.set_tenant_security(&security, Along::default()).await);
    let subject = store.subject_state(tenant, user).await.unwrap().unwrap();
    assert_eq!(subject.tenant_status, security.status);
    assert_eq!(subject.user_status.state, EntityState::Active);
}

/// What a tenant's policy says about where people may come from is read with its people, and gone when it is taken back.
pub async fn a_tenants_networks_show_in_its_people<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    let read = || async { store.subject_state(tenant, user).await.unwrap().unwrap().ip };
    assert!(read().await.is_empty());
    let mut security = store.tenant_security(tenant).await.unwrap().unwrap();
    security.status.detail.since = after(1);
    security.policy.ip_allow = Some(Networks::parse(["192.0.2.0/24", "2001:db8::/32"]).unwrap());
    security.policy.ip_deny = Some(Networks::default());
    for _ in 0..2 {
        applied(store.set_tenant_security(&security, Along::default()).await);
        assert_eq!(read().await, security.policy.ip());
        assert_eq!(
            store.tenant_security(tenant).await.unwrap().as_ref(),
            Some(&security)
        );
        // Taken back in the second round.
        security.policy.ip_allow = None;
        security.policy.ip_deny = None;
    }
    assert!(read().await.is_empty());
}

// CC-01
/// The keys' marker is replaced by whoever knows the one before; of many at once, by one.
pub async fn a_key_marker_is_replaced_by_who_knows_it<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    assert_eq!(store.key_marker().await.unwrap(), None);
    assert!(!store.set_key_marker(Some("first"), "x").await.unwrap());
    assert!(store.set_key_marker(None, "first").await.unwrap());
    assert!(!store.set_key_marker(None, "x").await.unwrap());
    assert_eq!(store.key_marker().await.unwrap().unwrap(), "first");
    let replaced = trial
        .race(32, |index, store| async move {
            let marker = format!("marker {index}");
            store.set_key_marker(Some("first"), &marker).await
        })
        .await;
    let mut winners = replaced.into_iter().map(Result::unwrap).enumerate();
    let (winner, _) = winners.find(|(_, replaced)| *replaced).unwrap();
    assert!(winners.all(|(_, replaced)| !replaced));
    let marker = store.key_marker().await.unwrap().unwrap();
    assert_eq!(marker, format!("marker {winner}"));
}
