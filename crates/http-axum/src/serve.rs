//! What happens to every request to our routes, in this order: an id, the address it comes from, the check against
//! other sites, the policy, the limits, the body, the handler; and to every answer.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use portcullis_core::backend::RequestContext;
use portcullis_core::principal::Principal;

use crate::call::{Call, Shared};
use crate::code::Code;
use crate::cors::Readers;
use crate::csrf::{self, Checked};
use crate::extract::allowed;
use crate::policy::{Fresh, InSession, Interactive, SignedIn};
use crate::problem::Problem;
use crate::request_id::{REQUEST_ID, RequestId};
use crate::resolve::Resolved;
use crate::route::{Csrf, Pages, RoutePolicy, RouteSpec};
use crate::{client, cors, credential, headers, page, unwind};

/// Answers a request to a route of the table, which is counted at `place`.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    spec: &'static RouteSpec,
    place: usize,
    request: Request,
) -> Response {
    let asked = shared.counts.asked(place);
    let (mut parts, body) = request.into_parts();
    let readers = Readers::of(&parts.headers, &shared.config.allowed_origins);
    let (method, for_people) = (parts.method.clone(), takes_a_page(spec, &parts.headers));
    let (context, id) = match client::context(&mut parts, &shared.portcullis) {
        Ok(known) => known,
        Err(problem) => {
            let response = problem.into_response();
            asked.answered(response.status());
            return response;
        }
    };
    let handled = unwind::catch(handle(&shared, spec, parts, body, context)).await;
    let outcome = handled.unwrap_or_else(|_panicked| Err(Problem::new(Code::Internal)));
    let response = match outcome {
        Ok(response) => response,
        Err(problem) => {
            let problem = problem.with_request_id(&id);
            if for_people {
                problem.log_cause();
                page::problem(shared.portcullis.settings().app_name(), &problem)
            } else {
                problem.into_response()
            }
        }
    };
    asked.answered(response.status());
    finish(&shared, response, readers, &id, method.as_str(), spec.path)
}

/// Answers a request that no route of the table is for.
pub(crate) async fn refuse(shared: Arc<Shared>, problem: Problem, request: Request) -> Response {
    let asked = shared.counts.asked_elsewhere();
    let response = refused(&shared, problem, request);
    asked.answered(response.status());
    response
}

fn refused(shared: &Shared, problem: Problem, request: Request) -> Response {
    let (mut parts, _unread) = request.into_parts();
    let readers = Readers::of(&parts.headers, &shared.config.allowed_origins);
    match RequestId::of(&mut parts.extensions, shared.portcullis.entropy()) {
        Ok(id) => {
            let response = problem.with_request_id(&id).into_response();
            finish(shared, response, readers, &id, parts.method.as_str(), "")
        }
        Err(error) => Problem::from(error).into_response(),
    }
}

/// Answers a browser that asks whether a page of an allowed origin may send a request; for anybody else the method is
/// one that the path does not take.
pub(crate) async fn refuse_method(
    shared: Arc<Shared>,
    problem: Problem,
    methods: HeaderValue,
    request: Request,
) -> Response {
    let allowed = &shared.config.allowed_origins;
    let granted = cors::preflight(request.method(), request.headers(), allowed, &methods);
    let Some(granted) = granted else {
        return refuse(shared, problem, request).await;
    };
    let (mut parts, _unread) = request.into_parts();
    let readers = Readers::of(&parts.headers, allowed);
    match RequestId::of(&mut parts.extensions, shared.portcullis.entropy()) {
        Ok(id) => {
            let mut response = StatusCode::NO_CONTENT.into_response();
            response.headers_mut().extend(granted);
            finish(&shared, response, readers, &id, parts.method.as_str(), "")
        }
        Err(error) => Problem::from(error).into_response(),
    }
}

async fn handle(
    shared: &Arc<Shared>,
    spec: &'static RouteSpec,
    mut parts: Parts,
    body: Body,
    context: Arc<RequestContext>,
) -> Result<Response, Problem> {
    if spec.csrf() == Csrf::Checked && !passes_by_header(spec, &parts.headers) {
        let origins = &shared.config.allowed_origins;
        csrf::check(&parts.method, &parts.headers, &shared.portcullis, origins)?;
    }
    parts.extensions.insert(Checked);
    let principal = admit(shared, spec, &mut parts).await?;
    let call = Call {
        shared: Arc::clone(shared),
        spec,
        parts,
        context,
        principal,
    };
    match (spec.run)(&call, body).await {
        Ok(answer) => Ok(answer.response),
        Err(problem) => {
            problem.count_cause(&shared.portcullis);
            Err(problem)
        }
    }
}

/// Another site cannot set these headers without a CORS preflight, which is granted to allowed origins alone, and with
/// them the cookie is not looked at. Routes that look at no credential get no such pass: there the request itself is the change.
fn passes_by_header(spec: &RouteSpec, headers: &HeaderMap) -> bool {
    spec.policy != RoutePolicy::Public && credential::is_header_based(headers)
}

/// Whom the route's policy lets in.
async fn admit(
    shared: &Shared,
    spec: &'static RouteSpec,
    parts: &mut Parts,
) -> Result<Option<Principal>, Problem> {
    let portcullis = &shared.portcullis;
    let place = spec.path;
    match spec.policy {
        RoutePolicy::Public => {
            credential::refuse_in_url(&parts.uri)?;
            Ok(None)
        }
        RoutePolicy::AnonymousOrSession => {
            match Resolved::of(parts, portcullis).await?.optional()? {
                Some(_) => allowed::<Interactive>(parts, portcullis, place)
                    .await
                    .map(Some),
                None => Ok(None),
            }
        }
        RoutePolicy::SignedIn => allowed::<SignedIn>(parts, portcullis, place)
            .await
            .map(Some),
        RoutePolicy::Session => allowed::<InSession>(parts, portcullis, place)
            .await
            .map(Some),
        RoutePolicy::FreshSession => allowed::<(InSession, Fresh)>(parts, portcullis, place)
            .await
            .map(Some),
    }
}

pub(crate) fn takes_a_page(spec: &RouteSpec, headers: &HeaderMap) -> bool {
    let html = |value: &HeaderValue| value.to_str().is_ok_and(|text| text.contains("text/html"));
    match spec.pages {
        Pages::None => false,
        Pages::Only => true,
        Pages::ForForms => headers.get_all(header::ACCEPT).iter().any(html),
    }
}

fn finish(
    shared: &Shared,
    mut response: Response,
    readers: Readers,
    id: &RequestId,
    method: &str,
    route: &'static str,
) -> Response {
    let to = response.headers_mut();
    headers::guard(to);
    headers::transport(to, shared.portcullis.settings());
    readers.grant(to);
    if let Some(value) = id.header() {
        to.insert(REQUEST_ID, value);
    }
    let status = response.status().as_u16();
    tracing::info!(method, route, status, request_id = id.as_str(), "answered");
    response
}
