//! Mail by SMTP, in conversation with a real server on loopback that takes it or gives trouble.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its harness too"
)]

#[path = "../flows/harness.rs"]
#[expect(dead_code, reason = "the flows' harness does more than is needed here")]
mod harness;

use std::time::Duration;

use base64::Engine as _;
use portcullis_backends::core::backend::RequestContext;
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::mail::{MailRetry, OutboxFilter};
use portcullis_backends::core::secret::{Password, SecretText};
use portcullis_backends::flow::{MailRetryOutcome, ResendVerification, SignUp, SignUpOutcome};
use portcullis_backends::mail::{SmtpMailer, SmtpOptions, SmtpOptionsError, SmtpTls};
use portcullis_testing::smtp::{SmtpMode, SmtpSecurity, SmtpServer};

use crate::harness::{ADA, Harness, PASSWORD};

const FROM: &str = "Pförtner <no-reply@auth.example>";
/// Longer than a machine under load needs, and no test waits for it but where the server is silent.
const PATIENT: Duration = Duration::from_secs(30);
/// For a server that never answers.
const IMPATIENT: Duration = Duration::from_millis(50);

fn options(server: &SmtpServer, tls: SmtpTls) -> SmtpOptions {
    SmtpOptions::new("127.0.0.1", FROM)
        .port(server.port())
        .tls(tls)
        .root_certificates(server.certificate_pem())
        .timeout(PATIENT)
}

async fn world(options: SmtpOptions) -> Harness {
    Harness::with(|builder| builder.mailer(SmtpMailer::new(options).unwrap())).await
}

async fn plain() -> (SmtpServer, Harness) {
    let server = SmtpServer::start(SmtpSecurity::Plain).unwrap();
    let world = world(options(&server, SmtpTls::None)).await;
    (server, world)
}

#[tokio::test]
async fn a_mail_arrives_with_its_headers_in_text_and_html_however_it_is_protected() {
    for (security, tls) in [
        (SmtpSecurity::Plain, SmtpTls::None),
        (SmtpSecurity::Wrapper, SmtpTls::Wrapper),
        (SmtpSecurity::StartTls, SmtpTls::StartTls),
    ] {
        let server = SmtpServer::start(security).unwrap();
        let login = options(&server, tls).credentials("relay", SecretText::new("s3cret"));
        let h = world(login).await;
        let browser = h.sign_up(ADA, PASSWORD).await;
        assert_eq!(h.portcullis.run_due().await.unwrap().delivered, 1);
        let mails = server.received();
        let [mail] = &mails[..] else {
            panic!("{mails:?}")
        };
        assert_eq!(mail.encrypted, tls != SmtpTls::None);
        assert_eq!(
            (mail.from.as_str(), mail.to.as_str()),
            ("no-reply@auth.example", ADA)
        );
        let login = base64::engine::general_purpose::STANDARD.encode("\0relay\0s3cret");
        assert_eq!(mail.login.as_deref(), Some(login.as_str()));
        let header = |name| {
            mail.header(name)
                .unwrap_or_else(|| panic!("{name}: {mail:?}"))
        };
        assert_eq!(header("To"), ADA);
        assert!(header("From").starts_with("=?utf-8?"), "{}", header("From"));
        assert_eq!(header("Subject"), "Confirm your address for portcullis");
        assert!(header("Content-Type").starts_with("multipart/alternative"));
        assert!(header("Message-ID").ends_with("@auth.example>"));
        assert!(header("Date").ends_with("+0000"));
        // The link of the text works, and the HTML has the same.
        let (_, rest) = mail.message.split_once("token=").unwrap();
        let token = rest.lines().next().unwrap();
        assert!(mail.message.contains(&format!("token={token}\">")));
        let verified = h.verify(&SecretText::new(token), Some(&browser)).await;
        assert!(format!("{verified:?}").contains("Verified"), "{verified:?}");
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_gets_no_mail() {
    let server = SmtpServer::start(SmtpSecurity::Wrapper).unwrap();
    let options = SmtpOptions::new("127.0.0.1", FROM).port(server.port());
    let h = world(options).await;
    h.sign_up(ADA, PASSWORD).await;
    assert_eq!(h.portcullis.run_due().await.unwrap().failed, 1);
    assert_eq!(server.received(), []);
}

// TLS or nothing: a relay that offers no STARTTLS gets no mail in clear text.
#[tokio::test]
async fn a_relay_without_starttls_gets_no_mail_in_clear_text() {
    let server = SmtpServer::start(SmtpSecurity::Plain).unwrap();
    let h = world(options(&server, SmtpTls::StartTls)).await;
    h.sign_up(ADA, PASSWORD).await;
    assert_eq!(h.portcullis.run_due().await.unwrap().failed, 1);
    assert_eq!(server.received(), []);
}

// TH-03, FT-21
#[tokio::test]
async fn trouble_with_the_relay_never_shows_in_a_request() {
    let mut costs = Vec::new();
    for mode in [
        SmtpMode::Accept,
        SmtpMode::Silent,
        SmtpMode::Defer,
        SmtpMode::Refuse,
        SmtpMode::RefuseLogin,
        SmtpMode::HangUp,
        SmtpMode::LoseAnswer,
    ] {
        let server = SmtpServer::start(SmtpSecurity::Plain).unwrap();
        server.set(mode);
        let options = options(&server, SmtpTls::None).timeout(match mode {
            SmtpMode::Silent => IMPATIENT,
            _ => PATIENT,
        });
        let options = options.credentials("relay", SecretText::new("s3cret"));
        let mailer = SmtpMailer::new(options).unwrap();
        let store = portcullis_testing::FaultStore::new(portcullis_stores_kv::MemoryStore::new());
        let hasher = std::sync::Arc::new(portcullis_testing::CountingHasher::new());
        let p = portcullis_backends::Portcullis::builder(store.clone())
            .keys(harness::keys(1))
            .public_url("https://auth.example.com")
            .mailer(mailer)
            .hasher(hasher.clone())
            .without_workers()
            .build()
            .await
            .unwrap();
        let context = RequestContext {
            tenant: p.default_tenant(),
            client: Default::default(),
        };
        let (calls, hashes) = (store.calls(), hasher.hashes());
        let input = SignUp {
            email: Identifier::email(ADA).unwrap(),
            password: Password::new(PASSWORD).unwrap(),
        };
        let outcome = p.sign_up(input, &context).await.unwrap();
        assert!(
            matches!(outcome, SignUpOutcome::Accepted { .. }),
            "{mode:?}"
        );
        let cost = (store.calls() - calls, hasher.hashes() - hashes);
        let report = p.run_due().await.unwrap();
        let delivers = mode == SmtpMode::Accept;
        assert_eq!(
            (report.delivered, report.failed),
            (delivers.into(), (!delivers).into()),
            "{mode:?}"
        );
        let calls = store.calls();
        let again = ResendVerification {
            email: Identifier::email(ADA).unwrap(),
        };
        p.resend_verification(again, &context).await.unwrap();
        let resend = store.calls() - calls;
        costs.push((cost, resend));
        assert_eq!(costs.first(), costs.last(), "{mode:?}");
        assert_eq!(cost.1, 1, "one hash");
    }
}

// FT-21
#[tokio::test]
async fn a_mail_whose_answer_got_lost_comes_again_with_the_same_message_id() {
    let (server, h) = plain().await;
    server.set(SmtpMode::LoseAnswer);
    h.sign_up(ADA, PASSWORD).await;
    assert_eq!(h.portcullis.run_due().await.unwrap().failed, 1);
    server.set(SmtpMode::Accept);
    h.advance(13);
    assert_eq!(h.portcullis.run_due().await.unwrap().delivered, 1);
    let mails = server.received();
    assert_eq!(mails.len(), 2, "at least once");
    assert_eq!(
        mails[0].message, mails[1].message,
        "the same mail, by its Message-ID and all else"
    );
}

// FT-21
#[tokio::test]
async fn what_a_relay_cannot_take_now_comes_later() {
    for mode in [SmtpMode::Defer, SmtpMode::HangUp, SmtpMode::RefuseLogin] {
        let server = SmtpServer::start(SmtpSecurity::Plain).unwrap();
        server.set(mode);
        let login = options(&server, SmtpTls::None).credentials("relay", SecretText::new("x"));
        let h = world(login).await;
        h.sign_up(ADA, PASSWORD).await;
        assert_eq!(h.portcullis.run_due().await.unwrap().failed, 1);
        server.set(SmtpMode::Accept);
        h.advance(9);
        assert_eq!(
            h.portcullis.run_due().await.unwrap().delivered,
            0,
            "{mode:?}: not yet"
        );
        h.advance(4);
        assert_eq!(
            h.portcullis.run_due().await.unwrap().delivered,
            1,
            "{mode:?}"
        );
        assert_eq!(server.received().len(), 1);
    }
}

// FT-21
#[tokio::test]
async fn what_a_relay_refuses_for_good_is_dead_until_an_operator_has_it_tried_again() {
    let (server, h) = plain().await;
    server.set(SmtpMode::Refuse);
    h.sign_up(ADA, PASSWORD).await;
    assert_eq!(h.portcullis.run_due().await.unwrap().failed, 1);
    let (p, tenant) = (&h.portcullis, h.portcullis.default_tenant());
    let dead = p.admin_outbox(tenant, OutboxFilter::Dead, None, 10).await;
    assert_eq!(dead.unwrap().len(), 1);
    server.set(SmtpMode::Accept);
    h.advance(86_400);
    assert_eq!(p.run_due().await.unwrap().delivered, 0);
    let outcome = p.admin_retry_mail(tenant, MailRetry::Dead).await.unwrap();
    assert_eq!(outcome, MailRetryOutcome::Due { mails: 1 });
    assert_eq!(p.run_due().await.unwrap().delivered, 1);
    assert_eq!(server.received()[0].to, ADA);
}

#[tokio::test]
async fn options_that_would_not_work_or_not_safely_are_refused() {
    let new = |options| SmtpMailer::new(options).unwrap_err();
    let at = |host| SmtpOptions::new(host, FROM);
    for host in [
        "relay.example.com",
        "192.0.2.1",
        "localhost.example.com",
        "0.0.0.0",
    ] {
        let refused = new(at(host).tls(SmtpTls::None));
        assert!(
            matches!(refused, SmtpOptionsError::ClearText),
            "{host}: {refused:?}"
        );
    }
    for host in ["localhost", "127.0.0.1", "[::1]", "::1"] {
        assert!(
            SmtpMailer::new(at(host).tls(SmtpTls::None)).is_ok(),
            "{host}"
        );
    }
    let timeout = |secs| new(at("x.example").timeout(Duration::from_secs(secs)));
    assert!(matches!(timeout(0), SmtpOptionsError::Timeout));
    assert!(matches!(timeout(51), SmtpOptionsError::Timeout));
    assert!(matches!(
        new(at("x.example").pool_size(0)),
        SmtpOptionsError::PoolSize
    ));
    let from = SmtpOptions::new("x.example", "nobody");
    assert!(matches!(new(from), SmtpOptionsError::From(_)));
    let root = at("x.example").root_certificates("-----BEGIN CERTIFICATE-----\nx");
    assert!(matches!(new(root), SmtpOptionsError::Tls(_)));
}
