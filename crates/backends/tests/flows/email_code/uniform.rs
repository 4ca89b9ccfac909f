//! Nothing tells whose address it is.

use portcullis_backends::core::state::EntityState;
use portcullis_backends::core::store::{TicketStore as _, VerificationStore as _};
use portcullis_backends::core::time::Timestamp;
use portcullis_backends::flow::EmailCodeOutcome;

use super::{enter, harness, mails, send, send_with};
use crate::harness::{ADA, Harness, PASSWORD};

const STATES: [&str; 5] = ["ada", "unknown", "pending", "suspended", "terminated"];

/// Ada, and somebody in every other state.
async fn everybody() -> Harness {
    let h = harness().await;
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
    h
}

/// What something costs: store calls, writes and digests.
struct Work;

impl Work {
    fn of(h: &Harness) -> [u64; 3] {
        [
            h.store.calls(),
            h.store.writes(),
            h.portcullis.tokens().digests_computed(),
        ]
    }

    async fn measure<T>(h: &Harness, what: impl Future<Output = T>) -> (T, [u64; 3]) {
        let [calls, writes, digests] = Self::of(h);
        let done = what.await;
        let [calls_now, writes_now, digests_now] = Self::of(h);
        let cost = [
            calls_now - calls,
            writes_now - writes,
            digests_now - digests,
        ];
        (done, cost)
    }
}

// TH-01, TH-02, TH-03
#[tokio::test]
async fn asking_costs_the_same_for_everybody_and_leaves_nothing_that_stays() {
    let h = everybody().await;
    let far = Timestamp::from_secs(1 << 40);
    h.store.purge_tokens(far).await.unwrap();
    let (hashes, mut work) = (h.hasher.hashes(), Vec::new());
    h.mailbox.fail_next(1);
    for who in STATES {
        let email = format!("{who}@example.com");
        let (_ticket, cost) = Work::measure(&h, send(&h, &email)).await;
        work.push(cost);
        let tokens = h.store.purge_tokens(far).await.unwrap();
        assert_eq!(tokens, u64::from(who == "ada"), "{who}");
        // A ticket for everybody, and each is gone at its end.
        let end = h.portcullis.now().plus(std::time::Duration::from_secs(600));
        assert_eq!(h.store.purge_tickets(end).await.unwrap(), 1, "{who}");
    }
    assert_eq!(h.hasher.hashes(), hashes);
    assert!(work.iter().all(|cost| *cost == work[0]), "{work:?}");
    let before = h.mailbox.all().len();
    h.advance(60);
    assert_eq!(mails(&h).await, before, "the first delivery fails");
    h.advance(60);
    assert_eq!(mails(&h).await, before + 1);
}

// TH-01, TH-02
#[tokio::test]
async fn asking_again_at_once_costs_the_same_for_everybody() {
    let h = everybody().await;
    for presents in [true, false] {
        let mut work = Vec::new();
        for who in STATES {
            let email = format!("{who}@example.com");
            let ticket = send(&h, &email).await;
            let ticket = presents.then_some(&ticket);
            let (again, cost) = Work::measure(&h, send_with(&h, &email, ticket)).await;
            if let Some(ticket) = ticket {
                assert_eq!(again.ticket.expose(), ticket.expose(), "{who}");
            }
            work.push(cost);
        }
        assert!(work.iter().all(|cost| *cost == work[0]), "{work:?}");
    }
}

// TH-01, TH-02, TH-04
#[tokio::test]
async fn a_wrong_code_costs_the_same_for_everybody_and_locks_alike() {
    let h = everybody().await;
    let (hashes, mut seen) = (h.hasher.hashes(), Vec::new());
    for who in STATES {
        let email = format!("{who}@example.com");
        let mut story = Vec::new();
        for _ in 0..2 {
            let ticket = send(&h, &email).await;
            for _ in 0..6 {
                let guess = enter(&h, &ticket, "0000 0000");
                let (outcome, cost) = Work::measure(&h, guess).await;
                let outcome = match outcome {
                    EmailCodeOutcome::SignedIn { .. } => panic!("one in a hundred million"),
                    EmailCodeOutcome::Refused => None,
                    EmailCodeOutcome::Locked { retry_after } => Some(retry_after),
                };
                story.push((outcome, cost));
            }
        }
        seen.push(story);
    }
    assert_eq!(h.hasher.hashes(), hashes);
    assert!(seen[0].iter().any(|(outcome, _)| outcome.is_some()));
    for (who, story) in STATES.iter().zip(&seen) {
        assert_eq!(*story, seen[0], "{who}");
    }
}
