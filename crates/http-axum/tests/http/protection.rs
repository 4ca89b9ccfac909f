//! Against other sites: where browsers are sent, which pages may read answers, and tokens in forms.

use axum::Router;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::routing::get;
use portcullis_http_axum::{CheckedForm, FormToken, PageAuth, Portcullis, RoutesConfig};
use serde::Deserialize;

use crate::app::{ADA, Answer, App, Client, ORIGIN, PASSWORD};

const FORM: &str = "application/x-www-form-urlencoded";
/// A page of the application's on another host.
const PAGES: &str = "https://app.example.com";
/// What no `Location` may ever hold, in any spelling: a target that leaves for another site.
const ELSEWHERE: &[&str] = &[
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/.//evil.example",
    "/a/..//evil.example",
    "/%2e//evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https://evil.example",
    "http://auth.example.com/",
    "https://auth.example.com@evil.example/",
    "https://auth.example.com:443@evil.example/",
    "https://user@auth.example.com/",
    "https://auth.example.com.evil.example/",
    "https://evil.example/auth.example.com",
    "https://auth.example.com:444/",
    "https://AUTH.example.com\\@evil.example",
    "https://xn--uth-4na.example.com/",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "mailto:a@example.com",
    "inbox",
    "?next=/",
    "/\u{2028}evil",
    "/\0",
];

async fn app() -> App {
    let mount = |_: Router, portcullis: &Portcullis| {
        let mut config = RoutesConfig::default();
        config.allow_origin(PAGES).unwrap();
        Router::new()
            .route(
                "/form",
                get(|token: FormToken| async move { token.to_string() }).post(rename),
            )
            .route(
                "/inbox",
                get(|PageAuth(who): PageAuth| async move { who.handle }),
            )
            .with_state(portcullis.clone())
            .merge(portcullis_http_axum::routes_with(portcullis, config))
    };
    App::with(|builder| builder.sign_in_page("/welcome"), mount).await
}

#[derive(Deserialize)]
struct Rename {
    name: String,
}

async fn rename(CheckedForm(principal, form): CheckedForm<Rename>) -> String {
    format!("{} is {}", principal.handle, form.name)
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

async fn sign_in_form(client: &mut Client<'_>, return_to: &str) -> Answer {
    client
        .headers
        .insert(header::ACCEPT, "text/html".parse().unwrap());
    let body = format!(
        "identifier={}&password={}&return_to={}",
        encoded(ADA),
        encoded(PASSWORD),
        encoded(return_to)
    );
    let answer = client
        .request(
            Method::POST,
            "/auth/sign-in",
            Some((FORM, body.into_bytes())),
        )
        .await;
    client.headers.clear();
    answer
}

fn location(answer: &Answer) -> &str {
    answer.headers[header::LOCATION].to_str().unwrap()
}

// HT-07
#[tokio::test]
async fn nobody_is_sent_to_another_site() {
    let app = app().await;
    let mut ada = app.signed_in(ADA).await;
    let hashes = app.hasher.hashes();
    for target in ELSEWHERE {
        let answer = sign_in_form(&mut ada, target).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{target:?}"
        );
        assert!(!answer.headers.contains_key(header::LOCATION), "{target:?}");
    }
    // Refused before anything was spent on it.
    assert_eq!(app.hasher.hashes(), hashes);
}

// HT-07
#[tokio::test]
async fn a_browser_is_sent_back_to_a_page_of_ours() {
    let app = app().await;
    app.signed_in(ADA).await;
    for (target, sent) in [
        ("/", "/"),
        ("/inbox?page=2#top", "/inbox?page=2#top"),
        ("/a/../b", "/b"),
        ("/a//b", "/a//b"),
        ("/%2F%2Fevil.example", "/%2F%2Fevil.example"),
        ("https://auth.example.com/x", "https://auth.example.com/x"),
        ("https://app.example.com", "https://app.example.com/"),
        ("https://app.example.com/x?y", "https://app.example.com/x?y"),
    ] {
        let mut browser = app.client();
        let answer = sign_in_form(&mut browser, target).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{target}: {answer:?}");
        assert_eq!(location(&answer), sent);
        // The session came with it.
        browser.get("/auth/profile").await.expect(StatusCode::OK);
    }
}

// HT-07
#[tokio::test]
async fn a_page_sends_whoever_is_not_signed_in_to_sign_in_and_says_where_they_were_going() {
    let app = app().await;
    let mut browser = app.client();
    let answer = browser.get("/inbox?page=2&x=//evil.example").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let sent = location(&answer).to_owned();
    assert_eq!(
        sent,
        "/welcome?return_to=%2Finbox%3Fpage%3D2%26x%3D%2F%2Fevil.example"
    );
    let mut ada = app.signed_in(ADA).await;
    ada.get("/inbox").await.expect(StatusCode::OK);
}

async fn asked(app: &App, method: Method, origin: &str, preflight: bool) -> HeaderMap {
    let mut client = app.client();
    client
        .headers
        .insert(header::ORIGIN, origin.parse().unwrap());
    if preflight {
        let method = "POST".parse().unwrap();
        client
            .headers
            .insert(header::ACCESS_CONTROL_REQUEST_METHOD, method);
    }
    client
        .request(method, "/auth/check-auth", None)
        .await
        .headers
}

const GRANT: header::HeaderName = header::ACCESS_CONTROL_ALLOW_ORIGIN;

// HT-06
#[tokio::test]
async fn only_pages_of_an_allowed_origin_read_answers() {
    let app = app().await;
    for method in [Method::OPTIONS, Method::POST] {
        let granted = asked(&app, method.clone(), PAGES, true).await;
        assert_eq!(granted[GRANT], PAGES);
        assert_eq!(granted[header::ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
        assert_eq!(granted[header::VARY], "origin");
        for origin in [
            "null",
            "*",
            "https://evil.example",
            "https://app.example.com.evil.example",
            "https://evilapp.example.com",
            "https://sub.app.example.com",
            "http://app.example.com",
            "https://app.example.com:444",
            "https://APP.example.com",
            "https://app.example.com/",
            "https://app.example.com,https://evil.example",
            ORIGIN,
        ] {
            let answered = asked(&app, method.clone(), origin, true).await;
            let granted = answered
                .keys()
                .find(|name| name.as_str().starts_with("access-control"));
            assert_eq!(granted, None, "{method} {origin}");
            // A cache keeps the two apart all the same.
            assert_eq!(answered[header::VARY], "origin", "{method} {origin}");
        }
    }
}

// HT-06
#[tokio::test]
async fn a_preflight_of_an_allowed_page_names_what_the_path_takes() {
    let app = app().await;
    let granted = asked(&app, Method::OPTIONS, PAGES, true).await;
    assert_eq!(granted[header::ACCESS_CONTROL_ALLOW_METHODS], "POST");
    assert!(granted.contains_key(header::ACCESS_CONTROL_ALLOW_HEADERS));
    // Without the question it is a method like any other that the path does not take.
    let mut client = app.client();
    let answer = client
        .request(Method::OPTIONS, "/auth/check-auth", None)
        .await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
}

// HT-06
#[tokio::test]
async fn where_no_origin_is_allowed_no_answer_speaks_of_it() {
    let app = App::new().await;
    let answered = asked(&app, Method::POST, PAGES, true).await;
    assert!(!answered.contains_key(GRANT) && !answered.contains_key(header::VARY));
}

async fn send_form(client: &mut Client<'_>, fields: &str) -> Answer {
    let body = Some((FORM, fields.as_bytes().to_vec()));
    client.request(Method::POST, "/form", body).await
}

// HT-05
#[tokio::test]
async fn a_form_of_another_session_is_refused() {
    let app = app().await;
    let mut ada = app.signed_in(ADA).await;
    let token = ada.get("/form").await.text();
    let sent = send_form(&mut ada, &format!("name=Countess&form_token={token}")).await;
    assert_eq!(sent.text(), format!("{ADA} is Countess"));
    // The same person elsewhere, and somebody else.
    let mut elsewhere = app.client();
    elsewhere.sign_in(ADA).await.expect(StatusCode::OK);
    let mut bob = app.signed_in("bob@example.com").await;
    for client in [&mut elsewhere, &mut bob] {
        let refused = send_form(client, &format!("name=x&form_token={token}")).await;
        assert_eq!(
            (refused.status, refused.code()),
            (StatusCode::FORBIDDEN, "cross_site_request".to_owned())
        );
    }
}

// HT-05, HT-12
#[tokio::test]
async fn a_form_has_one_token_and_it_is_one_of_ours() {
    let app = app().await;
    let mut ada = app.signed_in(ADA).await;
    let token = ada.get("/form").await.text();
    let other = token.replace('a', "b");
    for fields in [
        "name=x".to_owned(),
        "name=x&form_token=".to_owned(),
        format!("name=x&form_token={token}0"),
        format!("name=x&form_token={}", token.to_uppercase()),
        format!("name=x&form_token={other}&form_token={token}"),
        format!("name=x&form_token={}", "0".repeat(token.len())),
    ] {
        let refused = send_form(&mut ada, &fields).await;
        assert_eq!(refused.code(), "cross_site_request", "{fields}");
    }
    let twice = format!("name=x&name=y&form_token={token}");
    assert_eq!(send_form(&mut ada, &twice).await.code(), "invalid_body");
    let mut nobody = app.client();
    let refused = send_form(&mut nobody, &format!("name=x&form_token={token}")).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
}

/// Guesses from many places until nobody who is unknown gets an attempt any more.
pub(crate) async fn lock_out(app: &App, who: &str) {
    for _ in 0..80 {
        let mut stranger = app.client();
        let answer = stranger.sign_in_with(who, "a guess of somebody else").await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            return;
        }
    }
    panic!("guesses are never stopped");
}

// TH-05
#[tokio::test]
async fn a_strangers_failures_keep_no_owner_out_of_a_browser_of_theirs() {
    let app = App::new().await;
    let mut owner = app.signed_in(ADA).await;
    owner.post_empty("/auth/logout").await;
    // Both counts: that of the account, which grows with failures, and that of the route.
    for _ in 0..20 {
        lock_out(&app, ADA).await;
        app.advance(1);
    }
    let mut elsewhere = app.client();
    let locked = elsewhere.sign_in(ADA).await;
    assert_eq!(locked.status, StatusCode::TOO_MANY_REQUESTS);
    owner.sign_in(ADA).await.expect(StatusCode::OK);
    // Which helps nobody else, and no other name in the same browser.
    let still = elsewhere.sign_in(ADA).await;
    assert_eq!(still.status, StatusCode::TOO_MANY_REQUESTS);
    app.signed_in("bob@example.com").await;
    lock_out(&app, "bob@example.com").await;
    let other = owner.sign_in("bob@example.com").await;
    assert_eq!(other.status, StatusCode::TOO_MANY_REQUESTS);
}

// TH-04, TH-05
#[tokio::test]
async fn a_browser_that_is_known_is_slowed_down_like_any_other() {
    let app = App::new().await;
    let mut thief = app.signed_in(ADA).await;
    thief.post_empty("/auth/logout").await;
    let mut answers = Vec::new();
    for _ in 0..7 {
        answers.push(
            thief
                .sign_in_with(ADA, "a guess of somebody else")
                .await
                .status,
        );
    }
    assert_eq!(
        answers.last(),
        Some(&StatusCode::TOO_MANY_REQUESTS),
        "{answers:?}"
    );
}
