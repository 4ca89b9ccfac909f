//! The audit log after somebody was erased: every event is there, and tells of nobody.

use portcullis_core::along::Along;
use portcullis_core::entity::Erasure;
use portcullis_core::event::{AuthEvent, AuthEventType, EventQueryFilter};
use portcullis_core::net::ClientInfo;
use portcullis_core::state::{EntityState, Status};
use portcullis_core::store::{AuditQuery, SecurityStore};
use serde_json::Value;

use super::expect::applied;
use super::sample::{START, after};
use super::trial::Trial;

/// ERA-3: events about the person keep what happened and lose from where and with what; what they did to others keeps
/// what belongs to it; all others stay as they were, and so does the event that explains the erasure.
pub async fn an_erased_persons_events_stay_and_tell_of_nobody<S>(trial: Trial<S>)
where
    S: AuditQuery + SecurityStore,
{
    let store = &trial.store;
    let (tenant, user) = trial.somebody().await;
    let (elsewhere, _) = trial.somebody().await;
    let of = |tenant, subject, actor| {
        let mut event = trial.new_event(tenant, START);
        (event.subject, event.actor) = (subject, actor);
        event
    };
    let (nobody, here) = (Some(trial.nobody()), Some(tenant));
    let about = of(here, Some(user), nobody);
    let unscoped = of(None, Some(user), nobody);
    let own = of(here, Some(user), Some(user));
    let deed = of(here, nobody, Some(user));
    let others = of(here, nobody, nobody);
    let stranger = of(Some(elsewhere), nobody, nobody);
    let mut expected = vec![about, unscoped, own, deed, others, stranger];
    applied(store.record(Along::events(expected.clone())).await);
    let closed = Status::new(EntityState::Terminated, after(1));
    applied(
        store
            .set_state(tenant, user, &closed, Along::default())
            .await,
    );
    let mut told = of(here, Some(user), None);
    told.kind = AuthEventType::AccountErased;
    let erasure = Erasure {
        tenant,
        user,
        identifiers: Vec::new(),
        until: after(2),
        attempts: Vec::new(),
        now: after(2),
    };
    let along = Along::event(told.clone());
    applied(store.erase_account(&erasure, along).await);
    for event in &mut expected[..4] {
        event.client = ClientInfo::default();
    }
    for event in &mut expected[..3] {
        event.detail = Value::Null;
    }
    expected.push(told);
    let everything = EventQueryFilter::default();
    let mut seen = store.audit_events(tenant, &everything).await.unwrap();
    let theirs = store.audit_events(elsewhere, &everything).await.unwrap();
    seen.extend(theirs.into_iter().filter(|event| event.tenant.is_some()));
    let by_id = |event: &AuthEvent| event.id;
    seen.sort_by_key(by_id);
    expected.sort_by_key(by_id);
    assert_eq!(seen, expected);
}
