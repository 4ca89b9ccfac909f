//! One flow, failed everywhere: what holds whatever the flow, and what the flow promises.

use portcullis_backends::FlowError;
use portcullis_testing::{End, Faults, Run, for_every_fault};

use crate::store::HOWS;
use crate::world::World;

/// A world, and what a flow needs from it.
struct Scene<D> {
    world: World,
    data: D,
}

impl<D> AsRef<Faults> for Scene<D> {
    fn as_ref(&self) -> &Faults {
        self.world.store.faults()
    }
}

/// Runs a flow for every fault. Each time its answer must be an error that means 503, or an answer of which `is_true`
/// says that it is true of this world: a failure is never an answer. Then every law must hold, `check` looks at the
/// world and tries again, and the laws must hold once more.
///
/// `check` is given the answer where the flow gave one: what was acknowledged has happened.
pub(crate) async fn every_fault<D, T>(
    prepare: impl AsyncFn(&World) -> D,
    flow: impl AsyncFn(&World, &D) -> Result<T, FlowError>,
    is_true: impl Fn(&T) -> bool,
    check: impl AsyncFn(&World, &D, Option<T>),
) {
    every_fault_in(World::new, prepare, flow, is_true, check).await;
}

/// The same in worlds of another make.
pub(crate) async fn every_fault_in<D, T>(
    make_world: impl AsyncFn() -> World,
    prepare: impl AsyncFn(&World) -> D,
    flow: impl AsyncFn(&World, &D) -> Result<T, FlowError>,
    is_true: impl Fn(&T) -> bool,
    check: impl AsyncFn(&World, &D, Option<T>),
) {
    for_every_fault(
        HOWS,
        async || {
            let world = make_world().await;
            let data = prepare(&world).await;
            Scene { world, data }
        },
        async |scene: &Scene<D>| flow(&scene.world, &scene.data).await,
        async |scene: &Scene<D>, run: Run<Result<T, FlowError>>| {
            let answer = honest(run, &is_true);
            scene.world.laws_hold().await;
            check(&scene.world, &scene.data, answer).await;
            scene.world.laws_hold().await;
        },
    )
    .await;
}

/// The answer, where there is one and it may be given.
pub(crate) fn honest<T>(run: Run<Result<T, FlowError>>, is_true: impl Fn(&T) -> bool) -> Option<T> {
    let cancelled = run.fault.is_some_and(|fired| fired.fault.how.hangs_up());
    match run.end {
        End::Answered(Ok(answer)) => {
            assert!(is_true(&answer), "a failure became an answer");
            Some(answer)
        }
        End::Answered(Err(error)) => {
            assert!(run.fault.is_some(), "it fails by itself: {error:?}");
            assert!(
                matches!(error, FlowError::Unavailable(_)),
                "not 503: {error:?}"
            );
            None
        }
        End::HungUp => {
            assert!(cancelled, "nobody hung up");
            None
        }
    }
}
