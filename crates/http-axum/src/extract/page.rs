//! The guard of pages.

use axum::extract::{FromRef, FromRequestParts, OriginalUri};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use portcullis_backends::Portcullis;
use portcullis_core::principal::Principal;
use url::form_urlencoded::byte_serialize;

use crate::code::Code;
use crate::headers;
use crate::policy::InSession;
use crate::resolve::Resolved;
use crate::return_to::ReturnTo;

/// Somebody in a session, for pages: whoever is not signed in is sent (303) to the
/// [sign-in page](portcullis_backends::Builder::sign_in_page), which learns in `return_to` where they wanted to go.
/// Everything else is answered as by [`SessionAuth`](crate::SessionAuth).
#[derive(Clone, Debug)]
pub struct PageAuth(pub Principal);

impl<S> FromRequestParts<S> for PageAuth
where
    Portcullis: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let portcullis = Portcullis::from_ref(state);
        let resolved = Resolved::of(parts, &portcullis).await;
        let known = resolved.and_then(|resolved| resolved.principal().map(drop));
        match known {
            Err(problem) if problem.code() == Code::Unauthenticated => {
                Err(to_sign_in(parts, &portcullis))
            }
            Err(problem) => Err(problem.into_response()),
            Ok(()) => super::allowed::<InSession>(parts, &portcullis, "PageAuth")
                .await
                .map(Self)
                .map_err(IntoResponse::into_response),
        }
    }
}

fn to_sign_in(parts: &Parts, portcullis: &Portcullis) -> Response {
    let settings = portcullis.settings();
    let mut location = settings.sign_in_page().to_owned();
    // What an unsafe method would have changed cannot be repeated by following a link.
    if parts.method.is_safe() {
        let uri = parts.extensions.get::<OriginalUri>();
        let uri = uri.map_or(&parts.uri, |OriginalUri(uri)| uri);
        let wanted = uri.path_and_query().map_or("/", |path| path.as_str());
        if let Ok(target) = ReturnTo::path(settings, wanted) {
            location += "?return_to=";
            location.extend(byte_serialize(target.as_str().as_bytes()));
        }
    }
    let mut response = StatusCode::SEE_OTHER.into_response();
    headers::guard(response.headers_mut());
    match HeaderValue::try_from(location) {
        Ok(location) => {
            response.headers_mut().insert(header::LOCATION, location);
            response
        }
        Err(_) => crate::Problem::new(Code::Unauthenticated).into_response(),
    }
}
