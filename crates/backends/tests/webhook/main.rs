//! Mail by webhook, to a real receiver on loopback that takes it or gives trouble.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its harness too"
)]

#[path = "../flows/harness.rs"]
#[expect(dead_code, reason = "the flows' harness does more than is needed here")]
mod harness;
mod options;
mod trouble;

use std::sync::Arc;
use std::time::Duration;

use portcullis_backends::core::clock::{Clock, ManualClock};
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::core::time::Timestamp;
use portcullis_backends::mail::{WebhookMailer, WebhookOptions};
use portcullis_backends::tokens::webhook::{
    ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, WEBHOOK_TOLERANCE, WebhookHeaders,
    WebhookRefusal, WebhookSecret, verify_webhook,
};
use portcullis_testing::webhook::{ReceivedWebhook, WebhookSecurity, WebhookServer};

use crate::harness::{ADA, Harness, PASSWORD};

/// Longer than a machine under load needs, and no test waits for it but where the receiver is silent.
const PATIENT: Duration = Duration::from_secs(30);

fn secret(fill: u8) -> WebhookSecret {
    WebhookSecret::new(&[fill; 32]).unwrap()
}

fn options(receiver: &WebhookServer) -> WebhookOptions {
    WebhookOptions::new(&receiver.url(), [secret(1)])
        .root_certificates(receiver.certificate_pem())
        .timeout(PATIENT)
}

async fn world(options: WebhookOptions) -> Harness {
    Harness::with(|builder| builder.mailer(WebhookMailer::new(options).unwrap())).await
}

async fn plain() -> (WebhookServer, Harness) {
    let receiver = WebhookServer::start(WebhookSecurity::Plain).unwrap();
    let world = world(options(&receiver)).await;
    (receiver, world)
}

/// What a receiver with these secrets says at this time.
fn verified(
    message: &ReceivedWebhook,
    secrets: &[WebhookSecret],
    now: Timestamp,
) -> Result<(), WebhookRefusal> {
    let headers = WebhookHeaders {
        id: message.header(ID_HEADER),
        timestamp: message.header(TIMESTAMP_HEADER),
        signature: message.header(SIGNATURE_HEADER),
    };
    verify_webhook(headers, &message.body, secrets, now, WEBHOOK_TOLERANCE)
}

#[tokio::test]
async fn a_mail_arrives_signed_and_its_link_works_however_it_is_protected() {
    for security in [WebhookSecurity::Plain, WebhookSecurity::Tls] {
        let receiver = WebhookServer::start(security).unwrap();
        let clock = Arc::new(ManualClock::default());
        let h = world(options(&receiver).clock(clock.clone())).await;
        let browser = h.sign_up(ADA, PASSWORD).await;
        assert_eq!(h.portcullis.run_due().await.unwrap().delivered, 1);
        let messages = receiver.received();
        let [message] = &messages[..] else {
            panic!("{messages:?}")
        };
        assert_eq!(message.encrypted, security == WebhookSecurity::Tls);
        assert_eq!(message.request, "POST /hooks/mail?from=portcullis HTTP/1.1");
        assert_eq!(message.header("content-type"), "application/json");
        assert_eq!(verified(message, &[secret(1)], clock.now()), Ok(()));
        let body = message.json();
        assert_eq!(body["type"], "mail.verify_email");
        assert_eq!(body["timestamp"], h.clock.now().to_string());
        let data = &body["data"];
        assert_eq!(data["id"], message.header(ID_HEADER));
        let tenant = h.portcullis.default_tenant().to_string();
        assert_eq!(data["tenant"], tenant.as_str());
        assert_eq!(data["template"], "verify_email");
        assert_eq!(data["to"], ADA);
        assert_eq!(data["subject"], "Confirm your address for portcullis");
        // The link of the text works, and the HTML has the same.
        let (_, rest) = data["text"].as_str().unwrap().split_once("token=").unwrap();
        let token = rest.lines().next().unwrap();
        let html = data["html"].as_str().unwrap();
        assert!(html.contains(&format!("token={token}\">")), "{html}");
        let outcome = h.verify(&SecretText::new(token), Some(&browser)).await;
        assert!(format!("{outcome:?}").contains("Verified"), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_receiver_that_nobody_vouches_for_gets_no_mail() {
    let receiver = WebhookServer::start(WebhookSecurity::Tls).unwrap();
    let h = world(WebhookOptions::new(&receiver.url(), [secret(1)])).await;
    h.sign_up(ADA, PASSWORD).await;
    assert_eq!(h.portcullis.run_due().await.unwrap().failed, 1);
    assert_eq!(receiver.received(), []);
}

#[tokio::test]
async fn a_receiver_knows_what_is_not_from_us_and_what_comes_again() {
    let receiver = WebhookServer::start(WebhookSecurity::Plain).unwrap();
    let clock = Arc::new(ManualClock::default());
    let h = world(options(&receiver).clock(clock.clone())).await;
    h.sign_up(ADA, PASSWORD).await;
    assert_eq!(h.portcullis.run_due().await.unwrap().delivered, 1);
    let message = receiver.received().remove(0);
    let stranger = verified(&message, &[secret(2)], clock.now());
    assert_eq!(stranger, Err(WebhookRefusal::Signature));
    let mut changed = message.clone();
    let text = String::from_utf8(changed.body).unwrap();
    changed.body = text.replace("auth.example.com", "eve.example").into_bytes();
    let refused = verified(&changed, &[secret(1)], clock.now());
    assert_eq!(refused, Err(WebhookRefusal::Signature));
    clock.advance(WEBHOOK_TOLERANCE + Duration::from_secs(1));
    let again = verified(&message, &[secret(1)], clock.now());
    assert_eq!(again, Err(WebhookRefusal::Stale));
}

#[tokio::test]
async fn a_secret_is_replaced_without_a_mail_lost() {
    let receiver = WebhookServer::start(WebhookSecurity::Plain).unwrap();
    let clock = Arc::new(ManualClock::default());
    let both = WebhookOptions::new(&receiver.url(), [secret(2), secret(1)]);
    let h = world(both.clock(clock.clone())).await;
    h.sign_up(ADA, PASSWORD).await;
    assert_eq!(h.portcullis.run_due().await.unwrap().delivered, 1);
    let message = receiver.received().remove(0);
    for one in [1, 2] {
        assert_eq!(verified(&message, &[secret(one)], clock.now()), Ok(()));
    }
}
