//! Whether the service runs, for whoever starts and stops it.

use axum::http::StatusCode;

use crate::answer::Answer;
use crate::call::Call;
use crate::problem::Problem;
use crate::reply::Health;

/// Answers while the process does.
pub(crate) async fn live(_: &Call) -> Result<Answer, Problem> {
    Answer::json(StatusCode::OK, &Health { status: "live" })
}

/// Answers 503 while the store does not.
pub(crate) async fn ready(call: &Call) -> Result<Answer, Problem> {
    call.portcullis().is_ready().await?;
    Answer::json(StatusCode::OK, &Health { status: "ready" })
}
