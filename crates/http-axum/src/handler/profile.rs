//! What somebody sees of themselves.

use axum::http::StatusCode;

use crate::answer::Answer;
use crate::call::Call;
use crate::code::Code;
use crate::problem::Problem;
use crate::reply::Person;

pub(crate) async fn profile(call: &Call) -> Result<Answer, Problem> {
    let found = call.portcullis().profile(call.principal()?).await?;
    let profile = found.ok_or_else(|| Problem::new(Code::NotFound))?;
    Answer::json(StatusCode::OK, &Person::from(profile))
}
