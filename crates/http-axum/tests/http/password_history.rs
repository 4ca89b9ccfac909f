//! Passwords that somebody had before, as a client sees it.

use axum::http::StatusCode;
use portcullis_core::policy::PolicyOverrides;

use crate::app::{ADA, Answer, App, PASSWORD};

const NEW: &str = "a battery of staple horses";

#[track_caller]
fn reused(answer: Answer, field: &str) {
    let answer = answer.expect(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.code(), "password_refused");
    let error = &answer.json()["errors"][0];
    assert_eq!(error["rule"], "reused");
    assert_eq!(error["field"], field);
}

#[tokio::test]
async fn an_earlier_password_is_refused_with_its_rule_and_the_link_works_on() {
    let policy = PolicyOverrides {
        password_history: Some(2),
        ..PolicyOverrides::default()
    };
    let app = App::with(|builder| builder.policy(policy), |router, _| router).await;
    let mut ada = app.signed_in(ADA).await;
    reused(
        ada.change_password(PASSWORD, PASSWORD).await,
        "new_password",
    );
    let changed = ada.change_password(PASSWORD, NEW).await;
    changed.expect(StatusCode::NO_CONTENT);
    reused(ada.change_password(NEW, PASSWORD).await, "new_password");
    // Whoever does not know the current one does not learn which ones there were.
    let stranger = ada.change_password("the wrong horse", PASSWORD).await;
    assert_eq!(stranger.code(), "current_password_refused");
    let link = app.reset_link(ADA).await;
    for again in [PASSWORD, NEW] {
        reused(app.client().reset_password(&link, again).await, "password");
    }
    let set = app
        .client()
        .reset_password(&link, "another set of words")
        .await;
    set.expect(StatusCode::NO_CONTENT);
}
