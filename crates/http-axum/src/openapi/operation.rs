//! One operation of the document, from its line in the table.

use std::collections::BTreeMap;

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn, PathItemBuilder};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, HttpMethod, PathItem, Ref, Required};

use super::{API_KEY, BEARER, COOKIE};
use crate::body::{AsksCaptcha, BodyKind};
use crate::code::Code;
use crate::limit::Limits;
use crate::route::{Csrf, Pages, RoutePolicy, RouteSpec, Shape, Verb};

const JSON: &str = "application/json";
const HTML: &str = "text/html";
const FORM: &str = "application/x-www-form-urlencoded";
const PROBLEM: &str = "application/problem+json";

pub(super) fn path_item(spec: &RouteSpec) -> PathItem {
    let mut operation = OperationBuilder::new()
        .operation_id(Some(operation_id(spec)))
        .summary(Some(spec.summary))
        .securities(Some(securities(spec.policy)))
        .request_body(request_body(spec))
        .response(spec.status.to_string(), success(spec));
    if spec.path.contains("{id}") {
        let id = ParameterBuilder::new()
            .name("id")
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(text(Some("uuid"))));
        operation = operation.parameter(id);
    }
    if spec.pages == Pages::Only {
        let token = ParameterBuilder::new()
            .name("token")
            .parameter_in(ParameterIn::Query)
            .required(Required::True)
            .schema(Some(text(None)));
        operation = operation.parameter(token);
    }
    for (status, codes) in refusals(spec) {
        operation = operation.response(status.to_string(), refusal(status, &codes));
    }
    let method = match spec.verb {
        Verb::Get => HttpMethod::Get,
        Verb::Post => HttpMethod::Post,
        Verb::Patch => HttpMethod::Patch,
        Verb::Delete => HttpMethod::Delete,
    };
    PathItemBuilder::new()
        .operation(method, operation.build())
        .build()
}

fn operation_id(spec: &RouteSpec) -> String {
    let words = spec.path.split(|c: char| !c.is_ascii_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    words.fold(spec.verb.as_str().to_ascii_lowercase(), |id, word| {
        id + "_" + word
    })
}

fn securities(policy: RoutePolicy) -> Vec<SecurityRequirement> {
    let none: [String; 0] = [];
    let by = |scheme: &str| SecurityRequirement::new(scheme, none.clone());
    match policy {
        RoutePolicy::Public => vec![SecurityRequirement::default()],
        RoutePolicy::AnonymousOrSession => vec![SecurityRequirement::default(), by(COOKIE)],
        RoutePolicy::SignedIn => vec![by(COOKIE), by(BEARER), by(API_KEY)],
        RoutePolicy::Session | RoutePolicy::FreshSession => vec![by(COOKIE)],
    }
}

fn request_body(spec: &RouteSpec) -> Option<RequestBody> {
    let input = spec.input?;
    let body = RequestBodyBuilder::new()
        .required(Some(Required::True))
        .content(JSON, content(input));
    let body = match spec.body {
        BodyKind::JsonOrForm => body.content(FORM, content(input)),
        BodyKind::Json | BodyKind::None => body,
    };
    Some(body.build())
}

fn content(shape: Shape) -> Content {
    let name = (shape.name)();
    ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(name)))
        .build()
}

fn success(spec: &RouteSpec) -> Response {
    let mut response = ResponseBuilder::new().description(spec.summary);
    if let Some(output) = spec.output {
        response = response.content(JSON, content(output));
    }
    if spec.pages != Pages::None {
        response = response.content(HTML, Content::new(Some(text(None))));
    }
    response.build()
}

/// The codes that a route can answer with, by status: its own, and those that follow from the rest of its line.
fn refusals(spec: &RouteSpec) -> BTreeMap<u16, Vec<Code>> {
    let mut codes = spec.codes.to_vec();
    // A credential in the URL is refused everywhere.
    codes.extend([Code::CredentialRejected, Code::Internal, Code::Unavailable]);
    if spec.csrf() == Csrf::Checked {
        codes.push(Code::CrossSiteRequest);
    }
    if spec.body != BodyKind::None {
        codes.extend([
            Code::MalformedRequest,
            Code::PayloadTooLarge,
            Code::UnsupportedMediaType,
            Code::InvalidBody,
        ]);
    }
    if spec.captcha != AsksCaptcha::Never {
        codes.push(Code::CaptchaRequired);
    }
    if matches!(spec.limits, Limits::Of(..)) {
        codes.push(Code::RateLimited);
    }
    if spec.policy != RoutePolicy::Public {
        codes.extend([Code::ConflictingCredentials, Code::HeaderTooLarge]);
    }
    match spec.policy {
        RoutePolicy::Public | RoutePolicy::AnonymousOrSession => {}
        RoutePolicy::SignedIn => codes.push(Code::Unauthenticated),
        RoutePolicy::Session => codes.extend([Code::Unauthenticated, Code::CredentialNotAllowed]),
        RoutePolicy::FreshSession => codes.extend([
            Code::Unauthenticated,
            Code::CredentialNotAllowed,
            Code::StepUpRequired,
        ]),
    }
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in Code::ALL.iter().filter(|code| codes.contains(code)) {
        by_status
            .entry(code.status().as_u16())
            .or_default()
            .push(*code);
    }
    by_status
}

fn refusal(status: u16, codes: &[Code]) -> Response {
    let lines: Vec<_> = codes
        .iter()
        .map(|code| format!("`{}`: {}", code.as_str(), code.meaning()))
        .collect();
    let response = ResponseBuilder::new()
        .description(lines.join("\n\n"))
        .content(
            PROBLEM,
            Content::new(Some(Ref::from_schema_name("Problem"))),
        );
    let response = match status {
        429 | 503 => {
            let seconds = ObjectBuilder::new().schema_type(Type::Integer);
            let header = HeaderBuilder::new()
                .schema(Some(seconds))
                .description(Some("Seconds until there is room again."));
            response.header("Retry-After", header.build())
        }
        401 => {
            let header = HeaderBuilder::new()
                .schema(Some(text(None)))
                .description(Some("A challenge (RFC 6750)."));
            response.header("WWW-Authenticate", header.build())
        }
        _ => response,
    };
    response.build()
}

fn text(format: Option<&str>) -> ObjectBuilder {
    let format = format.map(|format| SchemaFormat::Custom(format.to_owned()));
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(format)
}
