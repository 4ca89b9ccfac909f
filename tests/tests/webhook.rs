//! The real binary and a real receiver of webhooks.

#![expect(
    clippy::expect_used,
    reason = "a test fails by panicking, in its harness too"
)]

use std::fs;
use std::time::Duration;

use portcullis_core::clock::{Clock, SystemClock};
use portcullis_core::secret::SecretText;
use portcullis_testing::webhook::{ReceivedWebhook, WebhookMode, WebhookSecurity, WebhookServer};
use portcullis_tests::{DEFAULT_CONFIG, Person, Place, token_in, until, verify};
use portcullis_tokens::webhook::{
    WEBHOOK_TOLERANCE, WebhookHeaders, WebhookSecret, verify_webhook,
};

const WITHIN: Duration = Duration::from_secs(60);
const OLD: &str = "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const NEW: &str = "whsec_AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

/// A place whose mail goes to this receiver, signed with both secrets.
fn place(receiver: &WebhookServer) -> Place {
    let place = Place::new();
    let (certificate, secrets) = (place.path().join("ca.pem"), place.path().join("secrets"));
    fs::write(&certificate, receiver.certificate_pem()).expect("a file");
    fs::write(&secrets, format!("{NEW}\n{OLD}\n")).expect("a file");
    place.configure(&format!(
        "{DEFAULT_CONFIG}\n[mail]\nkind = \"webhook\"\n[mail.webhook]\nurl = {:?}\nca = {certificate:?}\n\
         secret_file = {secrets:?}\n",
        receiver.url()
    ));
    place
}

fn is_signed(message: &ReceivedWebhook, secret: &str) -> bool {
    let secret = WebhookSecret::parse(&SecretText::new(secret)).expect("a secret");
    let headers = WebhookHeaders {
        id: message.header("webhook-id"),
        timestamp: message.header("webhook-timestamp"),
        signature: message.header("webhook-signature"),
    };
    let now = SystemClock.now();
    verify_webhook(headers, &message.body, &[secret], now, WEBHOOK_TOLERANCE).is_ok()
}

#[test]
fn a_sign_up_mail_arrives_by_webhook_signed_with_each_secret_and_its_link_works() {
    for security in [WebhookSecurity::Plain, WebhookSecurity::Tls] {
        let receiver = WebhookServer::start(security).unwrap();
        let place = place(&receiver);
        let service = place.start();
        let (ada, browser) = (Person::new("ada"), service.browser());
        assert!(browser.post("/auth/signup", &ada.sign_up()).is_success());
        let message = receiver.await_message(WITHIN, |message| {
            message.json()["data"]["to"] == ada.email.as_str()
        });
        let message = message.expect("a message");
        assert!(is_signed(&message, OLD) && is_signed(&message, NEW));
        let body = message.json();
        let token = token_in(body["data"]["text"].as_str().unwrap()).expect("a link");
        assert!(verify(&browser, &token).is_success());
        ada.enter(&browser);
        // Neither where mail goes nor what signs it is anybody's to read.
        let said = service.stdout() + &service.stderr();
        assert!(said.contains("by webhook"), "{said}");
        assert!(!said.contains("hooks/mail") && !said.contains("whsec_"));
    }
}

// FT-21
#[test]
fn a_message_that_is_refused_is_dead_until_an_operator_has_it_tried_again() {
    let receiver = WebhookServer::start(WebhookSecurity::Plain).unwrap();
    receiver.set(WebhookMode::Answer(422));
    let place = place(&receiver);
    let service = place.start();
    let (ada, browser) = (Person::new("ada"), service.browser());
    assert!(browser.post("/auth/signup", &ada.sign_up()).is_success());
    let dead = until(WITHIN, || {
        let listed = place.run(["outbox", "list", "--dead", "--json"]).json();
        listed.as_array().and_then(|mails| mails.first().cloned())
    });
    let id = dead.expect("a dead mail")["id"].clone();
    receiver.set(WebhookMode::Answer(200));
    let retried = place.run(["outbox", "retry", id.as_str().unwrap()]);
    assert_eq!(retried.code, 0, "{retried:?}");
    let twice = until(WITHIN, || receiver.received().into_iter().nth(1));
    let again = twice.expect("the message again");
    assert_eq!(id, again.header("webhook-id"));
    let said = service.stderr();
    assert!(
        said.contains("422"),
        "the log says what was answered: {said}"
    );
    assert!(!said.contains("hooks/mail"), "{said}");
}
