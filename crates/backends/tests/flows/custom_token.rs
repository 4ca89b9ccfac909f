//! Single-use tokens of an application's own kinds.

use std::sync::Arc;
use std::time::Duration;

use portcullis_backends::core::event::{AuthEventStatus, AuthEventType, Reason};
use portcullis_backends::core::id::{TenantId, UserId};
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::core::state::EntityState;
use portcullis_backends::core::store::{IdentityAuthnLog as _, VerificationStore as _};
use portcullis_backends::core::verification::{KindName, TokenKind};
use portcullis_backends::flow::{
    IssueRefusal, IssueToken, IssueTokenOutcome, IssuedToken, MagicLink, MagicLinkOutcome,
    RedeemTokenOutcome, RedeemedToken, TOKEN_PAYLOAD_MAX_BYTES,
};
use serde_json::{Value, json};

use crate::harness::{ADA, Harness};

const SEAT: KindName = name("seat");
const SEATS: KindName = name("seats");

const fn name(text: &str) -> KindName {
    match KindName::new(text) {
        Ok(name) => name,
        Err(_) => panic!("no name"),
    }
}

fn seat(user: Option<UserId>) -> IssueToken {
    IssueToken {
        kind: SEAT,
        email: Identifier::email("Ada@Example.com").unwrap(),
        user,
        payload: json!({ "team": 7 }),
        ttl: Duration::from_secs(3600),
    }
}

async fn try_issue(h: &Harness, input: IssueToken) -> IssueTokenOutcome {
    h.advance(1);
    let context = h.context();
    h.portcullis.issue_token(input, &context).await.unwrap()
}

async fn issue(h: &Harness, input: IssueToken) -> IssuedToken {
    match try_issue(h, input).await {
        IssueTokenOutcome::Issued(issued) => issued,
        IssueTokenOutcome::Refused(refusal) => panic!("{refusal}"),
    }
}

async fn refusal(h: &Harness, input: IssueToken) -> IssueRefusal {
    match try_issue(h, input).await {
        IssueTokenOutcome::Issued(issued) => panic!("{issued:?}"),
        IssueTokenOutcome::Refused(refusal) => refusal,
    }
}

async fn peek(h: &Harness, kind: KindName, token: &SecretText) -> Option<RedeemedToken> {
    let context = h.context();
    let peeked = h.portcullis.peek_token(kind, token, &context);
    peeked.await.unwrap()
}

async fn redeem(h: &Harness, kind: KindName, token: &SecretText) -> Option<Box<RedeemedToken>> {
    let context = h.context();
    let redeemed = h.portcullis.redeem_token(kind, token, &context);
    match redeemed.await.unwrap() {
        RedeemTokenOutcome::Redeemed(says) => Some(says),
        RedeemTokenOutcome::Rejected => None,
    }
}

async fn works(h: &Harness, token: &SecretText) -> bool {
    redeem(h, SEAT, token).await.is_some()
}

/// Races are run 20 times, 100 times where `PORTCULLIS_LONG` is set.
fn rounds() -> usize {
    match std::env::var_os("PORTCULLIS_LONG") {
        Some(_) => 100,
        None => 20,
    }
}

#[tokio::test]
async fn a_token_of_an_applications_own_kind_is_redeemed_once_with_what_was_put_in() {
    let h = Harness::new().await;
    let ada = h.person(ADA).await;
    for user in [Some(ada), None] {
        let issued = issue(&h, seat(user)).await;
        for _ in 0..3 {
            let says = peek(&h, SEAT, &issued.token).await.unwrap();
            assert_eq!((says.id, says.user), (issued.id, user));
        }
        let says = redeem(&h, SEAT, &issued.token).await.unwrap();
        assert_eq!((says.id, says.kind, says.user), (issued.id, SEAT, user));
        assert_eq!(says.payload, json!({ "team": 7 }));
        assert_eq!(says.email.raw, "Ada@Example.com");
        assert_eq!(says.expires_at, issued.expires_at);
        h.advance(60);
        assert!(peek(&h, SEAT, &issued.token).await.is_none());
        assert!(!works(&h, &issued.token).await);
    }
}

// LG-01, LG-02
#[tokio::test]
async fn making_and_redeeming_a_token_are_in_the_audit_log_without_it() {
    let h = Harness::new().await;
    let ada = h.person(ADA).await;
    let issued = issue(&h, seat(Some(ada))).await;
    assert!(works(&h, &issued.token).await);
    h.advance(1);
    assert!(!works(&h, &issued.token).await);
    let events = h.events().await;
    let of = |kind, status| {
        let is = move |event: &&_| {
            let event: &portcullis_backends::core::event::AuthEvent = event;
            (event.kind, event.status) == (kind, status)
        };
        let event = events.iter().find(is).unwrap();
        assert_eq!(event.subject, Some(ada));
        assert_eq!(event.detail["kind"], "seat");
        assert_eq!(event.detail["token"], issued.id.to_string());
        event.reason
    };
    let success = AuthEventStatus::Success;
    assert_eq!(of(AuthEventType::OneTimeTokenIssued, success), None);
    assert_eq!(of(AuthEventType::OneTimeTokenRedeemed, success), None);
    let refused = of(
        AuthEventType::OneTimeTokenRedeemed,
        AuthEventStatus::Failure,
    );
    assert_eq!(refused, Some(Reason::Replayed));
    let text = serde_json::to_string(&events).unwrap();
    assert!(!text.contains(issued.token.expose()) && !text.contains("team"));
}

// OT-02
#[tokio::test]
async fn what_a_token_carries_is_sealed() {
    let h = Harness::new().await;
    let mut input = seat(None);
    input.payload = json!("canary-4711");
    let issued = issue(&h, input).await;
    let stored = h.store.peek(issued.id).await.unwrap().unwrap();
    assert_eq!(stored.kind, TokenKind::Custom(SEAT));
    let sealed = stored.payload.unwrap().bytes;
    for secret in ["canary-4711", "Ada@Example.com"] {
        let found = sealed
            .windows(secret.len())
            .any(|at| at == secret.as_bytes());
        assert!(!found, "{secret}");
    }
}

// OT-04
#[tokio::test]
async fn a_token_works_until_its_end_and_not_at_it() {
    for (secs, good) in [(3599, true), (3600, false)] {
        let h = Harness::new().await;
        let issued = issue(&h, seat(None)).await;
        h.advance(secs);
        assert_eq!(peek(&h, SEAT, &issued.token).await.is_some(), good);
        assert_eq!(works(&h, &issued.token).await, good, "after {secs} s");
    }
}

// OT-03
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_redeem_one_token_one_succeeds() {
    let h = Arc::new(Harness::new().await);
    let ada = h.person(ADA).await;
    for round in 0..rounds() {
        let owner = (round % 2 == 0).then_some(ada);
        let token = issue(&h, seat(owner)).await.token;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let (h, token) = (h.clone(), token.clone());
            tasks.spawn(async move { works(&h, &token).await });
        }
        let ends = tasks.join_all().await;
        assert_eq!(ends.into_iter().filter(|won| *won).count(), 1);
    }
}

// OT-05
#[tokio::test]
async fn kinds_and_tenants_are_told_apart() {
    let h = Harness::new().await;
    let ada = h.person(ADA).await;
    let issued = issue(&h, seat(Some(ada))).await;
    assert!(peek(&h, SEATS, &issued.token).await.is_none());
    assert!(redeem(&h, SEATS, &issued.token).await.is_none());
    let mut elsewhere = h.context();
    elsewhere.tenant = TenantId::from_integer(77);
    let redeemed = h.portcullis.redeem_token(SEAT, &issued.token, &elsewhere);
    assert!(matches!(
        redeemed.await.unwrap(),
        RedeemTokenOutcome::Rejected
    ));
    let link = MagicLink {
        token: issued.token.clone(),
        replaces: None,
    };
    let context = h.context();
    let opened = h.portcullis.sign_in_with_magic_link(link, &context);
    assert!(matches!(opened.await.unwrap(), MagicLinkOutcome::Rejected));
    assert!(works(&h, &issued.token).await);
}

// OT-06
#[tokio::test]
async fn a_newer_token_ends_the_older_of_its_kind_and_owner_alone() {
    let h = Harness::new().await;
    let ada = h.person(ADA).await;
    let other_kind = IssueToken {
        kind: SEATS,
        ..seat(Some(ada))
    };
    let other = issue(&h, other_kind).await;
    for user in [Some(ada), None] {
        let older = issue(&h, seat(user)).await;
        let newer = issue(&h, seat(user)).await;
        assert!(!works(&h, &older.token).await);
        assert!(works(&h, &newer.token).await);
    }
    assert!(redeem(&h, SEATS, &other.token).await.is_some());
}

// OT-06, TH-10
#[tokio::test]
async fn a_token_dies_with_its_owners_epoch_and_waits_for_no_suspended_owner() {
    use portcullis_backends::core::along::Along;
    let h = Harness::new().await;
    let ada = h.person(ADA).await;
    let issued = issue(&h, seat(Some(ada))).await;
    let tenant = h.portcullis.default_tenant();
    let moved = h.store.record(Along::default().with_epoch_of(tenant, ada));
    assert!(moved.await.unwrap().applied().is_some());
    assert!(peek(&h, SEAT, &issued.token).await.is_none());
    assert!(!works(&h, &issued.token).await);

    let issued = issue(&h, seat(Some(ada))).await;
    h.set_state(ada, EntityState::Suspended).await;
    assert!(!works(&h, &issued.token).await);
    assert_eq!(refusal(&h, seat(Some(ada))).await, IssueRefusal::User);
    h.set_state(ada, EntityState::Active).await;
    assert!(!works(&h, &issued.token).await, "it outlived a suspension");
    assert!(works(&h, &issue(&h, seat(Some(ada))).await.token).await);
}

// CC-04
#[tokio::test]
async fn what_does_not_fit_makes_no_token() {
    let h = Harness::new().await;
    let fits = |payload: &Value| payload.to_string().len() <= TOKEN_PAYLOAD_MAX_BYTES;
    for (length, good) in [
        (TOKEN_PAYLOAD_MAX_BYTES - 2, true),
        (TOKEN_PAYLOAD_MAX_BYTES - 1, false),
    ] {
        let payload = Value::String("x".repeat(length));
        assert_eq!(fits(&payload), good);
        let input = IssueToken {
            payload,
            ..seat(None)
        };
        match good {
            true => assert!(works(&h, &issue(&h, input).await.token).await),
            false => assert_eq!(refusal(&h, input).await, IssueRefusal::Payload),
        }
    }
    for ttl in [
        Duration::ZERO,
        Duration::from_secs(59),
        Duration::from_secs(367 * 24 * 60 * 60),
        Duration::MAX,
    ] {
        let input = IssueToken { ttl, ..seat(None) };
        assert_eq!(refusal(&h, input).await, IssueRefusal::Life);
    }
    let nobody = UserId::from_integer(77);
    assert_eq!(refusal(&h, seat(Some(nobody))).await, IssueRefusal::User);
}

// OT-08
#[tokio::test]
async fn what_is_no_token_is_redeemed_by_nobody() {
    let h = Harness::new().await;
    let issued = issue(&h, seat(None)).await;
    let calls = h.store.calls();
    for text in ["", " ", "0", "null", "pcl_vfy_", &"x".repeat(10_000_000)] {
        assert!(!works(&h, &SecretText::new(text)).await);
    }
    assert_eq!(h.store.calls(), calls);
    let mut wrong = issued.token.expose().to_owned();
    let last = wrong.pop().unwrap();
    wrong.push(if last == 'a' { 'b' } else { 'a' });
    assert!(!works(&h, &SecretText::new(wrong)).await);
    assert!(works(&h, &issued.token).await);
}
