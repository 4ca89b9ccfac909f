//! The audit log: what a reader may see, and that nothing goes unexplained.

use std::cmp::Reverse;

use portcullis_core::along::Along;
use portcullis_core::event::{
    AuthEvent, AuthEventStatus, AuthEventType, EVENT_QUERY_CAP, EventQueryFilter, Reason,
};
use portcullis_core::id::{EventId, TenantId, UserId};
use portcullis_core::store::{AuditQuery, SecurityStore};
use portcullis_core::verification::TokenKind;

use super::expect::{applied, refused};
use super::operation::Operation;
use super::sample::{EXTREMES, START, after};
use super::scene::{Aim, Scene};
use super::trial::Trial;

impl<S: SecurityStore + AuditQuery> Trial<S> {
    async fn log(&self, events: &[AuthEvent]) {
        let along = Along::events(events.iter().cloned());
        applied(self.store.record(along).await);
    }

    async fn seen(&self, tenant: TenantId, filter: &EventQueryFilter) -> Vec<AuthEvent> {
        self.store.audit_events(tenant, filter).await.unwrap()
    }
}

fn ids(events: &[AuthEvent]) -> Vec<EventId> {
    events.iter().map(|event| event.id).collect()
}

/// An event reads back as it was written, with everything or with next to nothing.
pub async fn an_event_reads_back_whole<S>(trial: Trial<S>)
where
    S: AuditQuery + SecurityStore,
{
    let tenant = trial.tenant().await;
    let mut bare = trial.new_event(None, after(1));
    (bare.subject, bare.actor, bare.reason) = (None, None, None);
    (bare.client, bare.detail) = (Default::default(), serde_json::Value::Null);
    let whole = trial.new_event(Some(tenant), START);
    let mut events = vec![bare, whole];
    for (kind, reason) in AuthEventType::ALL.iter().zip(Reason::ALL) {
        let mut event = trial.new_event(Some(tenant), START);
        (event.kind, event.reason) = (*kind, Some(*reason));
        events.push(event);
    }
    trial.log(&events).await;
    events.sort_by_key(|event| Reverse((event.at, event.id)));
    let seen = trial.seen(tenant, &EventQueryFilter::default()).await;
    assert_eq!(seen, events);
}

/// Events come newest first, those of one moment by id, and no more than asked for or capped.
pub async fn events_come_newest_first<S>(trial: Trial<S>)
where
    S: AuditQuery + SecurityStore,
{
    let tenant = trial.tenant().await;
    let all = u64::from(EVENT_QUERY_CAP) + 5;
    let mut events: Vec<AuthEvent> = (0..all)
        .map(|_| trial.new_event(Some(tenant), after(trial.below(200))))
        .collect();
    trial.log(&events).await;
    events.sort_by_key(|event| Reverse((event.at, event.id)));
    let newest = ids(&events);
    for (limit, many) in [(1, 1), (7, 7), (0, 1000), (1000, 1000), (u32::MAX, 1000)] {
        let filter = EventQueryFilter {
            limit,
            ..EventQueryFilter::default()
        };
        let seen = trial.seen(tenant, &filter).await;
        assert_eq!(Some(&*ids(&seen)), newest.get(..many));
    }
}

/// A reader sees the events of their tenant, and those of none where they ask for them.
pub async fn a_reader_sees_their_tenants_events<S>(trial: Trial<S>)
where
    S: AuditQuery + SecurityStore,
{
    let (tenant, elsewhere) = (trial.tenant().await, trial.tenant().await);
    let ours = trial.new_event(Some(tenant), after(1));
    let theirs = trial.new_event(Some(elsewhere), after(2));
    let unscoped = trial.new_event(None, after(3));
    trial
        .log(&[ours.clone(), theirs.clone(), unscoped.clone()])
        .await;
    let scoped = EventQueryFilter {
        include_unscoped: false,
        ..EventQueryFilter::default()
    };
    let by_default = trial.seen(tenant, &EventQueryFilter::default()).await;
    assert_eq!(ids(&by_default), [unscoped.id, ours.id]);
    let seen = trial.seen(tenant, &scoped).await;
    assert_eq!(ids(&seen), [ours.id]);
    let about_theirs = EventQueryFilter {
        user_id: theirs.subject,
        ..EventQueryFilter::default()
    };
    assert_eq!(trial.seen(tenant, &about_theirs).await, []);
    let seen = trial.seen(elsewhere, &about_theirs).await;
    assert_eq!(ids(&seen), [theirs.id]);
}

/// The store lets through what `EventQueryFilter::matches` does, whatever the filter.
pub async fn filters_mean_what_they_say<S>(trial: Trial<S>)
where
    S: AuditQuery + SecurityStore,
{
    let tenants = [trial.tenant().await, trial.tenant().await];
    let people: Vec<UserId> = (0..3).map(|_| trial.nobody()).collect();
    let kinds = AuthEventType::ALL.get(..3).unwrap();
    let tenant = || tenants[usize::from(trial.below(2) == 1)];
    let person = || pick(&trial, &people);
    let kind = || pick(&trial, kinds);
    let status = || pick(&trial, AuthEventStatus::ALL);
    let mut events = Vec::new();
    for _ in 0..200 {
        let scope = maybe(&trial, 4, tenant);
        let mut event = trial.new_event(scope, after(trial.below(20)));
        (event.kind, event.status) = (kind(), status());
        event.subject = maybe(&trial, 4, person);
        events.push(event);
    }
    trial.log(&events).await;
    events.sort_by_key(|event| Reverse((event.at, event.id)));
    for _ in 0..200 {
        let filter = EventQueryFilter {
            user_id: maybe(&trial, 1, person),
            event_type: maybe(&trial, 1, kind),
            status: maybe(&trial, 1, status),
            from: maybe(&trial, 1, || after(trial.below(20))),
            until: maybe(&trial, 1, || after(trial.below(20))),
            include_unscoped: trial.below(2) == 1,
            limit: 0,
        };
        let reader = tenant();
        let passes = |event: &&AuthEvent| filter.matches(reader, event);
        let expected: Vec<AuthEvent> = events.iter().filter(passes).cloned().collect();
        let seen = trial.seen(reader, &filter).await;
        assert_eq!(ids(&seen), ids(&expected), "{filter:?}");
    }
}

fn pick<S, T: Copy>(trial: &Trial<S>, of: &[T]) -> T {
    let index = usize::try_from(trial.below(of.len() as u64)).unwrap();
    of[index]
}

/// None once in `odds + 1` times.
fn maybe<S, T>(trial: &Trial<S>, odds: u64, some: impl Fn() -> T) -> Option<T> {
    (trial.below(odds + 1) > 0).then(some)
}

/// Every write commits its event with its effect.
pub async fn events_commit_with_their_effect<S>(trial: Trial<S>)
where
    S: AuditQuery + SecurityStore,
{
    for operation in Operation::ALL {
        let scene = Scene::new(&trial, operation).await;
        applied(scene.run(&trial, Aim::Right, scene.along(&trial)).await);
        let seen = trial.seen(scene.tenant, &EventQueryFilter::default()).await;
        assert_eq!(ids(&seen), [scene.event], "{operation:?}");
    }
}

/// A refused effect and a token that does not work leave no event.
pub async fn a_refused_write_leaves_no_event<S>(trial: Trial<S>)
where
    S: AuditQuery + SecurityStore,
{
    for operation in Operation::ALL {
        let scene = Scene::new(&trial, operation).await;
        if operation.refusal().is_some() {
            refused(scene.run(&trial, Aim::Wrong, scene.along(&trial)).await);
        }
        let mut along = scene.along(&trial);
        if let Some(spend) = &mut along.spend {
            spend.kind = TokenKind::Invite;
        }
        refused(scene.run(&trial, Aim::Right, along).await);
        let seen = trial.seen(scene.tenant, &EventQueryFilter::default()).await;
        assert_eq!(seen, [], "{operation:?}");
    }
}

// CC-04
/// No time makes the log panic or fail.
pub async fn events_bear_every_time<S>(trial: Trial<S>)
where
    S: AuditQuery + SecurityStore,
{
    let tenant = trial.tenant().await;
    let new = |at| trial.new_event(Some(tenant), at);
    let mut events: Vec<AuthEvent> = EXTREMES.into_iter().map(new).collect();
    trial.log(&events).await;
    events.reverse();
    let everything = EventQueryFilter::default();
    assert_eq!(trial.seen(tenant, &everything).await, events);
    for from in EXTREMES {
        for until in EXTREMES {
            let filter = EventQueryFilter {
                from: Some(from),
                until: Some(until),
                ..EventQueryFilter::default()
            };
            let within = |event: &AuthEvent| from <= event.at && event.at < until;
            let expected = events.iter().filter(|event| within(event));
            let seen = trial.seen(tenant, &filter).await;
            assert_eq!(seen.len(), expected.count());
        }
    }
}
