//! Sign-in: one answer, one hash, and a count before the check.

use portcullis_backends::core::backend::Credential;
use portcullis_backends::core::error::StoreErrorKind;
use portcullis_backends::core::event::{AuthEventStatus, AuthEventType, Reason};
use portcullis_backends::core::secret::Password;
use portcullis_backends::core::state::EntityState;
use portcullis_backends::flow::{AdminOutcome, SignIn, SignInOutcome};
use portcullis_backends::tokens::password::HashError;
use portcullis_backends::{Authentication, FlowError};

use crate::harness::{ADA, Harness, PASSWORD};

// TH-01, TH-02
#[tokio::test]
async fn every_refused_state_costs_one_hash_and_looks_alike() {
    let h = Harness::new().await;
    h.person("wrong@example.com").await;
    let suspended = h.person("suspended@example.com").await;
    h.set_state(suspended, EntityState::Suspended).await;
    let terminated = h.person("terminated@example.com").await;
    h.set_state(terminated, EntityState::Terminated).await;
    h.sign_up("pending@example.com", PASSWORD).await;
    let cases = [
        ("nobody@example.com", PASSWORD, Reason::UnknownIdentifier),
        ("not an identifier", PASSWORD, Reason::MalformedIdentifier),
        (
            "wrong@example.com",
            "another password than theirs",
            Reason::WrongPassword,
        ),
        ("suspended@example.com", PASSWORD, Reason::Suspended),
        ("terminated@example.com", PASSWORD, Reason::Terminated),
        ("pending@example.com", PASSWORD, Reason::Unverified),
    ];
    for (who, password, reason) in cases {
        h.advance(1);
        let before = h.hasher.hashes();
        assert!(
            matches!(
                h.try_sign_in(who, password).await.unwrap(),
                SignInOutcome::Refused
            ),
            "{who}"
        );
        assert_eq!(h.hasher.hashes() - before, 1, "{who}");
        let event = h.events().await.remove(0);
        assert_eq!(
            (event.kind, event.status),
            (AuthEventType::SignIn, AuthEventStatus::Failure),
            "{who}"
        );
        assert_eq!(event.reason, Some(reason), "{who}");
    }
    let before = h.hasher.hashes();
    h.sign_in("wrong@example.com").await;
    assert_eq!(h.hasher.hashes() - before, 1);
}

// TH-02
#[tokio::test]
async fn every_state_costs_a_sign_up_one_hash() {
    let h = Harness::new().await;
    h.person("active@example.com").await;
    let suspended = h.person("suspended@example.com").await;
    h.set_state(suspended, EntityState::Suspended).await;
    h.sign_up("pending@example.com", PASSWORD).await;
    for email in [
        "new@example.com",
        "active@example.com",
        "suspended@example.com",
        "pending@example.com",
    ] {
        let before = h.hasher.hashes();
        h.sign_up(email, PASSWORD).await;
        assert_eq!(h.hasher.hashes() - before, 1, "{email}");
    }
}

// TH-04
#[tokio::test]
async fn failures_bring_growing_delays_and_success_forgets_them() {
    let h = Harness::new().await;
    h.person(ADA).await;
    for _ in 0..5 {
        assert!(matches!(
            h.try_sign_in(ADA, "not the right password").await.unwrap(),
            SignInOutcome::Refused
        ));
    }
    let hashes = h.hasher.hashes();
    let SignInOutcome::Locked { retry_after } = h.try_sign_in(ADA, PASSWORD).await.unwrap() else {
        panic!("let through");
    };
    assert_eq!(h.hasher.hashes(), hashes, "a locked attempt hashes nothing");
    h.advance(retry_after.as_secs());
    h.sign_in(ADA).await;
    for _ in 0..5 {
        assert!(matches!(
            h.try_sign_in(ADA, "not the right password").await.unwrap(),
            SignInOutcome::Refused
        ));
    }
}

// TH-04
#[tokio::test]
async fn unknown_identifiers_lock_like_known_ones() {
    let h = Harness::new().await;
    h.person(ADA).await;
    for who in [ADA, "nobody@example.com", "not an identifier"] {
        for _ in 0..5 {
            assert!(matches!(
                h.try_sign_in(who, "not the right password").await.unwrap(),
                SignInOutcome::Refused
            ));
        }
        assert!(
            matches!(
                h.try_sign_in(who, PASSWORD).await.unwrap(),
                SignInOutcome::Locked { .. }
            ),
            "{who}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_guesses_cannot_slip_past_the_count() {
    let h = std::sync::Arc::new(Harness::new().await);
    h.person(ADA).await;
    let before = h.hasher.hashes();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..64 {
        let h = h.clone();
        tasks.spawn(async move {
            h.try_sign_in(ADA, &format!("guess number {n} of many"))
                .await
                .unwrap()
        });
    }
    tasks.join_all().await;
    assert_eq!(h.hasher.hashes() - before, 5);
}

#[tokio::test]
async fn an_operator_unlocks() {
    let h = Harness::new().await;
    let user = h.person(ADA).await;
    for _ in 0..5 {
        h.try_sign_in(ADA, "not the right password").await.unwrap();
    }
    let outcome = h
        .portcullis
        .admin_unlock(h.portcullis.default_tenant(), user)
        .await
        .unwrap();
    assert_eq!(outcome, AdminOutcome::Done);
    h.sign_in(ADA).await;
}

// LG-07
#[tokio::test]
async fn a_password_typed_into_the_name_field_is_not_logged() {
    let h = Harness::new().await;
    h.try_sign_in("hunter2-in-the-wrong-field", PASSWORD)
        .await
        .unwrap();
    let logged = serde_json::to_string(&h.events().await).unwrap();
    assert!(!logged.contains("hunter2"), "{logged}");
}

// SE-02
#[tokio::test]
async fn signing_in_ends_the_session_the_browser_had() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let old = h.sign_in(ADA).await;
    let input = SignIn {
        identifier: ADA.to_owned(),
        password: Password::new(PASSWORD).unwrap(),
        replaces: Some(old.cookie.clone()),
    };
    let SignInOutcome::SignedIn(new) = h.portcullis.sign_in(input, &h.context()).await.unwrap()
    else {
        panic!("refused");
    };
    assert_ne!(old.cookie.expose(), new.cookie.expose());
    let present = async |cookie: &str| h.present(Some(Credential::Cookie(cookie))).await.unwrap();
    assert_eq!(
        present(old.cookie.expose()).await,
        Authentication::Anonymous
    );
    assert!(matches!(
        present(new.cookie.expose()).await,
        Authentication::Authenticated(_)
    ));
}

#[tokio::test]
async fn a_store_outage_is_never_no() {
    let h = Harness::new().await;
    h.person(ADA).await;
    h.store.fail_next(StoreErrorKind::Unavailable);
    assert!(matches!(
        h.try_sign_in(ADA, PASSWORD).await,
        Err(FlowError::Unavailable(_))
    ));
    h.sign_in(ADA).await;
}

// CC-05
#[tokio::test]
async fn a_full_hash_queue_says_busy() {
    let h = Harness::new().await;
    h.person(ADA).await;
    h.hasher.fail_next(HashError::Busy {
        retry_after: std::time::Duration::from_secs(2),
    });
    assert!(matches!(
        h.try_sign_in(ADA, PASSWORD).await,
        Err(FlowError::Busy { .. })
    ));
}

// PW-12
#[tokio::test]
async fn an_old_hash_is_upgraded_once_at_sign_in() {
    let h = Harness::new().await;
    h.person(ADA).await;
    h.hasher.raise_cost();
    h.sign_in(ADA).await;
    h.sign_in(ADA).await;
    let upgrades = h
        .events()
        .await
        .iter()
        .filter(|event| event.kind == AuthEventType::PasswordRehashed)
        .count();
    assert_eq!(upgrades, 1);
}

// SE-02, AK-03
#[tokio::test]
async fn a_forged_cookie_ends_nobodys_session() {
    let h = Harness::new().await;
    h.person(ADA).await;
    h.person("eve@example.com").await;
    let ada = h.sign_in(ADA).await;
    let id = *ada.principal.session().unwrap().as_bytes();
    let class = portcullis_backends::tokens::opaque::TokenClass::Session;
    let forged = h.portcullis.tokens().format().encode(class, id, &[7; 32]);
    let input = SignIn {
        identifier: "eve@example.com".to_owned(),
        password: Password::new(PASSWORD).unwrap(),
        replaces: Some(forged),
    };
    h.portcullis.sign_in(input, &h.context()).await.unwrap();
    let answer = h
        .present(Some(Credential::Cookie(ada.cookie.expose())))
        .await
        .unwrap();
    assert!(matches!(answer, Authentication::Authenticated(_)));
}

// LG-01
#[tokio::test]
async fn a_locked_attempt_and_a_replaced_session_are_in_the_log() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let old = h.sign_in(ADA).await;
    let input = SignIn {
        identifier: ADA.to_owned(),
        password: Password::new(PASSWORD).unwrap(),
        replaces: Some(old.cookie.clone()),
    };
    h.portcullis.sign_in(input, &h.context()).await.unwrap();
    let events = h.events().await;
    let replaced = events
        .iter()
        .find(|event| event.kind == AuthEventType::SessionRevoked)
        .unwrap();
    assert_eq!(replaced.detail["replaced"], true);
    for who in [ADA, "nobody@example.com"] {
        for _ in 0..7 {
            h.try_sign_in(who, "not the right password").await.unwrap();
        }
        let events = h.events().await;
        let locked = events
            .iter()
            .filter(|event| event.reason == Some(Reason::LockedOut));
        assert_eq!(locked.count(), if who == ADA { 1 } else { 2 }, "{who}");
    }
}

// PW-12
#[tokio::test]
async fn a_stale_rehash_never_overwrites_a_newer_password() {
    use portcullis_backends::core::along::Along;
    use portcullis_backends::core::factor::{FactorConfig, FactorKind};
    use portcullis_backends::core::secret::PasswordHash;
    use portcullis_backends::core::store::FactorStore as _;
    use portcullis_backends::tokens::password::{PasswordHasher, Verification};

    /// Changes the password between the check and the upgrade.
    #[derive(Debug)]
    struct Meddling(
        std::sync::Arc<portcullis_testing::CountingHasher>,
        portcullis_stores_kv::MemoryStore,
    );

    #[async_trait::async_trait]
    impl PasswordHasher for Meddling {
        async fn hash(&self, password: &Password) -> Result<PasswordHash, HashError> {
            let newer = self
                .0
                .hash(&Password::new("a newer password than that").unwrap())
                .await?;
            let (tenant, user) = *MEDDLED.get().unwrap();
            let loaded = self
                .1
                .load_factor(tenant, user, FactorKind::Password)
                .await
                .unwrap()
                .unwrap();
            let (version, now) = (
                loaded.factor.unwrap().version,
                portcullis_backends::core::time::Timestamp::MAX,
            );
            let config = FactorConfig::Password(newer);
            let saved = self
                .1
                .compare_and_save_factor(tenant, user, version, &config, now, Along::default())
                .await;
            assert!(saved.unwrap().applied().is_some());
            self.0.hash(password).await
        }

        async fn verify(
            &self,
            password: &Password,
            stored: Option<&PasswordHash>,
        ) -> Result<Verification, HashError> {
            self.0.verify(password, stored).await
        }
    }
    static MEDDLED: std::sync::OnceLock<(
        portcullis_backends::core::id::TenantId,
        portcullis_backends::core::id::UserId,
    )> = std::sync::OnceLock::new();

    let h = Harness::new().await;
    let user = h.person(ADA).await;
    MEDDLED.set((h.portcullis.default_tenant(), user)).unwrap();
    h.hasher.raise_cost();
    let meddled = portcullis_backends::Portcullis::builder(h.store.clone())
        .keys(crate::harness::keys(1))
        .public_url("https://auth.example.com")
        .mailer(h.mailbox.clone())
        .hasher(std::sync::Arc::new(Meddling(
            h.hasher.clone(),
            h.store.clone(),
        )))
        .clock(h.clock.clone())
        .without_workers()
        .build()
        .await
        .unwrap();
    let input = SignIn {
        identifier: ADA.to_owned(),
        password: Password::new(PASSWORD).unwrap(),
        replaces: None,
    };
    assert!(matches!(
        meddled.sign_in(input, &h.context()).await.unwrap(),
        SignInOutcome::SignedIn(_)
    ));
    assert!(matches!(
        h.try_sign_in(ADA, PASSWORD).await.unwrap(),
        SignInOutcome::Refused
    ));
    let newer = h
        .try_sign_in(ADA, "a newer password than that")
        .await
        .unwrap();
    assert!(matches!(newer, SignInOutcome::SignedIn(_)));
}

#[tokio::test]
async fn an_account_that_proved_nothing_is_not_activated() {
    let h = Harness::new().await;
    h.sign_up(ADA, PASSWORD).await;
    let tenant = h.portcullis.default_tenant();
    let user = h
        .portcullis
        .admin_find_user(tenant, ADA)
        .await
        .unwrap()
        .unwrap()
        .user
        .id;
    h.set_state(user, EntityState::Suspended).await;
    let change = portcullis_backends::flow::StateChange {
        to: EntityState::Active,
        reason: None,
        until: None,
    };
    let outcome = h
        .portcullis
        .admin_set_state(tenant, user, change)
        .await
        .unwrap();
    assert!(matches!(outcome, AdminOutcome::Refused(_)), "{outcome:?}");
}
