//! Putting another address in the place of one's own.

use std::sync::Arc;

use portcullis_backends::Authentication;
use portcullis_backends::core::backend::Credential;
use portcullis_backends::core::event::{AuthEventType, Reason};
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::principal::Principal;
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::core::state::EntityState;
use portcullis_backends::flow::{
    ConfirmEmailChange, ConfirmEmailChangeOutcome, MagicLink, MagicLinkOutcome, RequestEmailChange,
    RequestEmailChangeOutcome, SendMagicLink, SignInOutcome, SignedIn,
};

use crate::harness::{ADA, Harness, PASSWORD};

const NEW: &str = "lovelace@example.com";
const EVE: &str = "eve@example.com";

async fn ask(h: &Harness, principal: &Principal, email: &str) -> RequestEmailChangeOutcome {
    // One mail a moment, so that there is a latest one.
    h.advance(1);
    let (context, email) = (h.context(), Identifier::email(email).unwrap());
    let request = RequestEmailChange { email };
    let asked = h
        .portcullis
        .request_email_change(principal, request, &context);
    asked.await.unwrap()
}

/// The token of a new link to an address that is free.
async fn link(h: &Harness, principal: &Principal, email: &str) -> SecretText {
    let asked = ask(h, principal, email).await;
    assert_eq!(asked, RequestEmailChangeOutcome::Accepted);
    h.mailed_token(email).await
}

async fn confirm(h: &Harness, who: &Principal, token: &SecretText) -> ConfirmEmailChangeOutcome {
    let (context, token) = (h.context(), token.clone());
    let confirm = ConfirmEmailChange { token };
    let confirmed = h.portcullis.confirm_email_change(who, confirm, &context);
    confirmed.await.unwrap()
}

async fn changes(h: &Harness, who: &Principal, token: &SecretText) -> Option<Box<SignedIn>> {
    match confirm(h, who, token).await {
        ConfirmEmailChangeOutcome::Changed { session } => session,
        other => panic!("{other:?}"),
    }
}

async fn is_rejected(h: &Harness, who: &Principal, token: &SecretText) -> bool {
    let confirmed = confirm(h, who, token).await;
    matches!(confirmed, ConfirmEmailChangeOutcome::Rejected)
}

async fn is_live(h: &Harness, cookie: &SecretText) -> bool {
    let cookie = Credential::Cookie(cookie.expose());
    let answer = h.present(Some(cookie)).await.unwrap();
    matches!(answer, Authentication::Authenticated(_))
}

async fn subjects_to(h: &Harness, email: &str) -> Vec<String> {
    h.portcullis.run_due().await.unwrap();
    let mails = h.mailbox.to(email).into_iter();
    mails.map(|mail| mail.subject).collect()
}

// OT-11, SE-06
#[tokio::test]
async fn an_address_is_changed_when_the_new_one_proves_itself_and_the_old_one_is_told_twice() {
    let h = Harness::new().await;
    let ada = h.person(ADA).await;
    let other = h.sign_in(ADA).await;
    let own = h.sign_in(ADA).await;
    let before = subjects_to(&h, ADA).await.len();
    let token = link(&h, &own.principal, NEW).await;
    assert_eq!(subjects_to(&h, ADA).await.len(), before + 1);
    // Until then the old one stays in force.
    assert!(matches!(
        h.try_sign_in(NEW, PASSWORD).await.unwrap(),
        SignInOutcome::Refused
    ));
    h.advance(1);
    let kept = changes(&h, &own.principal, &token).await.unwrap();
    assert_eq!(kept.principal.user(), ada);
    assert_eq!(kept.principal.handle, NEW);
    assert!(is_live(&h, &kept.cookie).await);
    for ended in [&own.cookie, &other.cookie] {
        assert!(!is_live(&h, ended).await);
    }
    let told = subjects_to(&h, ADA).await;
    assert_eq!(told.len(), before + 2);
    assert!(told.iter().any(|subject| subject.contains("was changed")));
    assert_eq!(h.sign_in(NEW).await.principal.user(), ada);
    assert!(matches!(
        h.try_sign_in(ADA, PASSWORD).await.unwrap(),
        SignInOutcome::Refused
    ));
    // The old address is free.
    assert_ne!(h.person(ADA).await, ada);
}

// OT-07, OT-06
#[tokio::test]
async fn a_link_proves_the_address_it_was_sent_to_and_no_other() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let own = h.sign_in(ADA).await.principal;
    let first = link(&h, &own, "first@example.com").await;
    let second = link(&h, &own, "second@example.com").await;
    assert!(is_rejected(&h, &own, &first).await);
    let kept = changes(&h, &own, &second).await.unwrap();
    assert_eq!(kept.principal.handle, "second@example.com");
    let tenant = h.portcullis.default_tenant();
    for gone in [ADA, "first@example.com"] {
        let found = h.portcullis.admin_find_user(tenant, gone).await.unwrap();
        assert!(found.is_none(), "{gone}");
    }
    assert!(is_rejected(&h, &kept.principal, &second).await);
}

/// OT-07: two requests at once leave one link that works, for the address it was sent to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_requests_at_once_each_link_proves_its_own_address_or_nothing() {
    for _ in 0..20 {
        let h = Arc::new(Harness::new().await);
        h.person(ADA).await;
        let own = h.sign_in(ADA).await.principal;
        let names = ["first@example.com", "second@example.com"];
        let mut tasks = tokio::task::JoinSet::new();
        for name in names {
            let (h, own) = (h.clone(), own.clone());
            tasks.spawn(async move { ask(&h, &own, name).await });
        }
        tasks.join_all().await;
        let mut changed = Vec::new();
        for name in names {
            let token = h.mailed_token(name).await;
            let confirmed = confirm(&h, &own, &token).await;
            if let ConfirmEmailChangeOutcome::Changed { session } = confirmed {
                changed.push((name, session.unwrap().principal.handle));
            }
        }
        assert_eq!(changed.len(), 1);
        assert!(changed.iter().all(|(name, handle)| name == handle));
    }
}

// TH-01, TH-02
#[tokio::test]
async fn an_address_that_is_taken_is_answered_like_a_free_one_and_its_owner_is_told() {
    let h = Harness::new().await;
    h.person(EVE).await;
    h.sign_up("pending@example.com", PASSWORD).await;
    let gone = h.person("gone@example.com").await;
    h.set_state(gone, EntityState::Terminated).await;
    h.person(ADA).await;
    let own = h.sign_in(ADA).await.principal;
    let mut work = Vec::new();
    let hashes = h.hasher.hashes();
    for name in ["free", "eve", "pending", "gone"] {
        let calls = h.store.calls();
        let asked = ask(&h, &own, &format!("{name}@example.com")).await;
        assert_eq!(asked, RequestEmailChangeOutcome::Accepted, "{name}");
        work.push(h.store.calls() - calls);
    }
    assert!(work.iter().all(|calls| *calls == work[0]), "{work:?}");
    assert_eq!(h.hasher.hashes(), hashes);
    let told = subjects_to(&h, EVE).await;
    assert!(told.iter().any(|subject| subject.contains("asked for")));
    let noticed = subjects_to(&h, ADA).await;
    let notices = noticed.iter().filter(|s| s.contains("about to change"));
    assert_eq!(notices.count(), 4);
}

// CC-06, OT-03
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_want_one_address_one_gets_it() {
    for _ in 0..5 {
        let h = Arc::new(Harness::new().await);
        let mut wanted = Vec::new();
        for n in 0..16 {
            let name = format!("ada{n}@example.com");
            h.person(&name).await;
            let own = h.sign_in(&name).await.principal;
            let token = link(&h, &own, NEW).await;
            wanted.push((own, token));
        }
        let mut tasks = tokio::task::JoinSet::new();
        for (own, token) in wanted {
            let h = h.clone();
            tasks.spawn(async move {
                let confirmed = confirm(&h, &own, &token).await;
                matches!(confirmed, ConfirmEmailChangeOutcome::Changed { .. })
            });
        }
        let won = tasks.join_all().await.into_iter().filter(|won| *won);
        assert_eq!(won.count(), 1);
    }
}

// OT-03
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_confirm_with_one_link_one_changes_the_address() {
    let h = Arc::new(Harness::new().await);
    h.person(ADA).await;
    let mut own = h.sign_in(ADA).await;
    let rounds = match std::env::var_os("PORTCULLIS_LONG") {
        Some(_) => 100,
        None => 20,
    };
    for round in 0..rounds {
        let name = format!("ada{round}@example.com");
        let token = link(&h, &own.principal, &name).await;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let (h, who, token) = (h.clone(), own.principal.clone(), token.clone());
            tasks.spawn(async move { confirm(&h, &who, &token).await });
        }
        let mut won = Vec::new();
        for end in tasks.join_all().await {
            if let ConfirmEmailChangeOutcome::Changed { session } = end {
                won.push(session);
            }
        }
        assert_eq!(won.len(), 1);
        own = won.pop().flatten().unwrap();
    }
}

/// Whoever owns a mistyped address, or finds the link, gets nothing: it works in a session of the account alone.
#[tokio::test]
async fn a_link_to_a_mistyped_address_is_of_no_use_to_its_owner() {
    let h = Harness::new().await;
    h.person(ADA).await;
    h.person(EVE).await;
    let own = h.sign_in(ADA).await.principal;
    let eve = h.sign_in(EVE).await.principal;
    let token = link(&h, &own, "typo@example.com").await;
    h.advance(1);
    assert!(is_rejected(&h, &eve, &token).await);
    assert_eq!(h.events().await[0].reason, Some(Reason::UnknownCredential));
    assert_eq!(h.sign_in(ADA).await.principal.user(), own.user());
    changes(&h, &own, &token).await.unwrap();
}

// OT-04
#[tokio::test]
async fn a_link_to_a_new_address_works_until_its_end_and_not_at_it() {
    for (secs, works) in [(24 * 3600 - 1, true), (24 * 3600, false)] {
        let h = Harness::new().await;
        h.person(ADA).await;
        let own = h.sign_in(ADA).await.principal;
        let token = link(&h, &own, NEW).await;
        h.advance(secs);
        assert_eq!(!is_rejected(&h, &own, &token).await, works, "{secs} s");
    }
}

// OT-06
#[tokio::test]
async fn changing_the_address_ends_every_other_link() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let own = h.sign_in(ADA).await.principal;
    h.advance(1);
    let (context, email) = (h.context(), Identifier::email(ADA).unwrap());
    let sent = h
        .portcullis
        .send_magic_link(SendMagicLink { email }, &context);
    sent.await.unwrap();
    let magic = h.mailed_token(ADA).await;
    let token = link(&h, &own, NEW).await;
    changes(&h, &own, &token).await.unwrap();
    let input = MagicLink {
        token: magic,
        replaces: None,
    };
    let opened = h.portcullis.sign_in_with_magic_link(input, &context).await;
    assert!(matches!(opened.unwrap(), MagicLinkOutcome::Rejected));
}

// OT-06, TH-10
#[tokio::test]
async fn suspension_ends_a_change_that_was_asked_for() {
    let h = Harness::new().await;
    let ada = h.person(ADA).await;
    let own = h.sign_in(ADA).await.principal;
    let token = link(&h, &own, NEW).await;
    h.set_state(ada, EntityState::Suspended).await;
    let confirmed = confirm(&h, &own, &token).await;
    assert!(!matches!(
        confirmed,
        ConfirmEmailChangeOutcome::Changed { .. }
    ));
    h.set_state(ada, EntityState::Active).await;
    let own = h.sign_in(ADA).await.principal;
    assert!(is_rejected(&h, &own, &token).await);
}

#[tokio::test]
async fn another_spelling_of_the_own_address_is_a_change_and_the_same_one_is_not() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let own = h.sign_in(ADA).await.principal;
    let asked = ask(&h, &own, ADA).await;
    assert_eq!(asked, RequestEmailChangeOutcome::Unchanged);
    let token = link(&h, &own, "Ada@Example.com").await;
    let kept = changes(&h, &own, &token).await.unwrap();
    assert_eq!(kept.principal.handle, "Ada@Example.com");
    let kinds: Vec<_> = h.events().await.iter().map(|event| event.kind).collect();
    assert!(kinds.contains(&AuthEventType::EmailChanged));
    h.sign_in(ADA).await;
}
