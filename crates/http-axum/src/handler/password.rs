//! Changing a password, and setting a new one with a link.

use axum::http::StatusCode;
use portcullis_backends::flow::{
    ChangePassword, ChangePasswordOutcome, ForgotPassword, ResetLinkOutcome, ResetPassword,
    ResetPasswordOutcome,
};
use portcullis_core::secret::SecretText;

use super::sign_in::knowing_the_device;
use super::sign_up::{accepted, email};
use super::verify::{by_form, invalid_link, token_in};
use crate::answer::Answer;
use crate::body;
use crate::call::Call;
use crate::code::Code;
use crate::cookie;
use crate::page;
use crate::problem::Problem;
use crate::reply::{ResetLinkWorks, Rfc3339};

pub(crate) async fn change(call: &Call, input: body::ChangePassword) -> Result<Answer, Problem> {
    let change = ChangePassword {
        current: input.current_password.password("current_password")?,
        new: input.new_password.password("new_password")?,
    };
    let portcullis = call.portcullis();
    match portcullis
        .change_password(call.principal()?, change, &call.context)
        .await?
    {
        ChangePasswordOutcome::Changed { session } => {
            let settings = call.settings();
            let name = settings.session_cookie();
            Answer::no_content().with_cookie(match session {
                Some(kept) => cookie::set(settings, name, kept.cookie.expose(), kept.max_age),
                None => cookie::delete(settings, name),
            })
        }
        ChangePasswordOutcome::CurrentRefused => Err(Problem::new(Code::CurrentPasswordRefused)),
        ChangePasswordOutcome::Locked { retry_after } => {
            Err(Problem::new(Code::RateLimited).with_retry_after(retry_after))
        }
        ChangePasswordOutcome::PasswordRefused(rejection) => {
            Err(Problem::password_refused("new_password", rejection))
        }
        ChangePasswordOutcome::TooSoon { retry_after } => {
            let problem = Problem::new(Code::PasswordChangedRecently);
            Err(problem.with_retry_after(retry_after))
        }
        ChangePasswordOutcome::SessionRequired => Err(Problem::new(Code::Unauthenticated)),
    }
}

/// One answer for every address (SECURITY TH-01).
pub(crate) async fn forgot(call: &Call, input: body::ForgotPassword) -> Result<Answer, Problem> {
    let email = email(&input.email)?;
    call.portcullis()
        .forgot_password(ForgotPassword { email }, &call.context)
        .await?;
    accepted()
}

pub(crate) async fn verify_token(call: &Call, input: body::ResetLink) -> Result<Answer, Problem> {
    let token = input.token.into_text();
    match call
        .portcullis()
        .check_reset_link(&token, &call.context)
        .await?
    {
        ResetLinkOutcome::Works { until } => {
            let expires_at = Rfc3339(until);
            Answer::json(StatusCode::OK, &ResetLinkWorks { expires_at })
        }
        ResetLinkOutcome::Rejected => Err(Problem::new(Code::InvalidLink)),
    }
}

/// Shows the form. Mail scanners open links: nothing is looked up and nothing used up (SECURITY OT-10).
pub(crate) async fn show(call: &Call) -> Result<Answer, Problem> {
    let query = call.parts.uri.query().unwrap_or_default();
    let token = token_in(query).ok_or_else(|| Problem::new(Code::InvalidLink))?;
    let app = call.settings().app_name();
    Ok(page::choose_password(StatusCode::OK, app, &token, None).into())
}

/// Signs nobody in: who has the link proves an address, and is asked for the password they just chose.
pub(crate) async fn reset(call: &Call, input: body::ResetPassword) -> Result<Answer, Problem> {
    let password = input.password.password("password")?;
    let token = input.token.into_text();
    let reset = ResetPassword {
        token: token.clone(),
        password,
    };
    let outcome = call
        .portcullis()
        .reset_password(reset, &call.context)
        .await?;
    let problem = match outcome {
        ResetPasswordOutcome::Reset { address, .. } => {
            return knowing_the_device(call, &address, done(call));
        }
        ResetPasswordOutcome::PasswordRefused(rejection) => {
            Problem::password_refused("password", rejection)
        }
        ResetPasswordOutcome::Rejected => Problem::new(Code::InvalidLink),
    };
    if by_form(&call.parts.headers) {
        Ok(refused_page(call, &token, &problem).into())
    } else {
        Err(problem)
    }
}

fn done(call: &Call) -> Answer {
    if by_form(&call.parts.headers) {
        let text = "Your password is set. You can sign in with it.";
        let app = call.settings().app_name();
        page::message(StatusCode::OK, app, "Password set", text).into()
    } else {
        Answer::no_content()
    }
}

/// The form again where another password can help.
fn refused_page(call: &Call, token: &SecretText, problem: &Problem) -> axum::response::Response {
    let app = call.settings().app_name();
    if problem.code() == Code::PasswordRefused {
        let note = problem.field_details().collect::<Vec<_>>().join("; ");
        page::choose_password(problem.code().status(), app, token.expose(), Some(&note))
    } else {
        page::problem(app, &invalid_link())
    }
}
