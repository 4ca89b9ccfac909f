//! Reads and writes across tenants.

use portcullis_core::along::{Along, Refusal};
use portcullis_core::entity::{EndAll, EndedAll, Epoch};
use portcullis_core::id::UserId;
use portcullis_core::store::SecurityStore;
use portcullis_core::verification::{TokenKind, TokenRejection};

use super::expect::{applied, refused};
use super::sample::{after, spend};
use super::trial::Trial;

/// Every tenant is read by id, with state and policy, page by page.
pub async fn every_tenant_is_read_page_by_page<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let mut tenants = Vec::new();
    for secs in 1..=5 {
        let (_, mut security) = trial.new_tenant();
        security.policy.session_idle_secs = Some(60 * secs);
        applied(store.open_tenant(&security, Along::default()).await);
        tenants.push(security);
    }
    tenants.sort_by_key(|security| security.tenant);
    let (mut read, mut after) = (Vec::new(), None);
    loop {
        let page = store.tenants_security(after, 2).await.unwrap();
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        after = Some(last.tenant);
        read.extend(page);
    }
    assert_eq!(read, tenants);
}

// FT-31
/// What everybody is signed in with is ended batch by batch, whatever the tenant: no epoch is one that an account had or
/// may have had since a backup, and no link works. API tokens are revoked where that is asked for.
pub async fn everything_of_everybody_is_ended_batch_by_batch<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let mut people = Vec::new();
    for _ in 0..5 {
        let (tenant, user) = trial.somebody().await;
        let token = trial.new_api_token(tenant, user);
        let created = store.create_api_token(&token, 1, Along::default());
        applied(created.await);
        people.push((user, tenant, token.id));
    }
    let tenant = people.first().unwrap().1;
    let owned = trial.new_token(TokenKind::PasswordReset, tenant, Some(people[0].0));
    let mut unbound = trial.new_token(TokenKind::EmailChange, tenant, Some(people[0].0));
    unbound.epoch = None;
    let nobodys = trial.new_token(TokenKind::MagicLink, tenant, None);
    for link in [&owned, &unbound, &nobodys] {
        let along = Along::default().with_issue(link.clone());
        applied(store.record(along).await);
    }
    people.sort_unstable_by_key(|(user, ..)| *user);
    let ids: Vec<UserId> = people.iter().map(|(user, ..)| *user).collect();
    let epochs = async || {
        let mut epochs = Vec::new();
        for (user, tenant, _) in &people {
            let account = store.account(*tenant, *user).await.unwrap();
            epochs.push(account.unwrap().epoch);
        }
        epochs
    };
    let live = async || {
        let mut live = 0;
        for (_, _, token) in &people {
            let token = store
                .resolve_api_token(*token)
                .await
                .unwrap()
                .unwrap()
                .token;
            live += usize::from(token.is_live(after(5)));
        }
        live
    };
    let batch = |after_id, api_tokens| EndAll {
        after: after_id,
        limit: 2,
        api_tokens,
        now: after(5),
    };
    let ended = applied(store.end_all(&batch(None, false), Along::default()).await);
    let first = EndedAll {
        accounts: 2,
        api_tokens: 0,
        last: Some(ids[1]),
    };
    assert_eq!(ended, first);
    let (old, leapt) = (Epoch(0), Epoch(Epoch::LEAP));
    assert_eq!(epochs().await, [leapt, leapt, old, old, old]);
    for link in [owned, unbound, nobodys] {
        let spent = store
            .record(Along::default().with_spend(spend(&link, after(5))))
            .await;
        assert_eq!(refused(spent), Refusal::Token(TokenRejection::Superseded));
    }
    assert_eq!(live().await, 5);
    // A refused companion ends nothing.
    let along = Along::default().with_epoch_of(tenant, trial.nobody());
    let refusal = store.end_all(&batch(Some(ids[1]), true), along).await;
    assert_eq!(refused(refusal), Refusal::NotFound);
    let second = batch(Some(ids[1]), true);
    let ended = applied(store.end_all(&second, Along::default()).await);
    assert_eq!((ended.accounts, ended.api_tokens), (2, 2));
    assert_eq!(ended.last, Some(ids[3]));
    let third = batch(Some(ids[3]), true);
    let ended = applied(store.end_all(&third, Along::default()).await);
    assert_eq!((ended.accounts, ended.last), (1, Some(ids[4])));
    assert_eq!(epochs().await, [leapt; 5]);
    assert_eq!(live().await, 2);
    let over = batch(Some(ids[4]), true);
    let ended = applied(store.end_all(&over, Along::default()).await);
    assert_eq!(ended, EndedAll::default());
}
