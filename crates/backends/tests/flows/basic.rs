//! HTTP Basic: off by default, and bound by what binds sign-in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_backends::Authentication;
use portcullis_backends::core::backend::Credential;
use portcullis_backends::core::principal::Via;

use crate::harness::{ADA, Harness, PASSWORD};

async fn present(h: &Harness, text: &str) -> Authentication {
    h.present(Some(Credential::Basic(text))).await.unwrap()
}

fn basic(who: &str, password: &str) -> String {
    STANDARD.encode(format!("{who}:{password}"))
}

#[tokio::test]
async fn basic_is_off_unless_it_is_enabled() {
    let h = Harness::new().await;
    h.person(ADA).await;
    assert_eq!(
        present(&h, &basic(ADA, PASSWORD)).await,
        Authentication::Rejected
    );
    let h = Harness::with(|b| b.enable_basic()).await;
    h.person(ADA).await;
    let Authentication::Authenticated(principal) =
        present(&h, &basic("ADA@example.com", PASSWORD)).await
    else {
        panic!("refused");
    };
    assert_eq!(
        (principal.via, principal.handle.as_str()),
        (Via::Basic, ADA)
    );
    assert!(
        principal.is_ambient() && !principal.is_fresh(std::time::Duration::MAX, h.portcullis.now())
    );
}

#[tokio::test]
async fn what_is_no_basic_credential_is_rejected_unhashed() {
    let h = Harness::with(|b| b.enable_basic()).await;
    let before = h.hasher.hashes();
    for text in [
        "",
        "!",
        "YQ",
        &STANDARD.encode("no colon"),
        &STANDARD.encode([0xff, b':', b'x']),
        &STANDARD.encode("a:"),
    ] {
        assert_eq!(present(&h, text).await, Authentication::Rejected, "{text}");
    }
    assert_eq!(h.hasher.hashes(), before);
}

#[tokio::test]
async fn a_password_may_have_colons() {
    let h = Harness::with(|b| b.enable_basic()).await;
    h.sign_up(ADA, "a:colon:in:the:password").await;
    let token = h.mailed_token(ADA).await;
    h.verify_with_password(&token, "a:colon:in:the:password")
        .await;
    let answer = present(&h, &basic(ADA, "a:colon:in:the:password")).await;
    assert!(matches!(answer, Authentication::Authenticated(_)));
}

// TH-02, TH-04
#[tokio::test]
async fn basic_and_sign_in_share_one_count_and_one_dummy_hash() {
    let h = Harness::with(|b| b.enable_basic()).await;
    h.person(ADA).await;
    for who in [ADA, "nobody@example.com"] {
        for _ in 0..5 {
            let before = h.hasher.hashes();
            assert_eq!(
                present(&h, &basic(who, "not the right password")).await,
                Authentication::Rejected
            );
            assert_eq!(h.hasher.hashes() - before, 1);
        }
        let before = h.hasher.hashes();
        assert_eq!(
            present(&h, &basic(who, PASSWORD)).await,
            Authentication::Rejected
        );
        let locked = h.try_sign_in(who, PASSWORD).await.unwrap();
        assert!(matches!(
            locked,
            portcullis_backends::flow::SignInOutcome::Locked { .. }
        ));
        assert_eq!(h.hasher.hashes(), before);
    }
}

// TH-08
#[tokio::test]
async fn one_address_guesses_over_all_names_no_faster_than_its_limit() {
    let h = Harness::with(|b| b.enable_basic()).await;
    let before = h.hasher.hashes();
    for n in 0..100 {
        present(&h, &basic(&format!("nobody{n}@example.com"), PASSWORD)).await;
    }
    assert_eq!(h.hasher.hashes() - before, 30);
}
