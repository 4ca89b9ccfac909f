//! The end of an account, and what is kept about its owner.

use axum::http::{HeaderValue, StatusCode, header};
use portcullis_backends::flow::CloseAccountOutcome;

use super::sign_in::forgetting_the_session;
use crate::answer::Answer;
use crate::call::Call;
use crate::code::Code;
use crate::problem::Problem;
use crate::reply::Export;

/// Browsers save it instead of showing it.
const ATTACHMENT: HeaderValue = HeaderValue::from_static("attachment; filename=\"account.json\"");

pub(crate) async fn close(call: &Call) -> Result<Answer, Problem> {
    let principal = call.principal()?;
    let closed = call.portcullis().close_account(principal, &call.context);
    match closed.await? {
        CloseAccountOutcome::Closed => forgetting_the_session(call),
        CloseAccountOutcome::SessionRequired => Err(Problem::new(Code::Unauthenticated)),
    }
}

pub(crate) async fn export(call: &Call) -> Result<Answer, Problem> {
    let principal = call.principal()?;
    let found = call.portcullis().export_account(principal, &call.context);
    let export = found.await?.ok_or_else(|| Problem::new(Code::NotFound))?;
    let mut answer = Answer::json(StatusCode::OK, &Export(export))?;
    answer
        .headers()
        .insert(header::CONTENT_DISPOSITION, ATTACHMENT);
    Ok(answer)
}
