//! Signing in with a link in a mail: asking for it, the page that it opens, and the form that acts.

use axum::http::StatusCode;
use portcullis_backends::flow;

use super::sign_in::{one_cookie, opened};
use super::sign_up::{accepted, email};
use super::verify::{by_form, invalid_link, token_in};
use crate::answer::Answer;
use crate::body::{MagicLink, SendMagicLink};
use crate::call::Call;
use crate::code::Code;
use crate::page::{self, Offer};
use crate::problem::Problem;

const SIGN_IN: Offer = Offer {
    title: "Sign in",
    action: "verify",
    button: "Sign in",
};

/// One answer for every address (SECURITY TH-01).
pub(crate) async fn send(call: &Call, input: SendMagicLink) -> Result<Answer, Problem> {
    let email = email(&input.email)?;
    let send = flow::SendMagicLink { email };
    call.portcullis()
        .send_magic_link(send, &call.context)
        .await?;
    accepted()
}

/// Shows the form. Mail scanners open links: nothing is looked up, nothing used up and nobody signed in or out
/// (SECURITY OT-10, SE-10).
pub(crate) async fn show(call: &Call) -> Result<Answer, Problem> {
    let query = call.parts.uri.query().unwrap_or_default();
    let token = token_in(query).ok_or_else(|| Problem::new(Code::InvalidLink))?;
    Ok(page::offer(call.settings().app_name(), SIGN_IN, &token).into())
}

pub(crate) async fn verify(call: &Call, input: MagicLink) -> Result<Answer, Problem> {
    let settings = call.settings();
    let link = flow::MagicLink {
        token: input.token.into_text(),
        replaces: one_cookie(&call.parts.headers, settings.session_cookie()),
    };
    let outcome = call
        .portcullis()
        .sign_in_with_magic_link(link, &call.context)
        .await?;
    let by_form = by_form(&call.parts.headers);
    match outcome {
        flow::MagicLinkOutcome::SignedIn(signed_in) => {
            let (cookie, caller) = opened(call, *signed_in);
            let answer = if by_form {
                let text = "You are signed in, and can close this page.";
                page::message(StatusCode::OK, settings.app_name(), "Signed in", text).into()
            } else {
                Answer::json(StatusCode::OK, &caller)?
            };
            Ok(answer.with_cookie(cookie)?.giving_limits_back())
        }
        flow::MagicLinkOutcome::Rejected if by_form => {
            Ok(page::problem(settings.app_name(), &invalid_link()).into())
        }
        flow::MagicLinkOutcome::Rejected => Err(Problem::new(Code::InvalidLink)),
    }
}
