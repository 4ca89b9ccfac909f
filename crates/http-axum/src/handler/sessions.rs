//! Somebody's own sessions.

use axum::http::StatusCode;
use portcullis_core::id::SessionId;
use portcullis_core::session;

use super::sign_in::forgetting_the_session;
use crate::answer::Answer;
use crate::body::RenameSession;
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

/// Names one. Somebody else's, an ended one and no id at all are one answer (SECURITY SE-08).
pub(crate) async fn rename(call: &Call, input: RenameSession) -> Result<Answer, Problem> {
    let principal = call.principal()?;
    let id: SessionId = call.id()?;
    let name = session::parse_name(input.name.as_deref().unwrap_or_default());
    let name = name
        .map_err(|error| Problem::new(Code::InvalidBody).with_field("name", error.to_string()))?;
    let renamed = call
        .portcullis()
        .rename_session(principal, id, name.as_deref(), &call.context);
    if renamed.await? {
        Ok(Answer::no_content())
    } else {
        Err(Problem::new(Code::NotFound))
    }
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
