//! Putting another address in the place of one's own.

use axum::http::StatusCode;
use portcullis_backends::flow::{self, ConfirmEmailChangeOutcome, RequestEmailChangeOutcome};

use super::sign_up::{accepted, email, not_allowed};
use super::verify::{by_form, invalid_link, token_in};
use crate::answer::Answer;
use crate::body::{ConfirmEmailChange, RequestEmailChange};
use crate::call::Call;
use crate::code::Code;
use crate::cookie;
use crate::page::{self, Offer};
use crate::problem::Problem;

const CONFIRM: Offer = Offer {
    title: "Confirm your new address",
    action: "confirm",
    button: "Confirm",
};

/// One answer for every address that is not the caller's own (SECURITY TH-01).
pub(crate) async fn request(call: &Call, input: RequestEmailChange) -> Result<Answer, Problem> {
    let email = email(&input.email)?;
    let principal = call.principal()?;
    // The present address gets a mail each time too, whatever the new ones are (SECURITY TH-08).
    call.take_for(&principal.user().to_string()).await?;
    let request = flow::RequestEmailChange { email };
    let outcome = call
        .portcullis()
        .request_email_change(principal, request, &call.context)
        .await?;
    let refused = |why: &'static str| Err(Problem::new(Code::InvalidBody).with_field("email", why));
    match outcome {
        RequestEmailChangeOutcome::Accepted => accepted(),
        RequestEmailChangeOutcome::Unchanged => refused("is the address of the account"),
        RequestEmailChangeOutcome::NoAddress => refused("the account has no address to change"),
        RequestEmailChangeOutcome::NotAllowed(refusal) => Err(not_allowed(refusal)),
    }
}

/// Shows the form. Mail scanners open links: nothing is looked up and nothing used up (SECURITY OT-10).
pub(crate) async fn show(call: &Call) -> Result<Answer, Problem> {
    let query = call.parts.uri.query().unwrap_or_default();
    let token = token_in(query).ok_or_else(|| Problem::new(Code::InvalidLink))?;
    Ok(page::offer(call.settings().app_name(), CONFIRM, &token).into())
}

pub(crate) async fn confirm(call: &Call, input: ConfirmEmailChange) -> Result<Answer, Problem> {
    let confirm = flow::ConfirmEmailChange {
        token: input.token.into_text(),
    };
    let outcome = call
        .portcullis()
        .confirm_email_change(call.principal()?, confirm, &call.context)
        .await?;
    let settings = call.settings();
    let by_form = by_form(&call.parts.headers);
    match outcome {
        ConfirmEmailChangeOutcome::Changed { session } => {
            let answer = if by_form {
                let text = "Your new address is confirmed and in place.";
                let title = "Address changed";
                page::message(StatusCode::OK, settings.app_name(), title, text).into()
            } else {
                Answer::no_content()
            };
            let name = settings.session_cookie();
            answer.with_cookie(match session {
                Some(kept) => cookie::set(settings, name, kept.cookie.expose(), kept.max_age),
                None => cookie::delete(settings, name),
            })
        }
        ConfirmEmailChangeOutcome::Rejected if by_form => {
            Ok(page::problem(settings.app_name(), &invalid_link()).into())
        }
        ConfirmEmailChangeOutcome::Rejected => Err(Problem::new(Code::InvalidLink)),
        ConfirmEmailChangeOutcome::SessionRequired => Err(Problem::new(Code::Unauthenticated)),
    }
}
