//! Roles, in what every credential is read with.

use portcullis_core::along::{Along, Refusal, Write};
use portcullis_core::error::StoreError;
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::role::{ROLES_MAX, RoleName, Roles};
use portcullis_core::state::{EntityState, Status};
use portcullis_core::store::SecurityStore;

use super::expect::{applied, refused, winners};
use super::sample::after;
use super::trial::{Trial, rounds};

fn roles(names: &[&str]) -> Roles {
    let names = names.iter().map(|name| name.parse::<RoleName>().unwrap());
    Roles::new(names).unwrap()
}

async fn read<S: SecurityStore>(store: &S, (tenant, user): (TenantId, UserId)) -> Roles {
    let subject = store.subject_state(tenant, user).await.unwrap().unwrap();
    let account = store.account(tenant, user).await.unwrap().unwrap();
    assert_eq!(subject.roles, account.roles);
    subject.roles
}

async fn set<S: SecurityStore>(
    store: &S,
    (tenant, user): (TenantId, UserId),
    from: &Roles,
    to: &Roles,
) -> Result<Write<()>, StoreError> {
    store
        .set_roles(tenant, user, from, to, Along::default())
        .await
}

/// RO-1: nobody begins with a role, and what is set is read back, up to as many as there may be.
pub async fn roles_are_read_with_the_subject<S: SecurityStore>(trial: Trial<S>) {
    let store = &*trial.store;
    let owner = trial.somebody().await;
    let none = Roles::default();
    assert_eq!(read(store, owner).await, none);
    let (few, long) = (roles(&["admin", "billing:read"]), "r".repeat(60));
    let most: Vec<String> = (0..ROLES_MAX).map(|n| format!("{long}-{n:03}")).collect();
    let most = Roles::new(most.iter().map(|name| name.parse().unwrap())).unwrap();
    let mut from = &none;
    for to in [&few, &most, &none] {
        applied(set(store, owner, from, to).await);
        assert_eq!(read(store, owner).await, *to);
        from = to;
    }
}

/// RO-2: whoever names other roles than there are changes nothing, and neither does a stranger.
pub async fn roles_are_set_by_who_names_those_there<S: SecurityStore>(trial: Trial<S>) {
    let store = &*trial.store;
    let owner = trial.somebody().await;
    let (none, admin, both) = (
        Roles::default(),
        roles(&["admin"]),
        roles(&["admin", "support"]),
    );
    assert_eq!(
        refused(set(store, owner, &admin, &both).await),
        Refusal::Stale
    );
    applied(set(store, owner, &none, &admin).await);
    assert_eq!(
        refused(set(store, owner, &none, &both).await),
        Refusal::Stale
    );
    let strangers = [(trial.tenant().await, owner.1), (owner.0, trial.nobody())];
    for stranger in strangers {
        let refusal = refused(set(store, stranger, &admin, &both).await);
        assert_eq!(refusal, Refusal::NotFound);
    }
    assert_eq!(read(store, owner).await, admin);
}

/// RO-3: state and epoch leave them alone, and they leave the epoch alone.
pub async fn roles_stay_through_other_changes<S: SecurityStore>(trial: Trial<S>) {
    let store = &*trial.store;
    let owner = trial.somebody().await;
    let (tenant, user) = owner;
    let admin = roles(&["admin"]);
    applied(set(store, owner, &Roles::default(), &admin).await);
    let subject = store.subject_state(tenant, user).await.unwrap().unwrap();
    assert_eq!(subject.epoch.0, 0);
    applied(store.bump_epoch(tenant, user, Along::default()).await);
    for state in [EntityState::Suspended, EntityState::Active] {
        let status = Status::new(state, after(1));
        let along = Along::default();
        applied(store.set_state(tenant, user, &status, along).await);
        assert_eq!(read(store, owner).await, admin);
    }
}

// CC-01
/// RO-2: of many who saw the same roles, one changes them.
pub async fn one_of_many_sets_the_roles<S: SecurityStore>(trial: Trial<S>) {
    let tenant = trial.tenant().await;
    for _ in 0..rounds() / 4 {
        let user = trial.person(tenant).await;
        let set = trial
            .race(32, |index, store| async move {
                let to = roles(&[&format!("r{index}")]);
                let from = Roles::default();
                store
                    .set_roles(tenant, user, &from, &to, Along::default())
                    .await
            })
            .await;
        assert_eq!(winners(set, Refusal::Stale), 1);
        assert_eq!(read(&*trial.store, (tenant, user)).await.iter().count(), 1);
    }
}
