//! What a call costs: statements, and answers waited for.

use portcullis_core::along::Along;
use portcullis_core::api_token::{ApiToken, IpAllowlist, Scopes};
use portcullis_core::factor::FactorKind;
use portcullis_core::id::{ApiTokenId, RefreshFamilyId, SessionId};
use portcullis_core::secret::TokenDigest;
use portcullis_core::store::{
    AccountStore, ApiTokenStore, FactorStore, IdentityAuthnLog, IdentityLookup, RefreshStore,
    ResolveSession, SessionStore,
};

use crate::sample::{NOW, SESSION, TENANT, USER, applied, email, fill, pair, session};
use crate::server::Database;

#[tokio::test]
async fn resolving_is_one_statement_and_one_answer() {
    let Some(database) = Database::migrated().await else {
        return;
    };
    let store = database.store().await;
    fill(&store).await;
    let before = (store.statements(), store.round_trips());
    assert!(store.resolve_session(SESSION).await.unwrap().is_some());
    let token = store.resolve_api_token(ApiTokenId::from_integer(1));
    assert!(token.await.unwrap().is_none());
    let factor = store.load_factor(TENANT, USER, FactorKind::Password);
    assert!(factor.await.unwrap().is_some());
    assert!(store.subject_state(TENANT, USER).await.unwrap().is_some());
    let family = store.resolve_family(RefreshFamilyId::from_integer(1));
    assert!(family.await.unwrap().is_none());
    assert!(store.find_user(TENANT, &email(1)).await.unwrap().is_some());
    let after = (store.statements(), store.round_trips());
    assert_eq!((after.0 - before.0, after.1 - before.1), (6, 6));
}

#[tokio::test]
async fn a_script_waits_for_its_steps_its_turn_and_its_transaction() {
    let Some(database) = Database::migrated().await else {
        return;
    };
    let store = database.store().await;
    fill(&store).await;
    let mut before = store.round_trips();
    let mut waited_for = || {
        let waited = store.round_trips() - before;
        before = store.round_trips();
        waited
    };
    // One statement commits itself.
    assert!(
        store
            .revoke_session(TENANT, USER, SESSION, NOW)
            .await
            .unwrap()
    );
    assert_eq!(waited_for(), 1);
    // BEGIN, the account's lock, two steps, COMMIT.
    let new = session(SessionId::from_integer(2));
    store.insert_session(&new, 50).await.unwrap();
    assert_eq!(waited_for(), 5);
    // BEGIN, the event, the mail, COMMIT.
    applied(store.record(pair(1)).await);
    assert_eq!(waited_for(), 4);
    // BEGIN, the account's lock, the token, COMMIT.
    let token = ApiToken {
        id: ApiTokenId::from_integer(1),
        owner: USER,
        tenant: TENANT,
        name: "a pipeline".into(),
        scopes: Scopes::new(["deploy".parse().unwrap()]).unwrap(),
        ip_allowlist: IpAllowlist::default(),
        digest: TokenDigest {
            bytes: [7; 32],
            key_version: 1,
        },
        created_at: NOW,
        expires_at: None,
        last_used_at: None,
        revoked_at: None,
    };
    applied(store.create_api_token(&token, 5, Along::default()).await);
    assert_eq!(waited_for(), 4);
    // No step takes the turn here, so it is taken before: BEGIN, the lock, the one step, COMMIT.
    let revoked = store.revoke_all_api_tokens(TENANT, USER, NOW, Along::default());
    assert_eq!(applied(revoked.await), 1);
    assert_eq!(waited_for(), 4);
    assert_eq!(store.retries(), 0);
}
