//! Signing up, and asking for the mail again. Both have one answer for every address (SECURITY TH-01).

use std::time::Duration;

use axum::http::StatusCode;
use portcullis_backends::flow;
use portcullis_core::identifier::Identifier;
use portcullis_core::rule::sign_up::SignUpRefusal;

use crate::answer::Answer;
use crate::body::{SendLink, SignUp};
use crate::call::Call;
use crate::code::Code;
use crate::cookie;
use crate::problem::Problem;
use crate::reply::Accepted;

/// As long as the longest life of the link that it belongs to; without it the link asks for a password.
const SIGN_UP_COOKIE_MAX_AGE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

pub(crate) async fn sign_up(call: &Call, input: SignUp) -> Result<Answer, Problem> {
    let sign_up = flow::SignUp {
        email: email(&input.email)?,
        password: input.password.password("password")?,
    };
    match call.portcullis().sign_up(sign_up, &call.context).await? {
        flow::SignUpOutcome::Accepted { browser } => {
            let settings = call.settings();
            let cookie = cookie::set(
                settings,
                settings.sign_up_cookie(),
                browser.expose(),
                SIGN_UP_COOKIE_MAX_AGE,
            );
            accepted()?.with_cookie(cookie)
        }
        flow::SignUpOutcome::PasswordRefused(rejection) => {
            Err(Problem::password_refused("password", rejection))
        }
        flow::SignUpOutcome::NotAllowed(refusal) => Err(not_allowed(refusal)),
    }
}

pub(crate) async fn send_link(call: &Call, input: SendLink) -> Result<Answer, Problem> {
    let email = email(&input.email)?;
    let again = flow::ResendVerification { email };
    let outcome = call
        .portcullis()
        .resend_verification(again, &call.context)
        .await?;
    match outcome {
        flow::ResendOutcome::Accepted => accepted(),
        flow::ResendOutcome::NotAllowed(refusal) => Err(not_allowed(refusal)),
    }
}

/// The tenant's policy is a public fact: it is said to everybody alike.
pub(super) fn not_allowed(refusal: SignUpRefusal) -> Problem {
    Problem::new(match refusal {
        SignUpRefusal::InviteOnly => Code::SignUpInviteOnly,
        SignUpRefusal::Domain => Code::EmailDomainRefused,
        _ => Code::SignUpClosed,
    })
}

pub(super) fn accepted() -> Result<Answer, Problem> {
    Answer::json(StatusCode::ACCEPTED, &Accepted::MAIL)
}

/// The refusal depends on the text alone and does not repeat it.
pub(super) fn email(typed: &str) -> Result<Identifier, Problem> {
    Identifier::email(typed)
        .map_err(|error| Problem::new(Code::InvalidBody).with_field("email", error.to_string()))
}
