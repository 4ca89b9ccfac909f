//! Refusals as RFC 9457 problem details.

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use portcullis_backends::{FlowError, Portcullis};
use portcullis_core::entropy::EntropyError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::code::Code;
use crate::headers;
use crate::request_id::{REQUEST_ID, RequestId};

/// When to try again where a failure does not say it.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// A refused request: [`Code`] says why, [`IntoResponse`] makes the answer (RFC 9457).
///
/// It never holds the text of an error, a query, a path of the file system or a version: those go to the log, under
/// the request id that the answer carries.
#[derive(Clone, Debug)]
pub struct Problem(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    code: Code,
    detail: Option<Cow<'static, str>>,
    errors: Vec<FieldError>,
    headers: HeaderMap,
    request_id: Option<RequestId>,
    /// For the log.
    cause: Option<Arc<FlowError>>,
}

/// What is wrong with one field of a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The field.
    field: &'static str,
    /// What is wrong with it.
    #[schema(value_type = String)]
    detail: Cow<'static, str>,
    /// The rule that a new password breaks: stable, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    rule: Option<&'static str>,
}

/// Problem details (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'a> {
    /// `urn:portcullis:problem:` and the code.
    #[serde(rename = "type")]
    kind: String,
    /// A short sentence for people.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// Stable, for programs.
    #[schema(value_type = String)]
    code: &'static str,
    /// More, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    /// Under which the log has more.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    /// The fields that do not fit.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

impl Problem {
    /// A refusal without detail.
    #[must_use]
    pub fn new(code: Code) -> Self {
        let mut headers = HeaderMap::new();
        match code {
            // RFC 9110 section 11.6.1: every 401 names a scheme; RFC 6750 section 3.1: the error only where a token came.
            Code::Unauthenticated | Code::InvalidCredentials => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Code::CredentialRejected => {
                let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
                headers.insert(header::WWW_AUTHENTICATE, challenge);
            }
            _ => {}
        }
        Self(Box::new(Inner {
            code,
            detail: None,
            errors: Vec::new(),
            headers,
            request_id: None,
            cause: None,
        }))
    }

    /// Adds a sentence for people. It goes out as it is: nothing that a client sent, and nothing from inside.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds what is wrong with one field.
    #[must_use]
    pub fn with_field(mut self, field: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        let detail = detail.into();
        self.0.errors.push(FieldError {
            field,
            detail,
            rule: None,
        });
        self
    }

    /// A new password that breaks a rule. The answer is the same from every route that takes one.
    #[must_use]
    pub(crate) fn password_refused(
        field: &'static str,
        rejection: portcullis_core::rule::password::PasswordRejection,
    ) -> Self {
        let mut problem = Self::new(Code::PasswordRefused);
        problem.0.errors.push(FieldError {
            field,
            detail: rejection.to_string().into(),
            rule: Some(rejection.rule()),
        });
        problem
    }

    /// Says when to try again, in whole seconds, at least one.
    #[must_use]
    pub fn with_retry_after(self, after: Duration) -> Self {
        let secs = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        self.with_header(header::RETRY_AFTER, HeaderValue::from(secs.max(1)))
    }

    /// The scope that would be needed (RFC 6750 section 3.1).
    #[must_use]
    pub(crate) fn with_scope(self, scope: &str) -> Self {
        let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
        match HeaderValue::try_from(challenge) {
            Ok(challenge) => self.with_header(header::WWW_AUTHENTICATE, challenge),
            Err(_) => self,
        }
    }

    #[must_use]
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    #[must_use]
    pub(crate) fn with_request_id(mut self, id: &RequestId) -> Self {
        self.0.request_id = Some(id.clone());
        self
    }

    /// Why.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The sentence for people, where there is one.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// The sentences about fields.
    pub(crate) fn field_details(&self) -> impl Iterator<Item = &str> {
        self.0.errors.iter().map(|error| &*error.detail)
    }

    /// What any answer with this refusal has to carry, whatever its body.
    pub(crate) fn apply_headers(&self, to: &mut HeaderMap) {
        for (name, value) in &self.0.headers {
            to.insert(name, value.clone());
        }
        if let Some(value) = self.0.request_id.as_ref().and_then(RequestId::header) {
            to.insert(REQUEST_ID, value);
        }
    }

    /// The one place where a cause is written down, under the id that the answer carries.
    pub(crate) fn log_cause(&self) {
        let Some(cause) = &self.0.cause else {
            return;
        };
        let request_id = self.0.request_id.as_ref().map(RequestId::as_str);
        let error = &**cause as &dyn Error;
        let code = self.0.code.as_str();
        if matches!(**cause, FlowError::Busy { .. }) {
            tracing::warn!(request_id, code, error, "refused");
        } else {
            tracing::error!(request_id, code, error, "failed");
        }
    }

    /// Counts a store's failure, where that is the cause.
    pub(crate) fn count_cause(&self, portcullis: &Portcullis) {
        if let Some(cause) = &self.0.cause {
            portcullis.count_failure(cause);
        }
    }

    fn body(&self) -> Vec<u8> {
        let Inner { code, .. } = *self.0;
        let body = ProblemBody {
            kind: format!("urn:portcullis:problem:{}", code.as_str()),
            title: code.title(),
            status: code.status().as_u16(),
            code: code.as_str(),
            detail: self.0.detail.as_deref(),
            request_id: self.0.request_id.as_ref().map(RequestId::as_str),
            errors: &self.0.errors,
        };
        // Strings and numbers alone: there is nothing in it that JSON cannot say.
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.log_cause();
        let mut response = Response::new(Body::from(self.body()));
        *response.status_mut() = self.0.code.status();
        let to = response.headers_mut();
        to.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers::guard(to);
        self.apply_headers(to);
        response
    }
}

/// 503 or 500, with the cause in the log and nowhere else.
impl From<FlowError> for Problem {
    fn from(error: FlowError) -> Self {
        let mut problem = match &error {
            FlowError::Busy { retry_after } => {
                Self::new(Code::Unavailable).with_retry_after(*retry_after)
            }
            FlowError::Unavailable(_) => {
                Self::new(Code::Unavailable).with_retry_after(TRY_AGAIN_AFTER)
            }
            _ => Self::new(Code::Internal),
        };
        problem.0.cause = Some(Arc::new(error));
        problem
    }
}

impl From<EntropyError> for Problem {
    fn from(error: EntropyError) -> Self {
        FlowError::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // HT-14
    #[test]
    fn the_text_of_an_error_stays_inside() {
        let secret = "SELECT * FROM users at /var/lib/portcullis.db";
        for error in [
            FlowError::Internal(secret.into()),
            FlowError::Unavailable(secret.into()),
        ] {
            let problem = Problem::from(error);
            let body = String::from_utf8(problem.body()).unwrap();
            assert!(!body.contains("SELECT") && !body.contains("/var"), "{body}");
        }
    }

    #[test]
    fn what_could_not_be_decided_says_when_to_try_again() {
        let busy = FlowError::Busy {
            retry_after: Duration::from_millis(1200),
        };
        let response = Problem::from(busy).into_response();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
        let outage = Problem::from(FlowError::Unavailable("x".into())).into_response();
        assert_eq!(outage.headers()[header::RETRY_AFTER], "5");
    }

    #[test]
    fn every_401_names_a_scheme() {
        for code in Code::ALL {
            let response = Problem::new(*code).into_response();
            let named = response.headers().contains_key(header::WWW_AUTHENTICATE);
            assert_eq!(named, code.status() == 401, "{code:?}");
        }
    }
}
