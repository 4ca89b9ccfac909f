//! What the index of a person's sessions holds, and what is refused because it could not be one step.

use portcullis_core::error::StoreErrorKind;
use portcullis_core::id::{SessionId, TenantId, UserId};
use portcullis_core::session::SessionTouch;
use portcullis_core::store::{
    ANY_TIME, KeyValueStore, KvCommit, KvWrite, Part, SessionInsert, SessionRotation, SessionStore,
};
use portcullis_stores_kv::{KvSessions, MemoryKv};

use crate::watched::{Call, Watched};
use crate::{NOW, TENANT, USER, after, session};

/// The ids that the index names.
async fn indexed(kv: &MemoryKv) -> usize {
    let rows = kv.list(Part::of_user(USER), b"p", ANY_TIME).await.unwrap();
    assert!(rows.len() <= 1, "{rows:?}");
    rows.first().map_or(0, |(_, row)| row.value.len() / 16)
}

#[tokio::test]
async fn the_index_forgets_what_ended_and_what_is_long_over() {
    let kv = MemoryKv::new();
    let sessions = KvSessions::new(kv.clone());
    for seed in 0..20 {
        sessions.insert_session(&session(seed), 3).await.unwrap();
    }
    assert_eq!(indexed(&kv).await, 3);
    let ended = session(19).id;
    assert!(
        sessions
            .revoke_session(TENANT, USER, ended, NOW)
            .await
            .unwrap()
    );
    let mut later = session(20);
    // A day past the end of the others.
    (later.created_at, later.seen_at) = (after(2 * 86_400), after(2 * 86_400));
    later.idle_deadline = after(2 * 86_400 + 60);
    later.absolute_deadline = after(3 * 86_400);
    let inserted = sessions.insert_session(&later, 3).await.unwrap();
    assert_eq!(inserted, SessionInsert::Inserted { evicted: 0 });
    assert_eq!(indexed(&kv).await, 1);
    // 20 sessions are gone, the last is there; so is its index, for a day more than the session.
    assert_eq!(
        sessions.prune_sessions(after(2 * 86_400)).await.unwrap(),
        20
    );
    assert_eq!(
        sessions
            .prune_sessions(later.absolute_deadline)
            .await
            .unwrap(),
        1
    );
    assert_eq!((kv.len(), indexed(&kv).await), (1, 1));
    assert_eq!(sessions.prune_sessions(after(4 * 86_400)).await.unwrap(), 0);
    assert!(kv.is_empty());
}

// SE-08, FT-17
#[tokio::test]
async fn a_session_that_a_slow_clock_keeps_alive_is_still_listed_and_ended() {
    let sessions = KvSessions::new(MemoryKv::new());
    let slow = session(1);
    sessions.insert_session(&slow, 3).await.unwrap();
    // Somebody signs in past its idle deadline, and only then comes a touch from before it.
    let mut new = session(2);
    (new.created_at, new.seen_at, new.idle_deadline) = (after(3700), after(3700), after(7300));
    sessions.insert_session(&new, 3).await.unwrap();
    let touch = SessionTouch {
        id: slow.id,
        seen_at: after(3590),
        idle_deadline: after(7190),
    };
    sessions.touch_sessions(&[touch]).await.unwrap();
    let listed = sessions.list_sessions(TENANT, USER, after(3800)).await;
    assert_eq!(listed.unwrap().len(), 2);
    let revoked = sessions.revoke_sessions(TENANT, USER, Some(new.id), after(3800));
    assert_eq!(revoked.await.unwrap(), 1);
}

// CC-01
#[tokio::test]
async fn a_list_shows_the_sessions_of_one_moment() {
    let kv = Watched::default();
    let sessions = KvSessions::new(kv.clone());
    sessions.insert_session(&session(1), 3).await.unwrap();
    let other = KvSessions::new(kv.kv.clone());
    kv.meanwhile(Call::GetAll, async move {
        let rotated = other.rotate_session(session(1).id, &session(2), NOW).await;
        assert_eq!(rotated.unwrap(), SessionRotation::Rotated);
    });
    // Between the index and the rows: neither none of the two sessions nor both were ever live.
    let listed = sessions.list_sessions(TENANT, USER, NOW).await.unwrap();
    let listed: Vec<SessionId> = listed.iter().map(|session| session.id).collect();
    assert_eq!(listed, [session(2).id]);
}

// SE-06, CC-01
#[tokio::test]
async fn a_session_that_opens_meanwhile_is_ended_with_the_others() {
    let kv = Watched::default();
    let sessions = KvSessions::new(kv.clone());
    sessions.insert_session(&session(1), 3).await.unwrap();
    let other = KvSessions::new(kv.kv.clone());
    kv.meanwhile(Call::Commit, async move {
        other.insert_session(&session(2), 3).await.unwrap();
    });
    let revoked = sessions.revoke_sessions(TENANT, USER, None, NOW).await;
    assert_eq!(revoked.unwrap(), 2);
    let listed = sessions.list_sessions(TENANT, USER, NOW).await.unwrap();
    assert!(listed.is_empty());
}

// SE-09, CC-01
#[tokio::test]
async fn a_session_that_opens_meanwhile_counts_towards_the_cap() {
    let kv = Watched::default();
    let sessions = KvSessions::new(kv.clone());
    sessions.insert_session(&session(1), 2).await.unwrap();
    let other = KvSessions::new(kv.kv.clone());
    kv.meanwhile(Call::Commit, async move {
        other.insert_session(&session(2), 2).await.unwrap();
    });
    let inserted = sessions.insert_session(&session(3), 2).await.unwrap();
    assert_eq!(inserted, SessionInsert::Inserted { evicted: 1 });
    let listed = sessions.list_sessions(TENANT, USER, NOW).await.unwrap();
    assert_eq!(listed.len(), 2);
}

#[tokio::test]
async fn an_index_past_its_deadline_hinders_nobody() {
    let sessions = KvSessions::new(MemoryKv::new());
    sessions.insert_session(&session(1), 3).await.unwrap();
    let mut late = session(2);
    (late.created_at, late.seen_at) = (after(10 * 86_400), after(10 * 86_400));
    (late.idle_deadline, late.absolute_deadline) = (after(11 * 86_400), after(12 * 86_400));
    let inserted = sessions.insert_session(&late, 3).await.unwrap();
    assert_eq!(inserted, SessionInsert::Inserted { evicted: 0 });
    let listed = sessions.list_sessions(TENANT, USER, late.created_at).await;
    assert_eq!(listed.unwrap().len(), 1);
}

#[tokio::test]
async fn an_id_without_its_persons_tag_is_a_conflict() {
    let sessions = KvSessions::new(MemoryKv::new());
    let old = session(1);
    sessions.insert_session(&old, 3).await.unwrap();
    let mut misplaced = session(2);
    misplaced.id = SessionId::from_bytes([0xee; 16]);
    assert_ne!(Part::of_session(misplaced.id), Part::of_user(USER));
    let inserted = sessions.insert_session(&misplaced, 3).await.unwrap_err();
    assert_eq!(inserted.kind(), StoreErrorKind::Conflict);
    let rotated = sessions.rotate_session(old.id, &misplaced, NOW).await;
    assert_eq!(rotated.unwrap_err().kind(), StoreErrorKind::Conflict);
    assert!(sessions.session(misplaced.id).await.unwrap().is_none());
    assert!(
        sessions
            .session(old.id)
            .await
            .unwrap()
            .unwrap()
            .is_live(NOW)
    );
}

#[tokio::test]
async fn a_session_rotates_into_one_of_the_same_person() {
    let sessions = KvSessions::new(MemoryKv::new());
    let old = session(1);
    sessions.insert_session(&old, 3).await.unwrap();
    let (mut elsewhere, mut somebody) = (session(2), session(3));
    elsewhere.tenant = TenantId::from_integer(2);
    somebody.user = UserId::from_integer(43);
    for new in [&elsewhere, &somebody] {
        let rotated = sessions.rotate_session(old.id, new, NOW).await;
        assert_eq!(rotated.unwrap(), SessionRotation::Gone);
        assert!(sessions.session(new.id).await.unwrap().is_none());
    }
    assert!(
        sessions
            .session(old.id)
            .await
            .unwrap()
            .unwrap()
            .is_live(NOW)
    );
}

// FT-25
#[tokio::test]
async fn a_corrupt_row_is_an_error_that_says_where() {
    let kv = MemoryKv::new();
    let sessions = KvSessions::new(kv.clone());
    let (id, part) = (session(1).id, Part::of_user(USER));
    sessions.insert_session(&session(1), 3).await.unwrap();
    let rows = kv.list(part, b"", NOW).await.unwrap();
    for (key, row) in rows {
        let torn = KvWrite::Put {
            key,
            value: row.value.iter().skip(1).copied().collect(),
            deadline: row.deadline,
        };
        let commit = kv.commit(part, &[], &[torn], NOW).await.unwrap();
        assert_eq!(commit, KvCommit::Done);
    }
    let read = sessions.session(id).await.unwrap_err();
    assert_eq!(read.to_string(), "a stored row is corrupt: sessions.row");
    let listed = sessions.list_sessions(TENANT, USER, NOW).await.unwrap_err();
    let said = "a stored row is corrupt: session_index.ids";
    assert_eq!(listed.to_string(), said);
}

// FT-24
#[tokio::test]
async fn a_row_of_a_later_version_is_read() {
    let kv = MemoryKv::new();
    let sessions = KvSessions::new(kv.clone());
    sessions.insert_session(&session(1), 3).await.unwrap();
    let part = Part::of_user(USER);
    let (key, row) = kv.list(part, b"s", NOW).await.unwrap().remove(0);
    let mut later: serde_json::Value = serde_json::from_slice(&row.value).unwrap();
    later["sealed_note"] = "new".into();
    let write = KvWrite::Put {
        key,
        value: serde_json::to_vec(&later).unwrap(),
        deadline: row.deadline,
    };
    let commit = kv.commit(part, &[], &[write], NOW).await.unwrap();
    assert_eq!(commit, KvCommit::Done);
    assert!(sessions.session(session(1).id).await.unwrap().is_some());
}
