//! No more live sessions than the cap.

use portcullis_core::store::{SessionInsert, SessionStore};

use super::sample::{START, after};
use super::trial::{Trial, rounds};

// SE-09
/// The sessions unused for longest make room for a new one; ended and idle ones need not.
pub async fn the_longest_unused_make_room<S: SessionStore>(trial: Trial<S>) {
    let store = &trial.store;
    let owner = trial.owner();
    let (tenant, user) = owner;
    let other = trial.open(trial.new_session(tenant, trial.owner().1)).await;
    let elsewhere = trial.open(trial.new_session(trial.owner().0, user)).await;
    let open = |created, seen, idle| {
        let mut session = trial.new_session(tenant, user);
        session.created_at = after(created);
        (session.seen_at, session.idle_deadline) = (after(seen), after(idle));
        trial.open(session)
    };
    let idle = open(0, 0, 50).await;
    let ended = open(0, 1, 3600).await;
    let revoked = store.revoke_session(tenant, user, ended.id, after(2));
    assert!(revoked.await.unwrap());
    let used_lately = open(1, 40, 3600).await;
    let oldest = open(2, 10, 3600).await;
    // Of two last used at one moment the older goes first, whatever their ids.
    let mut tied = [
        trial.new_session(tenant, user),
        trial.new_session(tenant, user),
    ];
    tied.sort_by_key(|session| session.id);
    let [mut third, mut second] = tied;
    for (session, created) in [(&mut second, 3), (&mut third, 4)] {
        (session.created_at, session.seen_at) = (after(created), after(20));
        trial.open(session.clone()).await;
    }

    let mut new = trial.new_session(tenant, user);
    (new.created_at, new.seen_at) = (after(50), after(50));
    let inserted = store.insert_session(&new, 3).await.unwrap();
    assert_eq!(inserted, SessionInsert::Inserted { evicted: 2 });
    let live = [new.id, third.id, used_lately.id];
    assert_eq!(trial.live(owner, after(50)).await, live);
    for evicted in [&oldest, &second] {
        let evicted = trial.session(evicted.id).await;
        assert_eq!(evicted.revoked_at, Some(after(50)));
    }
    for (untouched, revoked_at) in [
        (&idle, None),
        (&ended, Some(after(2))),
        (&other, None),
        (&elsewhere, None),
    ] {
        let untouched = trial.session(untouched.id).await;
        assert_eq!(untouched.revoked_at, revoked_at);
    }

    let mut last = trial.new_session(tenant, user);
    (last.created_at, last.seen_at) = (after(51), after(51));
    let inserted = store.insert_session(&last, 1).await.unwrap();
    assert_eq!(inserted, SessionInsert::Inserted { evicted: 3 });
    assert_eq!(trial.live(owner, after(51)).await, [last.id]);
}

// SE-09, CC-01
/// A hundred sign-ins at once leave as many sessions as the cap allows.
pub async fn a_hundred_sign_ins_leave_the_cap<S: SessionStore>(trial: Trial<S>) {
    for _ in 0..rounds() / 4 {
        assert_eq!(crowd(&trial, 0, 100).await, 95);
    }
}

// SE-09, CC-01
/// Two sign-ins at once that both see the last free place do not pass the cap either.
pub async fn the_last_place_is_taken_once<S: SessionStore>(trial: Trial<S>) {
    for _ in 0..rounds() {
        assert_eq!(crowd(&trial, 4, 2).await, 1);
    }
}

/// Opens some sessions under a cap of five, then others at once; how many had to make room.
async fn crowd<S: SessionStore>(trial: &Trial<S>, before: usize, at_once: usize) -> u32 {
    let owner = trial.owner();
    for _ in 0..before {
        trial.open(trial.new_session(owner.0, owner.1)).await;
    }
    let inserted = trial
        .race(at_once, |_, store| {
            let session = trial.new_session(owner.0, owner.1);
            async move { store.insert_session(&session, 5).await.unwrap() }
        })
        .await;
    assert_eq!(trial.live(owner, START).await.len(), 5);
    let evicted = inserted.iter().map(|inserted| match inserted {
        SessionInsert::Inserted { evicted } => *evicted,
        SessionInsert::IdTaken => panic!("a new id is taken"),
    });
    evicted.sum()
}
