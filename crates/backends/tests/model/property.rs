//! The property: however a story goes, the flows and the law agree.

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::store::{STORIES, fresh};
use crate::story::{Story, stories};
use crate::tell::tell;

/// The same stories in every run, and others, many of them, where `PORTCULLIS_LONG` is set.
pub(crate) fn runner(cases: u32, shrinks: u32) -> TestRunner {
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: shrinks,
        ..Config::default()
    };
    match std::env::var_os("PORTCULLIS_LONG") {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    }
}

/// Tells random stories until one goes otherwise than it must; then the shortest such one that is found by leaving out
/// so much.
pub(crate) fn first_difference(
    cases: u32,
    shrinks: u32,
    tell: impl AsyncFn(&Story) -> Result<(), String>,
) -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let told = runner(cases, shrinks).run(&stories(), |story| {
        runtime.block_on(tell(&story)).map_err(TestCaseError::fail)
    });
    match told {
        Ok(()) => None,
        Err(TestError::Fail(difference, story)) => {
            Some(format!("{story:?}went like this:\n{difference}"))
        }
        Err(other) => Some(other.to_string()),
    }
}

#[test]
fn in_random_stories_everything_made_counts_exactly_as_long_as_it_must() {
    let (few, many) = STORIES;
    let cases = if std::env::var_os("PORTCULLIS_LONG").is_some() {
        many
    } else {
        few
    };
    let difference = first_difference(cases, 4000, async |story| {
        let (store, _keep) = fresh().await;
        tell(store, story).await
    });
    if let Some(difference) = difference {
        panic!("{difference}");
    }
}
