//! Tenants and people made whole, in directory and security family at once.

use portcullis_core::along::{Along, Refusal};
use portcullis_core::entity::{Epoch, TenantKey};
use portcullis_core::factor::{FactorKind, FactorVersion};
use portcullis_core::id::{ClaimId, TenantId, UserId};
use portcullis_core::policy::PolicyOverrides;
use portcullis_core::state::{EntityState, Status};
use portcullis_core::store::IdentityStore;
use portcullis_core::verification::TokenKind;

use super::expect::{applied, refused, winners};
use super::sample::{START, after, email, password};
use super::trial::{Trial, rounds};

/// A tenant is found by id, slug and domain, and has its security row.
pub async fn a_tenant_is_found_by_id_slug_and_domain<S: IdentityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (mut tenant, mut security) = trial.new_tenant();
    tenant.domains = vec!["a.example.com".to_owned(), "b.example.com".to_owned()];
    security.policy = PolicyOverrides {
        session_max_per_user: Some(3),
        api_token_expiry_required: Some(true),
        ..PolicyOverrides::default()
    };
    applied(
        store
            .create_tenant(&tenant, &security, Along::default())
            .await,
    );
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
        TenantKey::Id(TenantId::SYSTEM),
        TenantKey::Slug("nowhere"),
        TenantKey::Domain("example.com"),
    ];
    for key in unknown {
        assert_eq!(store.tenant(key).await.unwrap(), None);
    }
    let found = store.tenant_security(tenant.id).await.unwrap();
    assert_eq!(found, Some(security));
}

/// A tenant whose id, slug or one domain is taken is not created.
pub async fn a_taken_tenant_id_slug_or_domain_is_refused<S: IdentityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (there, security) = trial.new_tenant();
    applied(
        store
            .create_tenant(&there, &security, Along::default())
            .await,
    );
    for taken in 0..3 {
        let (mut tenant, mut security) = trial.new_tenant();
        match taken {
            0 => tenant.id = there.id,
            1 => tenant.slug.clone_from(&there.slug),
            _ => tenant.domains.extend(there.domains.clone()),
        }
        security.tenant = tenant.id;
        let along = Along::default().with_mail(trial.new_mail(there.id));
        let created = store.create_tenant(&tenant, &security, along).await;
        assert_eq!(refused(created), Refusal::Exists);
        let free = tenant.domains.first().unwrap();
        let found = store.tenant(TenantKey::Domain(free)).await.unwrap();
        assert_eq!(found, None);
    }
    let found = store.tenant(TenantKey::Id(there.id)).await.unwrap();
    assert_eq!(found, Some(there));
    let claim = ClaimId::from_bytes(trial.id());
    let mails = store.claim_mail(claim, START, after(1), 10).await.unwrap();
    assert!(mails.is_empty());
}

/// The ids of the system are nobody's.
pub async fn the_systems_ids_are_reserved<S: IdentityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (mut tenant, mut security) = trial.new_tenant();
    (tenant.id, security.tenant) = (TenantId::SYSTEM, TenantId::SYSTEM);
    let created = store.create_tenant(&tenant, &security, Along::default());
    assert_eq!(refused(created.await), Refusal::Reserved);
    let mut enrolment = trial.new_enrolment(trial.founded().await).await;
    enrolment.user.id = UserId::SYSTEM;
    let enrolled = store.enrol(&enrolment, Along::default()).await;
    assert_eq!(refused(enrolled), Refusal::Reserved);
}

/// A person signs up: person and account are there, nothing is proved, nobody is signed in.
pub async fn enrolment_makes_person_and_account<S: IdentityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.founded().await;
    let mut enrolment = trial.new_enrolment(tenant).await;
    enrolment.state = EntityState::Pending;
    let id = trial.enrolled(&enrolment).await;
    let user = store.user(tenant, id).await.unwrap();
    assert_eq!(user.as_ref(), Some(&enrolment.user));
    let account = store.account(tenant, id).await.unwrap().unwrap();
    assert_eq!((account.user, account.tenant), (id, tenant));
    assert_eq!(account.handle, enrolment.handle);
    assert_eq!(account.status, Status::new(EntityState::Pending, START));
    assert_eq!(account.epoch, Epoch(0));
    assert_eq!(account.last_sign_in, None);
    assert_eq!(account.verified, []);
    let loaded = store.load_factor(tenant, id, FactorKind::Password).await;
    assert_eq!(loaded.unwrap().unwrap().factor, None);
}

/// An administrator's enrolment is active, proved and has a factor at once.
pub async fn enrolment_may_come_proved_and_with_a_factor<S: IdentityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.founded().await;
    let mut enrolment = trial.new_enrolment(tenant).await;
    enrolment.user.identifiers.push(email("second"));
    enrolment.verified = true;
    enrolment.factor = Some(password("first"));
    let id = trial.enrolled(&enrolment).await;
    let account = store.account(tenant, id).await.unwrap().unwrap();
    assert_eq!(account.status.state, EntityState::Active);
    assert_eq!(account.verified.len(), 2);
    for identifier in &enrolment.user.identifiers {
        let proved = |proved: &&portcullis_core::entity::VerifiedIdentifier| {
            proved.kind == identifier.kind && proved.canonical == identifier.canonical
        };
        assert_eq!(account.verified.iter().find(proved).unwrap().at, START);
    }
    let loaded = store.load_factor(tenant, id, FactorKind::Password).await;
    let factor = loaded.unwrap().unwrap().factor.unwrap();
    assert_eq!(factor.config, password("first"));
    assert_eq!(factor.version, FactorVersion(1));
    assert_eq!(factor.changed_at, START);
}

/// A token for the person can be made in the write that makes the person.
pub async fn enrolment_brings_its_token_along<S: IdentityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let enrolment = trial.new_enrolment(trial.founded().await).await;
    let (tenant, user) = (enrolment.user.tenant, enrolment.user.id);
    let kind = TokenKind::EmailVerification;
    let token = trial.new_token(kind, tenant, Some(user));
    let along = Along::default().with_issue(token.clone());
    applied(store.enrol(&enrolment, along).await);
    let live = store.live_token(tenant, user, kind, START).await.unwrap();
    assert_eq!(live.map(|live| live.id), Some(token.id));
}

/// Whoever takes a taken identifier or id is not enrolled; the id is looked at first.
pub async fn a_taken_identifier_or_id_refuses_the_enrolment<S: IdentityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.founded().await;
    let there = trial.new_enrolment(tenant).await;
    trial.enrolled(&there).await;

    let mut same_address = trial.new_enrolment(tenant).await;
    let theirs = there.user.identifiers.clone();
    same_address.user.identifiers.extend(theirs);
    same_address.factor = Some(password("mine now"));
    let mut same_id = trial.new_enrolment(trial.founded().await).await;
    same_id.user.id = there.user.id;
    let cases = [
        (&same_address, Refusal::IdentifierTaken),
        (&same_id, Refusal::Exists),
        (&there, Refusal::Exists),
    ];
    for (enrolment, why) in cases {
        let enrolled = store.enrol(enrolment, Along::default()).await;
        assert_eq!(refused(enrolled), why);
    }
    for refused in [&same_address.user, &same_id.user] {
        let (tenant, user) = (refused.tenant, refused.id);
        assert_eq!(store.user(tenant, user).await.unwrap(), None);
        assert_eq!(store.account(tenant, user).await.unwrap(), None);
        let free = refused.identifiers.first().unwrap();
        assert_eq!(store.find_user(tenant, free).await.unwrap(), None);
    }
    let found = store.user(tenant, there.user.id).await.unwrap();
    assert_eq!(found, Some(there.user));
}

/// Who is removed from the directory leaves an account behind, which nobody else comes into.
pub async fn a_removed_persons_id_stays_taken<S: IdentityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let enrolment = trial.new_enrolment(trial.founded().await).await;
    let (tenant, user) = (enrolment.user.tenant, trial.enrolled(&enrolment).await);
    assert!(store.remove_user(tenant, user).await.unwrap());
    let account = store.account(tenant, user).await.unwrap();
    assert_eq!(account.map(|account| account.user), Some(user));
    for tenant in [tenant, trial.founded().await] {
        let mut heir = trial.new_enrolment(tenant).await;
        heir.user.id = user;
        let enrolled = store.enrol(&heir, Along::default()).await;
        assert_eq!(refused(enrolled), Refusal::Exists);
        assert_eq!(store.user(tenant, user).await.unwrap(), None);
    }
}

/// Nobody enrols in a tenant that is not there.
pub async fn an_unknown_tenant_refuses_the_enrolment<S: IdentityStore>(trial: Trial<S>) {
    let enrolment = trial.new_enrolment(TenantId::from_bytes(trial.id())).await;
    let enrolled = trial.store.enrol(&enrolment, Along::default()).await;
    assert_eq!(refused(enrolled), Refusal::NotFound);
}

// CC-01, CC-06
/// Of a hundred sign-ups with one address at once, one is enrolled.
pub async fn a_hundred_sign_ups_with_one_address_are_one_person<S: IdentityStore>(trial: Trial<S>) {
    let tenant = trial.founded().await;
    for round in 0..rounds() / 4 {
        let mut wanted = Vec::new();
        for _ in 0..100 {
            let mut enrolment = trial.new_enrolment(tenant).await;
            enrolment.user.identifiers = vec![email(&format!("ada{round}"))];
            wanted.push(enrolment);
        }
        let enrolled = trial
            .race(wanted.len(), |index, store| {
                let enrolment = wanted.get(index).cloned().unwrap();
                async move { store.enrol(&enrolment, Along::default()).await }
            })
            .await;
        assert_eq!(winners(enrolled, Refusal::IdentifierTaken), 1);
    }
    let people = trial.store.users(tenant, None, 1000).await.unwrap();
    assert_eq!(people.len(), rounds() / 4);
}

// CC-01
/// Of many who want one slug at once, one gets it.
pub async fn one_of_many_gets_a_slug<S: IdentityStore>(trial: Trial<S>) {
    let created = trial
        .race(32, |_, store| {
            let (mut tenant, security) = trial.new_tenant();
            tenant.slug = "wanted".to_owned();
            async move {
                store
                    .create_tenant(&tenant, &security, Along::default())
                    .await
            }
        })
        .await;
    assert_eq!(winners(created, Refusal::Exists), 1);
}
