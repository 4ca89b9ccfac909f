//! Sessions in use: touched and rotated.

use portcullis_core::id::SessionId;
use portcullis_core::session::{Session, SessionTouch};
use portcullis_core::store::{SessionRotation, SessionStore};
use portcullis_core::time::Timestamp;

use super::expect::assert_same_session;
use super::sample::{EXTREMES, START, after, just_before};
use super::trial::{Trial, rounds};

const fn touch(id: SessionId, seen_at: Timestamp, idle_deadline: Timestamp) -> SessionTouch {
    SessionTouch {
        id,
        seen_at,
        idle_deadline,
    }
}

impl<S: SessionStore> Trial<S> {
    /// Last use and idle deadline after some touches.
    async fn touched(&self, id: SessionId, touches: &[SessionTouch]) -> (Timestamp, Timestamp) {
        self.store.touch_sessions(touches).await.unwrap();
        let session = self.session(id).await;
        (session.seen_at, session.idle_deadline)
    }
}

// SE-03
/// Last use and idle deadline move forward, never back, never past the absolute deadline.
pub async fn a_touch_moves_forward_only<S: SessionStore>(trial: Trial<S>) {
    let (tenant, user) = trial.owner();
    let session = trial.open(trial.new_session(tenant, user)).await;
    let id = session.id;
    let unknown = SessionId::from_bytes(trial.id());
    let steps = [
        (after(10), after(3610), (after(10), after(3610))),
        (after(5), after(3605), (after(10), after(3610))),
        (after(20), after(3000), (after(20), after(3610))),
        (
            after(3000),
            Timestamp::MAX,
            (after(3000), session.absolute_deadline),
        ),
    ];
    for (seen_at, idle_deadline, expected) in steps {
        let touches = [
            touch(unknown, seen_at, idle_deadline),
            touch(id, seen_at, idle_deadline),
        ];
        assert_eq!(trial.touched(id, &touches).await, expected);
    }
    assert!(trial.store.session(unknown).await.unwrap().is_none());
    assert_eq!(
        trial.session(id).await.absolute_deadline,
        session.absolute_deadline
    );
}

/// Many touches are applied together, each to its own session.
pub async fn touches_are_applied_together<S: SessionStore>(trial: Trial<S>) {
    let (tenant, user) = trial.owner();
    let first = trial.open(trial.new_session(tenant, user)).await.id;
    let second = trial.open(trial.new_session(tenant, user)).await.id;
    let untouched = trial.open(trial.new_session(tenant, user)).await;
    let touches = [
        touch(first, after(30), after(3630)),
        touch(second, after(20), after(3620)),
        touch(first, after(40), after(3640)),
    ];
    let expected = (after(40), after(3640));
    assert_eq!(trial.touched(first, &touches).await, expected);
    let expected = (after(20), after(3620));
    assert_eq!(trial.touched(second, &[]).await, expected);
    assert_same_session(&trial.session(untouched.id).await, &untouched);
}

// SE-03, SE-04
/// A touch brings back neither an ended session nor one past its deadlines.
pub async fn a_touch_never_resurrects<S: SessionStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.owner();
    let ended = trial.open(trial.new_session(tenant, user)).await;
    let revoked = store.revoke_session(tenant, user, ended.id, after(5));
    assert!(revoked.await.unwrap());
    let idle = trial.open(trial.new_session(tenant, user)).await;
    let mut over = trial.new_session(tenant, user);
    over.idle_deadline = Timestamp::MAX;
    let over = trial.open(over).await;
    let dead = [
        (&ended, after(10)),
        (&idle, idle.idle_deadline),
        (&over, over.absolute_deadline),
    ];
    for (session, seen_at) in dead {
        let before = trial.session(session.id).await;
        let late = touch(session.id, seen_at, Timestamp::MAX);
        store.touch_sessions(&[late]).await.unwrap();
        assert_same_session(&trial.session(session.id).await, &before);
    }
    let last = just_before(idle.idle_deadline);
    let touches = [touch(idle.id, last, after(7200))];
    let touched = trial.touched(idle.id, &touches).await;
    assert_eq!(touched, (last, after(7200)));
}

// SE-04, CC-01
/// Touches that race the end of a session do not bring it back.
pub async fn a_touch_that_races_the_end_does_not_resurrect<S: SessionStore>(trial: Trial<S>) {
    let owner = trial.owner();
    for _ in 0..rounds() {
        let session = trial.open(trial.new_session(owner.0, owner.1)).await;
        let id = session.id;
        let ended = trial
            .race(16, |index, store| async move {
                if index == 7 {
                    let revoked = store.revoke_session(owner.0, owner.1, id, after(5));
                    return revoked.await.unwrap();
                }
                let touch = touch(id, after(6), after(3606));
                store.touch_sessions(&[touch]).await.unwrap();
                false
            })
            .await;
        assert_eq!(ended.iter().filter(|ended| **ended).count(), 1);
        assert_eq!(trial.session(id).await.revoked_at, Some(after(5)));
        assert_eq!(trial.live(owner, after(7)).await, []);
    }
}

// SE-02
/// A rotation ends the old session and opens the new one, in one step.
pub async fn a_rotation_ends_the_old_and_opens_the_new<S: SessionStore>(trial: Trial<S>) {
    let store = &trial.store;
    let owner = trial.owner();
    let old = trial.open(trial.new_session(owner.0, owner.1)).await;
    let mut new = trial.new_session(owner.0, owner.1);
    new.created_at = after(10);
    let rotated = store.rotate_session(old.id, &new, after(10)).await.unwrap();
    assert_eq!(rotated, SessionRotation::Rotated);
    assert_eq!(trial.session(old.id).await.revoked_at, Some(after(10)));
    assert_same_session(&trial.session(new.id).await, &new);
    assert_eq!(trial.live(owner, after(10)).await, [new.id]);
}

// SE-02, SE-13
/// A session that is not live or somebody else's, or a new id that was used, rotates nothing.
pub async fn a_rotation_needs_a_live_session_and_a_new_id<S: SessionStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.owner();
    let ended = trial.open(trial.new_session(tenant, user)).await.id;
    let revoked = store.revoke_session(tenant, user, ended, after(1)).await;
    assert!(revoked.unwrap());
    let live = trial.open(trial.new_session(tenant, user)).await;
    let unknown = SessionId::from_bytes(trial.id());
    for (old, now) in [
        (ended, after(2)),
        (unknown, after(2)),
        (live.id, live.idle_deadline),
        (live.id, live.absolute_deadline),
    ] {
        let new = trial.new_session(tenant, user);
        let rotated = store.rotate_session(old, &new, now).await.unwrap();
        assert_eq!(rotated, SessionRotation::Gone);
        assert!(store.session(new.id).await.unwrap().is_none());
    }
    let (their_tenant, somebody_else) = trial.owner();
    let theirs = trial.new_session(their_tenant, somebody_else);
    let rotated = store.rotate_session(live.id, &theirs, after(2)).await;
    assert_eq!(rotated.unwrap(), SessionRotation::Gone);
    assert!(store.session(theirs.id).await.unwrap().is_none());
    for used in [ended, live.id] {
        let mut new = trial.new_session(tenant, user);
        new.id = used;
        let before = trial.session(used).await;
        let rotated = store.rotate_session(live.id, &new, after(2)).await;
        assert_eq!(rotated.unwrap(), SessionRotation::IdTaken);
        assert_same_session(&trial.session(used).await, &before);
    }
    assert_same_session(&trial.session(live.id).await, &live);
}

// SE-02, CC-01
/// Of many who rotate one session at once, one does.
pub async fn one_of_many_rotates_a_session<S: SessionStore>(trial: Trial<S>) {
    for _ in 0..rounds() / 4 {
        let owner = trial.owner();
        let old = trial.open(trial.new_session(owner.0, owner.1)).await.id;
        let rotated = trial
            .race(32, |_, store| {
                let new: Session = trial.new_session(owner.0, owner.1);
                async move { store.rotate_session(old, &new, after(1)).await.unwrap() }
            })
            .await;
        let won = |rotated: &&SessionRotation| **rotated == SessionRotation::Rotated;
        assert_eq!(rotated.iter().filter(won).count(), 1);
        let lost = |rotated: &&SessionRotation| **rotated == SessionRotation::Gone;
        assert_eq!(rotated.iter().filter(lost).count(), 31);
        assert_eq!(trial.live(owner, after(1)).await.len(), 1);
    }
}

// CC-04
/// No time makes a touch or a rotation panic or fail.
pub async fn touches_and_rotations_bear_every_time<S: SessionStore>(trial: Trial<S>) {
    let (tenant, user) = trial.owner();
    for now in EXTREMES {
        for deadline in EXTREMES {
            let mut session = trial.new_session(tenant, user);
            (session.seen_at, session.idle_deadline) = (START, Timestamp::MAX);
            session.absolute_deadline = Timestamp::MAX;
            let session = trial.open(session).await;
            let touches = [touch(session.id, now, deadline)];
            let (seen_at, idle_deadline) = trial.touched(session.id, &touches).await;
            let live = now < Timestamp::MAX;
            let expected = if live { now.max(START) } else { START };
            assert_eq!((seen_at, idle_deadline), (expected, Timestamp::MAX));
            let new = trial.new_session(tenant, user);
            let rotated = trial.store.rotate_session(session.id, &new, now).await;
            let done = rotated.unwrap() == SessionRotation::Rotated;
            assert_eq!(done, live);
        }
    }
}
