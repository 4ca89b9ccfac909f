//! Several calls at once, without a runtime.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use portcullis_core::error::StoreError;

/// A call that answers with nothing but success.
type Call<'a> = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>>;

/// Runs some calls to their ends, side by side on the caller's task; the first failure that came, if any did.
pub(super) async fn together(mut calls: Vec<Call<'_>>) -> Result<(), StoreError> {
    let mut outcome = Ok(());
    poll_fn(|context| {
        calls.retain_mut(|call| match call.as_mut().poll(context) {
            Poll::Pending => true,
            Poll::Ready(answer) => {
                if outcome.is_ok() {
                    outcome = answer;
                }
                false
            }
        });
        if calls.is_empty() {
            return Poll::Ready(());
        }
        Poll::Pending
    })
    .await;
    outcome
}
