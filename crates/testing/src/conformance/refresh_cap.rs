//! No more live refresh families than the cap.

use portcullis_core::along::Along;
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::refresh::RefreshFamily;
use portcullis_core::store::SecurityStore;

use super::expect::{applied, assert_same_family};
use super::sample::{START, after};
use super::trial::{Trial, rounds};

impl<S: SecurityStore> Trial<S> {
    /// Opens a family `at` a moment under a cap.
    async fn begin_within(&self, cap: u32, at: u64, mut family: RefreshFamily) -> RefreshFamily {
        family.created_at = after(at);
        let opened = self.store.open_family(&family, cap, Along::default());
        applied(opened.await);
        family
    }
}

/// The families unused for longest make room for a new one; ended ones and those past their end need not.
pub async fn the_longest_unused_families_make_room<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    let other = trial.person(tenant).await;
    let elsewhere = trial.somebody().await;
    let new = |idle| RefreshFamily {
        idle_deadline: after(idle),
        ..trial.new_family(tenant, user)
    };
    let ended = trial.begin_within(9, 0, new(10)).await.id;
    let end = store.end_family(tenant, ended, after(1), Along::default());
    applied(end.await);
    let mut over = new(20);
    over.absolute_deadline = after(50);
    let mut untouched = vec![trial.family(ended).await];
    for family in [
        over,
        trial.new_family(tenant, other),
        trial.new_family(elsewhere.0, elsewhere.1),
    ] {
        untouched.push(trial.begin_within(9, 0, family).await);
    }
    let used_lately = trial.begin_within(9, 1, new(900)).await;
    // Past its idle deadline, and its access tokens count all the same.
    let unused = trial.begin_within(9, 5, new(30)).await;
    // Of those that end at one moment the one opened first goes first, and of those the one with the lower id.
    let mut tied = [new(800), new(800), new(800)];
    tied.sort_by_key(|family| family.id);
    let [second, third, first] = tied;
    let first = trial.begin_within(9, 2, first).await;
    let third = trial.begin_within(9, 3, third).await;
    let second = trial.begin_within(9, 3, second).await;

    let newest = trial.begin_within(3, 50, new(3000)).await;
    for gone in [&unused, &first, &second] {
        assert_eq!(trial.family(gone.id).await.ended_at, Some(after(50)));
    }
    untouched.extend([used_lately.clone(), third.clone(), newest.clone()]);
    for family in &untouched {
        assert_same_family(&trial.family(family.id).await, family);
    }

    let last = trial.begin_within(1, 51, new(10)).await;
    for gone in [&used_lately, &third, &newest] {
        assert_eq!(trial.family(gone.id).await.ended_at, Some(after(51)));
    }
    assert_same_family(&trial.family(last.id).await, &last);
}

// CC-01
/// A hundred families opened at once leave as many as the cap allows.
pub async fn a_hundred_openings_leave_the_cap<S: SecurityStore>(trial: Trial<S>) {
    let tenant = trial.tenant().await;
    for _ in 0..rounds() / 4 {
        crowd(&trial, tenant, 0, 100).await;
    }
}

// CC-01
/// Two families opened at once that both see the last free place do not pass the cap either.
pub async fn the_last_place_for_a_family_is_taken_once<S: SecurityStore>(trial: Trial<S>) {
    let tenant = trial.tenant().await;
    for _ in 0..rounds() {
        crowd(&trial, tenant, 4, 2).await;
    }
}

/// Opens some families under a cap of five, then others at once; five remain.
async fn crowd<S>(trial: &Trial<S>, tenant: TenantId, before: usize, at_once: usize)
where
    S: SecurityStore,
{
    let user: UserId = trial.person(tenant).await;
    let new = |_| trial.new_family(tenant, user);
    let families: Vec<RefreshFamily> = (0..before + at_once).map(new).collect();
    for family in &families[..before] {
        trial.begin_within(5, 0, family.clone()).await;
    }
    let opened = trial
        .race(at_once, |index, store| {
            let family = families[before + index].clone();
            async move { store.open_family(&family, 5, Along::default()).await }
        })
        .await;
    for opened in opened {
        applied(opened);
    }
    let mut live = 0;
    for family in &families {
        live += u32::from(trial.family(family.id).await.is_live(START));
    }
    assert_eq!(live, 5);
}
