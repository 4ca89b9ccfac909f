//! Passwords that somebody had before.

use std::sync::Arc;

use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::core::rule::password::PasswordRejection;
use portcullis_backends::core::secret::Password;
use portcullis_backends::core::store::PasswordHistory as _;
use portcullis_backends::flow::{
    ChangePassword, ChangePasswordOutcome, ResetPasswordOutcome, SignedIn, VerifyEmailOutcome,
};
use portcullis_backends::mail::LogMailer;
use portcullis_backends::tokens::password::HashError;
use portcullis_backends::{BuildError, FlowError, Portcullis};
use portcullis_stores_kv::MemoryStore;
use tokio::task::JoinSet;

use super::{NEW, kept};
use crate::harness::{ADA, Harness, PASSWORD, keys};

const THIRD: &str = "staples for the battery horse";
const FOURTH: &str = "a horse without any battery";

fn policy(password_history: u32) -> PolicyOverrides {
    PolicyOverrides {
        password_history: Some(password_history),
        ..PolicyOverrides::default()
    }
}

async fn with(passwords: u32) -> Harness {
    Harness::with(|builder| builder.policy(policy(passwords))).await
}

#[track_caller]
fn reused(outcome: ChangePasswordOutcome) {
    match outcome {
        ChangePasswordOutcome::PasswordRefused(PasswordRejection::Reused) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_latest_passwords_are_not_set_again_and_older_ones_may_be() {
    let h = with(3).await;
    let ada = h.person(ADA).await;
    let here = h.sign_in(ADA).await;
    reused(h.change(&here, PASSWORD, PASSWORD).await);
    let here = kept(h.change(&here, PASSWORD, NEW).await);
    reused(h.change(&here, NEW, PASSWORD).await);
    let here = kept(h.change(&here, NEW, THIRD).await);
    for refused in [PASSWORD, NEW, THIRD] {
        reused(h.change(&here, THIRD, refused).await);
    }
    let here = kept(h.change(&here, THIRD, FOURTH).await);
    reused(h.change(&here, FOURTH, NEW).await);
    kept(h.change(&here, FOURTH, PASSWORD).await);
    let tenant = h.portcullis.default_tenant();
    let earlier = h.store.earlier_passwords(tenant, ada, 100).await.unwrap();
    assert_eq!(earlier.len(), 2, "what the policy needs and no more");
}

#[tokio::test]
async fn a_reset_and_a_proof_of_the_address_forbid_the_same_ones_and_use_nothing_up() {
    let h = with(2).await;
    h.person(ADA).await;
    let link = h.reset_link(ADA).await;
    let refused = ResetPasswordOutcome::PasswordRefused(PasswordRejection::Reused);
    assert_eq!(h.reset(&link, PASSWORD).await, refused);
    let set = h.reset(&link, NEW).await;
    assert!(matches!(set, ResetPasswordOutcome::Reset { .. }));
    let link = h.reset_link(ADA).await;
    for again in [PASSWORD, NEW] {
        assert_eq!(h.reset(&link, again).await, refused);
    }
    let set = h.reset(&link, THIRD).await;
    assert!(matches!(set, ResetPasswordOutcome::Reset { .. }));
    let link = h.reset_link(ADA).await;
    let set = h.reset(&link, PASSWORD).await;
    assert!(matches!(set, ResetPasswordOutcome::Reset { .. }));
    // Whoever proves their address for the first time had none, whatever a stranger chose before.
    h.sign_up("new@example.com", PASSWORD).await;
    let link = h.mailed_token("new@example.com").await;
    let verified = h.verify_with_password(&link, PASSWORD).await;
    assert!(matches!(verified, VerifyEmailOutcome::Verified { .. }));
}

#[tokio::test]
async fn without_it_in_the_policy_a_password_may_be_set_again_and_none_is_kept() {
    let h = Harness::new().await;
    let ada = h.person(ADA).await;
    let here = h.sign_in(ADA).await;
    let before = h.hasher.hashes();
    let here = kept(h.change(&here, PASSWORD, PASSWORD).await);
    assert_eq!(h.hasher.hashes(), before + 2, "the proof and the new one");
    kept(h.change(&here, PASSWORD, NEW).await);
    let tenant = h.portcullis.default_tenant();
    let earlier = h.store.earlier_passwords(tenant, ada, 100).await.unwrap();
    assert!(earlier.is_empty());
}

#[tokio::test]
async fn it_costs_hashes_after_the_proof_alone_and_no_more_than_the_policy_names() {
    let h = with(24).await;
    h.person(ADA).await;
    let mut here = *h.sign_in(ADA).await;
    let mut current = PASSWORD.to_owned();
    for n in 1..=30_u64 {
        let next = format!("{NEW} {n}");
        let before = h.hasher.hashes();
        here = kept(h.change(&here, &current, &next).await);
        let looked_at = n.min(24);
        assert_eq!(h.hasher.hashes(), before + 1 + looked_at + 1, "{n}");
        current = next;
    }
    let cost = async |new: &str, known: &str| {
        let before = h.hasher.hashes();
        let _outcome = h.change(&here, known, new).await;
        h.hasher.hashes() - before
    };
    assert_eq!(cost(PASSWORD, "not the password at all").await, 1);
    assert_eq!(cost("too short", &current).await, 0);
    assert_eq!(cost(&current, &current).await, 2, "found at the first");
    // A stranger with a made-up or a used link makes nobody hash.
    let link = h.reset_link(ADA).await;
    assert!(matches!(
        h.reset(&link, THIRD).await,
        ResetPasswordOutcome::Reset { .. }
    ));
    let before = h.hasher.hashes();
    assert_eq!(h.reset(&link, FOURTH).await, ResetPasswordOutcome::Rejected);
    assert_eq!(h.hasher.hashes(), before);
}

// PW-12
#[tokio::test]
async fn a_hash_that_is_brought_up_to_date_is_no_other_password() {
    let h = with(3).await;
    let ada = h.person(ADA).await;
    let tenant = h.portcullis.default_tenant();
    for _ in 0..3 {
        h.hasher.raise_cost();
        h.sign_in(ADA).await;
    }
    let earlier = h.store.earlier_passwords(tenant, ada, 100).await.unwrap();
    assert!(earlier.is_empty());
    let here = h.sign_in(ADA).await;
    let here = kept(h.change(&here, PASSWORD, NEW).await);
    // Earlier ones are compared at the cost they were made at.
    h.hasher.raise_cost();
    reused(h.change(&here, NEW, PASSWORD).await);
    let earlier = h.store.earlier_passwords(tenant, ada, 100).await.unwrap();
    assert_eq!(earlier.len(), 1);
}

#[tokio::test]
async fn while_the_hasher_is_busy_nothing_is_decided_and_nothing_used_up() {
    let h = with(3).await;
    h.person(ADA).await;
    let link = h.reset_link(ADA).await;
    h.hasher.busy_next(1);
    let reset = portcullis_backends::flow::ResetPassword {
        token: link.clone(),
        password: Password::new(NEW).unwrap(),
    };
    let busy = h.portcullis.reset_password(reset, &h.context()).await;
    assert!(matches!(busy, Err(FlowError::Busy { .. })), "{busy:?}");
    assert!(h.link_works(&link).await && h.signs_in(ADA, PASSWORD).await);
    // One that cannot be read any more keeps nobody from setting a password.
    h.hasher.fail_next(HashError::Malformed);
    let set = h.reset(&link, NEW).await;
    assert!(matches!(set, ResetPasswordOutcome::Reset { .. }));
}

// CC-01
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_changes_at_once_one_is_made_and_its_password_is_remembered() {
    let h = Arc::new(with(24).await);
    let ada = h.person(ADA).await;
    let tenant = h.portcullis.default_tenant();
    let mut current = PASSWORD.to_owned();
    for round in 0..4_usize {
        let signed_in = h.try_sign_in(ADA, &current).await.unwrap();
        let portcullis_backends::flow::SignInOutcome::SignedIn(here) = signed_in else {
            panic!("{signed_in:?}");
        };
        let here: Arc<SignedIn> = Arc::from(here);
        let mut tasks = JoinSet::new();
        for n in 0..8 {
            let (h, here, current) = (Arc::clone(&h), Arc::clone(&here), current.clone());
            let next = format!("{NEW} {round} {n}");
            tasks.spawn(async move {
                let change = ChangePassword {
                    current: Password::new(current).unwrap(),
                    new: Password::new(next.clone()).unwrap(),
                };
                let context = h.context();
                let changing = h
                    .portcullis
                    .change_password(&here.principal, change, &context);
                let outcome = changing.await.ok()?;
                matches!(outcome, ChangePasswordOutcome::Changed { .. }).then_some(next)
            });
        }
        let changed: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
        let [next] = changed.as_slice() else {
            panic!("{changed:?}");
        };
        let earlier = h.store.earlier_passwords(tenant, ada, 100).await.unwrap();
        assert_eq!(earlier.len(), round + 1);
        current.clone_from(next);
        h.advance(3600);
    }
}

#[tokio::test]
async fn a_policy_that_nobody_keeps_passwords_for_is_refused() {
    let refused = Portcullis::builder(MemoryStore::new())
        .keys(keys(1))
        .public_url("https://auth.example.com")
        .mailer(LogMailer)
        .policy(policy(3))
        .without_workers()
        .build()
        .await
        .unwrap_err();
    assert!(matches!(refused, BuildError::NoPasswordHistory));
    assert!(refused.to_string().contains("with_password_history"));
}
