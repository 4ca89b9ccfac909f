//! Tenants in the directory.

use portcullis_core::entity::TenantKey;
use portcullis_core::error::StoreErrorKind;
use portcullis_core::id::TenantId;
use portcullis_core::store::IdentityAdmin;

use super::trial::Trial;

/// A tenant that the directory takes is found by id, slug and each domain.
pub async fn a_tenant_is_known_by_id_slug_and_domain<S: IdentityAdmin>(trial: Trial<S>) {
    let store = &trial.store;
    let (mut tenant, _) = trial.new_tenant();
    tenant.domains = vec!["b.example.com".to_owned(), "a.example.com".to_owned()];
    store.insert_tenant(&tenant).await.unwrap();
    let keys = [
        TenantKey::Id(tenant.id),
        TenantKey::Slug(&tenant.slug),
        TenantKey::Domain("a.example.com"),
        TenantKey::Domain("b.example.com"),
    ];
    for key in keys {
        assert_eq!(store.tenant(key).await.unwrap(), Some(tenant.clone()));
    }
    let unknown = [
        TenantKey::Id(TenantId::from_bytes(trial.id())),
        TenantKey::Slug("nowhere"),
        TenantKey::Domain("example.com"),
    ];
    for key in unknown {
        assert_eq!(store.tenant(key).await.unwrap(), None);
    }
}

/// Creating the same tenant again is done already and changes nothing.
pub async fn creating_the_same_tenant_again_changes_nothing<S: IdentityAdmin>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, _) = trial.new_tenant();
    store.insert_tenant(&tenant).await.unwrap();
    let mut again = tenant.clone();
    again.name = "Other".to_owned();
    for same in [&tenant, &again] {
        store.insert_tenant(same).await.unwrap();
        let found = store.tenant(TenantKey::Id(tenant.id)).await.unwrap();
        assert_eq!(found.as_ref(), Some(&tenant));
    }
}

/// Whoever takes a taken slug or domain is not created, and the system's id is nobody's.
pub async fn a_taken_slug_or_domain_is_a_conflict<S: IdentityAdmin>(trial: Trial<S>) {
    let store = &trial.store;
    let (there, _) = trial.new_tenant();
    store.insert_tenant(&there).await.unwrap();
    for taken in 0..3 {
        let (mut tenant, _) = trial.new_tenant();
        match taken {
            0 => tenant.slug.clone_from(&there.slug),
            1 => tenant.domains.extend(there.domains.clone()),
            _ => tenant.id = TenantId::SYSTEM,
        }
        let error = store.insert_tenant(&tenant).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Conflict);
        let found = store.tenant(TenantKey::Id(tenant.id)).await.unwrap();
        assert_eq!(found, None);
        let free = tenant.domains.first().unwrap();
        let found = store.tenant(TenantKey::Domain(free)).await.unwrap();
        assert_eq!(found, None);
    }
    let found = store.tenant(TenantKey::Slug(&there.slug)).await.unwrap();
    assert_eq!(found, Some(there));
}

/// A tenant's name can be changed, an unknown tenant's not.
pub async fn a_tenant_is_renamed<S: IdentityAdmin>(trial: Trial<S>) {
    let store = &trial.store;
    let (mut tenant, _) = trial.new_tenant();
    store.insert_tenant(&tenant).await.unwrap();
    tenant.name = "Neuer Name".to_owned();
    assert!(store.rename_tenant(tenant.id, "Neuer Name").await.unwrap());
    let unknown = TenantId::from_bytes(trial.id());
    assert!(!store.rename_tenant(unknown, "x").await.unwrap());
    let found = store.tenant(TenantKey::Id(tenant.id)).await.unwrap();
    assert_eq!(found, Some(tenant));
}
