//! One run for every call of a flow and every way to fail.

use super::plan::{End, Fault, Faults, Fired, How};

/// A run that is over. The store is healthy again.
#[derive(Clone, Copy, Debug)]
pub struct Run<T> {
    /// What went wrong; `None` in the run that shows how the flow goes where nothing does.
    pub fault: Option<Fired>,
    /// How the flow ended.
    pub end: End<T>,
}

/// Runs a flow once as it is, and then once for every store call it made and every way to fail, each in a world of its
/// own; `check` looks at the world after each. Returns how many calls the flow makes.
///
/// A panic in `check` is the test's failure; which fault it was stands on the standard error output before it.
///
/// # Panics
/// Where the flow makes no call at all, and where it makes fewer than the first time, so that a fault does not happen.
#[expect(
    clippy::panic,
    reason = "this is test code, published as a library: a failed expectation is a panic"
)]
pub async fn for_every_fault<W, T>(
    hows: &[How],
    make_world: impl AsyncFn() -> W,
    run_flow: impl AsyncFn(&W) -> T,
    check: impl AsyncFn(&W, Run<T>),
) -> u64
where
    W: AsRef<Faults>,
{
    let world = make_world().await;
    let before = world.as_ref().calls();
    let end = world.as_ref().run(run_flow(&world)).await;
    let calls = world.as_ref().calls() - before;
    assert!(calls > 0, "the flow never asks the store");
    check(&world, Run { fault: None, end }).await;
    for how in hows.iter().copied() {
        for at in 1..=calls {
            let world = make_world().await;
            let faults = world.as_ref();
            faults.arm(Fault { at, how });
            let end = faults.run(run_flow(&world)).await;
            let Some(fired) = faults.fired() else {
                panic!("the flow made {calls} calls at first, and fewer than {at} then");
            };
            let context = Context(fired);
            let fault = Some(fired);
            check(&world, Run { fault, end }).await;
            drop(context);
        }
    }
    calls
}

/// Says which fault it was where the check panics.
struct Context(Fired);

impl Drop for Context {
    #[expect(
        clippy::print_stderr,
        reason = "the test harness shows it with the panic, and only then"
    )]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the fault was at {}", self.0);
        }
    }
}
