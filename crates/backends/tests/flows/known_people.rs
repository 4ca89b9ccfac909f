//! People whom the directory knew before they signed up: an adopter's customers.

use portcullis_backends::core::entity::{TenantKey, User};
use portcullis_backends::core::id::{TenantId, UserId};
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::state::EntityState;
use portcullis_backends::core::store::{AccountStore, IdentityAdmin, IdentityLookup, Split};
use portcullis_backends::flow::{SignInOutcome, VerifyEmailOutcome};
use portcullis_backends::{Builder, Portcullis};
use portcullis_stores_kv::MemoryStore;
use portcullis_testing::{CapturedMailbox, CountingHasher};
use serde_json::json;

use crate::harness::{ADA, Harness, PASSWORD, keys};

async fn customer(h: &Harness, email: &str) -> User {
    let customer = User {
        id: UserId::from_integer(42),
        tenant: h.portcullis.default_tenant(),
        identifiers: vec![
            Identifier::username("ada").unwrap(),
            Identifier::email(email).unwrap(),
        ],
        profile: json!({ "since": 1998 }),
        created_at: h.portcullis.now(),
    };
    h.store.create_user(&customer).await.unwrap();
    customer
}

async fn state_of(h: &Harness, customer: &User) -> Option<EntityState> {
    let account = h.store.account(customer.tenant, customer.id).await;
    account.unwrap().map(|account| account.status.state)
}

#[tokio::test]
async fn somebody_the_directory_knows_signs_up_as_themselves() {
    let h = Harness::new().await;
    let customer = customer(&h, ADA).await;
    assert_eq!(state_of(&h, &customer).await, None);
    let refused = h.try_sign_in(ADA, PASSWORD).await.unwrap();
    assert!(matches!(refused, SignInOutcome::Refused));

    let browser = h.sign_up(ADA, PASSWORD).await;
    let state = state_of(&h, &customer).await;
    assert_eq!(state, Some(EntityState::Candidate));
    let refused = h.try_sign_in(ADA, PASSWORD).await.unwrap();
    assert!(matches!(refused, SignInOutcome::Refused));

    let link = h.mailed_token(ADA).await;
    let verified = h.verify(&link, Some(&browser)).await;
    let user = customer.id;
    assert_eq!(verified, VerifyEmailOutcome::Verified { user });
    let signed_in = h.sign_in(ADA).await;
    assert_eq!(signed_in.principal.user(), user);
    let found = h.store.user(customer.tenant, user).await.unwrap();
    assert_eq!(found, Some(customer));
}

/// The directory says where its people's mail goes; whoever signs up with another spelling of the address does not.
#[tokio::test]
async fn a_sign_up_never_redirects_the_mail_of_somebody_the_directory_knows() {
    let h = Harness::new().await;
    let customer = customer(&h, "mike@example.com").await;
    for _ in 0..2 {
        h.sign_up("mıke@example.com", PASSWORD).await;
        h.portcullis.run_due().await.unwrap();
        h.advance(1);
    }
    assert_eq!(h.mailbox.to("mıke@example.com").len(), 0);
    assert_eq!(h.mailbox.to("mike@example.com").len(), 2);
    let found = h.store.user(customer.tenant, customer.id).await.unwrap();
    assert_eq!(found, Some(customer));
}

/// As with everybody: the password of a stranger's sign-up is not the owner's.
#[tokio::test]
async fn a_stranger_prepares_nothing_for_somebody_the_directory_knows() {
    let h = Harness::new().await;
    customer(&h, ADA).await;
    h.sign_up(ADA, "the stranger's password").await;
    let link = h.mailed_token(ADA).await;
    let opened = h.verify(&link, None).await;
    assert_eq!(opened, VerifyEmailOutcome::PasswordRequired);
    let verified = h.verify_with_password(&link, PASSWORD).await;
    assert!(matches!(verified, VerifyEmailOutcome::Verified { .. }));
    h.sign_in(ADA).await;
}

fn builder(
    directory: &MemoryStore,
    security: &MemoryStore,
) -> Builder<Split<MemoryStore, MemoryStore>> {
    Portcullis::builder(Split::new(directory.clone(), security.clone()))
        .keys(keys(1))
        .public_url("https://auth.example.com")
        .mailer(CapturedMailbox::new())
        .hasher(std::sync::Arc::new(CountingHasher::new()))
        .without_workers()
}

/// A directory that has its tenants already, and one whose other half a crash took away.
#[tokio::test]
async fn a_start_completes_the_default_tenant() {
    let (directory, security) = (MemoryStore::new(), MemoryStore::new());
    let built = builder(&directory, &security).build().await.unwrap();
    let tenant = built.default_tenant();
    let fresh = MemoryStore::new();
    for _ in 0..2 {
        let built = builder(&directory, &fresh).build().await.unwrap();
        assert_eq!(built.default_tenant(), tenant);
        let found = fresh.tenant_security(tenant).await.unwrap().unwrap();
        assert_eq!(found.status.state, EntityState::Active);
    }
    let nobody = fresh.tenant(TenantKey::Id(tenant)).await.unwrap();
    assert_eq!(nobody, None, "the directory is the other store");
    assert_ne!(tenant, TenantId::SYSTEM);
}
