//! Signing in with a code in a mail: asking for it, and typing it where it was asked for.

use axum::http::StatusCode;
use portcullis_backends::flow;
use portcullis_core::secret::SecretText;

use super::sign_in::{knowing_the_device, one_cookie, opened};
use super::sign_up::email;
use super::verify::by_form;
use crate::answer::Answer;
use crate::body::{EmailCode, SecretField, SendEmailCode};
use crate::call::Call;
use crate::code::Code;
use crate::cookie;
use crate::page;
use crate::problem::Problem;
use crate::reply::CodeSent;

/// One answer for every address (SECURITY TH-01).
pub(crate) async fn send(call: &Call, input: SendEmailCode) -> Result<Answer, Problem> {
    let send = flow::SendEmailCode {
        email: email(&input.email)?,
        ticket: ticket(call, input.ticket),
    };
    let sent = call
        .portcullis()
        .send_email_code(send, &call.context)
        .await?;
    let settings = call.settings();
    let (name, life) = (settings.code_cookie(), sent.expires_in);
    let cookie = cookie::set(settings, name, sent.ticket.expose(), life);
    let answer = if by_form(&call.parts.headers) {
        page::enter_code(StatusCode::ACCEPTED, settings.app_name(), None).into()
    } else {
        let body = CodeSent::new(sent.ticket, life.as_secs());
        Answer::json(StatusCode::ACCEPTED, &body)?
    };
    answer.with_cookie(cookie)
}

pub(crate) async fn verify(call: &Call, input: EmailCode) -> Result<Answer, Problem> {
    let settings = call.settings();
    // Without a ticket no code works: it was asked for elsewhere.
    let Some(ticket) = ticket(call, input.ticket) else {
        return refused(call);
    };
    let code = flow::EmailCode {
        ticket,
        code: input.code.into_text(),
        replaces: one_cookie(&call.parts.headers, settings.session_cookie()),
    };
    let outcome = call
        .portcullis()
        .sign_in_with_email_code(code, &call.context)
        .await?;
    match outcome {
        flow::EmailCodeOutcome::SignedIn { signed_in, email } => {
            let (cookie, caller) = opened(call, *signed_in);
            let answer = if by_form(&call.parts.headers) {
                let text = "You are signed in, and can close this page.";
                page::message(StatusCode::OK, settings.app_name(), "Signed in", text).into()
            } else {
                Answer::json(StatusCode::OK, &caller)?
            };
            let answer = answer
                .with_cookie(cookie)?
                .with_cookie(cookie::delete(settings, settings.code_cookie()))?;
            Ok(knowing_the_device(call, &email, answer)?.giving_limits_back())
        }
        flow::EmailCodeOutcome::Refused => refused(call),
        flow::EmailCodeOutcome::Locked { retry_after } => {
            Err(Problem::new(Code::RateLimited).with_retry_after(retry_after))
        }
    }
}

/// The one in the body, or else the browser's.
fn ticket(call: &Call, given: Option<SecretField>) -> Option<SecretText> {
    let cookie = || one_cookie(&call.parts.headers, call.settings().code_cookie());
    given.map(SecretField::into_text).or_else(cookie)
}

/// The form again, or the problem: the same whatever the reason.
fn refused(call: &Call) -> Result<Answer, Problem> {
    let problem = Problem::new(Code::InvalidCode);
    if !by_form(&call.parts.headers) {
        return Err(problem);
    }
    let note = "The code does not work. Look for the newest mail, or ask for another one.";
    let (status, app) = (problem.code().status(), call.settings().app_name());
    Ok(page::enter_code(status, app, Some(note)).into())
}
