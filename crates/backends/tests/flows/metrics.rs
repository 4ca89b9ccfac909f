//! What is counted of the flows, the chain and the background work.

use std::sync::Arc;
use std::time::Duration;

use portcullis_backends::core::backend::Credential;
use portcullis_backends::core::entropy::SeededEntropy;
use portcullis_backends::core::error::StoreErrorKind;
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::flow::{MagicLink, SendMagicLink, SignInOutcome};
use portcullis_backends::metrics::{Histogram, Value};
use portcullis_backends::tokens::password::{Argon2Pool, HashPoolConfig};

use crate::harness::{ADA, Harness, PASSWORD, keys};

/// The numbers of a family whose labels are `labels`.
fn numbers(h: &Harness, family: &str, labels: &[(&str, &str)]) -> Vec<u64> {
    let families = h.portcullis.metrics().families;
    let family = families.into_iter().find(|f| f.name == family).unwrap();
    let samples = family.samples.into_iter();
    let found = samples.filter(|sample| labels.iter().all(|label| sample.labels.contains(label)));
    let numbers = found.map(|sample| match sample.value {
        Value::Number(number) => number,
        other => panic!("{other:?}"),
    });
    numbers.collect()
}

/// Of `way`: signed in, refused, locked.
fn sign_ins(h: &Harness, way: &str) -> Vec<u64> {
    numbers(h, "portcullis_sign_ins_total", &[("way", way)])
}

/// Of `backend`: authenticated, rejected, not mine, error.
fn said(h: &Harness, backend: &str) -> Vec<u64> {
    numbers(
        h,
        "portcullis_authentications_total",
        &[("backend", backend)],
    )
}

/// Of `task`: done, failed.
fn passes(h: &Harness, task: &str) -> Vec<u64> {
    numbers(h, "portcullis_background_passes_total", &[("task", task)])
}

fn unavailable(h: &Harness) -> Vec<u64> {
    let labels = [("kind", "unavailable")];
    numbers(h, "portcullis_store_errors_total", &labels)
}

#[tokio::test]
async fn sign_ins_are_counted_by_how_they_ended() {
    let policy = PolicyOverrides {
        lockout_free_attempts: Some(1),
        ..Default::default()
    };
    let h = Harness::with(|b| b.policy(policy)).await;
    h.person(ADA).await;
    h.sign_in(ADA).await;
    while !matches!(
        h.try_sign_in(ADA, "a wrong password").await.unwrap(),
        SignInOutcome::Locked { .. }
    ) {}
    let counted = sign_ins(&h, "password");
    assert_eq!((counted.first(), counted.last()), (Some(&1), Some(&1)));
    assert!(counted.get(1).is_some_and(|refused| *refused > 0));
    // What could not be decided is no sign-in.
    h.store.fail_next(StoreErrorKind::Unavailable);
    h.try_sign_in(ADA, PASSWORD).await.unwrap_err();
    assert_eq!(sign_ins(&h, "password"), counted);
    assert_eq!(sign_ins(&h, "magic_link"), [0, 0, 0]);
}

#[tokio::test]
async fn links_are_counted_apart_from_passwords() {
    let h = Harness::new().await;
    h.person(ADA).await;
    h.advance(1);
    let email = Identifier::email(ADA).unwrap();
    let context = h.context();
    let asked = h
        .portcullis
        .send_magic_link(SendMagicLink { email }, &context);
    asked.await.unwrap();
    let token = h.mailed_token(ADA).await;
    for _ in 0..2 {
        let input = MagicLink {
            token: token.clone(),
            replaces: None,
        };
        let opened = h.portcullis.sign_in_with_magic_link(input, &context);
        opened.await.unwrap();
    }
    assert_eq!(sign_ins(&h, "magic_link"), [1, 1, 0]);
    assert_eq!(sign_ins(&h, "password"), [0, 0, 0]);
}

#[tokio::test]
async fn each_backend_is_counted_by_what_it_said() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let cookie = h.sign_in(ADA).await.cookie;
    h.present(Some(Credential::Cookie(cookie.expose())))
        .await
        .unwrap();
    assert_eq!(said(&h, "session"), [1, 0, 0, 0]);
    let changed = SecretText::new(format!("{}x", cookie.expose()));
    h.present(Some(Credential::Cookie(changed.expose())))
        .await
        .unwrap();
    h.store.fail_next(StoreErrorKind::Unavailable);
    h.present(Some(Credential::Cookie(cookie.expose())))
        .await
        .unwrap_err();
    assert_eq!(said(&h, "session"), [1, 1, 0, 1]);
    assert_eq!(unavailable(&h), [1]);
    // Who brings nothing is asked nothing.
    h.present(None).await.unwrap();
    assert_eq!(said(&h, "api_token"), [0, 0, 0, 0]);
}

#[tokio::test]
async fn mail_is_counted_as_sent_failed_and_given_up() {
    let mails = |h: &Harness| numbers(h, "portcullis_mails_total", &[]);
    let h = Harness::new().await;
    h.sign_up(ADA, PASSWORD).await;
    h.portcullis.run_due().await.unwrap();
    assert_eq!(mails(&h), [1, 0, 0]);
    h.mailbox.fail_next(u32::MAX);
    h.sign_up("eve@example.com", PASSWORD).await;
    for _ in 0..40 {
        h.portcullis.run_due().await.unwrap();
        h.advance(24 * 3600);
    }
    assert_eq!(mails(&h), [1, 11, 1]);
}

#[tokio::test]
async fn a_pass_of_background_work_is_counted_as_done_or_failed() {
    let h = Harness::new().await;
    h.portcullis.run_due().await.unwrap();
    assert_eq!(passes(&h, "due"), [1, 0]);
    h.store.fail_next(StoreErrorKind::Unavailable);
    h.portcullis.run_due().await.unwrap_err();
    assert_eq!((passes(&h, "due"), unavailable(&h)), (vec![1, 1], vec![1]));
    h.portcullis.refresh_keys().await.unwrap();
    assert_eq!(passes(&h, "keys"), [1, 0]);
    assert_eq!(passes(&h, "purge"), [0, 0]);
}

#[tokio::test]
async fn password_hashes_are_counted_with_their_time_and_refusals() {
    let start = |config| {
        let entropy = Arc::new(SeededEntropy::new(3));
        Arc::new(Argon2Pool::start(config, keys(1), entropy).unwrap())
    };
    let config = HashPoolConfig {
        threads: 1,
        ..HashPoolConfig::default()
    };
    let h = Harness::with(|b| b.hasher(start(config))).await;
    h.try_sign_in(ADA, PASSWORD).await.unwrap();
    let hashes = histogram(&h);
    assert_eq!(hashes.count, 1);
    assert!(!hashes.sum.is_zero());
    assert_eq!(hashes.buckets.len(), 10);
    let refused = |h: &Harness| numbers(h, "portcullis_password_hashes_refused_total", &[]);
    assert_eq!(refused(&h), [0]);
    assert_eq!(numbers(&h, "portcullis_password_hashes_waiting", &[]), [0]);

    let config = HashPoolConfig {
        // Whatever happens between queueing and taking, it takes a nanosecond.
        max_wait: Duration::from_nanos(1),
        ..config
    };
    let h = Harness::with(|b| b.hasher(start(config))).await;
    h.try_sign_in(ADA, PASSWORD).await.unwrap_err();
    assert_eq!((refused(&h), histogram(&h).count), (vec![1], 0));
    assert_eq!(unavailable(&h), [0], "a busy hasher is no store");
}

fn histogram(h: &Harness) -> Histogram {
    let name = "portcullis_password_hash_duration_seconds";
    let mut families = h.portcullis.metrics().families.into_iter();
    let family = families.find(|family| family.name == name).unwrap();
    match family.samples.into_iter().next().unwrap().value {
        Value::Histogram(histogram) => histogram,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn two_instances_count_for_themselves() {
    let (one, other) = (Harness::new().await, Harness::new().await);
    one.try_sign_in(ADA, PASSWORD).await.unwrap();
    assert_eq!(sign_ins(&one, "password"), [0, 1, 0]);
    assert_eq!(sign_ins(&other, "password"), [0, 0, 0]);
}
