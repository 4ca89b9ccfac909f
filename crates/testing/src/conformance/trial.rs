//! One store on trial: made fresh for one case, asked by one caller or by many at once.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use portcullis_core::entropy::{SeededEntropy, random_bytes};

/// Runs a task beside the others, as `tokio::spawn` does.
pub type Spawn = fn(Pin<Box<dyn Future<Output = ()> + Send>>);

/// What a case gets its store from: the store, the store with what must outlive it, such as a temporary folder, or
/// perhaps neither.
pub trait Fixture {
    /// The store.
    type Store;

    /// A handle to it; `None` where there is no such store on this machine, and the case is not tried.
    fn store(&self) -> Option<Arc<Self::Store>>;
}

impl<S> Fixture for Arc<S> {
    type Store = S;

    fn store(&self) -> Option<Arc<S>> {
        Some(Self::clone(self))
    }
}

impl<S, G> Fixture for (Arc<S>, G) {
    type Store = S;

    fn store(&self) -> Option<Arc<S>> {
        Some(Arc::clone(&self.0))
    }
}

impl<F: Fixture> Fixture for Option<F> {
    type Store = F::Store;

    fn store(&self) -> Option<Arc<F::Store>> {
        self.as_ref().and_then(F::store)
    }
}

/// A fresh store, and what a case needs around it.
pub struct Trial<S> {
    pub(super) store: Arc<S>,
    spawn: Spawn,
    entropy: SeededEntropy,
}

impl<S> std::fmt::Debug for Trial<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trial").finish_non_exhaustive()
    }
}

impl<S> Trial<S> {
    /// A trial of an empty store on the runtime of `spawn`.
    #[must_use]
    pub fn new(store: Arc<S>, spawn: Spawn) -> Self {
        Self {
            store,
            spawn,
            entropy: SeededEntropy::new(1),
        }
    }

    /// Bytes for an id that no other call gave.
    pub(super) fn id(&self) -> [u8; 16] {
        random_bytes(&self.entropy).unwrap()
    }

    /// An even random number below `bound`, the same in every run.
    pub(super) fn below(&self, bound: u64) -> u64 {
        u64::from_le_bytes(random_bytes(&self.entropy).unwrap()) % bound
    }
}

impl<S: Send + Sync + 'static> Trial<S> {
    /// Runs `many` tasks that start together; their answers, in the order of the tasks.
    pub(super) async fn race<T, F>(&self, many: usize, task: impl Fn(usize, Arc<S>) -> F) -> Vec<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let gate = Arc::new(AtomicUsize::new(0));
        let finish = Arc::new(Mutex::new(Finish::new(many)));
        for index in 0..many {
            let (gate, arrival) = (Arc::clone(&gate), Arrival(Arc::clone(&finish)));
            let work = task(index, Arc::clone(&self.store));
            (self.spawn)(Box::pin(async move {
                gate.fetch_add(1, Ordering::SeqCst);
                poll_fn(|context| {
                    if gate.load(Ordering::SeqCst) == many {
                        return Poll::Ready(());
                    }
                    context.waker().wake_by_ref();
                    Poll::Pending
                })
                .await;
                arrival.answer(index, work.await);
            }));
        }
        poll_fn(|context| {
            let mut finish = finish.lock().unwrap();
            if finish.running == 0 {
                return Poll::Ready(());
            }
            finish.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
        let answers = std::mem::take(&mut finish.lock().unwrap().answers);
        let answers: Option<Vec<T>> = answers.into_iter().collect();
        answers.expect("a task of the race panicked, see above")
    }
}

/// Where the tasks of a race leave their answers.
struct Finish<T> {
    answers: Vec<Option<T>>,
    running: usize,
    waker: Option<Waker>,
}

impl<T> Finish<T> {
    fn new(many: usize) -> Self {
        Self {
            answers: std::iter::repeat_with(|| None).take(many).collect(),
            running: many,
            waker: None,
        }
    }
}

/// A task's way to the finish; a task that panics arrives without an answer.
struct Arrival<T>(Arc<Mutex<Finish<T>>>);

impl<T> Arrival<T> {
    fn answer(&self, index: usize, answer: T) {
        let mut finish = self.0.lock().unwrap();
        if let Some(place) = finish.answers.get_mut(index) {
            *place = Some(answer);
        }
    }
}

impl<T> Drop for Arrival<T> {
    fn drop(&mut self) {
        if let Ok(mut finish) = self.0.lock() {
            finish.running -= 1;
            if let Some(waker) = finish.waker.take() {
                waker.wake();
            }
        }
    }
}

/// How often a race is run: 20 times, 200 times where `PORTCULLIS_LONG` is set.
pub(super) fn rounds() -> usize {
    if std::env::var_os("PORTCULLIS_LONG").is_some() {
        200
    } else {
        20
    }
}
