//! The writer: groups, guards, callers that go away, and others who write beside it.

use std::time::Duration;

use portcullis_core::along::{Refusal, Write};
use portcullis_core::error::StoreErrorKind;
use portcullis_core::event::EventQueryFilter;
use portcullis_core::id::UserId;
use portcullis_core::policy::TenantPolicy;
use portcullis_core::store::{
    AttemptKey, AttemptPurpose, AuditQuery, IdentityAuthnLog, LimitKey, RateLimit, RateLimitStore,
    SessionStore, Settlement,
};

use super::sample::{Call, Held, NOW, Place, SESSION, TENANT, begin, event, fill};
use crate::driver::Driver;
use crate::script::{Done, Expect, Failure, Script, Step};
use crate::sqlite::SqliteStore;
use crate::value::values;

async fn events(store: &SqliteStore) -> usize {
    let filter = EventQueryFilter::default();
    store.audit_events(TENANT, &filter).await.unwrap().len()
}

#[tokio::test]
async fn writes_that_wait_are_committed_as_one() {
    let place = Place::new();
    let store = place.store().await;
    let held = Held::writer_of(&store).await;
    let before = (store.commits(), store.statements());
    let mut waiting: Vec<Call<'_, _>> = (0..64).map(|n| store.record(event(n))).collect();
    for call in &mut waiting {
        begin(call);
    }
    held.release().await;
    for call in waiting {
        assert_eq!(call.await.unwrap(), Write::Applied(()));
    }
    assert_eq!(store.commits() - before.0, 1);
    assert_eq!(store.statements() - before.1, 64);
    assert_eq!(events(&store).await, 64);
}

// FT-02
#[tokio::test]
async fn counts_do_not_wait_for_the_disk_and_whatever_explains_something_does() {
    let place = Place::new();
    let store = place.store().await;
    let key = AttemptKey {
        tenant: TENANT,
        identifier: [7; 32],
        purpose: AttemptPurpose::Password,
    };
    let lockout = TenantPolicy::default().lockout;
    let (limit_key, limit) = (
        LimitKey::new("sign-in", "ip", "192.0.2.1"),
        RateLimit {
            burst: 3,
            period: Duration::from_secs(60),
        },
    );
    let waited = || store.driver().inner.counters.waited();
    let before = waited();
    store.reserve_attempt(&key, &lockout, NOW).await.unwrap();
    store.take(&limit_key, &limit, NOW).await.unwrap();
    store.refund(&limit_key, &limit, NOW).await.unwrap();
    assert_eq!(waited() - before, 0);
    let settled = store.settle_attempt(&key, Settlement::Failed, NOW, event(1));
    assert_eq!(settled.await.unwrap(), Write::Applied(()));
    assert_eq!(waited() - before, 1);
    // In one group with a write that waits, a count waits too.
    let held = Held::writer_of(&store).await;
    let mut reserving = store.reserve_attempt(&key, &lockout, NOW);
    let mut recording = store.record(event(2));
    begin(&mut reserving);
    begin(&mut recording);
    held.release().await;
    reserving.await.unwrap();
    assert_eq!(recording.await.unwrap(), Write::Applied(()));
    assert_eq!(waited() - before, 2);
}

#[tokio::test]
async fn a_refused_write_takes_no_other_of_its_group_with_it() {
    let place = Place::new();
    let store = place.store().await;
    let held = Held::writer_of(&store).await;
    let nobody = UserId::from_integer(404);
    let mut waiting: Vec<Call<'_, _>> = vec![
        store.record(event(1)),
        store.record(event(2).with_epoch_of(TENANT, nobody)),
        store.record(event(1)),
        store.record(event(3)),
    ];
    for call in &mut waiting {
        begin(call);
    }
    held.release().await;
    let mut answers = Vec::new();
    for call in waiting {
        answers.push(call.await.map_err(|error| error.kind()));
    }
    assert_eq!(
        answers,
        [
            Ok(Write::Applied(())),
            Ok(Write::Refused(Refusal::NotFound)),
            Err(StoreErrorKind::Conflict),
            Ok(Write::Applied(())),
        ]
    );
    assert_eq!(events(&store).await, 2);
}

// CC-03
#[tokio::test]
async fn a_write_whose_caller_has_gone_is_finished() {
    let place = Place::new();
    let store = place.store().await;
    fill(&store).await;
    let held = Held::writer_of(&store).await;
    let mut revoking = store.revoke_sessions(TENANT, super::sample::USER, None, NOW);
    begin(&mut revoking);
    drop(revoking);
    held.release().await;
    // The next write waits for the one before it.
    assert!(store.record(event(1)).await.is_ok());
    let session = store.session(SESSION).await.unwrap().unwrap();
    assert_eq!(session.revoked_at, Some(NOW));
}

// CC-03
#[tokio::test]
async fn a_write_that_was_never_begun_does_nothing() {
    let place = Place::new();
    let store = place.store().await;
    drop(store.record(event(1)));
    assert!(store.record(event(2)).await.is_ok());
    assert_eq!(events(&store).await, 1);
}

#[tokio::test]
async fn a_full_queue_is_unavailable_and_no_wait() {
    let place = Place::new();
    let mut options = place.options();
    options.write_queue = 1;
    let store = place.store_with(options).await;
    let held = Held::writer_of(&store).await;
    let mut queued = store.record(event(1));
    begin(&mut queued);
    let refused = store.record(event(2)).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Unavailable);
    held.release().await;
    assert!(queued.await.is_ok());
    assert_eq!(events(&store).await, 1);
}

#[tokio::test]
async fn nothing_to_write_is_no_transaction() {
    let place = Place::new();
    let store = place.store().await;
    let before = (store.commits(), store.statements());
    store.touch_sessions(&[]).await.unwrap();
    assert_eq!((store.commits(), store.statements()), before);
}

// FT-03
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_stores_write_to_one_file_without_a_lock_error() {
    let place = Place::new();
    let server = place.store().await;
    let beside = place.store().await;
    fill(&server).await;
    let writers = (0..8_u64).map(|writer| {
        let store = [&server, &beside][usize::from(writer % 2 == 1)].clone();
        tokio::spawn(async move {
            for number in 0..50 {
                let written = store.record(event(writer * 50 + number)).await;
                assert_eq!(written.unwrap(), Write::Applied(()));
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(events(&server).await, 400);
    assert_eq!(events(&beside).await, 400);
    drop((server, beside));
    place.assert_sound();
}

async fn failure(store: &SqliteStore, step: Step) -> Failure {
    match store.driver().run(Script::of(step)).await {
        Ok(done) => panic!("done: {}", done.changed("the step")),
        Err(failure) => failure,
    }
}

#[tokio::test]
async fn a_guard_that_fails_names_its_step() {
    let place = Place::new();
    let store = place.store().await;
    let nothing = "UPDATE tenants SET name = 'x' WHERE id = x''";
    let step = || Step::new("the step", nothing, values![]);
    match failure(&store, step().one_or(Refusal::NotFound)).await {
        Failure::Refused { step, refusal } => {
            assert_eq!((step, refusal), ("the step", Refusal::NotFound));
        }
        Failure::Store(error) => panic!("{error}"),
    }
    let taken = Step::new(
        "the step",
        "INSERT INTO key_marker (id, marker) VALUES (1, 'a'), (1, 'b')",
        values![],
    );
    for step in [
        step().expect(Expect::Exactly(1)),
        Step::new("the step", "SELECT 1 WHERE 0", values![]).expect(Expect::OneRow),
        Step::new("the step", "SELECT ?", values![]).expect(Expect::Rows),
        taken,
    ] {
        let Failure::Store(error) = failure(&store, step).await else {
            panic!("refused")
        };
        let mut causes =
            std::iter::successors(std::error::Error::source(&error), |error| error.source());
        assert!(
            causes.any(|cause| cause.to_string().contains("`the step`")),
            "{error:?}"
        );
    }
    let none: Result<Done, Failure> = store.driver().run(Script::default()).await;
    assert!(none.is_ok());
}
