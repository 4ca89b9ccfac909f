//! The link from the mail: a page that does nothing by itself, and the form that acts.

use axum::http::{HeaderMap, StatusCode};
use portcullis_backends::flow::{VerifyEmail, VerifyEmailOutcome};
use portcullis_core::secret::SecretText;

use super::sign_in::one_cookie;
use crate::answer::Answer;
use crate::body::{self, BodyKind, Encoding, Verify, form};
use crate::call::Call;
use crate::code::Code;
use crate::cookie;
use crate::page::{self, AskPassword};
use crate::problem::Problem;
use crate::reply::Verified;

/// More characters than any token has.
const TOKEN_MAX_CHARS: usize = 256;

/// Shows the form. Mail scanners open links: nothing is looked up and nothing used up (SECURITY OT-10).
pub(crate) async fn show(call: &Call) -> Result<Answer, Problem> {
    let query = call.parts.uri.query().unwrap_or_default();
    let token = token_in(query).ok_or_else(|| Problem::new(Code::InvalidLink))?;
    let app = call.settings().app_name();
    Ok(page::confirm(StatusCode::OK, app, &token, AskPassword::Optional, None).into())
}

/// The one `token` of a query, if it looks like one.
pub(super) fn token_in(query: &str) -> Option<String> {
    let mut tokens = query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("token="));
    let token = tokens.next().filter(|_| tokens.next().is_none())?;
    let token = String::from_utf8(form::decode(token.as_bytes())).ok()?;
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    ((1..=TOKEN_MAX_CHARS).contains(&token.len()) && token.bytes().all(fits)).then_some(token)
}

pub(crate) async fn verify(call: &Call, input: Verify) -> Result<Answer, Problem> {
    let password = match input.password {
        Some(password) => Some(password.password("password")?),
        None => None,
    };
    let token = input.token.into_text();
    let verify = VerifyEmail {
        token: token.clone(),
        browser: one_cookie(&call.parts.headers, call.settings().sign_up_cookie()),
        password,
    };
    let outcome = call
        .portcullis()
        .verify_email(verify, &call.context)
        .await?;
    let problem = match outcome {
        VerifyEmailOutcome::Verified { user } => return verified(call, &Verified { user }),
        VerifyEmailOutcome::PasswordRequired => Problem::new(Code::PasswordRequired),
        VerifyEmailOutcome::PasswordRefused(rejection) => {
            Problem::password_refused("password", rejection)
        }
        VerifyEmailOutcome::Rejected => Problem::new(Code::InvalidLink),
    };
    if by_form(&call.parts.headers) {
        Ok(refused_page(call, &token, &problem).into())
    } else {
        Err(problem)
    }
}

pub(super) fn by_form(headers: &HeaderMap) -> bool {
    body::encoding(headers, BodyKind::JsonOrForm).is_ok_and(|encoding| encoding == Encoding::Form)
}

fn verified(call: &Call, verified: &Verified) -> Result<Answer, Problem> {
    let settings = call.settings();
    let answer = if by_form(&call.parts.headers) {
        let text = "Thank you. Your account is ready, and you can sign in.";
        page::message(
            StatusCode::OK,
            settings.app_name(),
            "Address confirmed",
            text,
        )
        .into()
    } else {
        Answer::json(StatusCode::OK, verified)?
    };
    // What the browser kept for this link has done its work.
    answer.with_cookie(cookie::delete(settings, settings.sign_up_cookie()))
}

/// The form again where another try can help, with what is missing.
fn refused_page(call: &Call, token: &SecretText, problem: &Problem) -> axum::response::Response {
    let app = call.settings().app_name();
    let note = match problem.code() {
        Code::PasswordRequired => {
            "This is another browser than the one that signed up, so choose a password here."
                .to_owned()
        }
        Code::PasswordRefused => problem.field_details().collect::<Vec<_>>().join("; "),
        _ => return page::problem(app, &invalid_link()),
    };
    let status = problem.code().status();
    page::confirm(
        status,
        app,
        token.expose(),
        AskPassword::Required,
        Some(&note),
    )
}

pub(super) fn invalid_link() -> Problem {
    Problem::new(Code::InvalidLink).with_detail(
        "It was used before, has expired, or a newer one took its place. Ask for another mail.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    // HT-12, OT-08
    #[test]
    fn a_link_has_one_token_that_looks_like_one() {
        let token = "pcl_vfy_abcXYZ019";
        assert_eq!(token_in(&format!("token={token}")).as_deref(), Some(token));
        assert_eq!(
            token_in(&format!("utm=1&token={token}&x")).as_deref(),
            Some(token)
        );
        assert_eq!(token_in("token=pcl%5Fvfy").as_deref(), Some("pcl_vfy"));
        for query in [
            String::new(),
            "token=".into(),
            "token".into(),
            "token=a&token=a".into(),
            "token=%22%3E".into(),
            "token=a+b".into(),
            "token=%ff".into(),
            format!("token={}", "a".repeat(257)),
        ] {
            assert_eq!(token_in(&query), None, "{query}");
        }
    }
}
