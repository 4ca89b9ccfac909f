//! Giving the password again in a session.

use axum::http::StatusCode;
use portcullis_backends::flow;

use super::sign_in::opened;
use crate::answer::Answer;
use crate::body::StepUp;
use crate::call::Call;
use crate::code::Code;
use crate::problem::Problem;

/// Answers as a sign-in does, with the cookie of the new id (SECURITY SE-02).
pub(crate) async fn step_up(call: &Call, input: StepUp) -> Result<Answer, Problem> {
    let step_up = flow::StepUp {
        password: input.password.password("password")?,
    };
    let portcullis = call.portcullis();
    match portcullis
        .step_up(call.principal()?, step_up, &call.context)
        .await?
    {
        flow::StepUpOutcome::SteppedUp(signed_in) => {
            let (cookie, caller) = opened(call, *signed_in);
            let answer = Answer::json(StatusCode::OK, &caller)?;
            Ok(answer.with_cookie(cookie)?.giving_limits_back())
        }
        flow::StepUpOutcome::Refused => Err(Problem::new(Code::CurrentPasswordRefused)),
        flow::StepUpOutcome::Locked { retry_after } => {
            Err(Problem::new(Code::RateLimited).with_retry_after(retry_after))
        }
        flow::StepUpOutcome::SessionRequired => Err(Problem::new(Code::Unauthenticated)),
    }
}
