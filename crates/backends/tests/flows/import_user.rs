//! People of another system, with their passwords.

use std::sync::Arc;

use portcullis_backends::core::entity::TenantKey;
use portcullis_backends::core::event::{AuthEventType, Reason};
use portcullis_backends::core::factor::{FactorConfig, FactorKind};
use portcullis_backends::core::id::UserId;
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::core::secret::Password;
use portcullis_backends::core::state::EntityState;
use portcullis_backends::core::store::FactorStore as _;
use portcullis_backends::core::time::Timestamp;
use portcullis_backends::flow::{
    ImportOutcome, ImportRefusal, ImportState, ImportUser, ResendVerification, SignInOutcome,
    VerifyEmailOutcome,
};
use portcullis_backends::tokens::OsEntropy;
use portcullis_backends::tokens::password::{
    Argon2Params, Argon2Pool, ForeignHash, HashPoolConfig,
};
use portcullis_backends::{Builder, FlowError};
use portcullis_stores_kv::MemoryStore;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{ADA, Harness, PASSWORD, keys};

/// `correct horse battery staple` of another system, with bcrypt's cost 5.
const OLD_HASH: &str = "$2b$05$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS";

/// With the real hasher, as cheap as it may be.
async fn world() -> (Harness, Arc<Argon2Pool>) {
    let config = HashPoolConfig {
        params: Argon2Params {
            memory_kib: 7168,
            iterations: 5,
            parallelism: 1,
        },
        max_wait: std::time::Duration::from_secs(3600),
        ..HashPoolConfig::default()
    };
    let pool = Arc::new(Argon2Pool::start(config, keys(1), Arc::new(OsEntropy)).unwrap());
    let hasher = Arc::clone(&pool);
    // So many may try at once without being held up as guesses.
    let policy = PolicyOverrides {
        lockout_free_attempts: Some(100),
        ..PolicyOverrides::default()
    };
    let change = |builder: Builder<MemoryStore>| builder.adopting_hasher(hasher).policy(policy);
    (Harness::with(change).await, pool)
}

fn person(email: &str) -> ImportUser {
    ImportUser {
        identifiers: vec![Identifier::email(email).unwrap()],
        verified: true,
        password: Some(ForeignHash::parse(OLD_HASH).unwrap()),
        profile: json!({ "name": "Ada" }),
        created_at: Some(Timestamp::from_secs(1_000_000_000)),
        state: ImportState::Active,
    }
}

async fn import(h: &Harness, import: ImportUser) -> ImportOutcome {
    let tenant = h.portcullis.default_tenant();
    h.portcullis.import_user(tenant, import).await.unwrap()
}

async fn imported(h: &Harness, person: ImportUser) -> UserId {
    match import(h, person).await {
        ImportOutcome::Imported { user } => user,
        other => panic!("{other:?}"),
    }
}

async fn stored(h: &Harness, user: UserId) -> Option<String> {
    let tenant = h.portcullis.default_tenant();
    let loaded = h
        .store
        .load_factor(tenant, user, FactorKind::Password)
        .await;
    loaded
        .unwrap()
        .unwrap()
        .factor
        .map(|factor| match factor.config {
            FactorConfig::Password(hash) => hash.phc.clone(),
            other => panic!("{other:?}"),
        })
}

async fn count(h: &Harness, kind: AuthEventType) -> usize {
    let events = h.events().await;
    events.iter().filter(|event| event.kind == kind).count()
}

// PW-12
#[tokio::test]
async fn an_imported_hash_is_replaced_once_by_many_who_sign_in_together() {
    let (h, pool) = world().await;
    let user = imported(&h, person(ADA)).await;
    assert!(stored(&h, user).await.unwrap().starts_with("$imported$"));
    assert_eq!(pool.hashes_computed(), 0);

    let mut sign_ins = JoinSet::new();
    for _ in 0..50 {
        let (portcullis, context) = (h.portcullis.clone(), h.context());
        let input = portcullis_backends::flow::SignIn {
            identifier: ADA.to_owned(),
            password: Password::new(PASSWORD).unwrap(),
            replaces: None,
        };
        sign_ins.spawn(async move { portcullis.sign_in(input, &context).await });
    }
    while let Some(answer) = sign_ins.join_next().await {
        match answer.unwrap().unwrap() {
            SignInOutcome::SignedIn(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(stored(&h, user).await.unwrap().starts_with("$argon2id$"));
    assert_eq!(count(&h, AuthEventType::PasswordRehashed).await, 1);

    let before = pool.hashes_computed();
    h.sign_in(ADA).await;
    assert_eq!(pool.hashes_computed() - before, 1);
    assert_eq!(count(&h, AuthEventType::PasswordRehashed).await, 1);
}

// AK-03
#[tokio::test]
async fn every_refused_sign_in_of_an_imported_person_is_one_hash() {
    let (h, pool) = world().await;
    imported(&h, person(ADA)).await;
    let suspended = ImportUser {
        state: ImportState::Suspended,
        ..person("bob@example.com")
    };
    imported(&h, suspended).await;
    let unproved = ImportUser {
        verified: false,
        ..person("eve@example.com")
    };
    imported(&h, unproved).await;
    for (who, password, reason) in [
        (ADA, "not the right password", Reason::WrongPassword),
        ("bob@example.com", PASSWORD, Reason::Suspended),
        (
            "bob@example.com",
            "not the right password",
            Reason::WrongPassword,
        ),
        ("eve@example.com", PASSWORD, Reason::Unverified),
        ("nobody@example.com", PASSWORD, Reason::UnknownIdentifier),
    ] {
        h.advance(1);
        let before = pool.hashes_computed();
        let refused = h.try_sign_in(who, password).await.unwrap();
        assert!(matches!(refused, SignInOutcome::Refused), "{who}");
        assert_eq!(pool.hashes_computed() - before, 1, "{who}");
        assert_eq!(
            h.events().await.first().unwrap().reason,
            Some(reason),
            "{who}"
        );
    }
    assert_eq!(count(&h, AuthEventType::PasswordRehashed).await, 0);
}

#[tokio::test]
async fn an_unproved_address_brings_no_password_along() {
    let (h, _) = world().await;
    let unproved = ImportUser {
        verified: false,
        ..person(ADA)
    };
    let user = imported(&h, unproved).await;
    assert_eq!(stored(&h, user).await, None);
    // Its owner proves it, and sets one.
    let email = Identifier::email(ADA).unwrap();
    let resend = ResendVerification { email };
    h.portcullis
        .resend_verification(resend, &h.context())
        .await
        .unwrap();
    let link = h.mailed_token(ADA).await;
    assert_eq!(
        h.verify(&link, None).await,
        VerifyEmailOutcome::PasswordRequired
    );
    let set = h
        .verify_with_password(&link, "the owner's own password")
        .await;
    assert_eq!(set, VerifyEmailOutcome::Verified { user });
    let old = h.try_sign_in(ADA, PASSWORD).await.unwrap();
    assert!(matches!(old, SignInOutcome::Refused));
}

#[tokio::test]
async fn an_import_is_explained_and_sends_no_mail() {
    let (h, _) = world().await;
    h.advance(1);
    let user = imported(&h, person(ADA)).await;
    let events = h.events().await;
    let opened = events.first().unwrap();
    assert_eq!(opened.kind, AuthEventType::AccountOpened);
    assert_eq!(opened.subject, Some(user));
    assert_eq!(opened.actor, Some(UserId::SYSTEM));
    assert_eq!(
        opened.detail,
        json!({ "import": true, "password": "bcrypt" })
    );
    h.portcullis.run_due().await.unwrap();
    assert!(h.mailbox.to(ADA).is_empty());

    let tenant = h.portcullis.default_tenant();
    let record = h.portcullis.admin_find_user(tenant, ADA).await.unwrap();
    let record = record.unwrap();
    assert_eq!(record.user.created_at, Timestamp::from_secs(1_000_000_000));
    assert_eq!(record.user.profile, json!({ "name": "Ada" }));
    let account = record.account.unwrap();
    assert_eq!(account.status.state, EntityState::Active);
    assert_eq!(account.verified.len(), 1);
}

#[tokio::test]
async fn the_same_person_again_is_done_already_and_another_is_a_conflict() {
    let (h, _) = world().await;
    let both = |email: &str, name: &str| ImportUser {
        identifiers: vec![
            Identifier::email(email).unwrap(),
            Identifier::username(name).unwrap(),
        ],
        ..person(email)
    };
    let user = imported(&h, both(ADA, "ada")).await;
    let before = h.events().await.len();
    for again in [
        both(ADA, "ada"),
        both("ADA@example.com", "Ada"),
        person(ADA),
    ] {
        let tenant = h.portcullis.default_tenant();
        let checked = h.portcullis.check_import(tenant, &again).await.unwrap();
        assert_eq!(checked, Some(ImportOutcome::Exists { user }));
        assert_eq!(import(&h, again).await, ImportOutcome::Exists { user });
    }
    imported(&h, person("bob@example.com")).await;
    for other in [
        both("bob@example.com", "ada"),
        both("new@example.com", "ada"),
    ] {
        let tenant = h.portcullis.default_tenant();
        let checked = h.portcullis.check_import(tenant, &other).await.unwrap();
        assert_eq!(checked, Some(ImportOutcome::Conflict));
        assert_eq!(import(&h, other).await, ImportOutcome::Conflict);
    }
    assert_eq!(h.events().await.len(), before + 1);
    let new = h.portcullis.default_tenant();
    let checked = h
        .portcullis
        .check_import(new, &person("new@example.com"))
        .await;
    assert_eq!(checked.unwrap(), None);
    assert!(
        h.portcullis
            .admin_find_user(new, "new@example.com")
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_user_name_needs_no_proof() {
    let (h, _) = world().await;
    let named = ImportUser {
        identifiers: vec![Identifier::username("ada").unwrap()],
        verified: false,
        ..person(ADA)
    };
    imported(&h, named).await;
    h.sign_in("ada").await;
}

// An address that nobody proved may be signed up with by anybody, and takes nothing else away.
#[tokio::test]
async fn a_sign_up_with_an_imported_address_leaves_the_user_name() {
    let (h, _) = world().await;
    let name = Identifier::username("ada").unwrap();
    let mut unproved = person("m\u{131}ke@example.com");
    unproved.verified = false;
    unproved.identifiers.push(name.clone());
    let user = imported(&h, unproved).await;
    h.sign_up("mike@example.com", PASSWORD).await;
    let tenant = h.portcullis.default_tenant();
    let found = h
        .portcullis
        .admin_find_user(tenant, "mike@example.com")
        .await;
    let identifiers = found.unwrap().unwrap().user.identifiers;
    assert_eq!(identifiers.len(), 2, "{identifiers:?}");
    let named = h.portcullis.admin_find_user(tenant, "ada").await;
    assert_eq!(named.unwrap().unwrap().user.id, user);
}

#[tokio::test]
async fn nobody_who_cannot_be_imported_is() {
    let (h, _) = world().await;
    let email = |text: &str| Identifier::email(text).unwrap();
    for (identifiers, profile, refusal) in [
        (vec![], json!({}), ImportRefusal::Identifiers),
        (
            vec![email(ADA), email("other@example.com")],
            json!({}),
            ImportRefusal::Identifiers,
        ),
        (vec![email(ADA)], Value::Null, ImportRefusal::Profile),
        (
            vec![email(ADA)],
            json!({ "name": "x".repeat(16 * 1024) }),
            ImportRefusal::Profile,
        ),
    ] {
        let nobody = ImportUser {
            identifiers,
            profile,
            ..person(ADA)
        };
        assert_eq!(import(&h, nobody).await, ImportOutcome::Refused(refusal));
    }
    let tenant = h.portcullis.default_tenant();
    let people = h.portcullis.admin_users(tenant, None, 10).await.unwrap();
    assert!(people.is_empty());
    let found = h.portcullis.find_tenant(TenantKey::Slug("nowhere")).await;
    assert_eq!(found.unwrap(), None);
}

#[tokio::test]
async fn a_hasher_that_adopts_nothing_says_so() {
    let h = Harness::new().await;
    let tenant = h.portcullis.default_tenant();
    let refused = h.portcullis.import_user(tenant, person(ADA)).await;
    assert!(matches!(refused, Err(FlowError::Internal(_))));
    let without = ImportUser {
        password: None,
        ..person(ADA)
    };
    imported(&h, without).await;
}
