//! What `build()` refuses, and that instances are values.

use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::mail::LogMailer;
use portcullis_backends::{BuildError, Portcullis};
use portcullis_stores_kv::MemoryStore;

use crate::harness::{ADA, Harness, keys};

fn good(store: MemoryStore) -> portcullis_backends::Builder<MemoryStore> {
    Portcullis::builder(store)
        .keys(keys(1))
        .public_url("https://auth.example.com")
        .mailer(LogMailer)
        .without_workers()
}

// PW-16
#[tokio::test]
async fn nothing_starts_without_keys() {
    let builder = Portcullis::builder(MemoryStore::new())
        .public_url("https://auth.example.com")
        .mailer(LogMailer);
    let error = builder.build().await.unwrap_err();
    assert!(matches!(error, BuildError::NoKeys));
    assert!(error.to_string().contains("keys init"), "{error}");
}

// PW-16
#[tokio::test]
async fn a_fresh_instance_has_nobody_in_it() {
    let h = Harness::new().await;
    assert!(
        h.portcullis
            .admin_users(h.portcullis.default_tenant(), None, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn another_databases_keys_are_refused() {
    let store = MemoryStore::new();
    good(store.clone()).build().await.unwrap();
    good(store.clone()).build().await.unwrap();
    let error = good(store).keys(keys(2)).build().await.unwrap_err();
    assert!(matches!(error, BuildError::OtherKeys(_)), "{error}");
}

#[tokio::test]
async fn unsafe_settings_are_refused_with_the_reason() {
    let refused = [
        good(MemoryStore::new()).public_url("http://auth.example.com"),
        good(MemoryStore::new()).public_url(""),
        good(MemoryStore::new()).mount_path("auth"),
        good(MemoryStore::new()).mount_path("/a//b"),
        good(MemoryStore::new()).trusted_proxies(vec!["0.0.0.0/0".parse().unwrap()]),
        good(MemoryStore::new()).policy(PolicyOverrides {
            password_min_length: Some(7),
            ..Default::default()
        }),
    ];
    for builder in refused {
        let description = format!("{builder:?}");
        assert!(builder.build().await.is_err(), "{description}");
    }
}

#[tokio::test]
async fn two_instances_with_different_settings_live_in_one_process() {
    let one = Harness::with(|b| b.public_url("https://one.example.com").app_name("One")).await;
    let two = Harness::with(|b| {
        b.public_url("https://two.example.com")
            .app_name("Two")
            .keys(keys(2))
    })
    .await;
    for (h, name) in [(&one, "one"), (&two, "two")] {
        h.sign_up(ADA, crate::harness::PASSWORD).await;
        h.portcullis.run_due().await.unwrap();
        let mail = h.mailbox.last_to(ADA).unwrap();
        assert!(
            mail.text
                .contains(&format!("https://{name}.example.com/auth/")),
            "{}",
            mail.text
        );
    }
    one.person("eve@example.com").await;
    let cookie = one.sign_in("eve@example.com").await.cookie;
    let there = two
        .present(Some(
            portcullis_backends::core::backend::Credential::Cookie(cookie.expose()),
        ))
        .await;
    assert_eq!(
        there.unwrap(),
        portcullis_backends::Authentication::Anonymous
    );
}

// PW-16
#[tokio::test]
async fn keys_for_one_run_are_for_an_empty_store_on_loopback() {
    let trial = |store, url| {
        Portcullis::builder(store)
            .ephemeral_keys()
            .public_url(url)
            .mailer(LogMailer)
            .without_workers()
            .build()
    };
    let store = MemoryStore::new();
    trial(store.clone(), "http://127.0.0.1:1").await.unwrap();
    let again = trial(store, "http://127.0.0.1:1").await.unwrap_err();
    assert!(matches!(again, BuildError::EphemeralKeys), "{again}");
    let public = trial(MemoryStore::new(), "https://auth.example.com")
        .await
        .unwrap_err();
    assert!(matches!(public, BuildError::EphemeralKeys), "{public}");
}
