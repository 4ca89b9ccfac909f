//! A Redis that forgets, stops and comes back.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::error::{StoreError, StoreErrorKind};
use portcullis_core::id::{SessionId, TicketId};
use portcullis_core::secret::Sealed;
use portcullis_core::session::SessionTouch;
use portcullis_core::store::{
    KeyValueStore, KvCommit, KvWrite, Part, ResolveSession, SessionRotation, SessionStore,
    SplitResolve, Ticket, TicketIssue, TicketKind, TicketStore,
};
use portcullis_stores_kv::{KvSessions, KvTickets, MemoryStore, RedisKv};

use crate::relay::Relay;
use crate::server::Server;
use crate::{NOW, TENANT, USER, after, session};

const PART: Part = Part::from_bytes([3, 4]);

/// Longer than any machine is busy with something else.
const NEVER: Duration = Duration::from_secs(60);

async fn put(store: &RedisKv, key: &str) -> Result<KvCommit, StoreError> {
    let write = KvWrite::Put {
        key: key.into(),
        value: key.into(),
        deadline: after(3600),
    };
    store.commit(PART, &[], &[write], NOW).await
}

async fn read(store: &RedisKv, key: &str) -> Result<Option<String>, StoreErrorKind> {
    let row = store.get(PART, key.as_bytes(), NOW).await;
    let row = row.map_err(|error| error.kind())?;
    Ok(row.map(|row| String::from_utf8(row.value).unwrap()))
}

/// Asks until there is an answer again; one that never comes is a failure, not a test that hangs.
async fn recovered(store: &RedisKv, key: &str) -> Option<String> {
    let answer = async {
        loop {
            match read(store, key).await {
                Ok(value) => return value,
                Err(kind) => assert_eq!(kind, StoreErrorKind::Unavailable),
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(NEVER, answer).await.unwrap()
}

// FT-12
#[tokio::test]
async fn a_flushed_redis_signs_out_and_lets_nobody_in() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let store = server.store().await;
    let sessions = KvSessions::new(store.clone());
    let tickets = KvTickets::new(store);
    let (first, second) = (session(1), session(2));
    for session in [&first, &second] {
        sessions.insert_session(session, 5).await.unwrap();
    }
    let ticket = Ticket {
        id: TicketId::from_bytes([7; 16]),
        kind: TicketKind::PendingSignIn,
        tenant: TENANT,
        digest: first.digest,
        payload: Sealed {
            key_version: 1,
            bytes: vec![1],
        },
        attempts_left: 5,
        created_at: NOW,
        expires_at: after(600),
    };
    let issued = tickets.issue_ticket(&ticket).await.unwrap();
    assert_eq!(issued, TicketIssue::Issued);
    server.tell("FLUSHALL").await;

    let split = SplitResolve::new(Arc::new(sessions.clone()), Arc::new(MemoryStore::new()));
    assert!(split.resolve_session(first.id).await.unwrap().is_none());
    let listed = sessions.list_sessions(TENANT, USER, NOW).await.unwrap();
    assert!(listed.is_empty());
    let touch = SessionTouch {
        id: first.id,
        seen_at: after(60),
        idle_deadline: after(3660),
    };
    sessions.touch_sessions(&[touch]).await.unwrap();
    assert!(sessions.session(first.id).await.unwrap().is_none());
    let rotated = sessions
        .rotate_session(second.id, &session(3), after(1))
        .await;
    assert_eq!(rotated.unwrap(), SessionRotation::Gone);
    let all: [SessionId; 3] = [first.id, second.id, session(3).id];
    for id in all {
        assert!(sessions.session(id).await.unwrap().is_none());
        let revoked = sessions.revoke_session(TENANT, USER, id, NOW).await;
        assert!(!revoked.unwrap());
    }
    let (tenant, kind, id) = (ticket.tenant, ticket.kind, ticket.id);
    assert!(
        tickets
            .take_ticket(tenant, kind, id, NOW)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        tickets
            .attempt_ticket(tenant, kind, id, NOW)
            .await
            .unwrap()
            .is_none()
    );
    // Whoever signs in again starts anew.
    sessions.insert_session(&session(4), 1).await.unwrap();
    let listed = sessions.list_sessions(TENANT, USER, NOW).await.unwrap();
    assert_eq!(listed.len(), 1);
}

// FT-13
#[tokio::test]
async fn a_stopped_redis_is_unavailable_and_no_answer_goes_to_another_call() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let store = server.store().await;
    for key in ["a", "b", "c"] {
        assert_eq!(put(&store, key).await.unwrap(), KvCommit::Done);
    }
    server.signal("STOP");
    // Fewer than make the connection be given up: it goes on with two answers in it that nobody waits for.
    assert_eq!(read(&store, "a").await, Err(StoreErrorKind::Unavailable));
    let write = put(&store, "late").await.unwrap_err();
    assert_eq!(write.kind(), StoreErrorKind::Indeterminate);
    server.signal("CONT");
    for key in ["b", "c", "a", "b"] {
        assert_eq!(recovered(&store, key).await.as_deref(), Some(key));
    }
    // The write was only late; whoever heard "indeterminate" could not know.
    assert_eq!(recovered(&store, "late").await.as_deref(), Some("late"));
}

// FT-13
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_survives_a_stop_and_every_answer_is_its_own() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let store = server.store().await;
    let callers: Vec<_> = (0..32)
        .map(|caller| {
            let store = store.clone();
            tokio::spawn(async move {
                let (mut answered, mut failed, mut back) = (0_u32, 0_u32, 0_u32);
                // Through the stop and 20 answers beyond.
                while failed == 0 || back < 20 {
                    let key = format!("{caller} {answered}");
                    match put(&store, &key).await {
                        Ok(commit) => assert_eq!(commit, KvCommit::Done),
                        Err(error) => {
                            let kinds =
                                [StoreErrorKind::Unavailable, StoreErrorKind::Indeterminate];
                            assert!(kinds.contains(&error.kind()), "{error:?}");
                            failed += 1;
                            tokio::task::yield_now().await;
                            continue;
                        }
                    }
                    match read(&store, &key).await {
                        Ok(value) => {
                            assert_eq!(value, Some(key));
                            answered += 1;
                            back += u32::from(failed > 0);
                        }
                        Err(kind) => {
                            assert_eq!(kind, StoreErrorKind::Unavailable);
                            failed += 1;
                        }
                    }
                }
            })
        })
        .collect();
    assert_eq!(put(&store, "probe").await.unwrap(), KvCommit::Done);
    server.signal("STOP");
    // Past the third silence the connection is replaced; until then and after, nobody gets an answer.
    for _ in 0..5 {
        let stopped = read(&store, "probe").await;
        assert_eq!(stopped, Err(StoreErrorKind::Unavailable));
    }
    server.signal("CONT");
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(recovered(&store, "probe").await.as_deref(), Some("probe"));
}

// FT-13
#[tokio::test]
async fn a_connection_that_falls_silent_is_replaced() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let relay = Relay::to(&server);
    let store = RedisKv::connect(relay.options()).await.unwrap();
    assert_eq!(put(&store, "a").await.unwrap(), KvCommit::Done);
    // What a firewall does to a connection it has forgotten: nothing is closed, nothing arrives.
    relay.swallow();
    let silent = read(&store, "a").await;
    assert_eq!(silent, Err(StoreErrorKind::Unavailable));
    assert_eq!(recovered(&store, "a").await.as_deref(), Some("a"));
    assert_eq!(relay.connections(), 2);
}

// FT-13
#[tokio::test]
async fn a_redis_that_restarts_without_persistence_is_empty_and_serves() {
    let Some(mut server) = Server::start(&[]) else {
        return;
    };
    let store = server.store().await;
    let sessions = KvSessions::new(store.clone());
    let old = session(1);
    sessions.insert_session(&old, 5).await.unwrap();
    assert_eq!(put(&store, "a").await.unwrap(), KvCommit::Done);
    server.restart();
    assert_eq!(recovered(&store, "a").await, None);
    assert!(sessions.session(old.id).await.unwrap().is_none());
    let inserted = sessions.insert_session(&session(2), 5).await;
    assert!(inserted.is_ok());
    let listed = sessions.list_sessions(TENANT, USER, NOW).await.unwrap();
    assert_eq!(listed.len(), 1);
}
