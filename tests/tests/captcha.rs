//! The real binary, asking a real provider of CAPTCHAs.

#![expect(
    clippy::expect_used,
    reason = "a test fails by panicking, in its harness too"
)]

use std::fs;

use portcullis_testing::webhook::{WebhookMode, WebhookSecurity, WebhookServer};
use portcullis_tests::{DEFAULT_CONFIG, Person, Place, verify};
use serde_json::json;

fn place(provider: &WebhookServer, more: &str) -> Place {
    let place = Place::new();
    let (certificate, secret) = (place.path().join("ca.pem"), place.path().join("secret"));
    fs::write(&certificate, provider.certificate_pem()).expect("a file");
    fs::write(&secret, "hunter2\n").expect("a file");
    place.configure(&format!(
        "{DEFAULT_CONFIG}\n[captcha]\nprovider = \"turnstile\"\nurl = {:?}\nca = {certificate:?}\n\
         secret_file = {secret:?}\nhosts = [\"app.example.com\"]\n{more}\n",
        provider.url()
    ));
    place
}

#[test]
fn who_signs_up_shows_that_there_is_a_person_and_who_signs_in_need_not() {
    let provider = WebhookServer::start(WebhookSecurity::Tls).expect("a provider");
    let answer = r#"{"success": true, "hostname": "app.example.com"}"#;
    provider.set(WebhookMode::Json(200, answer.to_owned()));
    let place = place(&provider, "");
    let service = place.start();
    let (ada, browser) = (Person::new("ada"), service.browser());
    let refused = browser.post("/auth/signup", &ada.sign_up()).expect(403);
    assert_eq!(refused.json()["code"], "captcha_required");
    let mut sign_up = ada.sign_up();
    sign_up["captcha"] = json!("made-by-a-person");
    assert!(browser.post("/auth/signup", &sign_up).is_success());
    let asked = provider.received();
    let bodies: Vec<_> = asked.iter().map(|question| &question.body[..]).collect();
    assert_eq!(bodies, [b"secret=hunter2&response=made-by-a-person"]);
    let token = place.await_mail_to(&ada.email).token();
    assert!(verify(&browser, &token).is_success());
    ada.enter(&browser);
    let said = service.stdout() + &service.stderr();
    assert!(!said.contains("hunter2") && !said.contains("made-by"));
}

#[test]
fn while_the_provider_is_out_a_sign_up_waits_or_goes_on_as_is_configured() {
    let provider = WebhookServer::start(WebhookSecurity::Plain).expect("a provider");
    provider.set(WebhookMode::HangUp);
    for (more, status) in [("", 503), ("in_outage = \"pass\"", 202)] {
        let place = place(&provider, more);
        let service = place.start();
        let mut sign_up = Person::new("ada").sign_up();
        sign_up["captcha"] = json!("made-by-a-person");
        let answer = service.browser().post("/auth/signup", &sign_up);
        assert_eq!(answer.status, status, "{more}: {answer:?}");
        let said = "nobody can be told from a robot";
        assert!(service.stderr().contains(said), "{}", service.stderr());
    }
}
