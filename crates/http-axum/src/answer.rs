//! What a handler answers with.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;

use crate::code::Code;
use crate::problem::Problem;
use crate::return_to::ReturnTo;

/// An answer, and whether the limits that were taken for it are given back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) response: Response,
    pub(crate) gives_back: bool,
}

impl Answer {
    pub(crate) fn json<T: Serialize>(status: StatusCode, body: &T) -> Result<Self, Problem> {
        let bytes = serde_json::to_vec(body).map_err(|_| Problem::new(Code::Internal))?;
        Ok(Self::written(status, "application/json", bytes))
    }

    pub(crate) fn written(
        status: StatusCode,
        content_type: &'static str,
        body: impl Into<Body>,
    ) -> Self {
        let mut response = Response::new(body.into());
        *response.status_mut() = status;
        let content_type = HeaderValue::from_static(content_type);
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, content_type);
        response.into()
    }

    /// A page elsewhere, fetched with `GET` (RFC 9110 section 15.4.4).
    pub(crate) fn see_other(target: &ReturnTo) -> Result<Self, Problem> {
        let location = HeaderValue::try_from(target.as_str());
        let location = location.map_err(|_| Problem::new(Code::Internal))?;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SEE_OTHER;
        response.headers_mut().insert(header::LOCATION, location);
        Ok(response.into())
    }

    pub(crate) fn no_content() -> Self {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        response.into()
    }

    /// Adds a `Set-Cookie`; `None` stands for a value that no cookie can hold, which is ours to avoid.
    pub(crate) fn with_cookie(mut self, cookie: Option<HeaderValue>) -> Result<Self, Problem> {
        let cookie = cookie.ok_or_else(|| Problem::new(Code::Internal))?;
        self.headers().append(header::SET_COOKIE, cookie);
        Ok(self)
    }

    /// The limits count what fails only.
    pub(crate) fn giving_limits_back(mut self) -> Self {
        self.gives_back = true;
        self
    }

    pub(crate) fn headers(&mut self) -> &mut HeaderMap {
        self.response.headers_mut()
    }
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        Self {
            response,
            gives_back: false,
        }
    }
}
