//! What owners call their sessions.

use portcullis_core::id::SessionId;
use portcullis_core::session::{Session, SessionTouch};
use portcullis_core::store::{SessionRotation, SessionStore};

use super::expect::assert_same_session;
use super::sample::after;
use super::trial::{Trial, rounds};

impl<S: SessionStore> Trial<S> {
    async fn rename(&self, session: &Session, name: Option<&str>, secs: u64) -> bool {
        let (tenant, user) = (session.tenant, session.user);
        let store = &self.store;
        let renamed = store.rename_session(tenant, user, session.id, name, after(secs));
        renamed.await.unwrap()
    }

    async fn name(&self, id: SessionId) -> Option<String> {
        self.session(id).await.name
    }
}

/// A session is given a name, another, and none; nothing else of it changes.
pub async fn a_session_is_named_and_its_name_taken_away<S: SessionStore>(trial: Trial<S>) {
    let (tenant, user) = trial.owner();
    let session = trial.open(trial.new_session(tenant, user)).await;
    let other = trial.open(trial.new_session(tenant, user)).await;
    for name in [Some("Arbeit 🦀"), Some("home"), None, None] {
        assert!(trial.rename(&session, name, 1).await);
        let named = Session {
            name: name.map(str::to_owned),
            ..session.clone()
        };
        assert_same_session(&trial.session(session.id).await, &named);
        let listed = trial.store.list_sessions(tenant, user, after(1)).await;
        let listed = listed.unwrap();
        let listed = listed.iter().find(|listed| listed.id == session.id);
        assert_same_session(listed.unwrap(), &named);
    }
    assert_same_session(&trial.session(other.id).await, &other);
}

// SE-08
/// Nobody names a session that is somebody else's, of another tenant, over, or none.
pub async fn only_a_live_session_of_ones_own_is_named<S: SessionStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.owner();
    let live = trial.open(trial.new_session(tenant, user)).await;
    let ended = trial.open(trial.new_session(tenant, user)).await;
    let revoked = store.revoke_session(tenant, user, ended.id, after(5));
    assert!(revoked.await.unwrap());
    let stranger = trial.owner();
    let unknown = trial.new_session(tenant, user);
    for (tenant, user, session, now) in [
        (stranger.0, user, &live, after(1)),
        (tenant, stranger.1, &live, after(1)),
        (tenant, user, &ended, after(6)),
        (tenant, user, &live, live.idle_deadline),
        (tenant, user, &live, live.absolute_deadline),
        (tenant, user, &unknown, after(1)),
    ] {
        let before = store.session(session.id).await.unwrap();
        let renamed = store.rename_session(tenant, user, session.id, Some("mine"), now);
        assert!(!renamed.await.unwrap());
        match (store.session(session.id).await.unwrap(), before) {
            (Some(now), Some(before)) => assert_same_session(&now, &before),
            (now, before) => assert!(now.is_none() && before.is_none()),
        }
    }
}

// SE-04, CC-01
/// A name that races the end of its session does not bring it back, and one that races its use is not lost.
pub async fn a_name_loses_to_the_end_and_to_nothing_else<S: SessionStore>(trial: Trial<S>) {
    let owner = trial.owner();
    for _ in 0..rounds() {
        let used = trial.open(trial.new_session(owner.0, owner.1)).await.id;
        let ended = trial.open(trial.new_session(owner.0, owner.1)).await.id;
        let answers = trial
            .race(12, |index, store| async move {
                let (id, seen_at) = if index % 2 == 0 {
                    (used, after(6))
                } else {
                    (ended, after(4))
                };
                match index {
                    0 | 1 => {
                        let name = Some("raced");
                        let renamed = store.rename_session(owner.0, owner.1, id, name, after(5));
                        renamed.await.unwrap()
                    }
                    3 => {
                        let revoked = store.revoke_session(owner.0, owner.1, id, after(5));
                        revoked.await.unwrap()
                    }
                    _ => {
                        let touch = SessionTouch {
                            id,
                            seen_at,
                            idle_deadline: after(3606),
                        };
                        store.touch_sessions(&[touch]).await.unwrap();
                        true
                    }
                }
            })
            .await;
        let expected = (Some("raced".to_owned()), after(6));
        let session = trial.session(used).await;
        assert!(answers[0] && answers[3]);
        assert_eq!((session.name, session.seen_at), expected);
        let session = trial.session(ended).await;
        assert_eq!(session.revoked_at, Some(after(5)));
        // A store may forget the name of a session that has ended; one that it keeps is the one it said.
        let shown = session.name.as_deref();
        assert!(shown.is_none() || (shown == Some("raced")) == answers[1]);
        assert!(!trial.live(owner, after(7)).await.contains(&ended));
        let revoked = trial.store.revoke_session(owner.0, owner.1, used, after(8));
        assert!(revoked.await.unwrap());
    }
}

// SE-02
/// A session that goes on under another id keeps the name that it has at that moment, whatever its reader saw before.
pub async fn a_name_goes_along_with_a_rotation<S: SessionStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.owner();
    for late in [Some("late"), None] {
        let old = trial.open(trial.new_session(tenant, user)).await;
        let new = Session {
            id: trial.new_session(tenant, user).id,
            ..old.clone()
        };
        assert!(trial.rename(&old, late, 1).await);
        let rotated = store.rotate_session(old.id, &new, after(2)).await;
        assert_eq!(rotated.unwrap(), SessionRotation::Rotated);
        assert_eq!(trial.name(new.id).await.as_deref(), late);
        assert!(!trial.rename(&old, Some("too late"), 3).await);
        assert!(trial.rename(&new, Some("in time"), 3).await);
        assert_eq!(trial.name(new.id).await.as_deref(), Some("in time"));
    }
}
