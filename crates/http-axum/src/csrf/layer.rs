//! The same check for the application's own routes.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use portcullis_backends::Portcullis;
use tower::{Layer, Service};

use super::{AllowedOrigins, Checked, OriginError, check};
use crate::credential;
use crate::request_id::RequestId;

/// Refuses unsafe requests that a browser sent from another site, on routes of the application's own.
///
/// Routes that ask for a principal need no layer: the extractors refuse such a request where its credential is the
/// session cookie. The layer is for routes that trust cookies without asking, and for applications whose pages stand on
/// more origins than the public one: what it lets through, the extractors let through.
///
/// A request with `Authorization: Bearer` or `X-API-Key` passes: another site cannot set either without a CORS
/// preflight, which is the application's to grant, and with them the cookie is not looked at. `Authorization: Basic`
/// does not: browsers send it by themselves.
#[must_use]
pub fn csrf_layer(portcullis: &Portcullis) -> CsrfLayer {
    CsrfLayer {
        portcullis: portcullis.clone(),
        allowed: AllowedOrigins::default(),
    }
}

/// Made by [`csrf_layer`].
#[derive(Clone, Debug)]
pub struct CsrfLayer {
    portcullis: Portcullis,
    allowed: AllowedOrigins,
}

impl CsrfLayer {
    /// Lets pages of one more origin in.
    ///
    /// # Errors
    /// [`OriginError`] for what is no origin.
    pub fn allow_origin(mut self, origin: &str) -> Result<Self, OriginError> {
        self.allowed.allow(origin)?;
        Ok(self)
    }
}

impl<S> Layer<S> for CsrfLayer {
    type Service = CsrfService<S>;

    fn layer(&self, inner: S) -> CsrfService<S> {
        CsrfService {
            inner,
            layer: self.clone(),
        }
    }
}

/// Made by [`CsrfLayer`].
#[derive(Clone, Debug)]
pub struct CsrfService<S> {
    inner: S,
    layer: CsrfLayer,
}

impl<S> Service<Request> for CsrfService<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let CsrfLayer {
            portcullis,
            allowed,
        } = &self.layer;
        let headers = request.headers();
        let checked = if credential::is_header_based(headers) {
            Ok(())
        } else {
            check(request.method(), headers, portcullis, allowed)
        };
        if let Err(problem) = checked {
            let id = RequestId::of(request.extensions_mut(), portcullis.entropy());
            let refused = match id {
                Ok(id) => problem.with_request_id(&id).into_response(),
                Err(error) => crate::Problem::from(error).into_response(),
            };
            return Box::pin(std::future::ready(Ok(refused)));
        }
        request.extensions_mut().insert(Checked);
        Box::pin(self.inner.call(request))
    }
}
