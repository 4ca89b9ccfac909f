//! Factors, changed only by whoever names the version they read.

use portcullis_core::along::{Along, Refusal};
use portcullis_core::factor::{Factor, FactorConfig, FactorKind, FactorVersion};
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::state::EntityState;
use portcullis_core::store::SecurityStore;

use super::expect::{applied, refused, winners};
use super::sample::{after, password};
use super::trial::{Trial, rounds};

const KIND: FactorKind = FactorKind::Password;

async fn load<S: SecurityStore>(trial: &Trial<S>, owner: (TenantId, UserId)) -> Option<Factor> {
    let loaded = trial.store.load_factor(owner.0, owner.1, KIND).await;
    loaded.unwrap().unwrap().factor
}

async fn insert<S: SecurityStore>(
    trial: &Trial<S>,
    owner: (TenantId, UserId),
    config: &FactorConfig,
) -> FactorVersion {
    let (tenant, user) = owner;
    let inserted = trial
        .store
        .insert_factor(tenant, user, config, after(1), Along::default());
    applied(inserted.await)
}

/// A factor is read with its owner's state; who has none is told from nobody.
pub async fn a_factor_is_read_with_its_owner<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let owner = trial.somebody().await;
    assert_eq!(load(&trial, owner).await, None);
    let version = insert(&trial, owner, &password("a")).await;
    assert_eq!(version, FactorVersion(1));
    let factor = Factor {
        config: password("a"),
        version,
        changed_at: after(1),
    };
    assert_eq!(load(&trial, owner).await, Some(factor));
    let loaded = store.load_factor(owner.0, owner.1, KIND).await.unwrap();
    let subject = loaded.unwrap().subject;
    assert_eq!((subject.tenant, subject.user), owner);
    assert_eq!(subject.user_status.state, EntityState::Active);
    let loaded = store.load_factor(owner.0, trial.nobody(), KIND).await;
    assert_eq!(loaded.unwrap(), None);
}

/// To every method, a factor of another tenant is unknown.
pub async fn a_factor_of_another_tenant_is_unknown<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let owner = trial.somebody().await;
    let version = insert(&trial, owner, &password("a")).await;
    let strangers = [(trial.tenant().await, owner.1), (owner.0, trial.nobody())];
    for (tenant, user) in strangers {
        let loaded = store.load_factor(tenant, user, KIND).await;
        assert_eq!(loaded.unwrap(), None);
        let (config, along) = (password("b"), Along::default);
        let inserted = store.insert_factor(tenant, user, &config, after(2), along());
        assert_eq!(refused(inserted.await), Refusal::NotFound);
        let saved =
            store.compare_and_save_factor(tenant, user, version, &config, after(2), along());
        assert_eq!(refused(saved.await), Refusal::NotFound);
        let removed = store.remove_factor(tenant, user, KIND, along()).await;
        assert_eq!(refused(removed), Refusal::NotFound);
    }
    assert_eq!(load(&trial, owner).await.unwrap().config, password("a"));
}

// CC-01
/// A person has one factor of a kind: of many that add one at once, one does.
pub async fn one_factor_of_a_kind_is_added<S: SecurityStore>(trial: Trial<S>) {
    let tenant = trial.tenant().await;
    for _ in 0..rounds() / 4 {
        let user = trial.person(tenant).await;
        let inserted = trial
            .race(32, |index, store| async move {
                let config = password(&index.to_string());
                store
                    .insert_factor(tenant, user, &config, after(1), Along::default())
                    .await
            })
            .await;
        assert_eq!(winners(inserted, Refusal::Exists), 1);
    }
}

/// A factor is replaced by whoever names its version; every change moves it on by one.
pub async fn a_factor_is_saved_by_who_names_its_version<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let owner = trial.somebody().await;
    let save = |expected: u32, text: &str| {
        let config = password(text);
        async move {
            let expected = FactorVersion(expected);
            store
                .compare_and_save_factor(
                    owner.0,
                    owner.1,
                    expected,
                    &config,
                    after(5),
                    Along::default(),
                )
                .await
        }
    };
    assert_eq!(refused(save(1, "x").await), Refusal::NotFound);
    insert(&trial, owner, &password("a")).await;
    assert_eq!(refused(save(0, "x").await), Refusal::Stale);
    assert_eq!(refused(save(2, "x").await), Refusal::Stale);
    assert_eq!(applied(save(1, "b").await), FactorVersion(2));
    assert_eq!(refused(save(1, "x").await), Refusal::Stale);
    assert_eq!(applied(save(2, "c").await), FactorVersion(3));
    let factor = load(&trial, owner).await.unwrap();
    assert_eq!(factor.config, password("c"));
    assert_eq!(factor.version, FactorVersion(3));
    assert_eq!(factor.changed_at, after(5));
}

// CC-01
/// Of many who read one version and save at once, one does.
pub async fn one_of_many_saves_a_version<S: SecurityStore>(trial: Trial<S>) {
    let owner = trial.somebody().await;
    let mut version = insert(&trial, owner, &password("first")).await;
    for round in 0..rounds() {
        let saved = trial
            .race(16, |index, store| async move {
                let config = password(&format!("{round}.{index}"));
                store
                    .compare_and_save_factor(
                        owner.0,
                        owner.1,
                        version,
                        &config,
                        after(2),
                        Along::default(),
                    )
                    .await
            })
            .await;
        let winner = saved
            .iter()
            .position(|write| write.as_ref().is_ok_and(|write| write.refusal().is_none()));
        assert_eq!(winners(saved, Refusal::Stale), 1);
        let factor = load(&trial, owner).await.unwrap();
        assert_eq!(factor.version, FactorVersion(version.0 + 1));
        let winning = format!("{round}.{}", winner.unwrap());
        assert_eq!(factor.config, password(&winning));
        version = factor.version;
    }
}

/// A factor is removed once, and another can be added.
pub async fn a_factor_is_removed_once<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let owner = trial.somebody().await;
    insert(&trial, owner, &password("a")).await;
    let remove = || store.remove_factor(owner.0, owner.1, KIND, Along::default());
    applied(remove().await);
    assert_eq!(load(&trial, owner).await, None);
    assert_eq!(refused(remove().await), Refusal::NotFound);
    insert(&trial, owner, &password("b")).await;
    assert_eq!(load(&trial, owner).await.unwrap().config, password("b"));
}
