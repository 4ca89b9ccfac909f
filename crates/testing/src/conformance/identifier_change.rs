//! One identifier in the place of another, in directory and security family at once.

use portcullis_core::along::{Along, Refusal};
use portcullis_core::entity::{Account, IdentifierChange};
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::identifier::Identifier;
use portcullis_core::state::EntityState;
use portcullis_core::store::{Activation, IdentityStore};
use portcullis_core::verification::{TokenKind, TokenRejection};

use super::expect::{applied, refused, winners};
use super::sample::{after, email, spend};
use super::trial::{Trial, rounds};

/// A person with these addresses, all of them proved, who is called by the first.
async fn person<S: IdentityStore>(
    trial: &Trial<S>,
    tenant: TenantId,
    addresses: Vec<Identifier>,
) -> UserId {
    let mut enrolment = trial.new_enrolment(tenant).await;
    enrolment.handle = addresses.first().unwrap().raw.clone();
    enrolment.user.identifiers = addresses;
    enrolment.verified = true;
    trial.enrolled(&enrolment).await
}

fn change(tenant: TenantId, user: UserId, from: &Identifier, to: &Identifier) -> IdentifierChange {
    IdentifierChange {
        tenant,
        user,
        from: from.clone(),
        to: to.clone(),
        now: after(5),
    }
}

async fn account<S: IdentityStore>(trial: &Trial<S>, tenant: TenantId, user: UserId) -> Account {
    trial.store.account(tenant, user).await.unwrap().unwrap()
}

fn proved_of(account: &Account) -> Vec<&str> {
    let proved = account.verified.iter();
    proved.map(|proved| proved.canonical.as_str()).collect()
}

/// The new identifier stands where the old one stood, in the directory, among what is proved and in the name that is
/// shown; of the old one nothing is left, and somebody else may have it.
pub async fn an_identifier_takes_the_place_of_another<S: IdentityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.founded().await;
    let (old, new, second) = (email("old"), email("new"), email("second"));
    let user = person(&trial, tenant, vec![old.clone(), second.clone()]).await;
    let change = change(tenant, user, &old, &new);
    applied(store.change_identifier(&change, Along::default()).await);
    let found = store.find_user(tenant, &new).await.unwrap().unwrap();
    assert_eq!(found.id, user);
    assert_eq!(found.identifiers, [new.clone(), second.clone()]);
    assert_eq!(store.find_user(tenant, &old).await.unwrap(), None);
    let account = account(&trial, tenant, user).await;
    assert_eq!(proved_of(&account), [&new.canonical, &second.canonical]);
    assert_eq!(account.verified.first().unwrap().at, after(5));
    assert_eq!(account.handle, new.raw);
    person(&trial, tenant, vec![old]).await;
}

/// Another spelling of the same address is a change too; what was not proved before is proved then, and a handle that
/// is something else stays.
pub async fn a_spelling_is_changed_like_an_identifier<S: IdentityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let mut enrolment = trial.new_enrolment(trial.founded().await).await;
    enrolment.user.identifiers = vec![email("ada")];
    enrolment.handle = "Countess".to_owned();
    let (tenant, user) = (enrolment.user.tenant, trial.enrolled(&enrolment).await);
    let mut spelled = email("ada");
    spelled.raw = "Ada@example.com".to_owned();
    let change = change(tenant, user, &email("ada"), &spelled);
    applied(store.change_identifier(&change, Along::default()).await);
    let found = store.user(tenant, user).await.unwrap().unwrap();
    assert_eq!(found.identifiers, [spelled.clone()]);
    let account = account(&trial, tenant, user).await;
    assert_eq!(proved_of(&account), [&spelled.canonical]);
    assert_eq!(account.handle, "Countess");
}

/// What is taken, gone or nobody's is not changed, and no token is used up for it.
pub async fn a_refused_change_changes_nothing<S: IdentityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.founded().await;
    let (old, new, taken) = (email("old"), email("new"), email("taken"));
    let user = person(&trial, tenant, vec![old.clone(), email("second")]).await;
    person(&trial, tenant, vec![taken.clone()]).await;
    let token = trial.new_token(TokenKind::EmailChange, tenant, Some(user));
    applied(
        store
            .record(Along::default().with_issue(token.clone()))
            .await,
    );
    let elsewhere = trial.founded().await;
    let nobody = trial.free_id(tenant).await;
    let attempts = [
        (change(tenant, user, &old, &taken), Refusal::IdentifierTaken),
        (
            change(tenant, user, &old, &email("second")),
            Refusal::IdentifierTaken,
        ),
        (change(tenant, user, &email("other"), &new), Refusal::Stale),
        (change(tenant, nobody, &old, &new), Refusal::NotFound),
        (change(elsewhere, user, &old, &new), Refusal::NotFound),
    ];
    for (change, expected) in attempts {
        let along = Along::default().with_spend(spend(&token, after(5)));
        let along = match expected {
            // A token of another tenant would be refused first.
            Refusal::NotFound => Along::default(),
            _ => along.with_epoch_of(tenant, user),
        };
        let changed = store.change_identifier(&change, along).await;
        assert_eq!(refused(changed), expected);
        let found = store.find_user(tenant, &old).await.unwrap().unwrap();
        assert_eq!(found.identifiers, [old.clone(), email("second")]);
        assert_eq!(store.find_user(tenant, &new).await.unwrap(), None);
        let account = account(&trial, tenant, user).await;
        assert_eq!(
            proved_of(&account),
            [&old.canonical, &email("second").canonical]
        );
        assert_eq!(account.epoch.0, 0);
        let kept = store.peek(token.id).await.unwrap().unwrap();
        assert_eq!(kept.consumed_at, None);
    }
}

// OT-03, OT-06
/// The change, its token and the epoch commit together; a token is good for one change.
pub async fn a_change_spends_its_token_once<S: IdentityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.founded().await;
    let (old, new) = (email("old"), email("new"));
    let user = person(&trial, tenant, vec![old.clone()]).await;
    let token = trial.new_token(TokenKind::EmailChange, tenant, Some(user));
    let other = trial.new_token(TokenKind::MagicLink, tenant, Some(user));
    for token in [&token, &other] {
        applied(
            store
                .record(Along::default().with_issue(token.clone()))
                .await,
        );
    }
    let along = || {
        Along::default()
            .with_spend(spend(&token, after(5)))
            .with_epoch_of(tenant, user)
    };
    let there = change(tenant, user, &old, &new);
    applied(store.change_identifier(&there, along()).await);
    assert_eq!(account(&trial, tenant, user).await.epoch.0, 1);
    let back = change(tenant, user, &new, &old);
    let again = store.change_identifier(&back, along()).await;
    assert_eq!(refused(again), Refusal::Token(TokenRejection::Consumed));
    let spent = store
        .record(Along::default().with_spend(spend(&other, after(5))))
        .await;
    assert_eq!(refused(spent), Refusal::Token(TokenRejection::Superseded));
}

// CC-01, CC-06
/// Of many who want one address at once, one gets it.
pub async fn of_many_changes_to_one_identifier_one_is_made<S: IdentityStore>(trial: Trial<S>) {
    let tenant = trial.founded().await;
    for round in 0..rounds() / 4 {
        let mut people = Vec::new();
        for n in 0..16 {
            let own = email(&format!("own{round}-{n}"));
            people.push((person(&trial, tenant, vec![own.clone()]).await, own));
        }
        let wanted = email(&format!("wanted{round}"));
        let changed = trial
            .race(people.len(), |n, store| {
                let (user, own) = people.get(n).unwrap();
                let change = change(tenant, *user, own, &wanted);
                async move { store.change_identifier(&change, Along::default()).await }
            })
            .await;
        assert_eq!(winners(changed, Refusal::IdentifierTaken), 1);
        let mut proved_by = 0;
        for (user, _) in &people {
            let account = account(&trial, tenant, *user).await;
            proved_by += usize::from(proved_of(&account) == [&wanted.canonical]);
        }
        assert_eq!(proved_by, 1);
    }
}

/// A pending account with an address and a user name, which is called by the address.
async fn sign_up<S: IdentityStore>(
    trial: &Trial<S>,
    tenant: TenantId,
    address: &Identifier,
) -> UserId {
    let mut enrolment = trial.new_enrolment(tenant).await;
    let name = format!("n{:x}", trial.below(u64::MAX));
    enrolment.user.identifiers = vec![address.clone(), Identifier::username(&name).unwrap()];
    enrolment.handle.clone_from(&address.raw);
    enrolment.state = EntityState::Pending;
    trial.enrolled(&enrolment).await
}

fn proof(of: &Identifier) -> Activation {
    Activation {
        kind: of.kind,
        canonical: of.canonical.clone(),
        activate: true,
        spelling: Some(of.raw.clone()),
        factor: None,
        now: after(5),
    }
}

fn spelled(raw: &str) -> Identifier {
    let spelled = Identifier::email(raw).unwrap();
    assert!(spelled.is_same(&email("ada")));
    spelled
}

// OT-07
/// The latest sign-up says which spelling of an address can be proved, the directory says the one that was; what went to
/// another one proves nothing, and no token is used up for it.
pub async fn the_spelling_that_is_proved_is_written_down<S: IdentityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.founded().await;
    let (first, second) = (spelled("Ada@example.com"), spelled("ADA@example.com"));
    let user = sign_up(&trial, tenant, &first).await;
    let held = async || store.user(tenant, user).await.unwrap().unwrap().identifiers;
    let before = held().await;
    let again = store.sign_up_again(tenant, user, &second.raw, Along::default());
    applied(again.await);
    assert_eq!(held().await, before, "nothing is proved");

    let token = trial.new_token(TokenKind::PasswordReset, tenant, Some(user));
    let issue = Along::default().with_issue(token.clone());
    applied(store.record(issue).await);
    let spending = || Along::default().with_spend(spend(&token, after(5)));
    let proved = store.prove(tenant, user, &proof(&first), spending()).await;
    assert_eq!(refused(proved), Refusal::Stale);
    let elsewhere = trial.founded().await;
    let nobody = trial.free_id(tenant).await;
    for (tenant, user) in [(elsewhere, user), (tenant, nobody)] {
        let proof = proof(&second);
        let proved = store.prove(tenant, user, &proof, Along::default()).await;
        assert_eq!(refused(proved), Refusal::NotFound);
    }
    let mut wrong = spend(&token, after(5));
    wrong.kind = TokenKind::Invite;
    let along = Along::default().with_spend(wrong);
    let proved = store.prove(tenant, user, &proof(&second), along).await;
    assert_eq!(refused(proved), Refusal::Token(TokenRejection::OtherKind));
    assert_eq!(held().await, before);

    let proved = store.prove(tenant, user, &proof(&second), spending()).await;
    applied(proved);
    let mut after_it = before.clone();
    after_it[0] = second.clone();
    assert_eq!(held().await, after_it);
    let active = account(&trial, tenant, user).await;
    assert_eq!(active.status.state, EntityState::Active);
    assert_eq!(active.handle, second.raw);
    assert_eq!(proved_of(&active), [&second.canonical]);
    for spelling in [&first, &second] {
        let proof = proof(spelling);
        let again = store.prove(tenant, user, &proof, Along::default()).await;
        let from = EntityState::Active;
        assert_eq!(refused(again), Refusal::Transition { from });
    }
    assert_eq!(held().await, after_it);
}

/// Without a spelling an address is proved as it is.
pub async fn a_proof_without_a_spelling_leaves_it<S: IdentityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.founded().await;
    let address = spelled("Ada@example.com");
    let user = sign_up(&trial, tenant, &address).await;
    let before = store.user(tenant, user).await.unwrap();
    let mut proof = proof(&address);
    proof.spelling = None;
    applied(store.prove(tenant, user, &proof, Along::default()).await);
    assert_eq!(store.user(tenant, user).await.unwrap(), before);
    let active = account(&trial, tenant, user).await;
    assert_eq!(active.status.state, EntityState::Active);
}

// CC-01, OT-07
/// Of sign-ups and proofs in two spellings at once, one is proved, and it is the one in the directory.
pub async fn of_two_spellings_at_once_one_is_proved<S: IdentityStore>(trial: Trial<S>) {
    let tenant = trial.founded().await;
    for round in 0..rounds() / 4 {
        let spellings = ["first", "FIRST"].map(|name| {
            let raw = format!("{name}{round}@example.com");
            Identifier::email(&raw).unwrap()
        });
        let [first, second] = &spellings;
        let user = sign_up(&trial, tenant, first).await;
        let done = trial
            .race(12, |index, store| {
                let spelling = spellings[index / 2 % 2].clone();
                async move {
                    let none = Along::default();
                    match index % 2 {
                        0 => store.sign_up_again(tenant, user, &spelling.raw, none).await,
                        _ => store.prove(tenant, user, &proof(&spelling), none).await,
                    }
                }
            })
            .await;
        for write in done {
            let refusal = write.unwrap().refusal().copied();
            let from = EntityState::Active;
            let expected = [Refusal::Stale, Refusal::Transition { from }];
            assert!(refusal.is_none_or(|refusal| expected.contains(&refusal)));
        }
        let found = trial.store.user(tenant, user).await.unwrap().unwrap();
        let account = account(&trial, tenant, user).await;
        if account.status.state == EntityState::Active {
            assert_eq!(found.email().unwrap().raw, account.handle);
        }
        let held = found.email().unwrap();
        assert!(held == first || held == second);
    }
}
