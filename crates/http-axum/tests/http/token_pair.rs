//! Access and refresh tokens over HTTP, in the body and in cookies.

use axum::http::{Method, StatusCode};
use portcullis_backends::core::clock::{Clock as _, ManualClock};
use portcullis_backends::tokens::OsEntropy;
use portcullis_backends::tokens::jwt::{JwtAlgorithm, JwtKeys};
use serde_json::{Value, json};

use crate::app::{ADA, Answer, App, Client, PASSWORD, bearer, with_token};

async fn token(client: &mut Client<'_>, extra: Value) -> Answer {
    let mut body = json!({ "identifier": ADA, "password": PASSWORD });
    for (name, value) in extra.as_object().unwrap() {
        body[name] = value.clone();
    }
    client.post("/auth/token", body).await
}

async fn refresh(client: &mut Client<'_>, token: &Value) -> Answer {
    client
        .post("/auth/refresh", json!({ "refresh_token": token }))
        .await
}

/// Issues, refreshes, replays and signs out, so that each event of the token routes is in the log.
pub(crate) async fn leave_every_event(app: &App) {
    let mut client = app.client();
    let pair = token(&mut client, json!({}))
        .await
        .expect(StatusCode::OK)
        .json();
    refresh(&mut client, &pair["refresh_token"])
        .await
        .expect(StatusCode::OK);
    app.advance(11);
    refresh(&mut client, &pair["refresh_token"])
        .await
        .expect(StatusCode::BAD_REQUEST);
    let pair = token(&mut client, json!({}))
        .await
        .expect(StatusCode::OK)
        .json();
    let value = format!("Bearer {}", pair["access_token"].as_str().unwrap());
    with_token(app, "authorization", &value, Method::POST, "/auth/logout")
        .await
        .expect(StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_pair_in_the_body_signs_in_and_goes_on() {
    let app = App::new().await;
    app.client().register(ADA).await;
    let mut program = app.client();
    let first = token(&mut program, json!({ "scopes": ["read"] }))
        .await
        .expect(StatusCode::OK);
    assert!(first.set_cookies().is_empty());
    let first = first.json();
    assert_eq!(
        (&first["token_type"], &first["expires_in"]),
        (&json!("Bearer"), &json!(900))
    );
    let access = first["access_token"].as_str().unwrap();
    let caller = bearer(&app, access).await.expect(StatusCode::OK).json();
    assert_eq!(
        (&caller["handle"], &caller["scopes"]),
        (&json!(ADA), &json!(["read"]))
    );
    let second = refresh(&mut program, &first["refresh_token"])
        .await
        .expect(StatusCode::OK)
        .json();
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    let again = refresh(&mut program, &first["refresh_token"])
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(again["refresh_token"], second["refresh_token"]);
}

// RT-04
#[tokio::test]
async fn a_pair_in_cookies_is_in_no_body_and_a_refusal_deletes_none() {
    let app = App::new().await;
    app.client().register(ADA).await;
    let mut browser = app.client();
    let answer = token(&mut browser, json!({ "cookies": true }))
        .await
        .expect(StatusCode::OK);
    assert_eq!(answer.set_cookies().len(), 2);
    let body = answer.json();
    assert!(
        body.get("access_token").is_none() && body.get("refresh_token").is_none(),
        "{body}"
    );
    browser.check().await.expect(StatusCode::OK);
    let stale = browser.jar.clone();
    browser
        .post("/auth/refresh", json!({}))
        .await
        .expect(StatusCode::OK);
    assert_ne!(
        browser.jar["__Host-portcullis-refresh"],
        stale["__Host-portcullis-refresh"]
    );
    // The tab that lost the race comes with the older cookie.
    let fresh = std::mem::replace(&mut browser.jar, stale);
    let again = browser
        .post("/auth/refresh", json!({}))
        .await
        .expect(StatusCode::OK);
    assert!(
        again
            .set_cookies()
            .iter()
            .all(|cookie| cookie.max_age != Some(0))
    );
    assert_eq!(
        browser.jar["__Host-portcullis-refresh"],
        fresh["__Host-portcullis-refresh"]
    );
    app.advance(11);
    browser
        .jar
        .insert("__Host-portcullis-refresh".to_owned(), "dead".to_owned());
    let refused = browser
        .post("/auth/refresh", json!({}))
        .await
        .expect(StatusCode::BAD_REQUEST);
    assert_eq!(refused.code(), "invalid_grant");
    assert!(refused.set_cookies().is_empty());
}

// HT-04
#[tokio::test]
async fn an_access_cookie_is_of_no_use_to_another_site() {
    let app = App::new().await;
    app.client().register(ADA).await;
    let mut browser = app.client();
    token(&mut browser, json!({ "cookies": true }))
        .await
        .expect(StatusCode::OK);
    browser
        .headers
        .insert("origin", "https://evil.example".parse().unwrap());
    browser.check().await.expect(StatusCode::FORBIDDEN);
    browser
        .post("/auth/refresh", json!({}))
        .await
        .expect(StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn signing_out_with_tokens_ends_the_family_and_forgets_the_cookies() {
    let app = App::new().await;
    app.client().register(ADA).await;
    let mut browser = app.client();
    token(&mut browser, json!({ "cookies": true }))
        .await
        .expect(StatusCode::OK);
    let kept = browser.jar.clone();
    browser
        .post_empty("/auth/logout")
        .await
        .expect(StatusCode::NO_CONTENT);
    assert!(
        browser
            .jar
            .keys()
            .all(|name| !name.contains("access") && !name.contains("refresh")),
        "{:?}",
        browser.jar
    );
    browser.jar = kept;
    browser.check().await.expect(StatusCode::UNAUTHORIZED);
    browser
        .post("/auth/refresh", json!({}))
        .await
        .expect(StatusCode::BAD_REQUEST);
}

// AK-05
#[tokio::test]
async fn an_access_token_manages_no_credentials() {
    let app = App::new().await;
    app.client().register(ADA).await;
    let pair = token(&mut app.client(), json!({}))
        .await
        .expect(StatusCode::OK)
        .json();
    let value = format!("Bearer {}", pair["access_token"].as_str().unwrap());
    for (method, path) in [
        (Method::POST, "/auth/api-tokens"),
        (Method::DELETE, "/auth/sessions"),
        (Method::GET, "/auth/sessions"),
    ] {
        let answer = with_token(&app, "authorization", &value, method, path)
            .await
            .expect(StatusCode::FORBIDDEN);
        assert_eq!(answer.code(), "credential_not_allowed", "{path}");
    }
}

#[tokio::test]
async fn the_public_keys_are_published_and_no_private_one() {
    let app = App::new().await;
    let jwks = app
        .client()
        .get("/auth/jwks.json")
        .await
        .expect(StatusCode::OK)
        .json();
    let key = &jwks["keys"][0];
    assert_eq!((&key["kty"], &key["use"]), (&json!("OKP"), &json!("sig")));
    assert!(key.get("d").is_none() && key["kid"].is_string(), "{jwks}");
}

#[tokio::test]
async fn asking_for_tokens_is_refused_like_a_sign_in() {
    let app = App::new().await;
    app.client().register(ADA).await;
    let wrong = json!({ "identifier": ADA, "password": "wrong horse battery staple" });
    let unknown = json!({ "identifier": "nobody@example.com", "password": PASSWORD });
    let wrong = app
        .client()
        .post("/auth/token", wrong)
        .await
        .expect(StatusCode::UNAUTHORIZED);
    let unknown = app
        .client()
        .post("/auth/token", unknown)
        .await
        .expect(StatusCode::UNAUTHORIZED);
    assert_eq!(wrong.normalized(), unknown.normalized());
    let body = json!({ "identifier": ADA, "password": PASSWORD, "scopes": ["a b"] });
    app.client()
        .post("/auth/token", body)
        .await
        .expect(StatusCode::UNPROCESSABLE_ENTITY);
}

/// An app whose signatures are the longest there are.
async fn with_the_longest_signatures() -> App {
    let keys = JwtKeys::generate(
        JwtAlgorithm::Rs256,
        &OsEntropy,
        ManualClock::default().now(),
    );
    let keys = keys.unwrap();
    App::with(|builder| builder.access_tokens(keys), |router, _| router).await
}

// HT-02
#[tokio::test]
async fn the_largest_pair_fits_into_cookies_and_a_larger_one_is_refused_before_it_is_made() {
    let app = with_the_longest_signatures().await;
    // As long as an address gets.
    let long = format!("{}@{}.example.com", "a".repeat(64), "b".repeat(63));
    app.client().register(&long).await;
    let scopes = |count: usize| -> Vec<String> {
        let name = |number| format!("{number:02}{}", "s".repeat(62));
        (0..count).map(name).collect()
    };
    let mut browser = app.client();
    let body = json!({ "identifier": long, "scopes": scopes(15), "cookies": true });
    let pair = token(&mut browser, body).await.expect(StatusCode::OK);
    for cookie in pair.set_cookies() {
        let bytes = cookie.name.len() + cookie.value.len();
        assert!(bytes <= 4096, "{}: {bytes}", cookie.name);
    }
    let (hashes, events) = (app.hasher.hashes(), app.events().await.len());
    let body = json!({ "identifier": long, "scopes": scopes(16), "cookies": true });
    let refused = token(&mut browser, body).await;
    assert_eq!(refused.code(), "invalid_body");
    assert_eq!(refused.json()["errors"][0]["field"], "scopes");
    assert_eq!(
        (app.hasher.hashes(), app.events().await.len()),
        (hashes, events)
    );
    let body = json!({ "identifier": long, "scopes": scopes(32) });
    token(&mut browser, body).await.expect(StatusCode::OK);
}
