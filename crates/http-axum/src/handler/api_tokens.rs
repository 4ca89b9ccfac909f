//! Somebody's own API tokens. Whose a new one is follows from the session alone (SECURITY AK-01).

use std::time::Duration;

use axum::http::StatusCode;
use portcullis_backends::flow::{self, CreateApiTokenOutcome};
use portcullis_core::api_token::{ApiTokenInputError, IpAllowlist, Scope, Scopes};
use portcullis_core::id::ApiTokenId;

use crate::answer::Answer;
use crate::body::NewApiToken;
use crate::call::Call;
use crate::code::Code;
use crate::problem::Problem;
use crate::reply::{ApiTokens, CreatedApiToken, Revoked};

pub(crate) async fn list(call: &Call) -> Result<Answer, Problem> {
    let tokens = call.portcullis().list_api_tokens(call.principal()?).await?;
    Answer::json(StatusCode::OK, &ApiTokens::from(tokens))
}

pub(crate) async fn create(call: &Call, input: NewApiToken) -> Result<Answer, Problem> {
    let new = parse(input).map_err(invalid)?;
    let (principal, context) = (call.principal()?, &call.context);
    match call
        .portcullis()
        .create_api_token(principal, new, context)
        .await?
    {
        CreateApiTokenOutcome::Created { info, token } => {
            Answer::json(StatusCode::CREATED, &CreatedApiToken::new(&token, *info))
        }
        CreateApiTokenOutcome::Invalid(error) => Err(invalid(error)),
        CreateApiTokenOutcome::LimitReached { limit } => {
            let detail = format!("there may be {limit} API tokens; revoke one first");
            Err(Problem::new(Code::LimitReached).with_detail(detail))
        }
        // The person went away between the look at the session and the write.
        CreateApiTokenOutcome::NotFound => Err(Problem::new(Code::Unauthenticated)),
    }
}

pub(crate) async fn revoke(call: &Call) -> Result<Answer, Problem> {
    let principal = call.principal()?;
    let id: ApiTokenId = call.id()?;
    if call
        .portcullis()
        .revoke_api_token(principal, id, &call.context)
        .await?
    {
        Ok(Answer::no_content())
    } else {
        Err(Problem::new(Code::NotFound))
    }
}

pub(crate) async fn revoke_all(call: &Call) -> Result<Answer, Problem> {
    let principal = call.principal()?;
    let revoked = call
        .portcullis()
        .revoke_all_api_tokens(principal, &call.context)
        .await?;
    Answer::json(StatusCode::OK, &Revoked { revoked })
}

fn parse(input: NewApiToken) -> Result<flow::NewApiToken, ApiTokenInputError> {
    let scopes = input
        .scopes
        .into_iter()
        .map(Scope::try_from)
        .collect::<Result<Vec<_>, _>>()?;
    // What is no whole number of seconds is no lifetime: negative, fractional, or past 64 bits.
    let secs = |number: serde_json::Number| number.as_u64().ok_or(ApiTokenInputError::Lifetime);
    Ok(flow::NewApiToken {
        name: input.name,
        scopes: Scopes::new(scopes)?,
        ip_allowlist: IpAllowlist::parse(input.ip_allowlist.iter().map(String::as_str))?,
        expires_in: input
            .expires_in_secs
            .map(secs)
            .transpose()?
            .map(Duration::from_secs),
    })
}

fn invalid(error: ApiTokenInputError) -> Problem {
    let field = match error {
        ApiTokenInputError::Name => "name",
        ApiTokenInputError::Scope | ApiTokenInputError::ScopeCount => "scopes",
        ApiTokenInputError::Allowlist => "ip_allowlist",
        ApiTokenInputError::Lifetime => "expires_in_secs",
    };
    Problem::new(Code::InvalidBody).with_field(field, error.to_string())
}
