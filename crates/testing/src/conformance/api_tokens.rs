//! API tokens.

use portcullis_core::along::{Along, Refusal};
use portcullis_core::api_token::ApiToken;
use portcullis_core::id::{ApiTokenId, TenantId, UserId};
use portcullis_core::state::{EntityState, Status};
use portcullis_core::store::SecurityStore;
use portcullis_core::time::Timestamp;

use super::expect::{applied, assert_same_api_token, refused, winners};
use super::sample::{EXTREMES, START, after, just_before};
use super::trial::{Trial, rounds};

const CAP: u32 = 10;

impl<S: SecurityStore> Trial<S> {
    async fn create(&self, token: ApiToken) -> ApiToken {
        let created = self.store.create_api_token(&token, CAP, Along::default());
        applied(created.await);
        token
    }

    async fn listed(&self, owner: (TenantId, UserId), now: Timestamp) -> Vec<ApiTokenId> {
        let listed = self.store.list_api_tokens(owner.0, owner.1, now).await;
        listed.unwrap().iter().map(|token| token.id).collect()
    }
}

/// A token reads back whole, with its owner's state.
pub async fn a_token_is_resolved_with_its_owner<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    let mut endless = trial.new_api_token(tenant, user);
    (endless.expires_at, endless.ip_allowlist) = (None, Default::default());
    for token in [trial.new_api_token(tenant, user), endless] {
        let token = trial.create(token).await;
        let resolved = store.resolve_api_token(token.id).await.unwrap().unwrap();
        assert_same_api_token(&resolved.token, &token);
        let subject = store.subject_state(tenant, user).await.unwrap();
        assert_eq!(Some(resolved.subject), subject);
    }
    let unknown = ApiTokenId::from_bytes(trial.id());
    assert!(store.resolve_api_token(unknown).await.unwrap().is_none());
}

// SE-05
/// A token is resolved in whatever condition, and so is its owner: what that means is decided elsewhere.
pub async fn a_token_is_resolved_in_whatever_condition<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    let token = trial.create(trial.new_api_token(tenant, user)).await;
    let revoked = store.revoke_api_token(tenant, user, token.id, after(1), Along::default());
    applied(revoked.await);
    let suspended = Status::new(EntityState::Suspended, after(2));
    let set = store.set_state(tenant, user, &suspended, Along::default());
    applied(set.await);
    let resolved = store.resolve_api_token(token.id).await.unwrap().unwrap();
    assert_eq!(resolved.token.revoked_at, Some(after(1)));
    assert_eq!(resolved.subject.user_status, suspended);
}

/// Nobody, and nobody of another tenant, gets a token; no id is given twice.
pub async fn a_token_needs_an_owner_and_an_id_of_its_own<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    let there = trial.create(trial.new_api_token(tenant, user)).await;
    let stranger = trial.person(tenant).await;
    let mut same_id = trial.new_api_token(tenant, stranger);
    same_id.id = there.id;
    let cases = [
        (
            trial.new_api_token(tenant, trial.nobody()),
            Refusal::NotFound,
        ),
        (
            trial.new_api_token(trial.tenant().await, user),
            Refusal::NotFound,
        ),
        (same_id, Refusal::Exists),
    ];
    for (token, why) in cases {
        let created = store.create_api_token(&token, CAP, Along::default()).await;
        assert_eq!(refused(created), why);
    }
    let resolved = store.resolve_api_token(there.id).await.unwrap().unwrap();
    assert_same_api_token(&resolved.token, &there);
}

/// A person has no more live tokens than the cap; revoked and ended ones do not count.
pub async fn the_cap_counts_live_tokens<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    let other = trial.person(tenant).await;
    trial.create(trial.new_api_token(tenant, other)).await;
    let create = |token: ApiToken, cap| async move {
        store.create_api_token(&token, cap, Along::default()).await
    };
    let new = || trial.new_api_token(tenant, user);
    let reached = |limit| Refusal::LimitReached { limit };
    assert_eq!(refused(create(new(), 0).await), reached(0));
    let mut ending = new();
    ending.expires_at = Some(after(60));
    let (ending, revoked) = (ending.clone(), new());
    for token in [&ending, &revoked] {
        applied(create(token.clone(), 2).await);
    }
    assert_eq!(refused(create(new(), 2).await), reached(2));
    assert_eq!(trial.listed((tenant, user), START).await.len(), 2);

    let revoke = store.revoke_api_token(tenant, user, revoked.id, after(1), Along::default());
    applied(revoke.await);
    applied(create(new(), 2).await);
    let at = |now| ApiToken {
        created_at: now,
        ..new()
    };
    let last = just_before(after(60));
    assert_eq!(refused(create(at(last), 2).await), reached(2));
    applied(create(at(after(60)), 2).await);
}

// CC-01
/// Many who make tokens at once fill the cap exactly.
pub async fn a_burst_fills_the_cap_exactly<S: SecurityStore>(trial: Trial<S>) {
    let tenant = trial.tenant().await;
    for _ in 0..rounds() / 4 {
        let user = trial.person(tenant).await;
        let created = trial
            .race(64, |_, store| {
                let token = trial.new_api_token(tenant, user);
                async move { store.create_api_token(&token, CAP, Along::default()).await }
            })
            .await;
        let reached = Refusal::LimitReached { limit: CAP };
        assert_eq!(winners(created, reached), 10);
        assert_eq!(trial.listed((tenant, user), START).await.len(), 10);
    }
}

/// A last use moves forward only; uses of unknown tokens are nobody's.
pub async fn a_last_use_never_moves_back<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    let token = trial.create(trial.new_api_token(tenant, user)).await;
    let other = trial.create(trial.new_api_token(tenant, user)).await;
    let unknown = ApiTokenId::from_bytes(trial.id());
    let uses: [&[(ApiTokenId, Timestamp)]; 4] = [
        &[(unknown, after(50)), (token.id, after(20))],
        &[(token.id, after(10)), (other.id, after(5))],
        &[(token.id, after(30)), (token.id, after(25))],
        &[],
    ];
    for uses in uses {
        store.touch_api_tokens(uses).await.unwrap();
    }
    for (id, last) in [(token.id, after(30)), (other.id, after(5))] {
        let resolved = store.resolve_api_token(id).await.unwrap().unwrap();
        assert_eq!(resolved.token.last_used_at, Some(last));
    }
}

/// A person's live tokens are listed newest first, nobody else's with them.
pub async fn live_tokens_are_listed_newest_first<S: SecurityStore>(trial: Trial<S>) {
    let (tenant, user) = trial.somebody().await;
    let mut created = Vec::new();
    for secs in [3, 1, 2, 2] {
        let mut token = trial.new_api_token(tenant, user);
        token.created_at = after(secs);
        token.expires_at = Some(after(100 + secs));
        created.push(trial.create(token).await);
    }
    let other = trial.person(tenant).await;
    trial.create(trial.new_api_token(tenant, other)).await;
    created.sort_by_key(|token| std::cmp::Reverse((token.created_at, token.id)));
    let ids: Vec<ApiTokenId> = created.iter().map(|token| token.id).collect();
    assert_eq!(trial.listed((tenant, user), after(4)).await, ids);
    let without_oldest = ids.split_last().unwrap().1;
    let end_of_oldest = after(101);
    assert_eq!(
        trial.listed((tenant, user), end_of_oldest).await,
        without_oldest
    );
    assert_eq!(trial.listed((trial.tenant().await, user), START).await, []);
    let listed = trial.store.list_api_tokens(tenant, user, after(4)).await;
    for (listed, created) in listed.unwrap().iter().zip(&created) {
        assert_same_api_token(listed, created);
    }
}

// CC-01
/// A token is revoked by its owner only, once.
pub async fn a_token_is_revoked_once_by_its_owner<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    let other = trial.person(tenant).await;
    let token = trial.create(trial.new_api_token(tenant, user)).await;
    let strangers = [
        (tenant, other, token.id),
        (trial.tenant().await, user, token.id),
        (tenant, user, ApiTokenId::from_bytes(trial.id())),
    ];
    for (tenant, user, id) in strangers {
        let revoked = store.revoke_api_token(tenant, user, id, after(1), Along::default());
        assert_eq!(refused(revoked.await), Refusal::NotFound);
    }
    assert_eq!(trial.listed((tenant, user), after(1)).await, [token.id]);
    let revoked = trial
        .race(32, |_, store| async move {
            store
                .revoke_api_token(tenant, user, token.id, after(1), Along::default())
                .await
        })
        .await;
    assert_eq!(winners(revoked, Refusal::NotFound), 1);
    assert_eq!(trial.listed((tenant, user), after(1)).await, []);
}

/// All live tokens of a person are revoked and counted, nobody else's with them.
pub async fn all_live_tokens_of_a_person_are_revoked<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    let other = trial.person(tenant).await;
    let kept = trial.create(trial.new_api_token(tenant, other)).await;
    for secs in [1, 60, 60] {
        let mut token = trial.new_api_token(tenant, user);
        token.expires_at = Some(after(secs));
        trial.create(token).await;
    }
    let elsewhere = trial.tenant().await;
    let revoke =
        |tenant, user| store.revoke_all_api_tokens(tenant, user, after(1), Along::default());
    assert_eq!(applied(revoke(elsewhere, user).await), 0);
    assert_eq!(applied(revoke(tenant, user).await), 2);
    assert_eq!(applied(revoke(tenant, user).await), 0);
    assert_eq!(trial.listed((tenant, user), after(1)).await, []);
    assert_eq!(trial.listed((tenant, other), after(1)).await, [kept.id]);
}

// CC-04
/// No time makes a token panic or fail.
pub async fn api_tokens_bear_every_time<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    for end in EXTREMES {
        for now in EXTREMES {
            let mut token = trial.new_api_token(tenant, user);
            (token.created_at, token.expires_at) = (now, Some(end));
            let token = trial.create(token).await;
            store.touch_api_tokens(&[(token.id, now)]).await.unwrap();
            let listed = trial.listed((tenant, user), now).await;
            assert_eq!(listed.contains(&token.id), now < end);
            let revoked = store.revoke_api_token(tenant, user, token.id, now, Along::default());
            applied(revoked.await);
        }
    }
}
