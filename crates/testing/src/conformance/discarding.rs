//! A sign-up that nobody proved is removed whole, and one that proves itself is not.

use portcullis_core::along::{Along, Refusal, Write};
use portcullis_core::entity::{Enrolment, Unproved};
use portcullis_core::factor::FactorKind;
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::state::{EntityState, Status};
use portcullis_core::store::{Activation, IdentityStore};
use portcullis_core::verification::TokenKind;

use super::expect::{applied, refused, winners};
use super::sample::{START, after, email, password};
use super::trial::{Trial, rounds};

/// Long after every link's end.
const NOW: u64 = 10_000;

async fn pending<S: IdentityStore>(trial: &Trial<S>, tenant: TenantId, name: &str) -> Enrolment {
    let mut enrolment = trial.new_enrolment(tenant).await;
    enrolment.user.identifiers = vec![email(name)];
    enrolment.state = EntityState::Pending;
    enrolment.factor = Some(password("a stranger's"));
    trial.enrolled(&enrolment).await;
    enrolment
}

fn unproved(tenant: TenantId, user: UserId) -> Unproved {
    Unproved {
        tenant,
        user,
        pending_since: START,
        now: after(NOW),
    }
}

fn proof(enrolment: &Enrolment, activate: bool) -> Activation {
    let address = enrolment.user.identifiers.first().unwrap();
    Activation {
        kind: address.kind,
        canonical: address.canonical.clone(),
        activate,
        spelling: None,
        factor: Some(password("the owner's")),
        now: after(NOW),
    }
}

async fn is_whole<S: IdentityStore>(trial: &Trial<S>, enrolment: &Enrolment, state: EntityState) {
    let (store, user) = (&trial.store, &enrolment.user);
    let found = store.user(user.tenant, user.id).await.unwrap();
    assert_eq!(found.as_ref(), Some(user));
    let account = store.account(user.tenant, user.id).await.unwrap();
    assert_eq!(account.unwrap().status.state, state);
    let loaded = store.load_factor(user.tenant, user.id, FactorKind::Password);
    assert!(loaded.await.unwrap().unwrap().factor.is_some());
}

async fn is_gone<S: IdentityStore>(trial: &Trial<S>, enrolment: &Enrolment) {
    let (store, user) = (&trial.store, &enrolment.user);
    assert_eq!(store.user(user.tenant, user.id).await.unwrap(), None);
    let account = store.account(user.tenant, user.id).await.unwrap();
    assert_eq!(account, None);
    let loaded = store.load_factor(user.tenant, user.id, FactorKind::Password);
    assert_eq!(loaded.await.unwrap(), None);
}

/// Person, account, factor and links are gone, and the address is free.
pub async fn a_sign_up_that_nobody_proved_leaves_nothing<S: IdentityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.founded().await;
    let enrolment = pending(&trial, tenant, "ada").await;
    let user = enrolment.user.id;
    let link = trial.new_token(TokenKind::EmailVerification, tenant, Some(user));
    applied(
        store
            .record(Along::default().with_issue(link.clone()))
            .await,
    );
    let unproved = unproved(tenant, user);
    applied(store.discard(&unproved, Along::default()).await);
    is_gone(&trial, &enrolment).await;
    assert!(
        store.peek(link.id).await.unwrap().is_none(),
        "a link is left"
    );
    let again = store.discard(&unproved, Along::default()).await;
    assert_eq!(refused(again), Refusal::NotFound);
    pending(&trial, tenant, "ada").await;
}

/// ERA-4: what is young, proved, may still be proved, or is no sign-up stays as it is, and nothing happens along.
pub async fn what_may_yet_be_proved_is_not_discarded<S: IdentityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.founded().await;
    let young = pending(&trial, tenant, "young").await;
    let proved = pending(&trial, tenant, "proved").await;
    let activation = proof(&proved, false);
    let user = proved.user.id;
    applied(
        store
            .verify_identifier(tenant, user, &activation, Along::default())
            .await,
    );
    let linked = pending(&trial, tenant, "linked").await;
    let mut link = trial.new_token(TokenKind::PasswordReset, tenant, Some(linked.user.id));
    link.expires_at = after(NOW + 1);
    applied(store.record(Along::default().with_issue(link)).await);
    let mut attempts = vec![
        (
            young,
            START.minus(std::time::Duration::from_micros(1)),
            Refusal::Stale,
        ),
        (proved, START, Refusal::Stale),
        (linked, START, Refusal::Stale),
    ];
    for state in [
        EntityState::Candidate,
        EntityState::Active,
        EntityState::Suspended,
        EntityState::Terminated,
    ] {
        let mut other = trial.new_enrolment(tenant).await;
        (other.state, other.factor) = (state, Some(password("theirs")));
        trial.enrolled(&other).await;
        attempts.push((other, START, Refusal::Transition { from: state }));
    }
    for (enrolment, pending_since, expected) in attempts {
        let user = enrolment.user.id;
        let before = store.account(tenant, user).await.unwrap().unwrap();
        let along = Along::default().with_epoch_of(tenant, user);
        let unproved = Unproved {
            pending_since,
            ..unproved(tenant, user)
        };
        let discarded = store.discard(&unproved, along).await;
        assert_eq!(refused(discarded), expected);
        is_whole(&trial, &enrolment, before.status.state).await;
        let account = store.account(tenant, user).await.unwrap();
        assert_eq!(account, Some(before));
        let elsewhere = trial.founded().await;
        let unproved = self::unproved(elsewhere, user);
        let discarded = store.discard(&unproved, Along::default()).await;
        assert_eq!(refused(discarded), Refusal::NotFound);
    }
}

// CC-01, CC-06
/// ERA-4: of a proof and the end of the sign-up one happens, whole.
pub async fn a_proof_that_races_the_end_is_whole_or_nothing<S: IdentityStore>(trial: Trial<S>) {
    let tenant = trial.founded().await;
    for round in 0..rounds() {
        // Not every proof activates.
        let activate = round % 2 == 0;
        let enrolment = pending(&trial, tenant, &format!("ada{round}")).await;
        let user = enrolment.user.id;
        let ended = trial
            .race(4, |task, store| {
                let (activation, unproved) = (proof(&enrolment, activate), unproved(tenant, user));
                async move {
                    let none = Along::default();
                    if task % 2 == 0 {
                        let proved = store.verify_identifier(tenant, user, &activation, none);
                        matches!(proved.await.unwrap(), Write::Applied(()))
                    } else {
                        let gone = store.discard(&unproved, none).await.unwrap();
                        matches!(gone, Write::Applied(()))
                    }
                }
            })
            .await;
        let proved = ended[0] || ended[2];
        let discarded = ended[1] || ended[3];
        assert_ne!(proved, discarded, "both or neither");
        if proved {
            let state = match activate {
                true => EntityState::Active,
                false => EntityState::Pending,
            };
            is_whole(&trial, &enrolment, state).await;
        } else {
            is_gone(&trial, &enrolment).await;
        }
    }
}

// CC-01
/// Of many who discard a sign-up at once, one does.
pub async fn of_many_who_discard_a_sign_up_one_does<S: IdentityStore>(trial: Trial<S>) {
    let tenant = trial.founded().await;
    for round in 0..rounds() / 4 {
        let enrolment = pending(&trial, tenant, &format!("ada{round}")).await;
        let user = enrolment.user.id;
        let discarded = trial
            .race(8, |_, store| {
                let unproved = unproved(tenant, user);
                async move { store.discard(&unproved, Along::default()).await }
            })
            .await;
        assert_eq!(winners(discarded, Refusal::NotFound), 1);
        is_gone(&trial, &enrolment).await;
    }
}

/// Those that may go are listed longest first, of one tenant, up to a limit; a sign-up that is closed and was left there
/// is among them until it is removed.
pub async fn sign_ups_that_may_go_are_listed_longest_first<S: IdentityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, elsewhere) = (trial.founded().await, trial.founded().await);
    pending(&trial, elsewhere, "elsewhere").await;
    let mut ids = Vec::new();
    for secs in [30, 10, 20] {
        let mut enrolment = trial.new_enrolment(tenant).await;
        enrolment.state = EntityState::Pending;
        enrolment.now = after(secs);
        ids.push((secs, trial.enrolled(&enrolment).await));
    }
    ids.sort_unstable();
    let ids: Vec<UserId> = ids.into_iter().map(|(_, id)| id).collect();
    let proved = pending(&trial, tenant, "proved").await;
    let activation = proof(&proved, false);
    let user = proved.user.id;
    applied(
        store
            .verify_identifier(tenant, user, &activation, Along::default())
            .await,
    );
    let page = async |secs, from, limit| {
        let listed = store.unproved_accounts(tenant, after(secs), after(NOW), from, limit);
        listed.await.unwrap()
    };
    let listed = async |secs, limit| -> Vec<UserId> {
        let listed = page(secs, None, limit).await;
        listed.into_iter().map(|due| due.user).collect()
    };
    assert_eq!(listed(30, 10).await, ids);
    assert_eq!(listed(30, 2).await, ids[..2]);
    assert_eq!(listed(29, 10).await, ids[..2]);
    assert!(listed(9, 10).await.is_empty());
    let closing = Unproved {
        pending_since: after(30),
        ..unproved(tenant, ids[0])
    };
    applied(store.close_unproved(&closing, Along::default()).await);
    // It is closed last, and whatever else may go.
    assert_eq!(listed(9, 10).await, [ids[0]]);
    assert_eq!(listed(30, 10).await, [ids[1], ids[2], ids[0]]);
    // Page by page, those to be closed and those that are.
    let (mut seen, mut from) = (Vec::new(), None);
    while let Some(due) = page(30, from, 1).await.pop() {
        seen.push(due.user);
        from = Some(due);
    }
    assert_eq!(seen, [ids[1], ids[2], ids[0]]);
    let removed = store.remove_unproved(tenant, ids[0], Along::default());
    applied(removed.await);
    assert_eq!(listed(30, 10).await, ids[1..]);
}

/// The two steps of discarding, where the directory is another store's: closed first, with the epoch moved, and removed
/// once. No other account is removed.
pub async fn a_sign_up_is_closed_and_then_removed<S: IdentityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.founded().await;
    let enrolment = pending(&trial, tenant, "ada").await;
    let user = enrolment.user.id;
    let none = Along::default;
    let early = store.remove_unproved(tenant, user, none()).await;
    let from = EntityState::Pending;
    assert_eq!(refused(early), Refusal::Transition { from });
    let unproved = unproved(tenant, user);
    applied(store.close_unproved(&unproved, none()).await);
    let account = store.account(tenant, user).await.unwrap().unwrap();
    assert_eq!(account.status.state, EntityState::Terminated);
    assert_eq!(account.epoch.0, 1);
    let again = store.close_unproved(&unproved, none()).await;
    let from = EntityState::Terminated;
    assert_eq!(refused(again), Refusal::Transition { from });
    let activation = proof(&enrolment, true);
    let late = store.verify_identifier(tenant, user, &activation, none());
    assert_eq!(refused(late.await), Refusal::Transition { from });
    applied(store.remove_unproved(tenant, user, none()).await);
    let gone = store.remove_unproved(tenant, user, none()).await;
    assert_eq!(refused(gone), Refusal::NotFound);
    let closed = pending(&trial, tenant, "eve").await.user.id;
    let status = Status::new(EntityState::Terminated, after(1));
    applied(store.set_state(tenant, closed, &status, none()).await);
    let refusal = store.remove_unproved(tenant, closed, none()).await;
    assert_eq!(refused(refusal), Refusal::Transition { from });
}
