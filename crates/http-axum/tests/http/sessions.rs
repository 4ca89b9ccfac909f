//! Sessions and their cookie.

use axum::http::StatusCode;

use crate::app::{ADA, App, PASSWORD};

const COOKIE: &str = "__Host-portcullis";

// SE-01
#[tokio::test]
async fn a_session_cookie_carries_256_random_bits_and_no_two_are_alike() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let first = ada.jar[COOKIE].clone();
    ada.sign_in(ADA).await.expect(StatusCode::OK);
    let second = ada.jar[COOKIE].clone();
    // pcl_ses_ + 22 characters of id + 43 of secret + 6 of checksum.
    assert_eq!(
        (first.len(), second.len()),
        (8 + 22 + 43 + 6, 8 + 22 + 43 + 6)
    );
    assert_ne!(first[30..73], second[30..73]);
}

// SE-02
#[tokio::test]
async fn signing_in_over_a_session_ends_it() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let old = ada.jar.clone();
    ada.sign_in(ADA).await.expect(StatusCode::OK);
    ada.check().await.expect(StatusCode::OK);
    ada.jar = old;
    ada.check().await.expect(StatusCode::UNAUTHORIZED);
}

// SE-02
#[tokio::test]
async fn a_cookie_that_was_planted_before_is_not_taken_over() {
    let app = App::new().await;
    let mut ada = app.client();
    ada.register(ADA).await;
    let planted = format!("pcl_ses_{}", "0".repeat(71));
    ada.jar.insert(COOKIE.to_owned(), planted.clone());
    ada.sign_in(ADA).await.expect(StatusCode::OK);
    assert_ne!(ada.jar[COOKIE], planted);
}

// SE-03
#[tokio::test]
async fn an_idle_session_is_over_at_its_deadline() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    app.advance(14 * 24 * 3600 - 1);
    ada.check().await.expect(StatusCode::OK);
    app.advance(1);
    ada.check().await.expect(StatusCode::UNAUTHORIZED);
}

// SE-04
#[tokio::test]
async fn signing_out_ends_the_session_on_the_server() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let kept = ada.jar.clone();
    let answer = ada.post_empty("/auth/logout").await;
    assert!(answer.status.is_success());
    let deleted = answer
        .set_cookies()
        .into_iter()
        .find(|cookie| cookie.name == COOKIE)
        .unwrap();
    assert_eq!((deleted.max_age, deleted.value.as_str()), (Some(0), ""));
    assert!(answer.header("clear-site-data").is_some(), "{answer:?}");
    ada.jar = kept;
    app.portcullis.run_due().await.unwrap();
    ada.check().await.expect(StatusCode::UNAUTHORIZED);
}

// SE-08
#[tokio::test]
async fn sessions_are_listed_without_secrets_and_ended_by_their_owner_only() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let mut eve = app.signed_in("eve@example.com").await;
    let listed = ada.get("/auth/sessions").await.expect(StatusCode::OK);
    let secret = ada.jar[COOKIE][30..].to_owned();
    assert!(!String::from_utf8_lossy(&listed.body).contains(&secret));
    let json = listed.json();
    let own = &json["sessions"][0];
    assert_eq!(own["current"], true);
    let id = own["id"].as_str().unwrap();
    let foreign = eve
        .delete(&format!("/auth/sessions/{id}"))
        .await
        .expect(StatusCode::NOT_FOUND);
    let unknown = eve
        .delete("/auth/sessions/0190b5a4-6f00-7000-8000-000000000000")
        .await;
    assert_eq!(foreign.normalized(), unknown.normalized());
    ada.check().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn ending_the_other_sessions_keeps_ones_own() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let mut phone = app.client();
    phone.sign_in(ADA).await.expect(StatusCode::OK);
    let answer = ada.delete("/auth/sessions").await;
    assert!(answer.status.is_success(), "{answer:?}");
    ada.check().await.expect(StatusCode::OK);
    phone.check().await.expect(StatusCode::UNAUTHORIZED);
}

// SE-05
#[tokio::test]
async fn a_suspended_person_is_refused_at_the_next_request() {
    use portcullis_backends::core::state::EntityState;
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    ada.check().await.expect(StatusCode::OK);
    app.set_state(ADA, EntityState::Suspended).await;
    ada.check().await.expect(StatusCode::UNAUTHORIZED);
}

// HT-03
#[tokio::test]
async fn two_cookies_of_one_name_are_refused_and_a_look_alike_is_none() {
    use axum::body::Body;
    use axum::http::{Request, header};
    let app = App::new().await;
    let ada = app.signed_in(ADA).await;
    let value = &ada.jar[COOKIE];
    let send = async |cookies: Vec<String>| {
        let mut request = Request::post("/auth/check-auth");
        for cookies in cookies {
            request = request.header(header::COOKIE, cookies);
        }
        let request = request.body(Body::empty()).unwrap();
        app.send(request, "192.0.2.9").await
    };
    let one = format!("{COOKIE}={value}");
    send(vec![one.clone()]).await.expect(StatusCode::OK);
    for several in [
        vec![format!("{one}; {one}")],
        vec![format!("{COOKIE}=x; {one}")],
        vec![format!("{one}; {COOKIE}=x")],
        vec![format!("{COOKIE}=; {one}")],
        vec![format!("{one};{one}")],
        vec![one.clone(), one.clone()],
        vec![one.clone(), format!("{COOKIE}=x")],
        vec![format!("a=b; {COOKIE}=x"), format!("{one}; c=d")],
    ] {
        let refused = send(several.clone()).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{several:?}");
        assert!(refused.set_cookies().is_empty(), "{several:?}");
    }
    for name in [
        "__host-portcullis",
        "__HOST-PORTCULLIS",
        "__Host-Portcullis",
        "__Secure-portcullis",
        "__Host-portcullis2",
        "x__Host-portcullis",
        "portcullis",
    ] {
        let refused = send(vec![format!("{name}={value}")]).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{name}");
        // Nor does it get in the way of the true one.
        let both = format!("{name}=x; {one}");
        send(vec![both]).await.expect(StatusCode::OK);
    }
}

// SE-03, HT-03
#[tokio::test]
async fn the_cookie_lasts_as_long_as_the_session_can_and_is_set_again_with_a_new_id_only() {
    const DAY: u64 = 24 * 3600;
    let app = App::new().await;
    let mut ada = app.client();
    ada.register(ADA).await;
    let max_age = |answer: &crate::app::Answer| answer.set_cookies()[0].max_age.unwrap();
    let answer = ada.sign_in(ADA).await.expect(StatusCode::OK);
    assert_eq!(max_age(&answer), 90 * 24 * 3600);
    for _ in 0..3 {
        app.advance(13 * DAY);
        let answer = ada.check().await.expect(StatusCode::OK);
        assert!(answer.set_cookies().is_empty());
        app.portcullis.run_due().await.unwrap();
    }
    let answer = ada.step_up(PASSWORD).await.expect(StatusCode::OK);
    assert_eq!(max_age(&answer), (90 - 39) * 24 * 3600);
    let answer = ada.change_password(PASSWORD, "a battery of staple horses");
    let answer = answer.await.expect(StatusCode::NO_CONTENT);
    assert_eq!(max_age(&answer), (90 - 39) * 24 * 3600);
    for left in [38, 25, 12] {
        app.advance(13 * DAY);
        ada.check().await.expect(StatusCode::OK);
        app.portcullis.run_due().await.unwrap();
        assert!(ada.jar.contains_key(COOKIE), "{left} days left");
    }
    app.advance(12 * DAY - 1);
    ada.check().await.expect(StatusCode::OK);
    app.portcullis.run_due().await.unwrap();
    app.advance(1);
    ada.check().await.expect(StatusCode::UNAUTHORIZED);
}

// SE-04
#[tokio::test]
async fn a_request_that_is_still_running_does_not_bring_a_signed_out_session_back() {
    use std::sync::Arc;

    use portcullis_http_axum::{Require, SignedIn};
    use tokio::sync::Notify;

    let (entered, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let held = (Arc::clone(&entered), Arc::clone(&go_on));
    let app = App::with(
        |builder| builder,
        |router, portcullis| {
            let slow = async move |_: Require<SignedIn>| {
                held.0.notify_one();
                held.1.notified().await;
                "done"
            };
            let mine = axum::Router::new().route("/slow", axum::routing::get(slow));
            router.merge(mine.with_state(portcullis.clone()))
        },
    )
    .await;
    let mut ada = app.signed_in(ADA).await;
    let (mut tab, kept) = (app.client(), ada.jar.clone());
    tab.jar = kept.clone();
    app.advance(3600);
    let (slow, ()) = tokio::join!(tab.get("/slow"), async {
        entered.notified().await;
        let answer = ada.post_empty("/auth/logout").await;
        answer.expect(StatusCode::NO_CONTENT);
        go_on.notify_one();
    });
    slow.expect(StatusCode::OK);
    app.portcullis.run_due().await.unwrap();
    for _ in 0..2 {
        ada.jar = kept.clone();
        ada.check().await.expect(StatusCode::UNAUTHORIZED);
        app.advance(60);
    }
}

// SE-08, HT-08
#[tokio::test]
async fn ending_ones_own_session_by_its_id_is_signing_out() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let listed = ada.get("/auth/sessions").await.json();
    assert_eq!(listed["sessions"][0]["device"], "Unknown device");
    let id = listed["sessions"][0]["id"].as_str().unwrap();
    let kept = ada.jar.clone();
    let answer = ada.delete(&format!("/auth/sessions/{id}")).await;
    assert!(answer.header("clear-site-data").is_some(), "{answer:?}");
    answer.expect(StatusCode::NO_CONTENT);
    assert!(!ada.jar.contains_key(COOKIE));
    ada.jar = kept;
    ada.check().await.expect(StatusCode::UNAUTHORIZED);
}

// SE-08, HT-08, RT-05
#[tokio::test]
async fn signing_out_everywhere_ends_sessions_and_token_pairs_and_leaves_api_tokens() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let mut eve = app.signed_in("eve@example.com").await;
    let token = ada.api_token(&["a"]).await;
    let mut phone = app.client();
    phone.sign_in(ADA).await.expect(StatusCode::OK);
    #[cfg(feature = "jwt")]
    let pair = {
        let body = serde_json::json!({ "identifier": ADA, "password": PASSWORD });
        app.client().post("/auth/token", body).await.json()
    };
    let kept = ada.jar.clone();
    let answer = ada.post_empty("/auth/logout/all").await;
    assert!(answer.header("clear-site-data").is_some(), "{answer:?}");
    answer.expect(StatusCode::NO_CONTENT);
    assert!(!ada.jar.contains_key(COOKIE));
    ada.jar = kept;
    ada.check().await.expect(StatusCode::UNAUTHORIZED);
    phone.check().await.expect(StatusCode::UNAUTHORIZED);
    #[cfg(feature = "jwt")]
    {
        let access = pair["access_token"].as_str().unwrap();
        let answer = crate::app::bearer(&app, access).await;
        answer.expect(StatusCode::UNAUTHORIZED);
        let body = serde_json::json!({ "refresh_token": pair["refresh_token"] });
        let answer = app.client().post("/auth/refresh", body).await;
        assert_eq!(answer.code(), "invalid_grant");
    }
    let answer = crate::app::bearer(&app, &token).await;
    answer.expect(StatusCode::OK);
    eve.check().await.expect(StatusCode::OK);
    ada.sign_in(ADA).await.expect(StatusCode::OK);
    let listed = ada.get("/auth/sessions").await.json();
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 1);
}
