//! Refresh families in use: taken on by one token at a time.

use portcullis_core::along::{Along, Refusal};
use portcullis_core::event::AuthEvent;
use portcullis_core::id::RefreshFamilyId;
use portcullis_core::refresh::{Generation, RefreshFamily, Rotation, SpentToken};
use portcullis_core::store::{SecurityStore, WriteResult};
use portcullis_core::time::Timestamp;
use portcullis_core::verification::TokenKind;

use super::expect::{applied, assert_same_family, refused, winners};
use super::sample::{EXTREMES, START, after, just_before, spend};
use super::trial::{Trial, rounds};

impl<S: SecurityStore> Trial<S> {
    async fn rotate(&self, family: &RefreshFamily, rotation: &Rotation) -> WriteResult<Generation> {
        let (tenant, id) = (family.tenant, family.id);
        let rotated = self
            .store
            .rotate_family(tenant, id, rotation, Along::default());
        rotated.await
    }
}

/// The family after a rotation.
fn rotated(family: &RefreshFamily, rotation: &Rotation) -> RefreshFamily {
    RefreshFamily {
        generation: Generation(family.generation.0 + 1),
        current: rotation.next,
        spent: Some(SpentToken {
            digest: family.current,
            spent_at: rotation.now,
            successor: rotation.successor.clone(),
        }),
        idle_deadline: rotation.idle_deadline.min(family.absolute_deadline),
        ..family.clone()
    }
}

// RT-01
/// A rotation moves the generation by one and keeps the spent token with its successor, and no token before that.
pub async fn a_rotation_moves_a_family_on_by_one_token<S: SecurityStore>(trial: Trial<S>) {
    let (tenant, user) = trial.somebody().await;
    let mut family = trial.begin(trial.new_family(tenant, user)).await;
    let other = trial.begin(trial.new_family(tenant, user)).await;
    for step in 1..4 {
        let rotation = trial.new_rotation(family.generation, after(step));
        let generation = applied(trial.rotate(&family, &rotation).await);
        family = rotated(&family, &rotation);
        assert_eq!(generation, family.generation);
        assert_same_family(&trial.family(family.id).await, &family);
    }
    assert_eq!(family.generation, Generation(4));
    assert_same_family(&trial.family(other.id).await, &other);
}

// RT-01, RT-02
/// A generation that is not the current one is refused, and nothing changes and nothing is written.
pub async fn a_stale_rotation_changes_nothing<S: SecurityStore>(trial: Trial<S>) {
    let (tenant, user) = trial.somebody().await;
    let family = trial.begin(trial.new_family(tenant, user)).await;
    let rotation = trial.new_rotation(family.generation, after(1));
    applied(trial.rotate(&family, &rotation).await);
    let family = rotated(&family, &rotation);
    for expected in [0, 1, 3, u32::MAX] {
        let event = trial.new_event(Some(tenant), after(2));
        let rotation = trial.new_rotation(Generation(expected), after(2));
        let along = Along::event(event.clone());
        let stale = trial
            .store
            .rotate_family(tenant, family.id, &rotation, along);
        assert_eq!(refused(stale.await), Refusal::Stale);
        assert!(!trial.was_written(&event).await);
        assert_same_family(&trial.family(family.id).await, &family);
    }
}

// RT-02, CC-01
/// Of 64 who rotate one family at once, one does: its token is the current one, its event the only one.
pub async fn one_of_many_rotates_a_family<S: SecurityStore>(trial: Trial<S>) {
    let (tenant, user) = trial.somebody().await;
    for _ in 0..rounds() {
        let family = trial.begin(trial.new_family(tenant, user)).await;
        let id = family.id;
        let new = |_| {
            let rotation = trial.new_rotation(family.generation, after(1));
            (rotation, trial.new_event(Some(tenant), after(1)))
        };
        let tries: Vec<_> = (0..64).map(new).collect();
        let answers = trial
            .race(tries.len(), |index, store| {
                let (rotation, event) = tries[index].clone();
                let along = Along::event(event);
                async move { store.rotate_family(tenant, id, &rotation, along).await }
            })
            .await;
        let won = |answer: &WriteResult<Generation>| {
            answer.as_ref().is_ok_and(|write| write.refusal().is_none())
        };
        let winner = answers.iter().position(won).unwrap();
        assert_eq!(winners(answers, Refusal::Stale), 1);
        let (rotation, _) = &tries[winner];
        assert_same_family(&trial.family(id).await, &rotated(&family, rotation));
        let mut events: Vec<AuthEvent> = tries.iter().map(|(_, event)| event.clone()).collect();
        assert!(trial.was_written(&events.swap_remove(winner)).await);
        // None of the others is there: all can be written.
        applied(trial.store.record(Along::events(events)).await);
    }
}

// RT-01, CC-01
/// A family that is ended while many rotate it stays ended, with one token more at most.
pub async fn a_rotation_that_races_the_end_does_not_resurrect<S: SecurityStore>(trial: Trial<S>) {
    let (tenant, user) = trial.somebody().await;
    for _ in 0..rounds() {
        let family = trial.begin(trial.new_family(tenant, user)).await;
        let id = family.id;
        let rotated = trial
            .race(16, |index, store| {
                let rotation = trial.new_rotation(family.generation, after(1));
                async move {
                    if index == 7 {
                        let end = store.end_family(tenant, id, after(1), Along::default());
                        applied(end.await);
                        return false;
                    }
                    let rotated = store.rotate_family(tenant, id, &rotation, Along::default());
                    rotated.await.unwrap().applied().is_some()
                }
            })
            .await;
        let rotated = rotated.iter().filter(|rotated| **rotated).count();
        assert!(rotated <= 1);
        let ended = trial.family(id).await;
        assert_eq!(ended.ended_at, Some(after(1)));
        let tokens = usize::try_from(ended.generation.0).unwrap();
        assert_eq!(tokens, 1 + rotated);
        let rotation = trial.new_rotation(ended.generation, after(2));
        let late = trial.rotate(&family, &rotation).await;
        assert_eq!(refused(late), Refusal::NotFound);
    }
}

// RT-01, RT-05
/// An ended family, one past a deadline, an unknown one and one of another tenant are not rotated, whatever the
/// generation.
pub async fn a_family_that_is_over_is_not_rotated<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    let live = trial.begin(trial.new_family(tenant, user)).await;
    let ended = trial.begin(trial.new_family(tenant, user)).await;
    let end = store.end_family(tenant, ended.id, after(1), Along::default());
    applied(end.await);
    let ended = trial.family(ended.id).await;
    let mut used = trial.new_family(tenant, user);
    used.idle_deadline = Timestamp::MAX;
    let used = trial.begin(used).await;
    let elsewhere = RefreshFamily {
        tenant: trial.tenant().await,
        ..live.clone()
    };
    let unknown = RefreshFamily {
        id: RefreshFamilyId::from_bytes(trial.id()),
        ..live.clone()
    };
    for (family, now) in [
        (&ended, after(2)),
        (&ended, START),
        (&live, live.idle_deadline),
        (&live, Timestamp::MAX),
        (&used, used.absolute_deadline),
        (&elsewhere, after(2)),
        (&unknown, after(2)),
    ] {
        for expected in [family.generation, Generation(7)] {
            let rotation = trial.new_rotation(expected, now);
            let rotated = trial.rotate(family, &rotation).await;
            assert_eq!(refused(rotated), Refusal::NotFound);
        }
    }
    for family in [live, ended, used] {
        assert_same_family(&trial.family(family.id).await, &family);
    }
}

// RT-05
/// A family is rotated until the moment before a deadline and not at it.
pub async fn a_rotation_works_before_a_deadline_and_not_at_it<S: SecurityStore>(trial: Trial<S>) {
    let (tenant, user) = trial.somebody().await;
    for (idle, absolute) in [(100, 200), (200, 100), (100, 100)] {
        let mut family = trial.new_family(tenant, user);
        (family.idle_deadline, family.absolute_deadline) = (after(idle), after(absolute));
        let family = trial.begin(family).await;
        let end = after(100);
        let late = trial.new_rotation(family.generation, end);
        let refusal = refused(trial.rotate(&family, &late).await);
        assert_eq!(refusal, Refusal::NotFound);
        let last = trial.new_rotation(family.generation, just_before(end));
        applied(trial.rotate(&family, &last).await);
    }
}

// RT-05
/// However often it is used, a family is over at its absolute deadline: no rotation moves a deadline past it.
pub async fn no_rotation_passes_the_absolute_deadline<S: SecurityStore>(trial: Trial<S>) {
    let (tenant, user) = trial.somebody().await;
    let mut family = trial.begin(trial.new_family(tenant, user)).await;
    for half_hour in 1..48 {
        let mut rotation = trial.new_rotation(family.generation, after(half_hour * 1800));
        if half_hour == 47 {
            rotation.idle_deadline = Timestamp::MAX;
        }
        applied(trial.rotate(&family, &rotation).await);
        family = rotated(&family, &rotation);
        assert_same_family(&trial.family(family.id).await, &family);
    }
    assert_eq!(family.idle_deadline, family.absolute_deadline);
    let rotation = trial.new_rotation(family.generation, after(48 * 1800));
    let refusal = refused(trial.rotate(&family, &rotation).await);
    assert_eq!(refusal, Refusal::NotFound);
}

// RT-02, CC-01
/// A one-time token that travels with a rotation is used up with it or not at all.
pub async fn a_refused_rotation_burns_no_token<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    let token = trial.new_token(TokenKind::Invite, tenant, Some(user));
    let token = trial.issue(token).await;
    let along = || Along::default().with_spend(spend(&token, START));
    let family = trial.begin(trial.new_family(tenant, user)).await;
    let id = family.id;
    for (generation, now, why) in [
        (Generation(2), after(1), Refusal::Stale),
        (family.generation, family.idle_deadline, Refusal::NotFound),
    ] {
        let rotation = trial.new_rotation(generation, now);
        let rotated = store.rotate_family(tenant, id, &rotation, along()).await;
        assert_eq!(refused(rotated), why);
        let there = store.peek(token.id).await.unwrap().unwrap();
        assert_eq!(there.consumed_at, None);
    }
    let rotation = trial.new_rotation(family.generation, after(1));
    applied(store.rotate_family(tenant, id, &rotation, along()).await);
    let there = store.peek(token.id).await.unwrap().unwrap();
    assert_eq!(there.consumed_at, Some(START));
    assert_same_family(&trial.family(id).await, &rotated(&family, &rotation));
}

// CC-04
/// No time makes a rotation panic or fail, and no generation comes round to the first again.
pub async fn rotations_bear_every_time<S: SecurityStore>(trial: Trial<S>) {
    let (tenant, user) = trial.somebody().await;
    for deadline in EXTREMES {
        for now in EXTREMES {
            let mut family = trial.new_family(tenant, user);
            (family.idle_deadline, family.absolute_deadline) = (Timestamp::MAX, deadline);
            let family = trial.begin(family).await;
            for idle_deadline in EXTREMES {
                let mut rotation =
                    trial.new_rotation(trial.family(family.id).await.generation, now);
                rotation.idle_deadline = idle_deadline;
                let before = trial.family(family.id).await;
                let usable = now < before.idle_deadline && now < deadline;
                let done = trial.rotate(&family, &rotation).await.unwrap();
                assert_eq!(done.refusal().is_none(), usable);
                let expected = if usable {
                    rotated(&before, &rotation)
                } else {
                    before
                };
                assert_same_family(&trial.family(family.id).await, &expected);
            }
        }
    }
    let mut last = trial.new_family(tenant, user);
    last.generation = Generation(u32::MAX);
    let last = trial.begin(last).await;
    let rotation = trial.new_rotation(last.generation, after(1));
    // A fault of the store or a refusal: which of them is left to it.
    let rotated = trial.rotate(&last, &rotation).await;
    assert!(rotated.is_err() || rotated.is_ok_and(|write| write.refusal().is_some()));
    assert_same_family(&trial.family(last.id).await, &last);
}
