//! Reading bodies: bounded, of a known type, into types that take nothing they do not know.

mod code;
pub(crate) mod form;
mod input;
mod link;
mod secret;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use portcullis_core::secret::SecretText;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use utoipa::ToSchema;

pub(crate) use code::{EmailCode, SendEmailCode};
pub(crate) use input::{
    ChangePassword, ForgotPassword, NewApiToken, RefreshRequest, RenameSession, ResetLink,
    ResetPassword, SendLink, SignIn, SignUp, StepUp, TokenRequest, Verify,
};
pub(crate) use link::{ConfirmEmailChange, MagicLink, RequestEmailChange, SendMagicLink};
pub(crate) use secret::SecretField;

use crate::code::Code;
use crate::problem::Problem;

/// The most bytes of a body (SECURITY HT-10).
pub(crate) const BODY_MAX_BYTES: usize = 64 * 1024;

/// What kind of body a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyKind {
    /// None; one that is sent is dropped.
    None,
    /// `application/json`.
    Json,
    /// `application/json` or `application/x-www-form-urlencoded`.
    JsonOrForm,
}

/// How a body that fits was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Json,
    Form,
}

/// When a route asks for a CAPTCHA, where the instance has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AsksCaptcha {
    /// Never.
    Never,
    /// Always: somebody who need not have asked gets an account or a mail.
    Always,
    /// Where the instance asks at sign-in too.
    AtSignIn,
}

/// What a route reads from its body. Fields that are not named here cannot be set from outside (SECURITY HT-11).
pub(crate) trait Input: DeserializeOwned + ToSchema + Send + 'static {
    const KIND: BodyKind;
    /// The fields, for the detail of a refusal; nothing that was sent is repeated there.
    const FIELDS: &'static str;

    /// When [`captcha`](Input::captcha) is asked for.
    const CAPTCHA: AsksCaptcha = AsksCaptcha::Never;

    /// What somebody typed to say who they are, for the limits.
    fn identifier(&self) -> Option<&str> {
        None
    }

    /// The token from a mail, for the limits.
    fn token(&self) -> Option<&SecretText> {
        None
    }

    /// What the widget in the page made.
    fn captcha(&self) -> Option<&SecretText> {
        None
    }
}

/// Reads a body whole, but no more of it than the bound.
pub(crate) async fn read<I: Input>(headers: &HeaderMap, body: Body) -> Result<I, Problem> {
    let encoding = encoding(headers, I::KIND)?;
    let bytes = bounded(headers, body).await?;
    Ok(match encoding {
        // A list would be taken for the fields in order.
        Encoding::Json if bytes.trim_ascii_start().starts_with(b"[") => {
            return Err(does_not_fit::<I>());
        }
        Encoding::Json => {
            serde_json::from_slice(&bytes).map_err(|error| match error.classify() {
                Category::Data => does_not_fit::<I>(),
                // The error names what it stumbled on, which may be a password: it is not repeated.
                Category::Io | Category::Syntax | Category::Eof => {
                    Problem::new(Code::MalformedRequest).with_detail("the body is no JSON document")
                }
            })?
        }
        Encoding::Form => form::deserialize(fields(&bytes)?).map_err(|_| does_not_fit::<I>())?,
    })
}

/// Reads a form of the application's own, with the same bounds.
pub(crate) async fn read_form(
    headers: &HeaderMap,
    body: Body,
) -> Result<Vec<(String, form::Value)>, Problem> {
    match encoding(headers, BodyKind::JsonOrForm)? {
        Encoding::Form => fields(&bounded(headers, body).await?),
        Encoding::Json => Err(Problem::new(Code::UnsupportedMediaType)
            .with_detail("this route takes application/x-www-form-urlencoded")),
    }
}

fn fields(bytes: &[u8]) -> Result<Vec<(String, form::Value)>, Problem> {
    form::parse(bytes).ok_or_else(|| {
        Problem::new(Code::MalformedRequest).with_detail("the body is no form in UTF-8")
    })
}

async fn bounded(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    // An announced length over the bound is refused before any of it is read.
    if body.size_hint().lower() > BODY_MAX_BYTES as u64
        || announced(headers) > BODY_MAX_BYTES as u64
    {
        return Err(Problem::new(Code::PayloadTooLarge));
    }
    match Limited::new(body, BODY_MAX_BYTES).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::new(Code::PayloadTooLarge)),
        Err(_broken_off) => Err(Problem::new(Code::MalformedRequest)),
    }
}

/// Reads a body that nobody wants, no more of it than the bound.
pub(crate) async fn drop_unread(body: Body) {
    if !body.is_end_stream() {
        // Longer, or broken off: the server closes the connection after the answer.
        let _unwanted = Limited::new(body, BODY_MAX_BYTES).collect().await;
    }
}

/// The length that the request announces; zero where it announces none.
fn announced(headers: &HeaderMap) -> u64 {
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    length
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(0)
}

fn does_not_fit<I: Input>() -> Problem {
    let detail = format!(
        "a field is missing, unknown, repeated or of another type; this route takes: {}",
        I::FIELDS
    );
    Problem::new(Code::InvalidBody).with_detail(detail)
}

/// How the body is written, from its headers alone.
pub(crate) fn encoding(headers: &HeaderMap, kind: BodyKind) -> Result<Encoding, Problem> {
    let taken = match kind {
        BodyKind::JsonOrForm => "application/json or application/x-www-form-urlencoded",
        BodyKind::Json | BodyKind::None => "application/json",
    };
    let refused = || {
        Problem::new(Code::UnsupportedMediaType).with_detail(format!("this route takes {taken}"))
    };
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (types.next(), types.next()) else {
        return Err(refused());
    };
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(refused());
    }
    let essence = value.as_bytes().split(|byte| *byte == b';').next();
    let essence = essence.unwrap_or_default().trim_ascii();
    if essence.eq_ignore_ascii_case(b"application/json") {
        Ok(Encoding::Json)
    } else if kind == BodyKind::JsonOrForm
        && essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
    {
        Ok(Encoding::Form)
    } else {
        Err(refused())
    }
}

#[cfg(test)]
mod tests;
