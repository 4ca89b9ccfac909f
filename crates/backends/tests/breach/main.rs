//! Breached passwords in a real folder and in a real web service that answers or gives trouble.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its harness too"
)]

#[path = "../flows/harness.rs"]
#[expect(dead_code, reason = "the flows' harness does more than is needed here")]
mod harness;

use std::fs;

use portcullis_backends::FlowError;
use portcullis_backends::breach::{
    RANGE_ANSWER_MAX_BYTES, RangeBreachCheck, RangeFolder, RangeService, RangeServiceOptions,
    RangeServiceOptionsError, RangeSource,
};
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::core::rule::password::PasswordRejection;
use portcullis_backends::core::secret::Password;
use portcullis_backends::flow::OpenAccountOutcome;
use portcullis_testing::webhook::{WebhookMode, WebhookSecurity, WebhookServer};

use crate::harness::{ADA, Harness};

/// SHA-1: BC5E5 and this.
const LEAKED: &str = "a password that leaked";
const SUFFIX: &str = "095332DD43F79360BBE80D6094711B94888";

async fn world(source: impl RangeSource, required: bool) -> Harness {
    let policy = PolicyOverrides {
        password_breach_check_required: Some(required),
        ..Default::default()
    };
    let check = RangeBreachCheck::new(source);
    Harness::with(|builder| builder.breach_check(check).policy(policy)).await
}

/// Whether a new account may have the password.
async fn is_taken(h: &Harness, password: &str) -> Result<bool, FlowError> {
    let opened = h.portcullis.admin_open_account(
        h.portcullis.default_tenant(),
        Identifier::email(ADA).unwrap(),
        Password::new(password).unwrap(),
    );
    match opened.await? {
        OpenAccountOutcome::PasswordRefused(PasswordRejection::Breached) => Ok(false),
        OpenAccountOutcome::Opened { .. } => Ok(true),
        other => panic!("{other:?}"),
    }
}

fn service(receiver: &WebhookServer) -> RangeService {
    let url = receiver.url();
    let (mirror, _) = url.rsplit_once("mail").unwrap();
    let options = RangeServiceOptions::default()
        .url(mirror)
        .root_certificates(receiver.certificate_pem());
    RangeService::new(&options).unwrap()
}

fn says(receiver: &WebhookServer, range: &str) {
    receiver.set(WebhookMode::Json(200, range.to_owned()));
}

// PW-07
#[tokio::test]
async fn a_folder_of_ranges_knows_what_stands_in_it_and_what_is_missing_is_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("BC5E5.txt");
    let h = world(RangeFolder::new(folder.path()), true).await;
    let waits = is_taken(&h, LEAKED).await;
    assert!(matches!(waits, Err(FlowError::Unavailable(_))), "{waits:?}");
    fs::write(&file, format!("{SUFFIX}:17\r\n")).unwrap();
    assert!(!is_taken(&h, LEAKED).await.unwrap());
    let long = format!("{SUFFIX}:0\r\n").repeat(RANGE_ANSWER_MAX_BYTES / 39 + 1);
    fs::write(&file, long).unwrap();
    let waits = is_taken(&h, LEAKED).await;
    assert!(matches!(waits, Err(FlowError::Unavailable(_))), "{waits:?}");
    fs::write(&file, format!("{SUFFIX}:0\r\n")).unwrap();
    assert!(is_taken(&h, LEAKED).await.unwrap());
}

// PW-07
#[tokio::test]
async fn a_service_sees_five_characters_and_is_asked_for_padding_however_the_line_is_protected() {
    for security in [WebhookSecurity::Plain, WebhookSecurity::Tls] {
        let receiver = WebhookServer::start(security).unwrap();
        says(
            &receiver,
            &format!("{}:0\r\n{SUFFIX}:17\r\n", "0".repeat(35)),
        );
        let h = world(service(&receiver), true).await;
        assert!(!is_taken(&h, LEAKED).await.unwrap());
        let asked = receiver.received();
        let [question] = &asked[..] else {
            panic!("{asked:?}")
        };
        assert_eq!(question.request, "GET /hooks/BC5E5 HTTP/1.1");
        assert_eq!(question.header("add-padding"), "true");
        assert_eq!(question.encrypted, security == WebhookSecurity::Tls);
        assert!(question.body.is_empty());
    }
}

// PW-07
#[tokio::test]
async fn a_service_in_trouble_keeps_a_password_waiting_where_the_policy_says_so_and_nobody_else() {
    let receiver = WebhookServer::start(WebhookSecurity::Plain).unwrap();
    for mode in [
        WebhookMode::Answer(200),
        WebhookMode::Answer(204),
        WebhookMode::Answer(404),
        WebhookMode::Answer(429),
        WebhookMode::Answer(503),
        WebhookMode::Json(200, "<html>Sign in to the network</html>".into()),
        WebhookMode::Redirect("http://127.0.0.1:1/".into()),
        WebhookMode::Endless,
        WebhookMode::HangUp,
        WebhookMode::LoseAnswer,
    ] {
        receiver.set(mode.clone());
        let waits = is_taken(&world(service(&receiver), true).await, LEAKED).await;
        let unavailable = matches!(waits, Err(FlowError::Unavailable(_)));
        assert!(unavailable, "{mode:?}: {waits:?}");
        let taken = is_taken(&world(service(&receiver), false).await, LEAKED).await;
        assert!(taken.unwrap(), "{mode:?}");
    }
}

#[tokio::test]
async fn a_service_is_asked_over_an_encrypted_line_only() {
    let options = RangeServiceOptions::default();
    assert!(options.check().is_ok());
    let clear = options.clone().url("http://mirror.example.com/range/");
    let refused = RangeService::new(&clear).unwrap_err();
    assert!(matches!(refused, RangeServiceOptionsError::Endpoint(_)));
    let nobody = options.clone().root_certificates("nothing");
    let refused = nobody.check().unwrap_err();
    assert!(matches!(refused, RangeServiceOptionsError::Tls(_)));
    let secret = options.url("https://mirror.example.com/s3cret/");
    let printed = format!("{secret:?} {:?}", RangeService::new(&secret).unwrap());
    assert!(!printed.contains("s3cret"), "{printed}");
}
