//! What needs a held-up worker, or one that fails.

use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use portcullis_core::entropy::SeededEntropy;
use portcullis_core::time::Timestamp;
use tokio::task::JoinSet;

use super::*;
use crate::keys::KeyRings;

fn keys() -> KeyRings {
    KeyRings::generate(&SeededEntropy::new(1), Timestamp::UNIX_EPOCH).unwrap()
}

fn password() -> Password {
    Password::new("correct horse").unwrap()
}

fn pool(config: HashPoolConfig, hook: Hook) -> Arc<Argon2Pool> {
    let entropy = Arc::new(SeededEntropy::new(2));
    Arc::new(Argon2Pool::start_hooked(config, keys().into(), entropy, Some(hook)).unwrap())
}

fn one_thread(queue: usize) -> HashPoolConfig {
    HashPoolConfig {
        threads: 1,
        queue,
        max_wait: Duration::from_secs(3600),
        ..HashPoolConfig::default()
    }
}

// TH-02
#[test]
fn the_dummy_hash_costs_what_new_hashes_cost() {
    let config = HashPoolConfig {
        params: Argon2Params {
            memory_kib: 47_104,
            iterations: 1,
            parallelism: 1,
        },
        ..one_thread(1)
    };
    let entropy = Arc::new(SeededEntropy::new(2));
    let pool = Argon2Pool::start(config, keys(), entropy).unwrap();
    assert_eq!(pool.dummy.params, config.params);
}

/// Holds every worker up before each hash until it is opened, or gone.
struct Gate {
    reached: Receiver<()>,
    closed: Sender<()>,
}

impl Gate {
    fn new() -> (Self, Hook) {
        let (tell, reached) = channel();
        let (closed, opened) = channel();
        let (tell, opened) = (Mutex::new(tell), Mutex::new(opened));
        let hook = move || {
            // Where the test is over, its ends are gone, and the worker goes on.
            let _ = tell.lock().unwrap_or_else(PoisonError::into_inner).send(());
            let _ = opened.lock().unwrap_or_else(PoisonError::into_inner).recv();
        };
        (Self { reached, closed }, Arc::new(hook))
    }

    fn wait_for_a_worker(&self) {
        self.reached.recv().unwrap();
    }

    fn open(self) {
        drop(self.closed);
    }
}

async fn verify_nobody(pool: Arc<Argon2Pool>) -> Result<Verification, HashError> {
    pool.verify(&password(), None).await
}

// CC-05, FT-22
#[tokio::test]
async fn a_flood_is_told_to_come_back_and_takes_no_more_memory_than_the_threads() {
    let (gate, hook) = Gate::new();
    let pool = pool(one_thread(2), hook);
    let mut calls = JoinSet::new();
    calls.spawn(verify_nobody(Arc::clone(&pool)));
    // Lets the call be queued, so that the worker has it in hand before the rest comes.
    tokio::task::yield_now().await;
    gate.wait_for_a_worker();
    for _ in 1..50 {
        calls.spawn(verify_nobody(Arc::clone(&pool)));
    }

    let mut refused = 0;
    while refused < 47 {
        match calls.join_next().await.unwrap().unwrap() {
            Err(HashError::Busy { retry_after }) => {
                assert!(retry_after > Duration::ZERO);
                refused += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    gate.open();
    while let Some(call) = calls.join_next().await {
        assert!(call.unwrap().is_ok());
    }
    assert_eq!(pool.hashes_computed(), 3);
    assert_eq!(pool.memory_allocations(), 1);
}

// CC-05
#[tokio::test]
async fn a_caller_who_hangs_up_costs_no_hash() {
    let (gate, hook) = Gate::new();
    let pool = pool(one_thread(2), hook);
    let first = tokio::spawn(verify_nobody(Arc::clone(&pool)));
    tokio::task::yield_now().await;
    gate.wait_for_a_worker();
    let gone = tokio::spawn(verify_nobody(Arc::clone(&pool)));
    let stays = tokio::spawn(verify_nobody(Arc::clone(&pool)));
    tokio::task::yield_now().await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());

    gate.open();
    assert!(first.await.unwrap().is_ok());
    assert!(stays.await.unwrap().is_ok());
    assert_eq!(pool.hashes_computed(), 2);
}

// CC-05
#[tokio::test]
async fn a_caller_who_hangs_up_gives_its_place_free() {
    let (gate, hook) = Gate::new();
    let pool = pool(one_thread(1), hook);
    let first = tokio::spawn(verify_nobody(Arc::clone(&pool)));
    tokio::task::yield_now().await;
    gate.wait_for_a_worker();
    let gone = tokio::spawn(verify_nobody(Arc::clone(&pool)));
    tokio::task::yield_now().await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());

    let next = tokio::spawn(verify_nobody(Arc::clone(&pool)));
    tokio::task::yield_now().await;
    gate.open();
    assert!(first.await.unwrap().is_ok());
    assert!(next.await.unwrap().is_ok());
}

// CC-05
#[tokio::test]
async fn a_hash_that_waited_too_long_is_refused_unhashed() {
    let config = HashPoolConfig {
        // Whatever happens between queueing and taking, it takes a nanosecond.
        max_wait: Duration::from_nanos(1),
        ..one_thread(1)
    };
    let pool = pool(config, Arc::new(|| {}));
    let refused = verify_nobody(Arc::clone(&pool)).await.unwrap_err();
    assert!(matches!(refused, HashError::Busy { .. }), "{refused:?}");
    assert_eq!(pool.hashes_computed(), 0);
}

// FT-26
#[tokio::test]
async fn a_panic_fails_one_hash_and_the_worker_lives() {
    let panics = AtomicBool::new(true);
    let hook = move || assert!(!panics.swap(false, Ordering::SeqCst), "told to");
    let pool = pool(one_thread(1), Arc::new(hook));
    let failed = verify_nobody(Arc::clone(&pool)).await;
    assert_eq!(failed, Err(HashError::Stopped));
    assert!(verify_nobody(pool).await.is_ok());
}

#[tokio::test]
async fn dropping_the_pool_stops_its_threads_and_answers_who_waits() {
    let (gate, hook) = Gate::new();
    let alive = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&alive);
    let hook: Hook = Arc::new(move || {
        let _count = &counted;
        hook();
    });
    let pool = pool(one_thread(1), hook);
    // By hand, since a call through the pool would keep it from being dropped.
    let queue = |shared: &Shared| {
        let (answer, answered) = oneshot::channel();
        let job = Job {
            work: own(
                Argon2Params::default(),
                Zeroizing::new([0; 32]),
                [0; SALT_BYTES],
            ),
            queued_at: Instant::now(),
            answer,
        };
        (shared.queue.push(job, Job::is_wanted), answered)
    };
    let (pushed, begun) = queue(&pool.shared);
    assert_eq!(pushed, Ok(()));
    gate.wait_for_a_worker();
    let (pushed, waiting) = queue(&pool.shared);
    assert_eq!(pushed, Ok(()));
    let shared = Arc::downgrade(&pool.shared);

    gate.open();
    drop(pool);
    // The thread is gone and with it everything it held.
    assert!(shared.upgrade().is_none());
    assert_eq!(Arc::strong_count(&alive), 1);
    assert!(begun.await.unwrap().is_ok());
    // Either the drop came first, or the worker had already taken it.
    assert!(waiting.await.map_or(true, |answer| answer.is_ok()));
}

// CR-05
#[tokio::test]
async fn a_pool_prints_no_secret() {
    let pool = pool(one_thread(1), Arc::new(|| {}));
    let printed = format!("{pool:?}");
    assert!(printed.contains("19456"), "{printed}");
    assert!(!printed.contains("salt") && !printed.contains("keys"));
}

// FT-22
#[cfg(target_os = "linux")]
#[tokio::test]
async fn workers_have_their_name_and_a_lower_priority() {
    let (name, nice) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(None)));
    let (to_name, to_nice) = (Arc::clone(&name), Arc::clone(&nice));
    let hook = move || {
        *to_name.lock().unwrap() = thread::current().name().map(str::to_owned);
        *to_nice.lock().unwrap() = rustix::process::getpriority_process(None).ok();
    };
    let normal = rustix::process::getpriority_process(None).unwrap();
    let pool = pool(one_thread(1), Arc::new(hook));
    assert!(verify_nobody(pool).await.is_ok());
    assert_eq!(name.lock().unwrap().as_deref(), Some("portcullis-hash-0"));
    assert_eq!(*nice.lock().unwrap(), Some((normal + 5).min(19)));
    // Only the workers' own priority changed.
    assert_eq!(rustix::process::getpriority_process(None), Ok(normal));
}
