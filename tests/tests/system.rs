//! The whole path of one person, over HTTP, with a cookie jar, on every store that the binary can be given.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

use portcullis_tests::{Answer, ApiToken, Browser, Person, Place, Stores, verify};
use serde_json::{Value, json};

/// The ids of the entries in the one list of an answer.
fn ids(answer: &Answer, list: &str) -> Vec<String> {
    let entries = answer.json()[list].as_array().unwrap().clone();
    let id = |entry: &Value| entry["id"].as_str().unwrap().to_owned();
    entries.iter().map(id).collect()
}

/// The id of the browser's own session.
fn current(browser: &Browser) -> String {
    let sessions = browser.get("/auth/sessions").expect(200).json();
    let own = |entry: &&Value| entry["current"] == true;
    let found = sessions["sessions"].as_array().unwrap().iter().find(own);
    found.unwrap()["id"].as_str().unwrap().to_owned()
}

fn check(browser: &Browser) -> u16 {
    browser.send("POST", "/auth/check-auth", None).status
}

// SE-04, SE-05, SE-08, PW-16
#[test]
fn from_sign_up_to_suspension_and_back() {
    whole_path(Stores::sqlite());
}

#[test]
fn from_sign_up_to_suspension_and_back_on_postgresql() {
    whole_path(Stores::postgres());
}

#[test]
fn from_sign_up_to_suspension_and_back_on_postgresql_and_redis() {
    whole_path(Stores::postgres_and_redis());
}

/// Left out where the machine lacks a store.
fn whole_path(stores: Option<Stores>) {
    let Some(stores) = stores else { return };
    let place = Place::on(&stores);
    let service = place.start();
    assert_eq!(place.run(["user", "list", "--json"]).json(), json!([]));
    let ada = Person::new("ada");

    // Nobody yet.
    let browser = service.browser();
    let _none = browser.get("/auth/profile").expect(401);

    // Signed up is not signed in, and cannot sign in.
    let signed_up = browser.post("/auth/signup", &ada.sign_up());
    assert!(signed_up.is_success(), "{signed_up:?}");
    let token = place.await_mail_to(&ada.email).token();
    let _not_yet = browser.post("/auth/sign-in", &ada.sign_in()).expect(401);
    let verified = verify(&browser, &token);
    assert!(verified.is_success(), "{verified:?}");
    let _once = verify(&browser, &token);
    assert!(!verify(&browser, &token).is_success());

    // A session, seen by its owner.
    ada.enter(&browser);
    let profile = browser.get("/auth/profile").expect(200);
    assert!(profile.text.contains(&ada.email), "{profile:?}");
    let elsewhere = service.browser();
    ada.enter(&elsewhere);
    let sessions = browser.get("/auth/sessions").expect(200);
    assert_eq!(ids(&sessions, "sessions").len(), 2, "{sessions:?}");

    // A token for a program, in both headers.
    let made = ApiToken::create(&browser, "deploy");
    let listed = browser.get("/auth/api-tokens").expect(200);
    assert_eq!(ids(&listed, "api_tokens"), [made.id.as_str()]);
    assert!(!listed.text.contains(&made.token), "{listed:?}");
    let bearer = made.bearer(service.browser());
    let principal = bearer.send("POST", "/auth/check-auth", None).expect(200);
    assert!(principal.text.contains("api_token"), "{principal:?}");
    assert_eq!(principal.json()["handle"], ada.email.as_str());
    assert_eq!(principal.json()["scopes"], json!(["read", "write"]));
    let api_key = service.browser().with_header("x-api-key", &made.token);
    assert_eq!(check(&api_key), 200);

    // Revoked is refused at once.
    let revoked = browser.delete(&format!("/auth/api-tokens/{}", made.id));
    assert!(revoked.is_success(), "{revoked:?}");
    assert_eq!((check(&bearer), check(&api_key)), (401, 401));
    let other = current(&elsewhere);
    let ended = browser.delete(&format!("/auth/sessions/{other}"));
    assert!(ended.is_success(), "{ended:?}");
    let _dead = elsewhere.get("/auth/profile").expect(401);
    let _alive = browser.get("/auth/profile").expect(200);

    // Suspended by an operator: cookie and token are refused with the next request.
    let second = ApiToken::create(&browser, "backup");
    let bearer = second.bearer(service.browser());
    assert_eq!(check(&bearer), 200);
    let suspended = place.run(["user", "suspend", &ada.email, "--json"]).json();
    assert_eq!(suspended["state"], "suspended");
    let _refused = browser.get("/auth/profile").expect(401);
    assert_eq!(check(&bearer), 401);
    let _refused = browser.post("/auth/sign-in", &ada.sign_in()).expect(401);

    // Back again: the old session stays dead, the token lives, a new session can be had.
    let active = place.run(["user", "activate", &ada.email, "--json"]).json();
    assert_eq!(active["state"], "active");
    let _still_dead = browser.get("/auth/profile").expect(401);
    assert_eq!(check(&bearer), 200);
    ada.enter(&browser);
    let _alive = browser.get("/auth/profile").expect(200);

    // Signed out is over on the server's side too.
    let cookie = browser.cookie("portcullis").unwrap();
    let out = browser.send("POST", "/auth/logout", None);
    assert!(out.is_success(), "{out:?}");
    assert_eq!(browser.cookie("portcullis"), None);
    let thief = service
        .browser()
        .with_header("cookie", &format!("portcullis={cookie}"));
    let _dead = thief.get("/auth/profile").expect(401);
}
