//! What a call costs in round trips, and how long it tries.

use std::time::Duration;

use portcullis_core::error::StoreErrorKind;
use portcullis_core::session::SessionTouch;
use portcullis_core::store::{
    LimitKey, RateLimit, RateLimitStore, SessionRotation, SessionStore, Taken, TicketStore,
};
use portcullis_stores_kv::{KvLimits, KvSessions, KvTickets};

use crate::watched::Watched;
use crate::{NOW, TENANT, USER, after, session, ticket};

const ONCE: RateLimit = RateLimit {
    burst: 1,
    period: Duration::from_secs(10),
};

fn touch(seed: u64) -> SessionTouch {
    SessionTouch {
        id: session(seed).id,
        seen_at: after(60),
        idle_deadline: after(3660),
    }
}

#[tokio::test]
async fn sessions_cost_one_to_three_round_trips() {
    let kv = Watched::default();
    let sessions = KvSessions::new(kv.clone());
    let none = sessions.list_sessions(TENANT, USER, NOW).await.unwrap();
    assert_eq!((none.len(), kv.round_trips()), (0, 1));
    for (seed, cost) in [(1, 2), (2, 3), (3, 3), (4, 3)] {
        sessions.insert_session(&session(seed), 3).await.unwrap();
        assert_eq!(kv.round_trips(), cost);
    }
    let read = sessions.session(session(4).id).await.unwrap();
    assert!(read.is_some());
    assert_eq!(kv.round_trips(), 1);
    let listed = sessions.list_sessions(TENANT, USER, NOW).await.unwrap();
    assert_eq!((listed.len(), kv.round_trips()), (3, 2));
    sessions.touch_sessions(&[touch(4)]).await.unwrap();
    assert_eq!(kv.round_trips(), 2);
    let rotated = sessions
        .rotate_session(session(4).id, &session(5), NOW)
        .await;
    assert_eq!(rotated.unwrap(), SessionRotation::Rotated);
    assert_eq!(kv.round_trips(), 2);
    let revoked = sessions
        .revoke_session(TENANT, USER, session(5).id, NOW)
        .await;
    assert!(revoked.unwrap());
    assert_eq!(kv.round_trips(), 2);
    let revoked = sessions.revoke_sessions(TENANT, USER, None, NOW).await;
    assert_eq!((revoked.unwrap(), kv.round_trips()), (2, 3));
}

#[tokio::test]
async fn tickets_and_limits_cost_one_or_two_round_trips() {
    let kv = Watched::default();
    let (tickets, limits) = (KvTickets::new(kv.clone()), KvLimits::new(kv.clone()));
    let of = ticket(1);
    let (tenant, kind, id) = (of.tenant, of.kind, of.id);
    let _issued = tickets.issue_ticket(&of).await.unwrap();
    assert_eq!(kv.round_trips(), 1);
    assert!(
        tickets
            .peek_ticket(tenant, kind, id, NOW)
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(kv.round_trips(), 1);
    assert!(
        tickets
            .attempt_ticket(tenant, kind, id, NOW)
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(kv.round_trips(), 2);
    assert!(
        tickets
            .take_ticket(tenant, kind, id, NOW)
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(kv.round_trips(), 2);
    assert!(
        tickets
            .take_ticket(tenant, kind, id, NOW)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(kv.round_trips(), 1);
    let key = LimitKey::new("sign-in", "ip", "192.0.2.1");
    for (expected, cost) in [(true, 2), (false, 1)] {
        let taken = limits.take(&key, &ONCE, NOW).await.unwrap();
        assert_eq!(
            (taken == Taken::Granted, kv.round_trips()),
            (expected, cost)
        );
    }
}

// CC-01
#[tokio::test]
async fn a_row_that_others_always_change_first_is_unavailable() {
    let kv = Watched::default();
    let sessions = KvSessions::new(kv.clone());
    let (tickets, limits) = (KvTickets::new(kv.clone()), KvLimits::new(kv.clone()));
    sessions.insert_session(&session(1), 3).await.unwrap();
    let of = ticket(1);
    let _issued = tickets.issue_ticket(&of).await.unwrap();
    let rows = kv.kv.len();
    kv.contend();
    let key = LimitKey::new("sign-in", "ip", "192.0.2.1");
    let failures = [
        sessions.insert_session(&session(2), 3).await.map(drop),
        sessions.touch_sessions(&[touch(1)]).await,
        sessions
            .rotate_session(session(1).id, &session(2), NOW)
            .await
            .map(drop),
        sessions
            .revoke_session(TENANT, USER, session(1).id, NOW)
            .await
            .map(drop),
        sessions
            .revoke_sessions(TENANT, USER, None, NOW)
            .await
            .map(drop),
        tickets
            .attempt_ticket(of.tenant, of.kind, of.id, NOW)
            .await
            .map(drop),
        tickets
            .take_ticket(of.tenant, of.kind, of.id, NOW)
            .await
            .map(drop),
        limits.take(&key, &ONCE, NOW).await.map(drop),
    ];
    for failure in failures {
        assert_eq!(failure.unwrap_err().kind(), StoreErrorKind::Unavailable);
    }
    assert_eq!(kv.kv.len(), rows);
}
