//! Somebody's own sessions.

use axum::http::StatusCode;
use portcullis_core::id::SessionId;

use super::sign_in::forgetting_the_session;
use crate::answer::Answer;
use crate::call::Call;
use crate::code::Code;
use crate::problem::Problem;
use crate::reply::{Revoked, Sessions};

pub(crate) async fn list(call: &Call) -> Result<Answer, Problem> {
    let sessions = call.portcullis().list_sessions(call.principal()?).await?;
    Answer::json(StatusCode::OK, &Sessions::from(sessions))
}

/// Ends every session but the one that asks.
pub(crate) async fn revoke_others(call: &Call) -> Result<Answer, Problem> {
    let principal = call.principal()?;
    let ended = call
        .portcullis()
        .revoke_other_sessions(principal, &call.context)
        .await?;
    let revoked = u64::from(ended);
    Answer::json(StatusCode::OK, &Revoked { revoked })
}

/// Ends one. Somebody else's, an ended one and no id at all are one answer (SECURITY SE-08).
pub(crate) async fn revoke(call: &Call) -> Result<Answer, Problem> {
    let principal = call.principal()?;
    let id: SessionId = call.id()?;
    if !call
        .portcullis()
        .revoke_session(principal, id, &call.context)
        .await?
    {
        return Err(Problem::new(Code::NotFound));
    }
    if principal.session() == Some(id) {
        forgetting_the_session(call)
    } else {
        Ok(Answer::no_content())
    }
}
