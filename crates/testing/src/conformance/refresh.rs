//! Refresh families: opened, read, ended. The row is all a family ever has.

use portcullis_core::along::{Along, Refusal};
use portcullis_core::entity::Epoch;
use portcullis_core::error::StoreErrorKind;
use portcullis_core::event::AuthEvent;
use portcullis_core::id::RefreshFamilyId;
use portcullis_core::refresh::{Generation, RefreshFamily, SpentToken};
use portcullis_core::state::{EntityState, Status};
use portcullis_core::store::SecurityStore;

use super::expect::{applied, assert_same_family, refused, winners};
use super::sample::{EXTREMES, START, after, just_before};
use super::sessions::MANY;
use super::trial::{Trial, rounds};

impl<S: SecurityStore> Trial<S> {
    /// Stores a family.
    pub(super) async fn begin(&self, family: RefreshFamily) -> RefreshFamily {
        let opened = self.store.open_family(&family, MANY, Along::default());
        applied(opened.await);
        family
    }

    /// The family as it is stored.
    pub(super) async fn family(&self, id: RefreshFamilyId) -> RefreshFamily {
        let resolved = self.store.resolve_family(id).await.unwrap();
        resolved.unwrap().family
    }

    pub(super) async fn has_family(&self, id: RefreshFamilyId) -> bool {
        self.store.resolve_family(id).await.unwrap().is_some()
    }

    /// Whether an event was written. It is now: asked twice, it is there.
    pub(super) async fn was_written(&self, event: &AuthEvent) -> bool {
        match self.store.record(Along::event(event.clone())).await {
            Err(error) => {
                assert_eq!(error.kind(), StoreErrorKind::Conflict);
                true
            }
            written => {
                applied(written);
                false
            }
        }
    }
}

/// A family reads back as it was opened, with its owner's state.
pub async fn a_family_reads_back_whole<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    let mut grown = trial.new_family(tenant, user);
    grown.generation = Generation(u32::MAX);
    grown.spent = Some(SpentToken {
        digest: trial.new_digest(),
        spent_at: after(5),
        successor: trial.sealed(),
    });
    let mut bare = trial.new_family(tenant, user);
    (bare.scopes, bare.device) = (None, Default::default());
    for family in [trial.new_family(tenant, user), grown, bare] {
        let family = trial.begin(family).await;
        let resolved = store.resolve_family(family.id).await.unwrap().unwrap();
        assert_same_family(&resolved.family, &family);
        let subject = store.subject_state(tenant, user).await.unwrap();
        assert_eq!(Some(resolved.subject), subject);
    }
    assert!(!trial.has_family(trial.new_family(tenant, user).id).await);
}

/// Nobody, and nobody of another tenant, gets a family.
pub async fn a_family_needs_an_owner<S: SecurityStore>(trial: Trial<S>) {
    let (tenant, user) = trial.somebody().await;
    let elsewhere = trial.tenant().await;
    for (tenant, user) in [(tenant, trial.nobody()), (elsewhere, user)] {
        let family = trial.new_family(tenant, user);
        let event = trial.new_event(Some(tenant), START);
        let along = Along::event(event.clone());
        let opened = trial.store.open_family(&family, MANY, along).await;
        assert_eq!(refused(opened), Refusal::NotFound);
        assert!(!trial.has_family(family.id).await);
        assert!(!trial.was_written(&event).await);
    }
}

/// An id that was used opens no second family, neither a live one's nor an ended one's, and nobody makes room for it.
pub async fn a_used_family_id_is_never_used_again<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    let stranger = trial.somebody().await;
    let ended = trial.begin(trial.new_family(tenant, user)).await.id;
    let end = store.end_family(tenant, ended, after(1), Along::default());
    applied(end.await);
    let live = trial.begin(trial.new_family(tenant, user)).await.id;
    let other = trial.begin(trial.new_family(tenant, user)).await;
    for id in [live, ended] {
        let before = trial.family(id).await;
        for mut family in [
            trial.new_family(tenant, user),
            trial.new_family(stranger.0, stranger.1),
        ] {
            family.id = id;
            let event = trial.new_event(Some(tenant), START);
            let along = Along::event(event.clone());
            let opened = store.open_family(&family, 1, along).await;
            assert_eq!(refused(opened), Refusal::Exists);
            assert!(!trial.was_written(&event).await);
        }
        assert_same_family(&trial.family(id).await, &before);
        assert_same_family(&trial.family(other.id).await, &other);
    }
}

// CC-01
/// Of many who open a family with one id at once, one does.
pub async fn one_of_many_gets_a_family_id<S: SecurityStore>(trial: Trial<S>) {
    let tenant = trial.tenant().await;
    let people = [trial.person(tenant).await, trial.person(tenant).await];
    for _ in 0..rounds() / 4 {
        let id = trial.new_family(tenant, people[0]).id;
        let opened = trial
            .race(32, |index, store| {
                let mut family = trial.new_family(tenant, people[index % 2]);
                family.id = id;
                async move { store.open_family(&family, MANY, Along::default()).await }
            })
            .await;
        assert_eq!(winners(opened, Refusal::Exists), 1);
    }
}

/// A family is resolved in whatever condition, and what happened to its owner and tenant shows in the next read: what
/// that means is decided elsewhere.
pub async fn a_family_is_resolved_in_whatever_condition<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    let mut over = trial.new_family(tenant, user);
    (over.idle_deadline, over.absolute_deadline) = (START, START);
    let over = trial.begin(over).await;
    assert_same_family(&trial.family(over.id).await, &over);

    let id = trial.begin(trial.new_family(tenant, user)).await.id;
    let resolve = || async { store.resolve_family(id).await.unwrap().unwrap() };
    applied(store.bump_epoch(tenant, user, Along::default()).await);
    let resolved = resolve().await;
    assert_eq!(resolved.subject.epoch, Epoch(1));
    assert_eq!(resolved.family.epoch, Epoch(0));

    let suspended = Status::new(EntityState::Suspended, after(1));
    let set = store.set_state(tenant, user, &suspended, Along::default());
    applied(set.await);
    assert_eq!(resolve().await.subject.user_status, suspended);

    let mut security = store.tenant_security(tenant).await.unwrap().unwrap();
    security.status = suspended.clone();
    applied(store.set_tenant_security(&security, Along::default()).await);
    assert_eq!(resolve().await.subject.tenant_status, suspended);

    let ended = store.end_family(tenant, id, after(2), Along::default());
    applied(ended.await);
    assert_eq!(resolve().await.family.ended_at, Some(after(2)));
}

// RT-01
/// A family is ended once, past its deadlines too, so that its event is written once.
pub async fn a_family_is_ended_once<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    let elsewhere = trial.tenant().await;
    let unknown = trial.new_family(tenant, user).id;
    for now in [after(1), after(3600), after(86_400)] {
        let family = trial.begin(trial.new_family(tenant, user)).await;
        for (tenant, id) in [(elsewhere, family.id), (tenant, unknown)] {
            let event = trial.new_event(Some(tenant), now);
            let end = store.end_family(tenant, id, now, Along::event(event.clone()));
            assert_eq!(refused(end.await), Refusal::NotFound);
            assert!(!trial.was_written(&event).await);
        }
        assert_same_family(&trial.family(family.id).await, &family);

        let [first, second] = [now, now].map(|at| trial.new_event(Some(tenant), at));
        let end = store.end_family(tenant, family.id, now, Along::event(first.clone()));
        applied(end.await);
        let along = Along::event(second.clone());
        let end = store.end_family(tenant, family.id, after(90_000), along);
        assert_eq!(refused(end.await), Refusal::NotFound);
        assert!(trial.was_written(&first).await);
        assert!(!trial.was_written(&second).await);
        let ended = RefreshFamily {
            ended_at: Some(now),
            ..family
        };
        assert_same_family(&trial.family(ended.id).await, &ended);
    }
}

// RT-01, CC-01
/// Of many who end one family at once, one does.
pub async fn one_of_many_ends_a_family<S: SecurityStore>(trial: Trial<S>) {
    let (tenant, user) = trial.somebody().await;
    for _ in 0..rounds() / 4 {
        let id = trial.begin(trial.new_family(tenant, user)).await.id;
        let ended = trial
            .race(32, |_, store| async move {
                let end = store.end_family(tenant, id, after(1), Along::default());
                end.await
            })
            .await;
        assert_eq!(winners(ended, Refusal::NotFound), 1);
    }
}

/// Every live family of a person is ended and counted, an idle one too, nobody else's with them.
pub async fn all_live_families_of_a_person_are_ended<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    let mut theirs = Vec::new();
    for idle in [1, 3600, 3600] {
        let mut family = trial.new_family(tenant, user);
        family.idle_deadline = after(idle);
        theirs.push(trial.begin(family).await.id);
    }
    let mut over = trial.new_family(tenant, user);
    over.absolute_deadline = after(5);
    let ended = trial.begin(trial.new_family(tenant, user)).await.id;
    let end = store.end_family(tenant, ended, after(1), Along::default());
    applied(end.await);
    let other = trial.person(tenant).await;
    let elsewhere = trial.somebody().await;
    let mut untouched = vec![trial.family(ended).await];
    for family in [
        over,
        trial.new_family(tenant, other),
        trial.new_family(elsewhere.0, elsewhere.1),
    ] {
        untouched.push(trial.begin(family).await);
    }

    let end = |tenant, user| store.end_families(tenant, user, after(5), Along::default());
    for (tenant, user, many) in [
        (elsewhere.0, user, 0),
        (tenant, trial.nobody(), 0),
        (tenant, user, 3),
        (tenant, user, 0),
    ] {
        assert_eq!(applied(end(tenant, user).await), many);
    }
    for id in theirs {
        assert_eq!(trial.family(id).await.ended_at, Some(after(5)));
    }
    for family in untouched {
        assert_same_family(&trial.family(family.id).await, &family);
    }
}

/// Rows past their absolute deadline are removed and counted; an ended family's stays until then.
pub async fn pruning_removes_families_past_their_absolute_deadline<S: SecurityStore>(
    trial: Trial<S>,
) {
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    let mut old = Vec::new();
    for _ in 0..3 {
        old.push(trial.begin(trial.new_family(tenant, user)).await.id);
    }
    let end = store.end_family(tenant, old[0], after(1), Along::default());
    applied(end.await);
    let mut kept = trial.new_family(tenant, user);
    kept.absolute_deadline = after(86_401);
    let kept = trial.begin(kept).await;
    let end = after(86_400);
    assert_eq!(store.prune_families(just_before(end)).await.unwrap(), 0);
    assert_eq!(trial.family(old[0]).await.ended_at, Some(after(1)));
    assert_eq!(store.prune_families(end).await.unwrap(), 3);
    assert_eq!(store.prune_families(end).await.unwrap(), 0);
    for id in old {
        assert!(!trial.has_family(id).await);
    }
    assert_same_family(&trial.family(kept.id).await, &kept);
}

// CC-04
/// No time makes a family panic or fail.
pub async fn families_bear_every_time<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.tenant().await;
    for deadline in EXTREMES {
        let user = trial.person(tenant).await;
        for now in EXTREMES {
            let mut family = trial.new_family(tenant, user);
            (family.created_at, family.assurance.at) = (now, now);
            (family.idle_deadline, family.absolute_deadline) = (deadline, deadline);
            let opened = store.open_family(&family, 1, Along::default()).await;
            applied(opened);
            assert_same_family(&trial.family(family.id).await, &family);
            let ended = store.end_families(tenant, user, now, Along::default());
            assert_eq!(applied(ended.await), u64::from(now < deadline));
            let ended = store.end_family(tenant, family.id, now, Along::default());
            assert_eq!(ended.await.unwrap().applied().is_some(), now >= deadline);
        }
    }
    for now in EXTREMES {
        store.prune_families(now).await.unwrap();
    }
}
