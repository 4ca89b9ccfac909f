//! How often a code can be guessed.

use std::sync::Arc;

use portcullis_backends::core::event::{AuthEventStatus, AuthEventType, Reason};
use portcullis_backends::core::net::{DeviceMark, Networks};
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::core::time::Timestamp;
use portcullis_backends::flow::{AdminOutcome, EmailCode, EmailCodeOutcome};

use super::{
    asked, enter, harness, is_refused, mailed_code, mails, send, send_from, with_policy, works,
    wrong,
};
use crate::harness::{ADA, Harness};

/// An instance that delays nobody, so that what refuses is the ticket.
async fn without_delays() -> Harness {
    let policy = PolicyOverrides {
        lockout_free_attempts: Some(100),
        ..Default::default()
    };
    with_policy(policy).await
}

/// Races are run 20 times, 100 times where `PORTCULLIS_LONG` is set.
fn rounds() -> usize {
    match std::env::var_os("PORTCULLIS_LONG") {
        Some(_) => 100,
        None => 20,
    }
}

/// How many of 64 at once sign in.
async fn winners(h: &Arc<Harness>, ticket: &SecretText, code: &str) -> usize {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (h, ticket, code) = (h.clone(), ticket.clone(), code.to_owned());
        tasks.spawn(async move { works(&h, &ticket, &code).await });
    }
    let ends = tasks.join_all().await;
    ends.into_iter().filter(|won| *won).count()
}

/// Codes that were compared since then and did not match.
async fn compared(h: &Harness, since: Timestamp) -> usize {
    let events = h.events().await;
    let wrong = events
        .iter()
        .filter(|event| event.at >= since && event.reason == Some(Reason::WrongCode));
    wrong.count()
}

// OT-12
#[tokio::test]
async fn after_five_wrong_codes_the_right_one_is_refused() {
    let h = without_delays().await;
    h.person(ADA).await;
    let start = h.portcullis.now();
    let (ticket, code) = asked(&h, ADA).await;
    for _ in 0..4 {
        assert!(is_refused(&h, &ticket, &wrong(&code)).await);
    }
    assert!(works(&h, &ticket, &code).await, "the fifth try");

    let (ticket, code) = asked(&h, ADA).await;
    for _ in 0..5 {
        assert!(is_refused(&h, &ticket, &wrong(&code)).await);
    }
    assert!(is_refused(&h, &ticket, &code).await, "the sixth try");
    assert_eq!(compared(&h, start).await, 4 + 5);
}

// OT-12, TH-04
#[tokio::test]
async fn asking_again_buys_no_more_guesses() {
    let h = harness().await;
    h.person(ADA).await;
    h.person("eve@example.com").await;
    let (ticket, code) = asked(&h, ADA).await;
    for _ in 0..5 {
        assert!(is_refused(&h, &ticket, &wrong(&code)).await);
    }
    let mut longest = 0;
    for _ in 0..12 {
        let (ticket, code) = asked(&h, ADA).await;
        while !is_refused(&h, &ticket, &wrong(&code)).await {
            // A locked try compares nothing, and uses up none of the ticket's.
            let locked = enter(&h, &ticket, &code).await;
            let EmailCodeOutcome::Locked { retry_after } = locked else {
                panic!("{locked:?}")
            };
            longest = longest.max(retry_after.as_secs());
            h.advance(retry_after.as_secs());
        }
    }
    assert!(longest >= 400, "the delays end at {longest} s");
    // Nobody else is kept waiting, and who has the code gets in after the delay and starts anew.
    let (theirs, their_code) = asked(&h, "eve@example.com").await;
    assert!(works(&h, &theirs, &their_code).await);
    h.advance(15 * 60);
    let (ticket, code) = asked(&h, ADA).await;
    assert!(works(&h, &ticket, &code).await);
    let (ticket, code) = asked(&h, ADA).await;
    for _ in 0..4 {
        assert!(is_refused(&h, &ticket, &wrong(&code)).await);
    }
    assert!(
        works(&h, &ticket, &code).await,
        "success forgets the failures"
    );
}

// TH-05
#[tokio::test]
async fn a_strangers_guesses_keep_no_known_browser_out() {
    let h = harness().await;
    h.person(ADA).await;
    let mut known = h.context();
    let mark = h.portcullis.mark_device(&known, ADA).unwrap().unwrap();
    known.client.device = DeviceMark::new(mark.as_str());
    let (ticket, code) = asked(&h, ADA).await;
    for _ in 0..5 {
        assert!(is_refused(&h, &ticket, &wrong(&code)).await);
    }
    let (ticket, code) = asked(&h, ADA).await;
    let _sixth = enter(&h, &ticket, &wrong(&code)).await;
    let strangers = enter(&h, &ticket, &wrong(&code)).await;
    assert!(matches!(strangers, EmailCodeOutcome::Locked { .. }));
    let input = EmailCode {
        ticket,
        code: SecretText::new(code),
        replaces: None,
    };
    let owners = h.portcullis.sign_in_with_email_code(input, &known);
    assert!(matches!(
        owners.await.unwrap(),
        EmailCodeOutcome::SignedIn { .. }
    ));
}

// OT-03
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_right_codes_at_once_one_signs_in() {
    for delays in [true, false] {
        let h = match delays {
            true => harness().await,
            false => without_delays().await,
        };
        let h = Arc::new(h);
        h.person(ADA).await;
        for _ in 0..rounds() {
            let (ticket, code) = asked(&h, ADA).await;
            h.advance(15 * 60 - 400);
            assert_eq!(winners(&h, &ticket, &code).await, 1);
        }
    }
}

// OT-12
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_wrong_codes_at_once_five_are_tried() {
    let h = Arc::new(without_delays().await);
    h.person(ADA).await;
    for _ in 0..rounds() {
        let (ticket, code) = asked(&h, ADA).await;
        assert_eq!(winners(&h, &ticket, &wrong(&code)).await, 0);
        assert_eq!(compared(&h, h.portcullis.now()).await, 5);
        assert!(!works(&h, &ticket, &code).await, "void");
        // The right code at last, so that no delay grows from round to round.
        h.advance(24 * 60 * 60);
        let newer = send(&h, ADA).await;
        let code = mailed_code(&h, ADA).await;
        assert!(works(&h, &newer, &code).await);
    }
}

// LG-01
#[tokio::test]
async fn every_wrong_code_is_in_the_audit_log_and_a_locked_one_once_a_minute() {
    let h = harness().await;
    let ada = h.person(ADA).await;
    let (ticket, code) = asked(&h, ADA).await;
    for _ in 0..5 {
        assert!(is_refused(&h, &ticket, &wrong(&code)).await);
    }
    let (ticket, code) = asked(&h, ADA).await;
    let _sixth = enter(&h, &ticket, &wrong(&code)).await;
    for _ in 0..3 {
        let locked = enter(&h, &ticket, &wrong(&code)).await;
        assert!(matches!(locked, EmailCodeOutcome::Locked { .. }));
    }
    let events = h.events().await;
    let of = |reason| {
        let refused = events.iter().filter(move |event| {
            event.kind == AuthEventType::SignIn
                && event.status == AuthEventStatus::Failure
                && event.reason == Some(reason)
        });
        refused.inspect(|event| {
            assert_eq!(event.subject, Some(ada));
            assert_eq!(event.detail["via"], "email_code");
        })
    };
    assert_eq!(of(Reason::WrongCode).count(), 6);
    assert_eq!(of(Reason::LockedOut).count(), 1);
}

// TH-05
#[tokio::test]
async fn an_operator_unlocks_codes_too() {
    let h = harness().await;
    let ada = h.person(ADA).await;
    let (ticket, code) = asked(&h, ADA).await;
    for _ in 0..5 {
        assert!(is_refused(&h, &ticket, &wrong(&code)).await);
    }
    let (ticket, code) = asked(&h, ADA).await;
    let _sixth = enter(&h, &ticket, &wrong(&code)).await;
    let locked = enter(&h, &ticket, &code).await;
    assert!(
        matches!(locked, EmailCodeOutcome::Locked { .. }),
        "{locked:?}"
    );
    let tenant = h.portcullis.default_tenant();
    let outcome = h.portcullis.admin_unlock(tenant, ada).await.unwrap();
    assert_eq!(outcome, AdminOutcome::Done);
    assert!(works(&h, &ticket, &code).await);
}

// TH-05
#[tokio::test]
async fn whoever_may_not_come_from_where_they_are_keeps_no_code_from_its_owner() {
    let networks = Networks::parse(["192.0.2.0/24"]).unwrap();
    let h = with_policy(PolicyOverrides {
        ip_allow: Some(networks),
        ..Default::default()
    })
    .await;
    h.person(ADA).await;
    h.advance(30);
    let mut elsewhere = h.context();
    elsewhere.client.ip = Some("198.51.100.1".parse().unwrap());
    let before = mails(&h).await;
    for _ in 0..3 {
        send_from(&h, ADA, &elsewhere).await;
    }
    assert_eq!(mails(&h).await, before);
    let sent = send_from(&h, ADA, &h.context()).await;
    assert!(works(&h, &sent.ticket, &mailed_code(&h, ADA).await).await);
}

// TH-05
#[tokio::test]
async fn a_stranger_keeps_no_code_from_a_browser_that_its_owner_signed_in_with() {
    let h = harness().await;
    h.person(ADA).await;
    let mut known = h.context();
    let mark = h.portcullis.mark_device(&known, ADA).unwrap();
    known.client.device = mark.unwrap();
    h.advance(30);
    send_from(&h, ADA, &h.context()).await;
    // Mails of one moment come in no order.
    h.advance(1);
    let sent = send_from(&h, ADA, &known).await;
    assert!(works(&h, &sent.ticket, &mailed_code(&h, ADA).await).await);
}
