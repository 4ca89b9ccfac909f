//! Access tokens.

use portcullis_backends::Authentication;
use portcullis_backends::core::backend::Credential;
use portcullis_backends::core::principal::Via;
use portcullis_backends::core::state::EntityState;
use portcullis_backends::flow::TokenOutcome;

use super::{ADA, Harness, PASSWORD, instance, issue, jwt_keys, refresh, scopes};

async fn is_accepted(h: &Harness, token: &str) -> bool {
    let answer = h.present(Some(Credential::Bearer(token))).await.unwrap();
    matches!(answer, Authentication::Authenticated(_))
}

#[tokio::test]
async fn an_access_token_is_a_principal_with_its_familys_scopes() {
    let h = instance().await;
    let pair = issue(&h, scopes(&["read"])).await;
    let answer = h
        .present(Some(Credential::Bearer(pair.access.expose())))
        .await
        .unwrap();
    let Authentication::Authenticated(principal) = answer else {
        panic!("refused")
    };
    assert_eq!(principal, pair.principal);
    assert!(matches!(principal.via, Via::AccessToken(_)) && !principal.is_ambient());
    assert!(principal.has_scope("read") && !principal.has_scope("write"));
}

// JW-07
#[tokio::test]
async fn an_access_token_is_over_after_its_time() {
    let h = instance().await;
    let pair = issue(&h, None).await;
    assert_eq!(pair.access_expires_in.as_secs(), 15 * 60);
    h.advance(15 * 60 - 1);
    assert!(is_accepted(&h, pair.access.expose()).await);
    // Clocks may be five seconds apart.
    h.advance(6);
    assert!(!is_accepted(&h, pair.access.expose()).await);
}

// JW-08
#[tokio::test]
async fn signing_out_suspension_and_the_epoch_end_an_access_token_at_once() {
    let h = instance().await;
    let user = h
        .portcullis
        .admin_find_user(h.portcullis.default_tenant(), ADA)
        .await
        .unwrap()
        .unwrap()
        .user
        .id;
    let signed_out = issue(&h, None).await;
    let kept = issue(&h, None).await;
    h.portcullis
        .sign_out(&signed_out.principal, &h.context())
        .await
        .unwrap();
    assert!(!is_accepted(&h, signed_out.access.expose()).await);
    assert!(refresh(&h, &signed_out.refresh).await.is_none());
    assert!(is_accepted(&h, kept.access.expose()).await);
    h.set_state(user, EntityState::Suspended).await;
    assert!(!is_accepted(&h, kept.access.expose()).await);
    h.set_state(user, EntityState::Active).await;
    assert!(
        !is_accepted(&h, kept.access.expose()).await,
        "the epoch moved"
    );
    assert!(refresh(&h, &kept.refresh).await.is_none());
}

#[tokio::test]
async fn checking_an_access_token_is_one_store_call_remembered_or_not() {
    let h = instance().await;
    let pair = issue(&h, None).await;
    for _ in 0..3 {
        let before = h.store.calls();
        assert!(is_accepted(&h, pair.access.expose()).await);
        assert_eq!(h.store.calls() - before, 1);
    }
}

// JW-10, FT-30
#[tokio::test]
async fn only_tokens_under_a_dropped_key_fail() {
    use portcullis_backends::core::clock::Clock as _;
    use portcullis_backends::tokens::OsEntropy;
    use portcullis_backends::tokens::jwt::{JwtAlgorithm, SigningKey};
    let first = jwt_keys();
    let h = Harness::with(|b| b.access_tokens(first.clone())).await;
    h.person(ADA).await;
    let old = issue(&h, None).await;
    let key = SigningKey::generate(JwtAlgorithm::Es256, &OsEntropy).unwrap();
    let rotated = first.rotate(key, h.clock.now()).unwrap();
    let with = async |keys| {
        portcullis_backends::Portcullis::builder(h.store.clone())
            .keys(crate::harness::keys(1))
            .public_url("https://auth.example.com")
            .mailer(portcullis_testing::CapturedMailbox::new())
            .hasher(h.hasher.clone())
            .clock(h.clock.clone())
            .without_workers()
            .access_tokens(keys)
            .build()
            .await
            .unwrap()
    };
    let accepts = async |portcullis: &portcullis_backends::Portcullis, token: &str| {
        let presented = portcullis_backends::core::backend::Presented {
            credential: Some(Credential::Bearer(token)),
            request: &portcullis_testing::NoRequest,
        };
        let answer = portcullis
            .authenticate(&presented, &h.context())
            .await
            .unwrap();
        matches!(answer, Authentication::Authenticated(_))
    };
    assert!(accepts(&with(rotated.clone()).await, old.access.expose()).await);
    let retired = rotated.retire(1, h.clock.now()).unwrap();
    assert!(!accepts(&with(retired).await, old.access.expose()).await);
}

// TH-02, TH-04
#[tokio::test]
async fn asking_for_tokens_counts_and_hashes_as_a_sign_in_does() {
    use portcullis_backends::core::secret::Password;
    use portcullis_backends::flow::TokenRequest;
    let h = instance().await;
    let ask = async |password: &str| {
        let password = Password::new(password).unwrap();
        let request = TokenRequest {
            identifier: ADA.to_owned(),
            password,
            scopes: None,
        };
        h.portcullis
            .issue_tokens(request, &h.context())
            .await
            .unwrap()
    };
    for _ in 0..5 {
        let before = h.hasher.hashes();
        assert!(matches!(
            ask("not the right password").await,
            TokenOutcome::Refused
        ));
        assert_eq!(h.hasher.hashes() - before, 1);
    }
    assert!(matches!(ask(PASSWORD).await, TokenOutcome::Locked { .. }));
    let locked = h.try_sign_in(ADA, PASSWORD).await.unwrap();
    assert!(matches!(
        locked,
        portcullis_backends::flow::SignInOutcome::Locked { .. }
    ));
}

#[tokio::test]
async fn a_foreign_jwt_goes_on_to_the_backend_that_knows_it() {
    let h = instance().await;
    // {"alg":"HS256","typ":"JWT"} . {} . signature
    let foreign =
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    assert!(!is_accepted(&h, foreign).await);
}
