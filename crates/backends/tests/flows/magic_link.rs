//! Signing in with a link in a mail.

use std::sync::Arc;

use portcullis_backends::core::event::{AuthEventType, Reason};
use portcullis_backends::core::factor::FactorKind;
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::core::session::AssuranceLevel;
use portcullis_backends::core::state::EntityState;
use portcullis_backends::core::store::{IdentityAuthnLog as _, VerificationStore as _};
use portcullis_backends::core::time::Timestamp;
use portcullis_backends::flow::{
    MagicLink, MagicLinkOutcome, SendMagicLink, SignInOutcome, SignedIn, VerifyEmailOutcome,
};

use crate::harness::{ADA, Harness, PASSWORD};

const STRANGERS: &str = "the stranger's password";

pub(crate) async fn send(h: &Harness, email: &str) {
    let email = Identifier::email(email).unwrap();
    // One mail a moment, so that there is a latest one.
    h.advance(1);
    let context = h.context();
    let sent = h
        .portcullis
        .send_magic_link(SendMagicLink { email }, &context);
    sent.await.unwrap();
}

/// The token of a new link to an address.
pub(crate) async fn link(h: &Harness, email: &str) -> SecretText {
    send(h, email).await;
    h.mailed_token(email).await
}

async fn open(h: &Harness, token: &SecretText) -> MagicLinkOutcome {
    let input = MagicLink {
        token: token.clone(),
        replaces: None,
    };
    let context = h.context();
    let opened = h.portcullis.sign_in_with_magic_link(input, &context);
    opened.await.unwrap()
}

pub(crate) async fn works(h: &Harness, token: &SecretText) -> bool {
    matches!(open(h, token).await, MagicLinkOutcome::SignedIn(_))
}

async fn signed_in(h: &Harness, token: &SecretText) -> Box<SignedIn> {
    match open(h, token).await {
        MagicLinkOutcome::SignedIn(signed_in) => signed_in,
        MagicLinkOutcome::Rejected => panic!("refused"),
    }
}

/// An instance whose links make accounts.
async fn open_house() -> Harness {
    let policy = PolicyOverrides {
        magic_link_sign_up: Some(true),
        ..Default::default()
    };
    Harness::with(|b| b.policy(policy)).await
}

async fn mails(h: &Harness) -> usize {
    h.portcullis.run_due().await.unwrap();
    h.mailbox.all().len()
}

/// Races are run 20 times, 100 times where `PORTCULLIS_LONG` is set.
fn rounds() -> usize {
    match std::env::var_os("PORTCULLIS_LONG") {
        Some(_) => 100,
        None => 20,
    }
}

// MF-09
#[tokio::test]
async fn a_magic_link_signs_in_once_with_one_factor_that_came_by_mail() {
    let h = Harness::new().await;
    let ada = h.person(ADA).await;
    send(&h, "Ada@EXAMPLE.com").await;
    let token = h.mailed_token(ADA).await;
    let principal = signed_in(&h, &token).await.principal;
    assert_eq!(principal.user(), ada);
    assert_eq!(principal.assurance.level, AssuranceLevel::Aal1);
    assert_eq!(principal.assurance.factors, [FactorKind::Email]);
    h.advance(1);
    assert!(!works(&h, &token).await);
    let events = h.events().await;
    assert_eq!(events[0].kind, AuthEventType::SignIn);
    assert_eq!(events[0].reason, Some(Reason::Replayed));
}

// OT-04
#[tokio::test]
async fn a_magic_link_works_until_its_end_and_not_at_it() {
    for (secs, good) in [(15 * 60 - 1, true), (15 * 60, false)] {
        let h = Harness::new().await;
        h.person(ADA).await;
        let token = link(&h, ADA).await;
        h.advance(secs);
        assert_eq!(works(&h, &token).await, good, "after {secs} s");
    }
}

// OT-03
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_clicks_on_a_magic_link_one_signs_in() {
    let h = Arc::new(Harness::new().await);
    h.person(ADA).await;
    for _ in 0..rounds() {
        let token = link(&h, ADA).await;
        assert_eq!(winners(&h, &token).await, 1);
    }
}

async fn winners(h: &Arc<Harness>, token: &SecretText) -> usize {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (h, token) = (h.clone(), token.clone());
        tasks.spawn(async move { works(&h, &token).await });
    }
    let ends = tasks.join_all().await;
    ends.into_iter().filter(|won| *won).count()
}

// OT-06
#[tokio::test]
async fn a_newer_magic_link_ends_the_older() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let first = link(&h, ADA).await;
    let second = link(&h, ADA).await;
    assert!(!works(&h, &first).await);
    assert!(works(&h, &second).await);

    let h = open_house().await;
    let first = link(&h, ADA).await;
    let second = link(&h, "ada@EXAMPLE.com").await;
    assert!(!works(&h, &first).await);
    assert!(works(&h, &second).await);
}

// TH-10, OT-06
#[tokio::test]
async fn who_is_suspended_after_the_mail_stays_out_for_good() {
    let h = Harness::new().await;
    let ada = h.person(ADA).await;
    let token = link(&h, ADA).await;
    h.set_state(ada, EntityState::Suspended).await;
    h.advance(1);
    assert!(!works(&h, &token).await);
    assert_eq!(h.events().await[0].reason, Some(Reason::Suspended));
    h.set_state(ada, EntityState::Active).await;
    assert!(
        !works(&h, &token).await,
        "an old link outlived the suspension"
    );
    assert!(works(&h, &link(&h, ADA).await).await);
}

// TH-01, TH-02, TH-03
#[tokio::test]
async fn asking_costs_the_same_for_everybody_and_leaves_nothing_for_nobody() {
    let h = Harness::new().await;
    h.person(ADA).await;
    for (email, state) in [
        ("suspended@example.com", EntityState::Suspended),
        ("terminated@example.com", EntityState::Terminated),
    ] {
        let user = h.person(email).await;
        h.set_state(user, state).await;
    }
    h.sign_up("pending@example.com", PASSWORD).await;
    h.mailed_token("pending@example.com").await;
    let far = Timestamp::from_secs(1 << 40);
    h.store.purge_tokens(far).await.unwrap();
    let (hashes, mut work) = (h.hasher.hashes(), Vec::new());
    h.mailbox.fail_next(1);
    for who in ["ada", "unknown", "pending", "suspended", "terminated"] {
        let calls = h.store.calls();
        send(&h, &format!("{who}@example.com")).await;
        work.push(h.store.calls() - calls);
        let left = h.store.purge_tokens(far).await.unwrap();
        assert_eq!(left, u64::from(who == "ada"), "{who}");
    }
    assert_eq!(h.hasher.hashes(), hashes);
    assert!(work.iter().all(|calls| *calls == work[0]), "{work:?}");
    let before = h.mailbox.all().len();
    h.advance(60);
    assert_eq!(mails(&h).await, before, "the first delivery fails");
    h.advance(60);
    assert_eq!(mails(&h).await, before + 1);
}

#[tokio::test]
async fn a_link_makes_the_account_where_the_policy_lets_it() {
    let h = open_house().await;
    let token = link(&h, "Ada@Example.com").await;
    let principal = signed_in(&h, &token).await.principal;
    assert_eq!(principal.handle, "Ada@Example.com");
    let tenant = h.portcullis.default_tenant();
    let found = h.portcullis.admin_find_user(tenant, ADA).await.unwrap();
    let account = found.unwrap().account.unwrap();
    assert_eq!(account.user, principal.user());
    assert_eq!(account.verified.len(), 1);
    assert!(account.last_sign_in.is_some());
    let kinds: Vec<_> = h.events().await.iter().map(|event| event.kind).collect();
    for kind in [
        AuthEventType::SignUp,
        AuthEventType::EmailVerified,
        AuthEventType::SignIn,
    ] {
        assert!(kinds.contains(&kind), "{kind}");
    }
    send(&h, ADA).await;
    let spelled = h.mailed_token("Ada@Example.com").await;
    assert!(works(&h, &spelled).await);
    assert!(matches!(
        h.try_sign_in(ADA, PASSWORD).await.unwrap(),
        SignInOutcome::Refused
    ));
}

// CC-06, OT-03
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_clicks_on_a_link_that_makes_accounts_one_account_comes() {
    let h = Arc::new(open_house().await);
    for n in 0..rounds() {
        let token = link(&h, &format!("ada{n}@example.com")).await;
        assert_eq!(winners(&h, &token).await, 1);
    }
    let people = h
        .portcullis
        .admin_users(h.portcullis.default_tenant(), None, 1000);
    assert_eq!(people.await.unwrap().len(), rounds());
}

/// Pre-hijacking: a stranger signs up with somebody else's address, and its owner opens a magic link.
#[tokio::test]
async fn a_magic_link_never_activates_what_a_stranger_prepared() {
    let h = open_house().await;
    let strangers_browser = h.sign_up(ADA, STRANGERS).await;
    let strangers_link = h.mailed_token(ADA).await;
    let token = link(&h, ADA).await;
    signed_in(&h, &token).await;
    assert!(matches!(
        h.try_sign_in(ADA, STRANGERS).await.unwrap(),
        SignInOutcome::Refused
    ));
    let in_their_browser = h.verify(&strangers_link, Some(&strangers_browser)).await;
    let with_a_password = h.verify_with_password(&strangers_link, STRANGERS).await;
    for verified in [in_their_browser, with_a_password] {
        assert_eq!(verified, VerifyEmailOutcome::Rejected);
    }
    assert!(matches!(
        h.try_sign_in(ADA, STRANGERS).await.unwrap(),
        SignInOutcome::Refused
    ));
}

#[tokio::test]
async fn a_sign_up_between_mail_and_click_is_the_same_persons() {
    for proved in [false, true] {
        let h = open_house().await;
        let token = link(&h, ADA).await;
        let browser = h.sign_up(ADA, PASSWORD).await;
        let proof = h.mailed_token(ADA).await;
        if proved {
            assert!(matches!(
                h.verify(&proof, Some(&browser)).await,
                VerifyEmailOutcome::Verified { .. }
            ));
        }
        let principal = signed_in(&h, &token).await.principal;
        assert_eq!(principal.handle, ADA);
        let people = h.portcullis.admin_users(principal.tenant, None, 10).await;
        assert_eq!(people.unwrap().len(), 1);
        h.advance(1);
        let by_password = h.try_sign_in(ADA, PASSWORD).await.unwrap();
        assert_eq!(matches!(by_password, SignInOutcome::SignedIn(_)), proved);
    }
}

/// Two mailboxes, one canonical form: what was sent to the one signs in nobody who has the other.
#[tokio::test]
async fn a_link_to_another_spelling_of_the_address_signs_in_nobody() {
    let h = open_house().await;
    let spelled = "m\u{131}ke@example.com";
    let early = link(&h, spelled).await;
    h.person("mike@example.com").await;
    assert!(!works(&h, &early).await);

    let h = open_house().await;
    h.sign_up(spelled, STRANGERS).await;
    let pending = link(&h, spelled).await;
    h.advance(1);
    let browser = h.sign_up("mike@example.com", PASSWORD).await;
    assert!(!works(&h, &pending).await);
    let proof = h.mailed_token("mike@example.com").await;
    assert!(matches!(
        h.verify(&proof, Some(&browser)).await,
        VerifyEmailOutcome::Verified { .. }
    ));
}

#[tokio::test]
async fn where_the_policy_has_no_magic_link_none_is_sent_and_none_works() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let token = link(&h, ADA).await;
    let tenant = h.portcullis.default_tenant();
    let mut security = {
        use portcullis_backends::core::store::AccountStore as _;
        h.store.tenant_security(tenant).await.unwrap().unwrap()
    };
    security.policy.magic_link = Some(false);
    {
        use portcullis_backends::core::along::Along;
        use portcullis_backends::core::store::AccountStore as _;
        let set = h.store.set_tenant_security(&security, Along::default());
        assert!(set.await.unwrap().applied().is_some());
    }
    h.advance(3600);
    assert!(!works(&h, &token).await);
    let before = mails(&h).await;
    send(&h, ADA).await;
    assert_eq!(mails(&h).await, before);
}

// OT-05
#[tokio::test]
async fn a_magic_link_of_another_tenant_is_unknown() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let token = link(&h, ADA).await;
    let mut elsewhere = h.context();
    elsewhere.tenant = portcullis_backends::core::id::TenantId::from_integer(77);
    let input = MagicLink {
        token: token.clone(),
        replaces: None,
    };
    let opened = h.portcullis.sign_in_with_magic_link(input, &elsewhere);
    assert!(matches!(opened.await.unwrap(), MagicLinkOutcome::Rejected));
    assert!(works(&h, &token).await);
}

// SE-10
#[tokio::test]
async fn the_session_the_browser_had_ends_only_after_the_link_worked() {
    let h = Harness::new().await;
    h.person(ADA).await;
    h.person("eve@example.com").await;
    let eve = h.sign_in("eve@example.com").await;
    let is_live = async || {
        use portcullis_backends::Authentication;
        use portcullis_backends::core::backend::Credential;
        let cookie = Credential::Cookie(eve.cookie.expose());
        let answer = h.present(Some(cookie)).await.unwrap();
        matches!(answer, Authentication::Authenticated(_))
    };
    let token = link(&h, ADA).await;
    let wrong = SecretText::new("pcl_vfy_nothing");
    for (token, ended) in [(&wrong, false), (&token, true)] {
        let input = MagicLink {
            token: token.clone(),
            replaces: Some(eve.cookie.clone()),
        };
        let context = h.context();
        let opened = h.portcullis.sign_in_with_magic_link(input, &context);
        opened.await.unwrap();
        assert_eq!(is_live().await, !ended);
    }
}

#[tokio::test]
async fn an_epoch_that_moved_after_the_mail_ends_the_link() {
    use portcullis_backends::core::along::Along;
    let h = Harness::new().await;
    let ada = h.person(ADA).await;
    let token = link(&h, ADA).await;
    let tenant = h.portcullis.default_tenant();
    let moved = h.store.record(Along::default().with_epoch_of(tenant, ada));
    assert!(moved.await.unwrap().applied().is_some());
    assert!(!works(&h, &token).await);
}
