//! People in the directory.

use portcullis_core::entity::User;
use portcullis_core::error::StoreErrorKind;
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::identifier::Identifier;
use portcullis_core::store::IdentityAdmin;
use serde_json::json;

use super::sample::email;
use super::trial::{Trial, rounds};

/// A person reads back as they were created, by id and by identifier.
pub async fn a_person_is_found_by_id_and_by_identifier<S: IdentityAdmin>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.known_tenant().await;
    let mut user = trial.new_user(tenant).await;
    user.identifiers = vec![
        Identifier::email("Zoë.Müller@Example.COM").unwrap(),
        Identifier::username("Zoë").unwrap(),
    ];
    store.create_user(&user).await.unwrap();
    assert_eq!(
        store.user(tenant, user.id).await.unwrap(),
        Some(user.clone())
    );
    for typed in ["zoë.müller@example.com", "ZOË"] {
        let identifier = Identifier::parse(typed).unwrap();
        let found = store.find_user(tenant, &identifier).await.unwrap();
        assert_eq!(found, Some(user.clone()), "{typed}");
    }
    let other_kind = Identifier::username("zoë.müller").unwrap();
    assert_eq!(store.find_user(tenant, &other_kind).await.unwrap(), None);
}

/// An identifier is its canonical form to the letter: no case, accent or space at its end is folded by the store.
pub async fn an_identifier_is_found_to_the_letter<S: IdentityAdmin>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.known_tenant().await;
    let mut people = Vec::new();
    for canonical in ["strasse", "Strasse", "straße", "strassé", "strasse "] {
        let mut spelled = email("anybody");
        spelled.canonical = canonical.to_owned();
        let found = store.find_user(tenant, &spelled).await.unwrap();
        assert_eq!(found, None, "{canonical:?}");
        let mut user = trial.new_user(tenant).await;
        user.identifiers = vec![spelled];
        store.create_user(&user).await.unwrap();
        people.push(user);
    }
    for user in people {
        let theirs = user.identifiers.first().unwrap();
        let found = store.find_user(tenant, theirs).await.unwrap();
        assert_eq!(found, Some(user));
    }
}

/// To every method, a person of another tenant is nobody.
pub async fn a_person_of_another_tenant_is_nobody<S: IdentityAdmin>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, elsewhere) = (trial.known_tenant().await, trial.known_tenant().await);
    let user = trial.new_user(tenant).await;
    store.create_user(&user).await.unwrap();
    let theirs = user.identifiers.first().unwrap();

    assert_eq!(store.user(elsewhere, user.id).await.unwrap(), None);
    assert_eq!(store.find_user(elsewhere, theirs).await.unwrap(), None);
    assert_eq!(store.users(elsewhere, None, 1000).await.unwrap(), []);
    let new = [email("new")];
    let set = store.set_identifiers(elsewhere, user.id, &new).await;
    assert!(!set.unwrap());
    let empty = json!({});
    let set = store.set_profile(elsewhere, user.id, &empty).await;
    assert!(!set.unwrap());
    assert!(!store.remove_user(elsewhere, user.id).await.unwrap());
    assert_eq!(store.user(tenant, user.id).await.unwrap(), Some(user));
}

/// Nobody is found, changed or removed where nobody is.
pub async fn nobody_is_none<S: IdentityAdmin>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.known_tenant().await;
    for user in [trial.free_id(tenant).await, UserId::SYSTEM] {
        assert_eq!(store.user(tenant, user).await.unwrap(), None);
        assert!(!store.set_identifiers(tenant, user, &[]).await.unwrap());
        assert!(!store.set_profile(tenant, user, &json!({})).await.unwrap());
        assert!(!store.remove_user(tenant, user).await.unwrap());
    }
    let nobodys = email("nobody");
    assert_eq!(store.find_user(tenant, &nobodys).await.unwrap(), None);
}

/// The same address in two tenants is two people.
pub async fn the_same_address_in_two_tenants_is_two_people<S: IdentityAdmin>(trial: Trial<S>) {
    let store = &trial.store;
    let mut people = Vec::new();
    for _ in 0..2 {
        let tenant = trial.known_tenant().await;
        let mut user = trial.new_user(tenant).await;
        user.identifiers = vec![email("ada")];
        store.create_user(&user).await.unwrap();
        people.push(user);
    }
    for user in people {
        let found = store.find_user(user.tenant, &email("ada")).await.unwrap();
        assert_eq!(found, Some(user));
    }
}

/// Creating the same person again is done already and changes nothing.
pub async fn creating_the_same_person_again_changes_nothing<S: IdentityAdmin>(trial: Trial<S>) {
    let store = &trial.store;
    let user = trial.new_user(trial.known_tenant().await).await;
    store.create_user(&user).await.unwrap();
    let mut again = user.clone();
    again.profile = json!({ "other": true });
    store.create_user(&again).await.unwrap();
    let found = store.user(user.tenant, user.id).await.unwrap();
    assert_eq!(found, Some(user));
}

/// An id for somebody new is given out once, to many who ask at once and after its person is gone.
pub async fn an_id_is_given_out_once<S: IdentityAdmin>(trial: Trial<S>) {
    let tenant = trial.known_tenant().await;
    let gone = trial.known_user(tenant).await;
    assert!(trial.store.remove_user(tenant, gone.id).await.unwrap());
    let offered: Vec<UserId> = (0..32).map(|_| UserId::from_bytes(trial.id())).collect();
    let mut given = trial
        .race(offered.len(), |index, store| {
            let offered = offered.get(index).copied().unwrap();
            async move { store.new_user_id(tenant, offered).await.unwrap() }
        })
        .await;
    given.push(gone.id);
    given.sort_unstable();
    given.dedup();
    assert_eq!(given.len(), offered.len() + 1);
    assert!(!given.contains(&UserId::SYSTEM));
}

/// Whoever takes a taken identifier is not created.
pub async fn a_taken_identifier_is_a_conflict<S: IdentityAdmin>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.known_tenant().await;
    let first = trial.new_user(tenant).await;
    store.create_user(&first).await.unwrap();
    let mut second = trial.new_user(tenant).await;
    second.identifiers.extend(first.identifiers.clone());
    let error = store.create_user(&second).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Conflict);
    assert_eq!(store.user(tenant, second.id).await.unwrap(), None);
    let free = second.identifiers.first().unwrap();
    assert_eq!(store.find_user(tenant, free).await.unwrap(), None);
}

/// An id belongs to one tenant, and the system's to nobody.
pub async fn an_id_of_another_tenant_or_the_system_is_a_conflict<S: IdentityAdmin>(
    trial: Trial<S>,
) {
    let store = &trial.store;
    let (tenant, elsewhere) = (trial.known_tenant().await, trial.known_tenant().await);
    let there = trial.new_user(tenant).await;
    store.create_user(&there).await.unwrap();
    for taken in [there.id, UserId::SYSTEM] {
        let mut user = trial.new_user(elsewhere).await;
        user.id = taken;
        let error = store.create_user(&user).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Conflict);
        assert_eq!(store.user(elsewhere, taken).await.unwrap(), None);
    }
}

/// A person's identifiers are replaced as a whole: kept ones stay theirs, dropped ones are free.
pub async fn identifiers_are_replaced_as_a_whole<S: IdentityAdmin>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.known_tenant().await;
    let mut user = trial.new_user(tenant).await;
    user.identifiers = vec![email("old"), email("kept")];
    store.create_user(&user).await.unwrap();
    user.identifiers = vec![email("kept"), email("new")];
    let set = store.set_identifiers(tenant, user.id, &user.identifiers);
    assert!(set.await.unwrap());
    for name in ["kept", "new"] {
        let found = store.find_user(tenant, &email(name)).await.unwrap();
        assert_eq!(found, Some(user.clone()));
    }
    let mut heir = trial.new_user(tenant).await;
    heir.identifiers = vec![email("old")];
    store.create_user(&heir).await.unwrap();
    let found = store.find_user(tenant, &email("old")).await.unwrap();
    assert_eq!(found, Some(heir));
}

/// Taking somebody else's identifier changes none.
pub async fn replacing_identifiers_takes_nobody_elses<S: IdentityAdmin>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.known_tenant().await;
    let (user, other) = (trial.new_user(tenant).await, trial.new_user(tenant).await);
    for user in [&user, &other] {
        store.create_user(user).await.unwrap();
    }
    let mut wanted = vec![email("new")];
    wanted.extend(other.identifiers.clone());
    let set = store.set_identifiers(tenant, user.id, &wanted);
    assert_eq!(set.await.unwrap_err().kind(), StoreErrorKind::Conflict);
    for user in [user, other] {
        let theirs = user.identifiers.first().unwrap();
        let found = store.find_user(tenant, theirs).await.unwrap();
        assert_eq!(found, Some(user));
    }
    let found = store.find_user(tenant, &email("new")).await.unwrap();
    assert_eq!(found, None);
}

/// A profile is replaced, not merged.
pub async fn a_profile_is_replaced<S: IdentityAdmin>(trial: Trial<S>) {
    let store = &trial.store;
    let mut user = trial.new_user(trial.known_tenant().await).await;
    store.create_user(&user).await.unwrap();
    user.profile = json!({ "n": 9_007_199_254_740_993_u64, "x": "\u{1f980}\"\\" });
    let set = store.set_profile(user.tenant, user.id, &user.profile);
    assert!(set.await.unwrap());
    let found = store.user(user.tenant, user.id).await.unwrap();
    assert_eq!(found, Some(user));
}

/// A removed person is gone, once, and their identifiers are free.
pub async fn a_removed_person_is_gone_and_their_identifiers_are_free<S: IdentityAdmin>(
    trial: Trial<S>,
) {
    let store = &trial.store;
    let tenant = trial.known_tenant().await;
    let user = trial.new_user(tenant).await;
    store.create_user(&user).await.unwrap();
    assert!(store.remove_user(tenant, user.id).await.unwrap());
    assert!(!store.remove_user(tenant, user.id).await.unwrap());
    assert_eq!(store.user(tenant, user.id).await.unwrap(), None);
    let mut heir = trial.new_user(tenant).await;
    heir.identifiers.clone_from(&user.identifiers);
    assert_eq!(found(store.as_ref(), &user).await, None);
    store.create_user(&heir).await.unwrap();
    assert_eq!(found(store.as_ref(), &user).await, Some(heir));
}

async fn found<S: IdentityAdmin>(store: &S, user: &User) -> Option<User> {
    let identifier = user.identifiers.first().unwrap();
    store.find_user(user.tenant, identifier).await.unwrap()
}

/// People of a tenant are listed by id, page by page.
pub async fn people_are_listed_by_id_page_by_page<S: IdentityAdmin>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, elsewhere) = (trial.known_tenant().await, trial.known_tenant().await);
    let mut people = Vec::new();
    for _ in 0..7 {
        let user = trial.new_user(tenant).await;
        store.create_user(&user).await.unwrap();
        people.push(user);
        let stranger = trial.new_user(elsewhere).await;
        store.create_user(&stranger).await.unwrap();
    }
    people.sort_by_key(|user| user.id);
    assert_eq!(store.users(tenant, None, 1000).await.unwrap(), people);

    let mut listed: Vec<User> = Vec::new();
    while listed.len() <= people.len() {
        let last = listed.last().map(|user| user.id);
        let page = store.users(tenant, last, 3).await.unwrap();
        assert!(page.len() <= 3);
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    assert_eq!(listed, people);
    let unknown = TenantId::from_bytes(trial.id());
    assert_eq!(store.users(unknown, None, 10).await.unwrap(), []);
}

// CC-01, CC-06
/// Of many who want one identifier at once, one gets it.
pub async fn one_of_many_gets_an_identifier<S: IdentityAdmin>(trial: Trial<S>) {
    let tenant = trial.known_tenant().await;
    for round in 0..rounds() / 4 {
        let wanted = vec![email(&format!("ada{round}"))];
        let callers = 32;
        let mut users = Vec::new();
        for _ in 0..callers {
            users.push(User {
                identifiers: wanted.clone(),
                ..trial.new_user(tenant).await
            });
        }
        let created = trial
            .race(callers, |index, store| {
                let user = users.get(index).cloned().unwrap();
                async move { store.create_user(&user).await }
            })
            .await;
        assert_eq!(created.iter().filter(|created| created.is_ok()).count(), 1);
        for error in created.into_iter().filter_map(Result::err) {
            assert_eq!(error.kind(), StoreErrorKind::Conflict);
        }
    }
}
