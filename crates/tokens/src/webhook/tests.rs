use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Vectors {
    source: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    secret: String,
    id: String,
    timestamp: i64,
    body: String,
    signature: String,
}

const ID: &str = "0190163d-8694-739b-aea5-966c26f8ad91";
const BODY: &[u8] = br#"{"type":"mail.magic_link"}"#;
const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

fn secret(fill: u8) -> WebhookSecret {
    WebhookSecret::new(&[fill; 32]).unwrap()
}

fn parsed(text: &str) -> Result<WebhookSecret, WebhookSecretError> {
    WebhookSecret::parse(&SecretText::new(text))
}

/// What the receiver, who has the first secret, says at [`NOW`].
fn received(id: &str, timestamp: &str, signature: &str, body: &[u8]) -> Result<(), WebhookRefusal> {
    let headers = WebhookHeaders {
        id,
        timestamp,
        signature,
    };
    verify_webhook(headers, body, &[secret(1)], NOW, WEBHOOK_TOLERANCE)
}

fn sent(secrets: &[WebhookSecret], at: Timestamp) -> (String, String) {
    (at.as_secs().to_string(), sign(secrets, ID, at, BODY))
}

#[test]
fn signatures_are_the_published_ones() {
    let vectors: Vectors =
        serde_json::from_str(include_str!("../../tests/vectors/webhook.json")).unwrap();
    assert!(vectors.source.contains("Standard Webhooks"));
    assert_eq!(vectors.cases.len(), 4);
    for case in vectors.cases {
        let encoded = case.secret.strip_prefix("whsec_").unwrap();
        // Not by the constructor, which refuses the 24 bytes of the published one.
        let secrets = [WebhookSecret::filled_up(&STANDARD.decode(encoded).unwrap())];
        let at = Timestamp::from_secs(case.timestamp);
        let body = case.body.as_bytes();
        let made = sign(&secrets, &case.id, at, body);
        assert_eq!(made, case.signature, "{}", case.name);
        let headers = WebhookHeaders {
            id: &case.id,
            timestamp: &case.timestamp.to_string(),
            signature: &case.signature,
        };
        let verified = verify_webhook(headers, body, &secrets, at, Duration::ZERO);
        assert_eq!(verified, Ok(()), "{}", case.name);
    }
}

#[test]
fn a_secret_has_32_to_64_bytes_and_is_not_printed() {
    let written = |bytes: &[u8]| format!("whsec_{}", STANDARD.encode(bytes));
    for length in [0, 24, 31, 65, 128] {
        let bytes = vec![7; length];
        let refused = parsed(&written(&bytes)).map(drop);
        assert_eq!(refused, Err(WebhookSecretError::Length), "{length}");
    }
    for length in [32, 33, 64] {
        let secret = parsed(&written(&vec![7; length])).unwrap();
        assert!(!format!("{secret:?}").contains('7'), "{length}");
    }
    for text in [
        "",
        "whsec_",
        "whsec_!",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=",
    ] {
        assert!(parsed(text).is_err(), "{text:?}");
    }
}

#[test]
fn what_was_changed_on_the_way_is_refused() {
    let (timestamp, signature) = sent(&[secret(1)], NOW);
    assert_eq!(received(ID, &timestamp, &signature, BODY), Ok(()));
    let refused = Err(WebhookRefusal::Signature);
    let other_id = ID.replace('9', "8");
    let later = (NOW.as_secs() + 1).to_string();
    assert_eq!(received(ID, &timestamp, &signature, b"{}"), refused);
    assert_eq!(received(&other_id, &timestamp, &signature, BODY), refused);
    assert_eq!(received(ID, &later, &signature, BODY), refused);
    let (_, stranger) = sent(&[secret(2)], NOW);
    assert_eq!(received(ID, &timestamp, &stranger, BODY), refused);
    let none = verify_webhook(
        WebhookHeaders {
            id: ID,
            timestamp: &timestamp,
            signature: &signature,
        },
        BODY,
        &[],
        NOW,
        WEBHOOK_TOLERANCE,
    );
    assert_eq!(none, refused, "nobody who has no secret believes anything");
}

#[test]
fn an_old_message_cannot_be_sent_again() {
    let at = |secs: i64| sent(&[secret(1)], Timestamp::from_secs(NOW.as_secs() + secs));
    for (secs, outcome) in [
        (-301, Err(WebhookRefusal::Stale)),
        (-300, Ok(())),
        (300, Ok(())),
        (301, Err(WebhookRefusal::Stale)),
    ] {
        let (timestamp, signature) = at(secs);
        let seen = received(ID, &timestamp, &signature, BODY);
        assert_eq!(seen, outcome, "{secs}");
    }
}

#[test]
fn a_secret_is_replaced_without_a_message_lost() {
    let receiver_before = [secret(1)];
    let receiver_after = [secret(2)];
    let (timestamp, signature) = sent(&[secret(2), secret(1)], NOW);
    let headers = WebhookHeaders {
        id: ID,
        timestamp: &timestamp,
        signature: &signature,
    };
    for secrets in [&receiver_before, &receiver_after] {
        let seen = verify_webhook(headers, BODY, secrets, NOW, WEBHOOK_TOLERANCE);
        assert_eq!(seen, Ok(()));
    }
    // The other way round: the receiver has both before the sender has the new one.
    let (timestamp, signature) = sent(&[secret(1)], NOW);
    let headers = WebhookHeaders {
        id: ID,
        timestamp: &timestamp,
        signature: &signature,
    };
    let both = [secret(2), secret(1)];
    let seen = verify_webhook(headers, BODY, &both, NOW, WEBHOOK_TOLERANCE);
    assert_eq!(seen, Ok(()));
}

#[test]
fn malformed_headers_are_refused() {
    let (timestamp, signature) = sent(&[secret(1)], NOW);
    let malformed = Err(WebhookRefusal::Malformed);
    for timestamp in [
        "",
        " ",
        "-1",
        "+1700000000",
        "1700000000.0",
        " 1700000000",
        "0x6553F100",
        "17000000000000000000000",
        "\u{661}700000000",
    ] {
        let seen = received(ID, timestamp, &signature, BODY);
        assert_eq!(seen, malformed, "{timestamp:?}");
    }
    // One signed text cannot be cut into other headers.
    let dotted = sign(&[secret(1)], "a.1700000000", NOW, BODY);
    for id in ["", "a.1700000000", "a.", &"x".repeat(129)] {
        assert_eq!(received(id, &timestamp, &dotted, BODY), malformed, "{id:?}");
    }
    let digest = signature.strip_prefix("v1,").unwrap();
    for signature in [
        "",
        "v1",
        "v1,",
        "v1,!",
        digest,
        &format!("v1a,{digest}"),
        &format!("v1,{}", &digest[..40]),
    ] {
        let seen = received(ID, &timestamp, signature, BODY);
        assert_eq!(seen, Err(WebhookRefusal::Signature), "{signature:?}");
    }
    // Signatures of other kinds stand beside ours.
    let beside = format!("v1a,AAAA {signature}");
    assert_eq!(received(ID, &timestamp, &beside, BODY), Ok(()));
    let many = format!("{}{signature}", "v1,AAAA ".repeat(1000));
    let seen = received(ID, &timestamp, &many, BODY);
    assert_eq!(seen, Err(WebhookRefusal::Signature), "past the bound");
}
