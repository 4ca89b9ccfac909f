//! The real binary and a real relay.

#![expect(
    clippy::expect_used,
    reason = "a test fails by panicking, in its harness too"
)]

use std::fs;
use std::time::Duration;

use portcullis_testing::smtp::{SmtpMode, SmtpSecurity, SmtpServer};
use portcullis_tests::{DEFAULT_CONFIG, Person, Place, token_in, verify};
use serde_json::Value;

const WITHIN: Duration = Duration::from_secs(60);

/// A place whose mail goes to this relay.
fn place(relay: &SmtpServer, tls: &str) -> Place {
    let place = Place::new();
    let certificate = place.path().join("ca.pem");
    let password = place.path().join("password");
    fs::write(&certificate, relay.certificate_pem()).expect("a file");
    fs::write(&password, "s3cret\n").expect("a file");
    place.configure(&format!(
        "{DEFAULT_CONFIG}\n[mail]\nkind = \"smtp\"\nfrom = \"no-reply@auth.example\"\n[mail.smtp]\n\
         host = \"127.0.0.1\"\nport = {}\ntls = \"{tls}\"\nca = {certificate:?}\nuser = \"relay\"\n\
         password_file = {password:?}\n",
        relay.port()
    ));
    place
}

// LG-02
#[test]
fn a_sign_up_mail_arrives_by_smtp_and_its_link_works() {
    for (security, tls) in [
        (SmtpSecurity::Plain, "none"),
        (SmtpSecurity::Wrapper, "wrapper"),
        (SmtpSecurity::StartTls, "starttls"),
    ] {
        let relay = SmtpServer::start(security).unwrap();
        let place = place(&relay, tls);
        let service = place.start_with(&[], &[("RUST_LOG", "trace")]);
        let (ada, browser) = (Person::new("ada"), service.browser());
        let browser = browser.with_header("accept-language", "de-CH, en;q=0.1");
        assert!(browser.post("/auth/signup", &ada.sign_up()).is_success());
        let mail = relay.await_mail_to(&ada.email, WITHIN).expect(tls);
        assert_eq!(mail.encrypted, tls != "none");
        assert!(mail.message.contains("multipart/alternative"));
        assert_eq!(
            mail.header("Subject")
                .map(|subject| subject.starts_with("=?utf-8?")),
            Some(true),
            "German"
        );
        let text = mail.message.replace("=\r\n", "");
        let token = token_in(&text).expect("a link");
        assert!(verify(&browser, &token).is_success());
        ada.enter(&browser);
        // Neither at the highest level of detail, nor in the form that the relay is sent.
        let log = service.stderr();
        assert!(log.contains("DEBUG"), "{log}");
        for secret in ["s3cret", "czNjcmV0", "AHJlbGF5AHMzY3JldA", &token] {
            assert!(!log.contains(secret), "{secret}: {log}");
        }
    }
}

// FT-21
#[test]
fn a_refused_mail_is_listed_and_an_operator_has_it_tried_again() {
    let relay = SmtpServer::start(SmtpSecurity::Plain).unwrap();
    relay.set(SmtpMode::Refuse);
    let place = place(&relay, "none");
    let service = place.start();
    let (ada, browser) = (Person::new("ada"), service.browser());
    assert!(browser.post("/auth/signup", &ada.sign_up()).is_success());
    let listed = || -> Vec<Value> {
        let ran = place.run(["outbox", "list", "--dead", "--json"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let dead = portcullis_tests::until(WITHIN, || listed().pop()).expect("a dead mail");
    assert_eq!(dead["to"], ada.email);
    assert!(!dead.to_string().contains("pcl_vfy_"));
    let id = dead["id"].as_str().unwrap();
    relay.set(SmtpMode::Accept);
    assert_eq!(place.run(["outbox", "retry", id]).code, 0);
    assert_eq!(place.run(["outbox", "retry"]).code, 2);
    let mail = relay.await_mail_to(&ada.email, WITHIN).expect("the mail");
    assert!(mail.header("Message-ID").unwrap().contains(id));
    // A delivered mail is gone.
    portcullis_tests::until(WITHIN, || {
        (place.run(["outbox", "retry", id]).code == 3).then_some(())
    })
    .expect("gone");
}

// TH-03, FT-21
#[test]
fn a_dead_relay_shows_in_no_answer_and_mail_comes_when_it_lives_again() {
    let relay = SmtpServer::start(SmtpSecurity::Plain).unwrap();
    let place = place(&relay, "none");
    let service = place.start();
    let (ada, eve) = (Person::new("ada"), Person::new("eve"));
    // What people see while all is well, and the same while the relay says nothing and then hangs up.
    let seen = |person: &Person| {
        let browser = service.browser();
        let email = serde_json::json!({ "email": person.email });
        let answers = [
            browser.post("/auth/signup", &person.sign_up()),
            browser.post("/auth/signup/send_link", &email),
            browser.post("/auth/password/forgot", &email),
            browser.post("/auth/magic-link/send", &email),
        ];
        answers.map(|answer| (answer.status, answer.text))
    };
    let healthy = seen(&ada);
    let _well = relay.await_mail_to(&ada.email, WITHIN).expect("a mail");
    relay.set(SmtpMode::HangUp);
    assert_eq!(seen(&eve), healthy);
    service.await_log("mail not delivered");
    relay.set(SmtpMode::Accept);
    let mail = relay.await_mail_to(&eve.email, WITHIN).expect("the mail");
    let id = mail.header("Message-ID");
    let drained = portcullis_tests::until(WITHIN, || {
        let waiting = place.run(["outbox", "list", "--json"]).json();
        (waiting == serde_json::json!([])).then_some(())
    });
    drained.expect("an outbox without mail");
    let received = relay.received();
    let same = received
        .iter()
        .filter(|mail| mail.header("Message-ID") == id);
    assert_eq!(same.count(), 1, "once, where no answer got lost");
}
