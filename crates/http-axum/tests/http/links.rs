//! Links from mails: who makes them, and what uses them up.

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::app::{ADA, App};

// OT-01, OT-02
#[tokio::test]
async fn a_link_carries_a_token_of_256_random_bits_that_no_store_has() {
    let app = App::new().await;
    app.client().sign_up(ADA).await.expect(StatusCode::ACCEPTED);
    let token = app.mailed_token(ADA).await;
    assert!(
        token.starts_with("pcl_vfy_") && token.len() == 8 + 22 + 43 + 6,
        "{token}"
    );
}

// OT-03
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_opened_many_times_at_once_works_once() {
    let app = App::new().await;
    let mut ada = app.client();
    ada.sign_up(ADA).await.expect(StatusCode::ACCEPTED);
    let token = app.mailed_token(ADA).await;
    let jar = ada.jar.clone();
    let attempts = (0..64).map(|_| {
        let mut client = app.client();
        client.jar = jar.clone();
        let token = token.clone();
        async move { client.verify(&token).await.status.is_success() }
    });
    let won = futures(attempts)
        .await
        .into_iter()
        .filter(|won| *won)
        .count();
    assert_eq!(won, 1);
    ada.verify(&token).await.expect(StatusCode::BAD_REQUEST);
}

/// Polls all of them together, in one task.
async fn futures<F: Future<Output = bool>>(all: impl Iterator<Item = F>) -> Vec<bool> {
    let mut all: Vec<_> = all.map(Box::pin).collect();
    let mut done = vec![None; all.len()];
    std::future::poll_fn(|context| {
        for (future, done) in all.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *done = Some(value);
            }
        }
        if done.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

// OT-04
#[tokio::test]
async fn a_link_is_over_at_its_end() {
    let app = App::new().await;
    let mut ada = app.client();
    ada.sign_up(ADA).await.expect(StatusCode::ACCEPTED);
    let token = app.mailed_token(ADA).await;
    app.advance(24 * 3600);
    assert_eq!(
        ada.verify(&token)
            .await
            .expect(StatusCode::BAD_REQUEST)
            .code(),
        "invalid_link"
    );
}

// OT-10
#[tokio::test]
async fn looking_at_a_link_uses_nothing_up_and_leaks_nothing() {
    let app = App::new().await;
    let mut ada = app.client();
    ada.sign_up(ADA).await.expect(StatusCode::ACCEPTED);
    let token = app.mailed_token(ADA).await;
    let path = format!("/auth/signup/verify?token={token}");
    for method in [Method::GET, Method::HEAD, Method::GET] {
        let answer = app
            .client()
            .request(method, &path, None)
            .await
            .expect(StatusCode::OK);
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(
            answer
                .header("content-security-policy")
                .unwrap()
                .contains("frame-ancestors 'none'")
        );
    }
    let form = format!("token={token}").into_bytes();
    let answer = ada
        .request(
            Method::POST,
            "/auth/signup/verify",
            Some(("application/x-www-form-urlencoded", form)),
        )
        .await;
    assert!(
        answer.status.is_success() || answer.status.is_redirection(),
        "{answer:?}"
    );
    ada.sign_in(ADA).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn in_another_browser_the_link_asks_for_a_password() {
    let app = App::new().await;
    app.client().sign_up(ADA).await.expect(StatusCode::ACCEPTED);
    let token = app.mailed_token(ADA).await;
    let mut phone = app.client();
    let answer = phone
        .verify(&token)
        .await
        .expect(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.code(), "password_required");
    let own = "the owner's own password";
    let answer = phone
        .post(
            "/auth/signup/verify",
            json!({ "token": token, "password": own }),
        )
        .await;
    assert!(answer.status.is_success());
    phone.sign_in(ADA).await.expect(StatusCode::UNAUTHORIZED);
    phone.sign_in_with(ADA, own).await.expect(StatusCode::OK);
}

// HT-07
#[tokio::test]
async fn what_stands_in_a_link_does_not_become_markup() {
    let app = App::new().await;
    let answer = app
        .client()
        .get("/auth/signup/verify?token=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
        .await;
    let page = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(!page.contains("<script>alert"), "{page}");
}
