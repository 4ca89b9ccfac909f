//! The OpenAPI document, made from the route table, so that it cannot drift from what is served.

mod operation;

use axum::body::Bytes;
use axum::http::StatusCode;
use serde_json::Value;
use utoipa::openapi::info::{InfoBuilder, LicenseBuilder};
use utoipa::openapi::schema::ComponentsBuilder;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::server::ServerBuilder;
use utoipa::openapi::{OpenApi, OpenApiBuilder, PathsBuilder};

use crate::answer::Answer;
use crate::call::Call;
use crate::code::Code;
use crate::config::RoutesConfig;
use crate::problem::{Problem, ProblemBody};
use crate::route::{ROUTES, Shape};

pub(crate) const COOKIE: &str = "sessionCookie";
pub(crate) const BEARER: &str = "bearerToken";
pub(crate) const API_KEY: &str = "apiKey";

/// The document of all routes at their default place. `GET openapi.json` serves that of a router's own.
///
/// ```
/// let document = portcullis_http_axum::openapi();
/// assert_eq!(document["openapi"], "3.1.0");
/// assert!(document["paths"]["/auth/sign-in"]["post"].is_object());
/// ```
#[must_use]
pub fn openapi() -> Value {
    let document = document(&Place {
        mount: "/auth",
        cookie: "__Host-portcullis",
        server: None,
        config: &RoutesConfig::default(),
    });
    // A tree of strings, numbers and maps with string keys: JSON can say all of it.
    serde_json::to_value(document).unwrap_or_default()
}

/// What differs between one router's document and another's.
struct Place<'a> {
    mount: &'a str,
    cookie: &'a str,
    server: Option<&'a str>,
    config: &'a RoutesConfig,
}

pub(crate) async fn show(call: &Call) -> Result<Answer, Problem> {
    let bytes = call.shared.openapi.get_or_init(|| {
        let settings = call.settings();
        let document = document(&Place {
            mount: settings.mount_path(),
            cookie: settings.session_cookie(),
            server: Some(settings.public_url().as_str()),
            config: &call.shared.config,
        });
        Bytes::from(serde_json::to_vec(&document).unwrap_or_default())
    });
    Ok(Answer::written(
        StatusCode::OK,
        "application/json",
        bytes.clone(),
    ))
}

fn document(place: &Place<'_>) -> OpenApi {
    let mut paths = PathsBuilder::new();
    let mut schemas = Vec::new();
    (Shape::of::<ProblemBody<'_>>().collect)(&mut schemas);
    for spec in ROUTES.iter().filter(|spec| spec.switch.is_on(place.config)) {
        for shape in [spec.input, spec.output].into_iter().flatten() {
            (shape.collect)(&mut schemas);
        }
        let path = format!("{}{}", place.mount, spec.path);
        paths = paths.path(path, operation::path_item(spec));
    }
    let cookie = ApiKeyValue::with_description(
        place.cookie,
        "Set by sign-in. From a browser, unsafe methods need an Origin of this service.",
    );
    let key = ApiKeyValue::with_description("X-API-Key", "An API token.");
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An API token (RFC 6750)."));
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .security_scheme(COOKIE, SecurityScheme::ApiKey(ApiKey::Cookie(cookie)))
        .security_scheme(BEARER, SecurityScheme::Http(bearer.build()))
        .security_scheme(API_KEY, SecurityScheme::ApiKey(ApiKey::Header(key)));
    let info = InfoBuilder::new()
        .title("portcullis")
        // Of the interface; what runs behind it is nobody's business.
        .version("1")
        .description(Some(description()))
        .license(Some(
            LicenseBuilder::new()
                .name("MIT OR Apache-2.0")
                .identifier(Some("MIT OR Apache-2.0"))
                .build(),
        ));
    OpenApiBuilder::new()
        .info(info.build())
        .servers(
            place
                .server
                .map(|url| [ServerBuilder::new().url(url).build()]),
        )
        .paths(paths.build())
        .components(Some(components.build()))
        .build()
}

fn description() -> String {
    let mut text = String::from(
        "Refusals are `application/problem+json` (RFC 9457). `code` is stable, for programs:\n\n\
         | status | code | when |\n|---|---|---|\n",
    );
    for code in Code::ALL {
        let (status, spelling, meaning) = (code.status().as_u16(), code.as_str(), code.meaning());
        text.push_str(&format!("| {status} | `{spelling}` | {meaning} |\n"));
    }
    text
}
