//! How long a new password has to be, by whichever way it comes.

use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::core::secret::Password;
use portcullis_backends::flow::OpenAccountOutcome;
use portcullis_http_axum::{Code, ROUTES};
use serde_json::{Value, json};

use crate::app::{ADA, App};
use crate::samples::{NEW, Sample};

/// One way for each route that may refuse a new password, and the field that it stands in.
const WAYS: [(Sample, &str); 4] = [
    (Sample::SignUp, "password"),
    (Sample::VerifyElsewhere, "password"),
    (Sample::ChangePassword, "new_password"),
    (Sample::Reset, "password"),
];

/// A text of so many code points that no list has.
fn texts(length: usize) -> [String; 2] {
    let ascii = "vK7#qTz9!mXw2&pRd4*hLs6^".chars().take(length);
    let emoji = ('\u{1f980}'..'\u{1f9a0}').take(length);
    [ascii.collect(), emoji.collect()]
}

async fn app(sample: Sample, least: Option<u32>) -> App {
    let policy = PolicyOverrides {
        password_min_length: least,
        ..sample.policy()
    };
    sample.app_with(|builder| builder.policy(policy)).await
}

/// Why the operator's own way refuses it, as a route says it; `None` where it does not.
async fn operators_answer(text: &str, least: Option<u32>) -> Option<Value> {
    let app = app(Sample::SignUp, least).await;
    let tenant = app.portcullis.default_tenant();
    let (email, password) = (Identifier::email(NEW), Password::new(text));
    let opened = app
        .portcullis
        .admin_open_account(tenant, email.unwrap(), password.unwrap());
    match opened.await.unwrap() {
        OpenAccountOutcome::Opened { .. } => None,
        OpenAccountOutcome::PasswordRefused(why) => {
            Some(json!({ "detail": why.to_string(), "rule": why.rule() }))
        }
        other @ OpenAccountOutcome::Taken => panic!("{other:?}"),
    }
}

// PW-01
#[tokio::test]
async fn every_way_to_a_password_counts_the_same_code_points_and_says_the_same() {
    let refuses: Vec<_> = ROUTES
        .iter()
        .filter(|route| route.codes.contains(&Code::PasswordRefused))
        .map(|route| route.path)
        .collect();
    let ways = WAYS.map(|(sample, _)| sample.route().path);
    assert_eq!(ways.len(), refuses.len(), "{ways:?} {refuses:?}");
    assert!(
        refuses.iter().all(|path| ways.contains(path)),
        "{refuses:?}"
    );

    for (least, policy) in [(15, None), (8, Some(8))] {
        for length in [7, 8, 14, 15] {
            for text in texts(length) {
                assert_eq!(text.chars().count(), length);
                let expected = operators_answer(&text, policy).await;
                let refused = expected.is_some();
                assert_eq!(refused, length < least, "{text} of {length}, least {least}");
                for (sample, field) in WAYS {
                    let app = app(sample, policy).await;
                    let mut asked = sample.prepare(&app).await;
                    asked.body.as_mut().unwrap()[field] = json!(text);
                    let hashes = app.hasher.hashes();
                    let answer = asked.send().await;
                    let what = format!("{sample:?}, {text} of {length}, least {least}: {answer:?}");
                    let Some(expected) = &expected else {
                        assert_eq!(answer.status, sample.status(), "{what}");
                        continue;
                    };
                    assert_eq!(answer.status, 422, "{what}");
                    assert_eq!(answer.code(), "password_refused", "{what}");
                    let errors = answer.json()["errors"].clone();
                    let mut expected = expected.clone();
                    expected["field"] = json!(field);
                    assert_eq!(errors, json!([expected]), "{what}");
                    assert_eq!(expected["rule"], "min_length", "{what}");
                    assert_eq!(app.hasher.hashes(), hashes, "{what}");
                }
            }
        }
    }
}

// PW-01
#[tokio::test]
async fn no_policy_takes_less_than_eight_code_points() {
    use portcullis_backends::Portcullis;
    use portcullis_stores_kv::MemoryStore;
    use portcullis_testing::CapturedMailbox;
    for least in [0, 1, 7] {
        let policy = PolicyOverrides {
            password_min_length: Some(least),
            ..Default::default()
        };
        let built = Portcullis::builder(MemoryStore::new())
            .ephemeral_keys()
            .public_url("http://127.0.0.1:8080")
            .mailer(CapturedMailbox::new())
            .policy(policy)
            .without_workers();
        let error = built.build().await.unwrap_err().to_string();
        assert!(error.contains("password_min_length"), "{error}");
    }
    let texts = texts(7).map(|text| json!({ "email": ADA, "password": text }));
    for body in texts {
        let app = app(Sample::SignUp, Some(8)).await;
        let answer = app.client().post("/auth/signup", body).await;
        assert_eq!(answer.code(), "password_refused");
    }
}
