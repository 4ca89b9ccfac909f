//! A receiver that is slow, refuses, redirects, says too much or loses its answer.

use std::net::TcpListener;
use std::time::Duration;

use portcullis_backends::core::mail::OutboxFilter;
use portcullis_backends::mail::WebhookOptions;
use portcullis_testing::webhook::{WebhookMode, WebhookSecurity, WebhookServer};

use crate::harness::{ADA, Harness, PASSWORD};
use crate::{options, plain, secret, world};

/// For a receiver that never answers.
const IMPATIENT: Duration = Duration::from_millis(50);

/// Mails that are not tried again.
async fn dead(h: &Harness) -> usize {
    let (p, tenant) = (&h.portcullis, h.portcullis.default_tenant());
    let dead = p.admin_outbox(tenant, OutboxFilter::Dead, None, 10).await;
    dead.unwrap().len()
}

// FT-21
#[tokio::test]
async fn what_a_receiver_cannot_take_now_comes_later_with_the_same_id() {
    for mode in [
        WebhookMode::Answer(500),
        WebhookMode::Answer(503),
        WebhookMode::Answer(408),
        WebhookMode::Answer(429),
        // About our signature, not about the mail.
        WebhookMode::Answer(401),
        // About what stands in front of the receiver, while it is exchanged.
        WebhookMode::Answer(403),
        WebhookMode::Answer(404),
        WebhookMode::Answer(410),
        WebhookMode::Answer(301),
        WebhookMode::HangUp,
        WebhookMode::LoseAnswer,
    ] {
        let (receiver, h) = plain().await;
        receiver.set(mode.clone());
        h.sign_up(ADA, PASSWORD).await;
        assert_eq!(h.portcullis.run_due().await.unwrap().failed, 1, "{mode:?}");
        assert_eq!(dead(&h).await, 0, "{mode:?}");
        receiver.set(WebhookMode::Answer(200));
        h.advance(9);
        let early = h.portcullis.run_due().await.unwrap().delivered;
        assert_eq!(early, 0, "{mode:?}: not yet");
        h.advance(4);
        let later = h.portcullis.run_due().await.unwrap().delivered;
        assert_eq!(later, 1, "{mode:?}");
        let messages = receiver.received();
        let id = messages[0].header("webhook-id");
        for message in &messages {
            assert_eq!(message.body, messages[0].body, "{mode:?}: the same mail");
            assert_eq!(message.header("webhook-id"), id, "{mode:?}");
        }
    }
}

// FT-21
#[tokio::test]
async fn what_a_receiver_refuses_for_good_is_dead() {
    for status in [400, 413, 415, 422] {
        let (receiver, h) = plain().await;
        receiver.set(WebhookMode::Answer(status));
        h.sign_up(ADA, PASSWORD).await;
        assert_eq!(h.portcullis.run_due().await.unwrap().failed, 1, "{status}");
        assert_eq!(dead(&h).await, 1, "{status}");
        h.advance(86_400);
        assert_eq!(h.portcullis.run_due().await.unwrap().delivered, 0);
        assert_eq!(receiver.received().len(), 1, "{status}");
    }
}

// FT-21
#[tokio::test]
async fn a_receiver_that_never_answers_or_is_not_there_holds_up_one_delivery_only() {
    let receiver = WebhookServer::start(WebhookSecurity::Plain).unwrap();
    receiver.set(WebhookMode::Silent);
    let h = world(options(&receiver).timeout(IMPATIENT)).await;
    h.sign_up(ADA, PASSWORD).await;
    assert_eq!(h.portcullis.run_due().await.unwrap().failed, 1);
    receiver.set(WebhookMode::Answer(200));
    h.advance(13);
    assert_eq!(h.portcullis.run_due().await.unwrap().delivered, 1);

    // A port that nobody listens on: it was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", port.local_addr().unwrap());
    drop(port);
    let h = world(WebhookOptions::new(&url, [secret(1)])).await;
    h.sign_up(ADA, PASSWORD).await;
    assert_eq!(h.portcullis.run_due().await.unwrap().failed, 1);
    assert_eq!(dead(&h).await, 0);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (receiver, h) = plain().await;
    let elsewhere = WebhookServer::start(WebhookSecurity::Plain).unwrap();
    receiver.set(WebhookMode::Redirect(elsewhere.url()));
    h.sign_up(ADA, PASSWORD).await;
    assert_eq!(h.portcullis.run_due().await.unwrap().failed, 1);
    assert_eq!(dead(&h).await, 0);
    assert_eq!(receiver.received().len(), 1);
    assert_eq!(elsewhere.received(), []);
}

#[tokio::test]
async fn an_answer_without_an_end_is_not_read() {
    let (receiver, h) = plain().await;
    receiver.set(WebhookMode::Endless);
    h.sign_up(ADA, PASSWORD).await;
    assert_eq!(h.portcullis.run_due().await.unwrap().delivered, 1);
}
