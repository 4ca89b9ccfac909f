//! CAPTCHAs: what a provider is asked, over a real connection, and what its answers and its trouble come to.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its harness too"
)]

#[path = "../flows/harness.rs"]
#[expect(dead_code, reason = "the flows' harness does more than is needed here")]
mod harness;

use std::time::Duration;

use portcullis_backends::FlowError;
use portcullis_backends::captcha::{
    CAPTCHA_RESPONSE_MAX_BYTES, CaptchaFailure, CaptchaOutcome, CaptchaProvider, SiteVerify,
    SiteVerifyOptions,
};
use portcullis_backends::core::secret::SecretText;
use portcullis_testing::webhook::{WebhookMode, WebhookSecurity, WebhookServer};

use crate::harness::Harness;
use CaptchaOutcome::{Passed, Required};

const RESPONSE: &str = "0.w1dget-made_this";

fn options(provider: &WebhookServer) -> SiteVerifyOptions {
    SiteVerifyOptions::new(CaptchaProvider::Turnstile, SecretText::new("s3cret & more"))
        .endpoint(&provider.url())
        .root_certificates(provider.certificate_pem())
}

async fn world(options: SiteVerifyOptions, failure: CaptchaFailure) -> Harness {
    let captcha = SiteVerify::new(options).unwrap();
    Harness::with(|builder| builder.captcha(captcha).captcha_failure(failure)).await
}

async fn said(h: &Harness, response: &str) -> Result<CaptchaOutcome, FlowError> {
    let (response, context) = (SecretText::new(response), h.context());
    h.portcullis.check_captcha(Some(&response), &context).await
}

fn says(provider: &WebhookServer, json: &str) {
    provider.set(WebhookMode::Json(200, json.to_owned()));
}

#[tokio::test]
async fn a_provider_is_asked_once_about_a_response_however_the_connection_is_protected() {
    for security in [WebhookSecurity::Plain, WebhookSecurity::Tls] {
        let provider = WebhookServer::start(security).unwrap();
        says(&provider, r#"{"success": true}"#);
        let h = world(options(&provider), CaptchaFailure::Closed).await;
        assert_eq!(said(&h, RESPONSE).await.unwrap(), Passed);
        let asked = provider.received();
        let [question] = &asked[..] else {
            panic!("{asked:?}")
        };
        assert_eq!(question.encrypted, security == WebhookSecurity::Tls);
        assert!(question.request.starts_with("POST /"), "{question:?}");
        let form = "application/x-www-form-urlencoded";
        assert_eq!(question.header("content-type"), form);
        let body = format!("secret=s3cret+%26+more&response={RESPONSE}");
        assert_eq!(String::from_utf8_lossy(&question.body), body);
    }
}

#[tokio::test]
async fn the_clients_address_is_told_only_where_it_is_said() {
    let provider = WebhookServer::start(WebhookSecurity::Plain).unwrap();
    says(&provider, r#"{"success": true}"#);
    let h = world(
        options(&provider).tell_client_address(),
        CaptchaFailure::Closed,
    )
    .await;
    said(&h, RESPONSE).await.unwrap();
    let body = String::from_utf8(provider.received().remove(0).body).unwrap();
    let ip = h.context().client.ip.unwrap();
    assert!(body.ends_with(&format!("&remoteip={ip}")), "{body}");
}

#[tokio::test]
async fn what_cannot_be_a_response_is_no_question() {
    let provider = WebhookServer::start(WebhookSecurity::Plain).unwrap();
    says(&provider, r#"{"success": true}"#);
    let h = world(options(&provider), CaptchaFailure::Closed).await;
    let long = "x".repeat(CAPTCHA_RESPONSE_MAX_BYTES + 1);
    for response in [
        "", " ", "a b", "a\r\nb", "ünicode", "\0", "<script>", "'--", "a;b", "a&b", &long,
    ] {
        assert_eq!(said(&h, response).await.unwrap(), Required, "{response:?}");
    }
    let none = h.portcullis.check_captcha(None, &h.context()).await;
    assert_eq!(none.unwrap(), Required);
    assert_eq!(provider.received(), []);
    let longest = "x".repeat(CAPTCHA_RESPONSE_MAX_BYTES);
    assert_eq!(said(&h, &longest).await.unwrap(), Passed);
}

#[tokio::test]
async fn a_response_that_is_no_good_is_refused_whatever_holds_in_an_outage() {
    for failure in [CaptchaFailure::Closed, CaptchaFailure::Open] {
        let provider = WebhookServer::start(WebhookSecurity::Plain).unwrap();
        let h = world(options(&provider), failure).await;
        for mode in [
            WebhookMode::Json(200, r#"{"success": false}"#.into()),
            WebhookMode::Json(
                200,
                r#"{"success": false, "error-codes": ["timeout-or-duplicate"]}"#.into(),
            ),
            // Some say so with a status as well, and some with nothing else.
            WebhookMode::Json(
                400,
                r#"{"success": false, "error-codes": ["invalid-input-response"]}"#.into(),
            ),
            WebhookMode::Answer(400),
            WebhookMode::Answer(413),
        ] {
            provider.set(mode.clone());
            assert_eq!(said(&h, RESPONSE).await.unwrap(), Required, "{mode:?}");
        }
    }
}

/// What a provider may do instead of answering. None of it can be brought about by the response.
fn trouble() -> [WebhookMode; 9] {
    let refused = r#"{"success": false, "error-codes": ["invalid-input-secret"]}"#;
    [
        WebhookMode::Json(200, refused.into()),
        WebhookMode::Json(200, "{}".into()),
        WebhookMode::Json(200, r#"{"success": "true"}"#.into()),
        WebhookMode::Json(500, r#"{"success": true}"#.into()),
        WebhookMode::Answer(204),
        WebhookMode::Answer(429),
        WebhookMode::Redirect("http://127.0.0.1:1/".into()),
        WebhookMode::Endless,
        WebhookMode::HangUp,
    ]
}

#[tokio::test]
async fn without_an_answer_the_request_waits_or_passes_as_is_said() {
    let provider = WebhookServer::start(WebhookSecurity::Plain).unwrap();
    let closed = world(options(&provider), CaptchaFailure::Closed).await;
    let open = world(options(&provider), CaptchaFailure::Open).await;
    for mode in trouble() {
        provider.set(mode.clone());
        let waits = said(&closed, RESPONSE).await;
        assert!(
            matches!(waits, Err(FlowError::Unavailable(_))),
            "{mode:?}: {waits:?}"
        );
        assert_eq!(said(&open, RESPONSE).await.unwrap(), Passed, "{mode:?}");
        // No response is never an outage.
        assert_eq!(said(&open, "").await.unwrap(), Required, "{mode:?}");
    }
}

#[tokio::test]
async fn a_silent_provider_is_waited_for_no_longer_than_allowed() {
    let provider = WebhookServer::start(WebhookSecurity::Plain).unwrap();
    provider.set(WebhookMode::Silent);
    let captcha = SiteVerify::new(options(&provider)).unwrap();
    let h = Harness::with(|builder| {
        let builder = builder.captcha(captcha);
        builder.captcha_timeout(Duration::from_millis(20))
    })
    .await;
    let waits = said(&h, RESPONSE).await.unwrap_err();
    let FlowError::Unavailable(error) = waits else {
        panic!("{waits:?}")
    };
    assert!(error.to_string().contains("did not answer"), "{error}");
}

#[tokio::test]
async fn neither_secret_nor_response_nor_address_is_in_an_error() {
    let provider = WebhookServer::start(WebhookSecurity::Plain).unwrap();
    let h = world(options(&provider), CaptchaFailure::Closed).await;
    for mode in trouble() {
        provider.set(mode);
        let error = said(&h, RESPONSE).await.unwrap_err();
        let printed = format!("{error:?}");
        for secret in ["s3cret", RESPONSE, "from=portcullis"] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
}

#[tokio::test]
async fn an_instance_without_one_lets_everybody_pass() {
    let h = Harness::new().await;
    assert!(!h.portcullis.has_captcha() && !h.portcullis.has_captcha_at_sign_in());
    let none = h.portcullis.check_captcha(None, &h.context()).await;
    assert_eq!(none.unwrap(), Passed);
}
