//! People in one store; sessions, tickets and limits in another.

use std::time::Duration;

use portcullis_backends::core::api_token::Scopes;
use portcullis_backends::core::backend::Credential;
use portcullis_backends::core::error::StoreErrorKind;
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::core::state::EntityState;
use portcullis_backends::core::store::{
    LimitKey, RateLimit, RateLimitStore, SessionStore, Taken, TicketStore,
};
use portcullis_backends::flow::{CreateApiTokenOutcome, NewApiToken, SignedIn};
use portcullis_backends::{Authentication, FlowError, Portcullis};
use portcullis_stores_kv::{KvEphemeral, MemoryKv, MemoryStore};

use crate::harness::{ADA, Harness};

async fn on<E>(people: &MemoryStore, ephemeral: E) -> Harness
where
    E: SessionStore + TicketStore + RateLimitStore,
{
    let builder = Portcullis::builder_with(people.clone(), ephemeral);
    Harness::on(builder, people.clone(), |builder| builder).await
}

async fn presented(h: &Harness, cookie: &SecretText) -> Result<Authentication, FlowError> {
    h.present(Some(Credential::Cookie(cookie.expose()))).await
}

async fn api_token(h: &Harness, ada: &SignedIn) -> SecretText {
    let new = NewApiToken {
        name: "ci".to_owned(),
        scopes: Scopes::new(["read".parse().unwrap()]).unwrap(),
        ip_allowlist: Default::default(),
        expires_in: Some(Duration::from_secs(86_400)),
    };
    let context = h.context();
    let created = h.portcullis.create_api_token(&ada.principal, new, &context);
    match created.await.unwrap() {
        CreateApiTokenOutcome::Created { token, .. } => token,
        other => panic!("{other:?}"),
    }
}

// SE-05
#[tokio::test]
async fn sessions_are_kept_apart_and_their_owners_decide() {
    let (people, ephemeral) = (MemoryStore::new(), KvEphemeral::new(MemoryKv::new()));
    let h = on(&people, ephemeral.clone()).await;
    let ada = h.person(ADA).await;
    let here = h.sign_in(ADA).await;
    let id = here.principal.session().unwrap();
    assert!(people.session(id).await.unwrap().is_none());
    assert!(ephemeral.session(id).await.unwrap().is_some());
    let seen = presented(&h, &here.cookie).await.unwrap();
    assert!(matches!(seen, Authentication::Authenticated(who) if who.user() == ada));

    h.set_state(ada, EntityState::Suspended).await;
    let seen = presented(&h, &here.cookie).await.unwrap();
    assert_eq!(seen, Authentication::Anonymous);
}

// FT-12
#[tokio::test]
async fn a_store_that_forgot_its_sessions_signs_out_and_nothing_more() {
    let people = MemoryStore::new();
    let before = on(&people, KvEphemeral::new(MemoryKv::new())).await;
    before.person(ADA).await;
    let here = before.sign_in(ADA).await;
    let token = api_token(&before, &here).await;

    let after = on(&people, KvEphemeral::new(MemoryKv::new())).await;
    let seen = presented(&after, &here.cookie).await.unwrap();
    assert_eq!(seen, Authentication::Anonymous);
    let seen = after
        .present(Some(Credential::Bearer(token.expose())))
        .await;
    assert!(matches!(seen.unwrap(), Authentication::Authenticated(_)));
    let again = after.sign_in(ADA).await;
    let seen = presented(&after, &again.cookie).await.unwrap();
    assert!(matches!(seen, Authentication::Authenticated(_)));
}

// FT-13
#[tokio::test]
async fn without_its_second_store_an_instance_decides_nothing_and_still_sends_mail() {
    let (people, ephemeral) = (MemoryStore::new(), MemoryStore::new());
    let h = on(&people, ephemeral.clone()).await;
    h.person(ADA).await;
    let here = h.sign_in(ADA).await;
    let token = api_token(&h, &here).await;
    let lost = || ephemeral.fail_next(StoreErrorKind::Unavailable);

    h.portcullis.is_ready().await.unwrap();
    lost();
    assert!(h.portcullis.is_ready().await.is_err());
    lost();
    assert!(presented(&h, &here.cookie).await.is_err());
    lost();
    let (key, limit) = (
        LimitKey::new("sign-in", "ip", "192.0.2.1"),
        RateLimit {
            burst: 1,
            period: Duration::from_secs(60),
        },
    );
    assert!(h.portcullis.take_limit(&key, &limit).await.is_err());
    let taken = h.portcullis.take_limit(&key, &limit).await.unwrap();
    assert_eq!(taken, Taken::Granted);

    // A last use of either sort is due, and a mail.
    h.advance(120);
    presented(&h, &here.cookie).await.unwrap();
    let seen = h.present(Some(Credential::Bearer(token.expose()))).await;
    assert!(matches!(seen.unwrap(), Authentication::Authenticated(_)));
    h.sign_up("eve@example.com", "another horse, another staple")
        .await;
    lost();
    assert!(h.portcullis.run_due().await.is_err());
    assert!(h.mailbox.last_to("eve@example.com").is_some());
    let listed = h.portcullis.list_api_tokens(&here.principal).await.unwrap();
    assert_eq!(
        listed.first().unwrap().last_used_at,
        Some(h.portcullis.now())
    );
}
