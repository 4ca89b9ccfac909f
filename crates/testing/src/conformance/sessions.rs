//! Sessions: opened, read, listed, ended.

use std::cmp::Reverse;

use portcullis_core::id::{SessionId, TenantId, UserId};
use portcullis_core::session::{Device, Session, SessionTouch};
use portcullis_core::store::{SessionInsert, SessionRotation, SessionStore};
use portcullis_core::time::Timestamp;

use super::expect::assert_same_session;
use super::sample::{EXTREMES, after, just_before};
use super::trial::{Trial, rounds};

/// A cap that no case reaches.
pub(super) const MANY: u32 = 1000;

impl<S: SessionStore> Trial<S> {
    /// The id of somebody whom the session family need not know.
    pub(super) fn owner(&self) -> (TenantId, UserId) {
        (
            TenantId::from_bytes(self.id()),
            UserId::from_bytes(self.id()),
        )
    }

    pub(super) async fn open(&self, session: Session) -> Session {
        let inserted = self.store.insert_session(&session, MANY).await.unwrap();
        assert_eq!(inserted, SessionInsert::Inserted { evicted: 0 });
        session
    }

    pub(super) async fn session(&self, id: SessionId) -> Session {
        self.store.session(id).await.unwrap().unwrap()
    }

    pub(super) async fn live(&self, owner: (TenantId, UserId), now: Timestamp) -> Vec<SessionId> {
        let live = self.store.list_sessions(owner.0, owner.1, now).await;
        live.unwrap().iter().map(|session| session.id).collect()
    }
}

/// Of an erased person's sessions none is left, live or ended, but for the ids of some that had ended; others keep theirs,
/// and nothing that comes late brings one back.
pub async fn an_erased_persons_sessions_are_gone<S: SessionStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.owner();
    let (elsewhere, stranger) = trial.owner();
    let live = trial.open(trial.new_session(tenant, user)).await;
    let ended = trial.open(trial.new_session(tenant, user)).await;
    let revoked = store.revoke_session(tenant, user, ended.id, after(1));
    assert!(revoked.await.unwrap());
    let idle = trial.open(trial.new_session(tenant, user)).await;
    let others = [
        trial.open(trial.new_session(tenant, stranger)).await,
        trial.open(trial.new_session(elsewhere, stranger)).await,
    ];
    assert_eq!(store.erase_sessions(elsewhere, user).await.unwrap(), 0);
    assert!(store.erase_sessions(tenant, user).await.unwrap() >= 2);
    for gone in [&live, &idle, &ended] {
        let touch = SessionTouch {
            id: gone.id,
            seen_at: after(2),
            idle_deadline: after(7200),
        };
        store.touch_sessions(&[touch]).await.unwrap();
        if let Some(left) = store.session(gone.id).await.unwrap() {
            assert_eq!(left.id, ended.id);
            assert!(!left.is_live(after(2)));
            assert_eq!(left.device, Device::default());
        }
    }
    assert!(trial.live((tenant, user), after(2)).await.is_empty());
    let next = trial.new_session(tenant, user);
    let rotated = store.rotate_session(live.id, &next, after(2)).await;
    assert_eq!(rotated.unwrap(), SessionRotation::Gone);
    assert_eq!(store.erase_sessions(tenant, user).await.unwrap(), 0);
    for other in &others {
        assert_same_session(&trial.session(other.id).await, other);
        assert_eq!(
            trial.live((other.tenant, stranger), after(2)).await,
            [other.id]
        );
    }
}

/// A session reads back as it was opened.
pub async fn a_session_reads_back_whole<S: SessionStore>(trial: Trial<S>) {
    let (tenant, user) = trial.owner();
    let mut bare = trial.new_session(tenant, user);
    (bare.actor, bare.device, bare.name) = (None, Default::default(), None);
    for session in [trial.new_session(tenant, user), bare] {
        let session = trial.open(session).await;
        assert_same_session(&trial.session(session.id).await, &session);
    }
    let unknown = SessionId::from_bytes(trial.id());
    assert!(trial.store.session(unknown).await.unwrap().is_none());
}

// SE-11, SE-13
/// An id that was used is not used again, neither a live session's nor an ended one's.
pub async fn a_used_id_is_never_used_again<S: SessionStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.owner();
    let ended = trial.open(trial.new_session(tenant, user)).await;
    let revoked = store.revoke_session(tenant, user, ended.id, after(1));
    assert!(revoked.await.unwrap());
    let live = trial.open(trial.new_session(tenant, user)).await;
    for id in [live.id, ended.id] {
        let before = trial.session(id).await;
        let (elsewhere, stranger) = trial.owner();
        for mut session in [
            trial.new_session(tenant, user),
            trial.new_session(elsewhere, stranger),
        ] {
            session.id = id;
            // Not even where the cap would make room.
            let inserted = store.insert_session(&session, 1).await.unwrap();
            assert_eq!(inserted, SessionInsert::IdTaken);
        }
        assert_same_session(&trial.session(id).await, &before);
    }
}

// SE-11, CC-01
/// Of many who open a session with one id at once, one does.
pub async fn one_of_many_gets_an_id<S: SessionStore>(trial: Trial<S>) {
    for _ in 0..rounds() / 4 {
        let (tenant, user) = trial.owner();
        let id = trial.new_session(tenant, user).id;
        let inserted = trial
            .race(32, |_, store| {
                let (tenant, _) = trial.owner();
                let mut session = trial.new_session(tenant, user);
                session.id = id;
                async move { store.insert_session(&session, MANY).await.unwrap() }
            })
            .await;
        let taken = |inserted: &&SessionInsert| **inserted == SessionInsert::IdTaken;
        assert_eq!(inserted.iter().filter(taken).count(), 31);
    }
}

// SE-08
/// A session is ended by its owner, once, while it is live.
pub async fn a_session_is_ended_once_by_its_owner<S: SessionStore>(trial: Trial<S>) {
    let store = &trial.store;
    let owner = trial.owner();
    let (tenant, user) = owner;
    let session = trial.open(trial.new_session(tenant, user)).await;
    let id = session.id;
    let (elsewhere, stranger) = trial.owner();
    let unknown = SessionId::from_bytes(trial.id());
    for (tenant, user, id, now) in [
        (elsewhere, user, id, after(1)),
        (tenant, stranger, id, after(1)),
        (tenant, user, unknown, after(1)),
        (tenant, user, id, session.idle_deadline),
        (tenant, user, id, session.absolute_deadline),
    ] {
        let revoked = store.revoke_session(tenant, user, id, now).await;
        assert!(!revoked.unwrap());
    }
    assert_eq!(trial.live(owner, after(1)).await, [id]);
    let revoke = |now| store.revoke_session(tenant, user, id, now);
    assert!(revoke(after(1)).await.unwrap());
    assert!(!revoke(after(2)).await.unwrap());
    assert_eq!(trial.session(id).await.revoked_at, Some(after(1)));
    assert_eq!(trial.live(owner, after(2)).await, []);
}

// SE-06
/// Every live session of a person but one is ended and counted, nobody else's with them.
pub async fn all_sessions_but_one_are_ended<S: SessionStore>(trial: Trial<S>) {
    let store = &trial.store;
    let owner = trial.owner();
    let (tenant, user) = owner;
    let mut theirs = Vec::new();
    for _ in 0..4 {
        theirs.push(trial.open(trial.new_session(tenant, user)).await.id);
    }
    let mut idle = trial.new_session(tenant, user);
    idle.idle_deadline = after(1);
    trial.open(idle).await;
    let (elsewhere, stranger) = trial.owner();
    let others = [
        trial.open(trial.new_session(tenant, stranger)).await.id,
        trial.open(trial.new_session(elsewhere, user)).await.id,
    ];
    let kept = theirs.pop();
    let revoke = |keep, now| store.revoke_sessions(tenant, user, keep, now);
    assert_eq!(revoke(kept, after(1)).await.unwrap(), 3);
    assert_eq!(revoke(kept, after(1)).await.unwrap(), 0);
    assert_eq!(trial.live(owner, after(1)).await, Vec::from_iter(kept));
    assert_eq!(revoke(others.first().copied(), after(2)).await.unwrap(), 1);
    assert_eq!(trial.live(owner, after(2)).await, []);
    for id in others {
        assert_eq!(trial.session(id).await.revoked_at, None);
    }
}

// SE-08
/// A person's live sessions are listed newest first, nobody else's with them.
pub async fn live_sessions_are_listed_newest_first<S: SessionStore>(trial: Trial<S>) {
    let owner = trial.owner();
    let mut opened = Vec::new();
    for secs in [3, 1, 2, 2] {
        let mut session = trial.new_session(owner.0, owner.1);
        session.created_at = after(secs);
        session.idle_deadline = after(100 + secs);
        opened.push(trial.open(session).await);
    }
    trial
        .open(trial.new_session(owner.0, trial.owner().1))
        .await;
    trial
        .open(trial.new_session(trial.owner().0, owner.1))
        .await;
    opened.sort_by_key(|session| Reverse((session.created_at, session.id)));
    let listed = trial.store.list_sessions(owner.0, owner.1, after(4)).await;
    let listed = listed.unwrap();
    assert_eq!(listed.len(), opened.len());
    for (listed, opened) in listed.iter().zip(&opened) {
        assert_same_session(listed, opened);
    }
    for (now, live) in [
        (just_before(after(101)), 4),
        (after(101), 3),
        (after(103), 0),
    ] {
        assert_eq!(trial.live(owner, now).await.len(), live);
    }
}

// SE-13
/// Rows past their absolute deadline are removed and counted; an ended session's stays until then.
pub async fn pruning_removes_sessions_past_their_absolute_deadline<S: SessionStore>(
    trial: Trial<S>,
) {
    let store = &trial.store;
    let (tenant, user) = trial.owner();
    let mut old = Vec::new();
    for _ in 0..3 {
        old.push(trial.open(trial.new_session(tenant, user)).await);
    }
    let end = after(86_400);
    let ended = old.first().unwrap().id;
    let revoked = store.revoke_session(tenant, user, ended, after(1)).await;
    assert!(revoked.unwrap());
    let mut kept = trial.new_session(tenant, user);
    kept.absolute_deadline = after(86_401);
    let kept = trial.open(kept).await;
    assert_eq!(store.prune_sessions(just_before(end)).await.unwrap(), 0);
    assert_eq!(store.prune_sessions(end).await.unwrap(), 3);
    assert_eq!(store.prune_sessions(end).await.unwrap(), 0);
    for session in old {
        assert!(store.session(session.id).await.unwrap().is_none());
    }
    assert!(store.session(kept.id).await.unwrap().is_some());
}

// CC-04
/// No time makes a session panic or fail.
pub async fn sessions_bear_every_time<S: SessionStore>(trial: Trial<S>) {
    let store = &trial.store;
    for deadline in EXTREMES {
        let owner = trial.owner();
        for now in EXTREMES {
            let mut session = trial.new_session(owner.0, owner.1);
            (session.created_at, session.seen_at) = (now, now);
            (session.idle_deadline, session.absolute_deadline) = (deadline, deadline);
            let inserted = store.insert_session(&session, 1).await.unwrap();
            assert!(matches!(inserted, SessionInsert::Inserted { .. }));
            let live = trial.live(owner, now).await;
            assert_eq!(live.contains(&session.id), now < deadline);
            let revoked = store.revoke_session(owner.0, owner.1, session.id, now);
            assert_eq!(revoked.await.unwrap(), now < deadline);
        }
    }
    for now in EXTREMES {
        store.prune_sessions(now).await.unwrap();
    }
}
