//! What is refused before there is any mail.

use std::time::Duration;

use portcullis_backends::EndpointError;
use portcullis_backends::mail::{WebhookMailer, WebhookOptions, WebhookOptionsError};

use crate::secret;

fn at(url: &str) -> WebhookOptions {
    WebhookOptions::new(url, [secret(1)])
}

fn refused(options: WebhookOptions) -> WebhookOptionsError {
    WebhookMailer::new(options).unwrap_err()
}

#[tokio::test]
async fn mail_crosses_a_network_encrypted_only() {
    for url in [
        "http://hooks.example.com/",
        "http://192.0.2.1/",
        "http://localhost.example.com/",
        "http://0.0.0.0/",
        "http://[::ffff:192.0.2.1]/",
    ] {
        let refused = refused(at(url));
        assert!(
            matches!(refused, WebhookOptionsError::Url(EndpointError::ClearText)),
            "{url}: {refused:?}"
        );
    }
    for url in [
        "https://hooks.example.com/x?y=z",
        "http://localhost:8000/",
        "http://127.0.0.1/",
        "http://[::1]:1/",
        "http://[::ffff:127.0.0.1]/",
    ] {
        assert!(WebhookMailer::new(at(url)).is_ok(), "{url}");
    }
}

#[tokio::test]
async fn options_that_would_not_work_are_refused() {
    let url = "https://hooks.example.com/";
    assert!(matches!(
        refused(at("hooks.example.com")),
        WebhookOptionsError::Url(EndpointError::Url(_))
    ));
    assert!(matches!(
        refused(at("ftp://hooks.example.com/")),
        WebhookOptionsError::Url(EndpointError::Scheme)
    ));
    assert!(matches!(
        refused(at("https://me:s3cret@hooks.example.com/")),
        WebhookOptionsError::Url(EndpointError::Credentials)
    ));
    for secrets in [vec![], vec![secret(1); 5]] {
        let refused = refused(WebhookOptions::new(url, secrets));
        assert!(matches!(refused, WebhookOptionsError::Secrets));
    }
    for secs in [0, 51] {
        let refused = refused(at(url).timeout(Duration::from_secs(secs)));
        assert!(matches!(refused, WebhookOptionsError::Timeout));
    }
    for pem in ["", "nothing", "-----BEGIN CERTIFICATE-----\nx"] {
        let refused = refused(at(url).root_certificates(pem));
        assert!(matches!(refused, WebhookOptionsError::Tls(_)), "{pem:?}");
    }
}

#[tokio::test]
async fn neither_address_nor_secret_is_printed() {
    let options = at("https://hooks.example.com/a-secret-path");
    let mailer = WebhookMailer::new(options.clone()).unwrap();
    let printed = format!("{options:?} {mailer:?} {:?}", secret(1));
    assert!(!printed.contains("example"), "{printed}");
}
