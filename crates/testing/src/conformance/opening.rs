//! Where accounts and tenants begin in the security family, whoever keeps the directory.

use portcullis_core::along::{Along, Refusal};
use portcullis_core::entity::Epoch;
use portcullis_core::factor::{FactorKind, FactorVersion};
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::state::{EntityState, Status};
use portcullis_core::store::SecurityStore;
use portcullis_core::verification::TokenKind;

use super::expect::{applied, refused, winners};
use super::sample::{START, email, password};
use super::trial::{Trial, rounds};

/// A tenant's state and policy begin once, and the system's id is nobody's.
pub async fn a_tenants_security_is_opened_once<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (_, security) = trial.new_tenant();
    applied(store.open_tenant(&security, Along::default()).await);
    let mut again = security.clone();
    again.status = Status::new(EntityState::Suspended, START);
    let opened = store.open_tenant(&again, Along::default()).await;
    assert_eq!(refused(opened), Refusal::Exists);
    let found = store.tenant_security(security.tenant).await.unwrap();
    assert_eq!(found, Some(security));
    again.tenant = TenantId::SYSTEM;
    let opened = store.open_tenant(&again, Along::default()).await;
    assert_eq!(refused(opened), Refusal::Reserved);
}

/// An account begins in its state, with what it comes with proved and its factor set, and nothing else.
pub async fn an_account_begins_with_what_it_comes_with<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.tenant().await;
    for state in EntityState::ALL {
        let mut new = trial.new_account(tenant);
        new.state = state;
        new.verified = vec![email("first"), email("second")];
        new.factor = Some(password("first"));
        let user = trial.opened(&new).await;
        let account = store.account(tenant, user).await.unwrap().unwrap();
        assert_eq!((account.user, account.tenant), (user, tenant));
        assert_eq!(account.handle, new.handle);
        assert_eq!(account.status, Status::new(state, START));
        assert_eq!(account.epoch, Epoch(0));
        assert_eq!(account.last_sign_in, None);
        let proved = account.verified.iter().map(|proved| &proved.canonical);
        let given = new.verified.iter().map(|identifier| &identifier.canonical);
        assert!(proved.eq(given));
        assert!(account.verified.iter().all(|proved| proved.at == START));
        let loaded = store.load_factor(tenant, user, FactorKind::Password).await;
        let factor = loaded.unwrap().unwrap().factor.unwrap();
        assert_eq!(factor.config, password("first"));
        assert_eq!(factor.version, FactorVersion(1));
    }
}

/// An id that has an account gets no other, in whatever tenant, and the account there stays as it is.
pub async fn an_account_is_opened_once<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    let before = store.account(tenant, user).await.unwrap();
    for tenant in [tenant, trial.tenant().await] {
        let mut heir = trial.new_account(tenant);
        heir.user = user;
        heir.handle = "Heir".to_owned();
        heir.verified = vec![email("heir")];
        heir.factor = Some(password("heir"));
        let opened = store.open_account(&heir, Along::default()).await;
        assert_eq!(refused(opened), Refusal::Exists);
    }
    assert_eq!(store.account(tenant, user).await.unwrap(), before);
    let loaded = store.load_factor(tenant, user, FactorKind::Password).await;
    assert_eq!(loaded.unwrap().unwrap().factor, None);
}

/// Nobody has an account in a tenant that is not there, and the system has none.
pub async fn an_account_needs_a_tenant_and_an_id<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let nowhere = trial.new_account(TenantId::from_bytes(trial.id()));
    let opened = store.open_account(&nowhere, Along::default()).await;
    assert_eq!(refused(opened), Refusal::NotFound);
    let found = store.account(nowhere.tenant, nowhere.user).await.unwrap();
    assert_eq!(found, None);
    let mut system = trial.new_account(trial.tenant().await);
    system.user = UserId::SYSTEM;
    let opened = store.open_account(&system, Along::default()).await;
    assert_eq!(refused(opened), Refusal::Reserved);
}

// CC-01, CC-06
/// Of many who open an account for one person at once, one does.
pub async fn one_of_many_opens_an_account<S: SecurityStore>(trial: Trial<S>) {
    let tenant = trial.tenant().await;
    for _ in 0..rounds() / 4 {
        let new = trial.new_account(tenant);
        let opened = trial
            .race(32, |_, store| {
                let new = new.clone();
                async move { store.open_account(&new, Along::default()).await }
            })
            .await;
        assert_eq!(winners(opened, Refusal::Exists), 1);
    }
}

/// A newer sign-up takes the place of one that is pending, and of nothing else: it says what the account is called, and
/// its companions come with it or not at all.
pub async fn a_newer_sign_up_takes_the_place_of_a_pending_one<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, elsewhere) = (trial.tenant().await, trial.tenant().await);
    for state in EntityState::ALL {
        let mut new = trial.new_account(tenant);
        new.state = state;
        let user = trial.opened(&new).await;
        let token = trial.new_token(TokenKind::EmailVerification, tenant, Some(user));
        let along = Along::default().with_issue(token.clone());
        let again = store.sign_up_again(tenant, user, "Zoe", along).await;
        let is_pending = state == EntityState::Pending;
        match is_pending {
            true => applied(again),
            false => assert_eq!(refused(again), Refusal::Transition { from: state }),
        }
        let account = store.account(tenant, user).await.unwrap().unwrap();
        let called = if is_pending { "Zoe" } else { "Zo\u{eb}" };
        assert_eq!(account.handle, called);
        assert_eq!(account.status, Status::new(state, START));
        let issued = store.peek(token.id).await.unwrap();
        assert_eq!(issued.is_some(), is_pending);
        for (tenant, user) in [(elsewhere, user), (tenant, trial.nobody())] {
            let again = store.sign_up_again(tenant, user, "Eve", Along::default());
            assert_eq!(refused(again.await), Refusal::NotFound);
        }
    }
}
