//! Access and refresh tokens, in the body or in cookies.

use axum::http::StatusCode;
use portcullis_backends::flow::{self, RefreshOutcome, TokenOutcome, TokenPair};
use portcullis_core::api_token::{Scope, Scopes};

use super::sign_in::one_cookie;
use crate::answer::Answer;
use crate::body::{RefreshRequest, TokenRequest};
use crate::call::Call;
use crate::code::Code;
use crate::cookie;
use crate::problem::Problem;
use crate::reply::Tokens;

/// The most bytes of scopes, all together, in a token that goes into a cookie: a third more in base64, and with a handle and
/// a signature of the longest key still within what browsers keep (SECURITY HT-02).
const SCOPES_IN_COOKIE_MAX_BYTES: usize = 1024;

/// Which way a pair goes to its owner.
#[derive(Clone, Copy)]
enum Delivery {
    Body,
    Cookies,
}

pub(crate) async fn issue(call: &Call, input: TokenRequest) -> Result<Answer, Problem> {
    let delivery = if input.cookies {
        Delivery::Cookies
    } else {
        Delivery::Body
    };
    let names = input.scopes.iter().flatten();
    let bytes: usize = names.map(|name| name.len() + "\"\",".len()).sum();
    if input.cookies && bytes > SCOPES_IN_COOKIE_MAX_BYTES {
        // Before anything is hashed or made.
        let detail =
            "these are more than a cookie holds: ask for fewer, or for the tokens in the body";
        return Err(Problem::new(Code::InvalidBody).with_field("scopes", detail));
    }
    let request = flow::TokenRequest {
        identifier: input.identifier,
        password: input.password.password("password")?,
        scopes: scopes(input.scopes)?,
    };
    match call
        .portcullis()
        .issue_tokens(request, &call.context)
        .await?
    {
        TokenOutcome::Issued(pair) => Ok(answer(call, *pair, delivery)?.giving_limits_back()),
        TokenOutcome::Refused => Err(Problem::new(Code::InvalidCredentials)),
        TokenOutcome::Locked { retry_after } => {
            Err(Problem::new(Code::RateLimited).with_retry_after(retry_after))
        }
    }
}

/// The loser of a benign race keeps its cookies: a refusal deletes none (SECURITY RT-04).
pub(crate) async fn refresh(call: &Call, input: RefreshRequest) -> Result<Answer, Problem> {
    let by_cookie = || one_cookie(&call.parts.headers, call.settings().refresh_cookie());
    let (token, delivery) = match input.refresh_token {
        Some(token) => (Some(token.into_text()), Delivery::Body),
        None => (by_cookie(), Delivery::Cookies),
    };
    let token = token.ok_or_else(|| Problem::new(Code::InvalidGrant))?;
    let request = flow::RefreshRequest {
        token,
        scopes: scopes(input.scopes)?,
    };
    match call
        .portcullis()
        .refresh_tokens(request, &call.context)
        .await?
    {
        RefreshOutcome::Refreshed(pair) => Ok(answer(call, *pair, delivery)?.giving_limits_back()),
        RefreshOutcome::Refused => Err(Problem::new(Code::InvalidGrant)),
    }
}

pub(crate) async fn jwks(call: &Call) -> Result<Answer, Problem> {
    match call.portcullis().jwks() {
        Some(keys) => Answer::json(StatusCode::OK, &keys),
        None => Err(Problem::new(Code::NotFound)),
    }
}

fn answer(call: &Call, pair: TokenPair, delivery: Delivery) -> Result<Answer, Problem> {
    let TokenPair {
        access,
        access_expires_in,
        refresh,
        refresh_expires_in,
        principal,
    } = pair;
    let body = |access_token, refresh_token| Tokens {
        access_token,
        token_type: "Bearer",
        expires_in: access_expires_in.as_secs(),
        refresh_token,
        refresh_expires_in: refresh_expires_in.as_secs(),
        scopes: principal.scopes,
    };
    match delivery {
        Delivery::Body => Answer::json(StatusCode::OK, &body(Some(access), Some(refresh))),
        Delivery::Cookies => {
            let settings = call.settings();
            let set = |name, value: &str, max_age| cookie::set(settings, name, value, max_age);
            Answer::json(StatusCode::OK, &body(None, None))?
                .with_cookie(set(
                    settings.access_cookie(),
                    access.expose(),
                    access_expires_in,
                ))?
                .with_cookie(set(
                    settings.refresh_cookie(),
                    refresh.expose(),
                    refresh_expires_in,
                ))
        }
    }
}

fn scopes(names: Option<Vec<String>>) -> Result<Option<Scopes>, Problem> {
    let Some(names) = names else { return Ok(None) };
    let scopes = names
        .into_iter()
        .map(Scope::try_from)
        .collect::<Result<Vec<_>, _>>();
    let scopes = scopes.and_then(Scopes::new);
    scopes
        .map(Some)
        .map_err(|error| Problem::new(Code::InvalidBody).with_field("scopes", error.to_string()))
}
