//! A panic ends the request it happened in and nothing else (SECURITY FT-26).

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// The future panicked. The message went to the panic hook and goes nowhere else.
pub(crate) struct Panicked;

/// Runs a future to its end or to its panic.
///
/// Unwind safety: what the future borrowed is either dropped with the request or shared behind locks that do not stay
/// poisoned, so nothing half done is looked at afterwards.
pub(crate) async fn catch<F: Future>(future: F) -> Result<F::Output, Panicked> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(_message) => Poll::Ready(Err(Panicked)),
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    // FT-26
    #[tokio::test]
    async fn a_panic_is_caught_on_either_side_of_an_await() {
        assert!(catch(async { panic!("at once") }).await.is_err());
        let later = async {
            tokio::task::yield_now().await;
            panic!("later")
        };
        assert!(catch(later).await.is_err());
        assert_eq!(catch(async { 7 }).await.ok(), Some(7));
    }
}
