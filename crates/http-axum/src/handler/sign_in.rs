//! Signing in and out, and asking who is signed in.

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use portcullis_backends::flow;
use portcullis_core::secret::SecretText;

use crate::answer::Answer;
use crate::body::SignIn;
use crate::call::Call;
use crate::code::Code;
use crate::cookie::{self, Found};
use crate::headers;
use crate::problem::Problem;
use crate::reply::Caller;
use crate::return_to::ReturnTo;

pub(crate) async fn sign_in(call: &Call, input: SignIn) -> Result<Answer, Problem> {
    let settings = call.settings();
    let return_to = match &input.return_to {
        Some(target) => call.return_to(target)?,
        None => ReturnTo::home(),
    };
    let typed = input.identifier.clone();
    let sign_in = flow::SignIn {
        identifier: input.identifier,
        password: input.password.password("password")?,
        replaces: one_cookie(&call.parts.headers, settings.session_cookie()),
    };
    match call.portcullis().sign_in(sign_in, &call.context).await? {
        flow::SignInOutcome::SignedIn(signed_in) => {
            let (cookie, caller) = opened(call, *signed_in);
            let answer = if call.is_for_people() {
                Answer::see_other(&return_to)?
            } else {
                Answer::json(StatusCode::OK, &caller)?
            };
            let answer = answer.with_cookie(cookie)?;
            Ok(knowing_the_device(call, &typed, answer)?.giving_limits_back())
        }
        flow::SignInOutcome::Refused => Err(Problem::new(Code::InvalidCredentials)),
        flow::SignInOutcome::Locked { retry_after } => {
            Err(Problem::new(Code::RateLimited).with_retry_after(retry_after))
        }
    }
}

/// The browser shows from now on that it signed in with this.
pub(super) fn knowing_the_device(
    call: &Call,
    typed: &str,
    answer: Answer,
) -> Result<Answer, Problem> {
    match call.portcullis().mark_device(&call.context, typed)? {
        Some(mark) => {
            let settings = call.settings();
            let (name, value) = (settings.device_cookie(), mark.as_str());
            answer.with_cookie(cookie::set(settings, name, value, cookie::MAX_AGE))
        }
        None => Ok(answer),
    }
}

/// The session cookie, and who is signed in.
pub(super) fn opened(call: &Call, signed_in: flow::SignedIn) -> (Option<HeaderValue>, Caller) {
    let flow::SignedIn {
        principal,
        cookie,
        max_age,
    } = signed_in;
    let settings = call.settings();
    let name = settings.session_cookie();
    let cookie = cookie::set(settings, name, cookie.expose(), max_age);
    (cookie, Caller::from(principal))
}

/// Ends the session, if there is one; the browser forgets the cookie either way, so signing out twice is no error.
pub(crate) async fn logout(call: &Call) -> Result<Answer, Problem> {
    if let Some(principal) = &call.principal {
        call.portcullis().sign_out(principal, &call.context).await?;
    }
    forgetting_the_session(call)
}

/// Ends everything the caller is signed in with, wherever that is.
pub(crate) async fn logout_all(call: &Call) -> Result<Answer, Problem> {
    let portcullis = call.portcullis();
    portcullis
        .sign_out_everywhere(call.principal()?, &call.context)
        .await?;
    forgetting_the_session(call)
}

/// 204 that deletes the session cookie.
pub(super) fn forgetting_the_session(call: &Call) -> Result<Answer, Problem> {
    let settings = call.settings();
    let delete = |name| cookie::delete(settings, name);
    let mut answer = Answer::no_content().with_cookie(delete(settings.session_cookie()))?;
    // Tokens go by cookie where they were asked for that way; there is nothing to forget otherwise.
    for name in [settings.access_cookie(), settings.refresh_cookie()] {
        if !matches!(cookie::find(&call.parts.headers, name), Found::None) {
            answer = answer.with_cookie(delete(name))?;
        }
    }
    headers::clear_site_data(answer.headers());
    Ok(answer)
}

pub(crate) async fn check_auth(call: &Call) -> Result<Answer, Problem> {
    Answer::json(StatusCode::OK, &Caller::from(call.principal()?.clone()))
}

/// The value of a cookie, where there is exactly one of it.
pub(super) fn one_cookie(headers: &HeaderMap, name: &str) -> Option<SecretText> {
    match cookie::find(headers, name) {
        Found::One(value) => Some(SecretText::new(value)),
        Found::None | Found::Several | Found::TooLarge => None,
    }
}
