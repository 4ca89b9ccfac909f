use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use portcullis_core::error::StoreErrorKind;

use super::*;

/// A store that counts what it did.
#[derive(Debug, Default)]
struct Done(AtomicU64);

impl Done {
    fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl RateLimitStore for Done {
    async fn take(&self, _: &LimitKey, _: &RateLimit, _: Timestamp) -> Result<Taken, StoreError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(Taken::Granted)
    }

    async fn refund(&self, _: &LimitKey, _: &RateLimit, _: Timestamp) -> Result<(), StoreError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn purge_limits(&self, _: Timestamp) -> Result<u64, StoreError> {
        Ok(self.0.fetch_add(1, Ordering::SeqCst))
    }
}

fn store() -> FaultStore<Done> {
    FaultStore::new(Done::default())
}

/// Three calls of one trait, each with an effect.
async fn flow(store: &FaultStore<Done>) -> Result<(), StoreError> {
    let (now, key) = (Timestamp::UNIX_EPOCH, LimitKey::new("a", "b", "c"));
    let limit = RateLimit {
        burst: 1,
        period: Duration::from_secs(1),
    };
    store.take(&key, &limit, now).await?;
    store.refund(&key, &limit, now).await?;
    store.purge_limits(now).await?;
    Ok(())
}

#[tokio::test]
async fn an_unarmed_store_passes_every_call_on_and_counts_it() {
    let store = store();
    flow(&store).await.unwrap();
    assert_eq!((store.calls(), store.healthy().count()), (3, 3));
    assert_eq!(store.faults().methods(), ["take", "refund", "purge_limits"]);
    assert_eq!(store.faults().fired(), None);
}

#[tokio::test]
async fn a_fault_hits_its_call_once_and_counts_from_where_it_was_armed() {
    let store = store();
    flow(&store).await.unwrap();
    let how = How::FailBefore(StoreErrorKind::Corrupt);
    store.arm(Fault { at: 2, how });
    let error = flow(&store).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    assert_eq!((store.calls(), store.healthy().count()), (5, 4));
    let fired = store.faults().fired().unwrap();
    assert_eq!(fired.to_string(), "call 2 (refund): FailBefore(Corrupt)");
    flow(&store).await.unwrap();
    assert_eq!(store.healthy().count(), 7);
}

#[tokio::test]
async fn a_lost_answer_is_of_work_that_was_done() {
    let store = store();
    let how = How::FailAfter;
    store.arm(Fault { at: 1, how });
    let error = flow(&store).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Indeterminate);
    assert_eq!(store.healthy().count(), 1);
}

#[tokio::test]
async fn a_client_that_hangs_up_ends_its_flow_at_the_call() {
    for (how, done) in [
        (How::CancelBefore, 1),
        (How::CancelDuring, 2),
        (How::CancelAfter, 2),
    ] {
        let store = store();
        store.arm(Fault { at: 2, how });
        let end = store.faults().run(flow(&store)).await;
        assert!(matches!(end, End::HungUp));
        assert_eq!(store.healthy().count(), done);
        let end = store.faults().run(flow(&store)).await;
        assert!(matches!(end, End::Answered(Ok(()))));
    }
}

#[tokio::test]
async fn a_call_in_a_task_of_its_own_hangs_up_the_flow_that_waits_for_it() {
    let store = store();
    let how = How::CancelAfter;
    store.arm(Fault { at: 3, how });
    let inner = store.clone();
    let task = tokio::spawn(async move { flow(&inner).await });
    assert!(matches!(store.faults().run(task).await, End::HungUp));
}

#[tokio::test]
async fn a_disarmed_fault_does_not_happen() {
    let store = store();
    let how = How::CancelBefore;
    store.arm(Fault { at: 1, how });
    store.faults().disarm();
    flow(&store).await.unwrap();
}

#[tokio::test]
async fn a_flow_is_run_for_every_call_and_every_way_to_fail() {
    let runs = RefCell::new(Vec::new());
    let calls = for_every_fault(
        &How::ALL,
        async || store(),
        flow,
        async |store: &FaultStore<Done>, run: Run<Result<(), StoreError>>| {
            let Some(fired) = run.fault else {
                assert!(matches!(run.end, End::Answered(Ok(()))));
                return;
            };
            let Fault { at, how } = fired.fault;
            // This store does its work at the first poll.
            let done = at - u64::from(how.effect() == Some(false));
            assert_eq!(store.healthy().count(), done, "{fired}");
            let hung_up = matches!(run.end, End::HungUp);
            assert_eq!(hung_up, how.hangs_up(), "{fired}");
            runs.borrow_mut().push((how, at));
        },
    )
    .await;
    assert_eq!(calls, 3);
    let expected = How::ALL.iter().flat_map(|how| (1..=3).map(|at| (*how, at)));
    assert_eq!(*runs.borrow(), expected.collect::<Vec<_>>());
}

#[tokio::test]
#[should_panic(expected = "the flow never asks the store")]
async fn a_flow_that_never_asks_the_store_shows_nothing() {
    let idle = async |_: &FaultStore<Done>| ();
    let check = async |_: &FaultStore<Done>, _: Run<()>| ();
    for_every_fault(&How::ALL, async || store(), idle, check).await;
}
