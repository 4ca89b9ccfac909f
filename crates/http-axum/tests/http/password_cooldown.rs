//! A change of a password that comes too soon after the one before.

use axum::http::StatusCode;
use portcullis_core::policy::PolicyOverrides;

use crate::app::{ADA, App, PASSWORD};

const NEW: &str = "a battery of staple horses";

#[tokio::test]
async fn a_change_that_comes_too_soon_says_when_it_may_come() {
    let policy = PolicyOverrides {
        password_change_cooldown_secs: Some(3600),
        ..PolicyOverrides::default()
    };
    let app = App::with(|builder| builder.policy(policy), |router, _| router).await;
    let mut ada = app.signed_in(ADA).await;
    let answer = ada.change_password("the wrong horse", NEW).await;
    assert_eq!(answer.code(), "current_password_refused");
    app.advance(600);
    let answer = ada.change_password(PASSWORD, NEW).await;
    let answer = answer.expect(StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.code(), "password_changed_recently");
    assert_eq!(answer.header("retry-after"), Some("3000"));
    assert!(answer.set_cookies().is_empty());
    ada.check().await.expect(StatusCode::OK);
    app.advance(3000);
    let answer = ada.change_password(PASSWORD, NEW).await;
    answer.expect(StatusCode::NO_CONTENT);
    // The link of a mail does not wait.
    let link = app.reset_link(ADA).await;
    let answer = ada.reset_password(&link, PASSWORD).await;
    answer.expect(StatusCode::NO_CONTENT);
}
