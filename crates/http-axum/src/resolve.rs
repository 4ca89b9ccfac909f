//! Who a request comes from: decided once, kept on the request.

use std::sync::Arc;

use axum::http::request::Parts;
use portcullis_backends::{Authentication, Portcullis};
use portcullis_core::backend::{Credential, Presented, RequestContext};
use portcullis_core::principal::Principal;

use crate::code::Code;
use crate::csrf::{self, AllowedOrigins, Checked};
use crate::policy::Denied;
use crate::problem::Problem;
use crate::request_id::RequestId;
use crate::unwind;
use crate::view::View;
use crate::{client, credential};

/// Who a request comes from, by one instance.
#[derive(Clone, Debug)]
pub(crate) struct Resolved(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    portcullis: Portcullis,
    context: Arc<RequestContext>,
    id: RequestId,
    outcome: Result<Option<Principal>, Problem>,
}

impl Resolved {
    /// Decides, or looks up what was decided before on this request by the same instance.
    pub(crate) async fn of(parts: &mut Parts, portcullis: &Portcullis) -> Result<Self, Problem> {
        if let Some(found) = parts.extensions.get::<Self>()
            && std::ptr::eq(found.0.portcullis.settings(), portcullis.settings())
        {
            return Ok(found.clone());
        }
        let (context, id) = client::context(parts, portcullis)?;
        let outcome = match unwind::catch(decide(parts, portcullis, &context)).await {
            Ok(outcome) => outcome,
            Err(unwind::Panicked) => Err(Problem::new(Code::Internal)),
        };
        let resolved = Self(Arc::new(Inner {
            portcullis: portcullis.clone(),
            context,
            outcome: outcome.map_err(|problem| problem.with_request_id(&id)),
            id,
        }));
        parts.extensions.insert(resolved.clone());
        Ok(resolved)
    }

    /// Somebody, or the refusal.
    pub(crate) fn principal(&self) -> Result<&Principal, Problem> {
        let anonymous = || Problem::new(Code::Unauthenticated).with_request_id(&self.0.id);
        self.optional()?.ok_or_else(anonymous)
    }

    /// Somebody or nobody; a refusal where a credential of its own is not good.
    pub(crate) fn optional(&self) -> Result<Option<&Principal>, Problem> {
        self.0
            .outcome
            .as_ref()
            .map(Option::as_ref)
            .map_err(Clone::clone)
    }

    /// Notes a denial in the audit log and makes the answer.
    pub(crate) async fn deny(
        &self,
        principal: &Principal,
        denied: Denied,
        route: &'static str,
    ) -> Problem {
        let Inner {
            portcullis,
            context,
            id,
            ..
        } = &*self.0;
        portcullis
            .record_denied(principal, denied.reason(), route, context)
            .await;
        Problem::from(denied).with_request_id(id)
    }

    /// The id to answer under.
    pub(crate) fn id(&self) -> &RequestId {
        &self.0.id
    }
}

async fn decide(
    parts: &Parts,
    portcullis: &Portcullis,
    context: &RequestContext,
) -> Result<Option<Principal>, Problem> {
    let settings = portcullis.settings();
    let cookies = [settings.session_cookie(), settings.access_cookie()];
    let presentation = credential::read(&parts.headers, &parts.uri, cookies)?;
    // The cookie comes by itself, so what it is used for must come from a page of ours; no layer is needed for that.
    let by_cookie = matches!(presentation.credential, Some(Credential::Cookie(_)));
    let same_site = || match parts.extensions.get::<Checked>() {
        Some(_) => Ok(()),
        None => {
            let none = AllowedOrigins::default();
            csrf::check(&parts.method, &parts.headers, portcullis, &none)
        }
    };
    if by_cookie {
        same_site()?;
    }
    let view = View {
        parts,
        client_ip: context.client.ip,
    };
    let presented = Presented {
        credential: presentation.credential,
        request: &view,
    };
    match portcullis.authenticate(&presented, context).await? {
        Authentication::Authenticated(principal) => {
            if !by_cookie && principal.is_ambient() {
                same_site()?;
            }
            Ok(Some(principal))
        }
        // A header that nobody accepts is never "nobody in particular".
        Authentication::Rejected => Err(Problem::new(Code::CredentialRejected)),
        Authentication::Anonymous if presentation.is_explicit => {
            Err(Problem::new(Code::CredentialRejected))
        }
        Authentication::Anonymous => Ok(None),
    }
}
