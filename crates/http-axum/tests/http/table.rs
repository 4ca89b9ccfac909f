//! The route table: what it says of a route is what the route does.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use portcullis_http_axum::{
    HEALTH_ROUTES, Limits, ROUTES, RoutePolicy, RouteSpec, RoutesConfig, Switch, Verb,
    WithoutStore, routes_with,
};

use crate::app::App;

fn method(route: &RouteSpec) -> Method {
    route.verb.as_str().parse().unwrap()
}

fn path(route: &RouteSpec) -> String {
    format!(
        "/auth{}",
        route
            .path
            .replace("{id}", "0190b5a4-6f00-7000-8000-000000000000")
    )
}

/// Token routes are there where the instance makes access tokens.
fn is_served(route: &RouteSpec) -> bool {
    cfg!(feature = "jwt") || route.switch != Switch::Tokens
}

/// What `cargo xtask routes` prints: method, path, policy, limits, events.
fn line(route: &RouteSpec) -> String {
    let limits = match &route.limits {
        Limits::Of(limits, _) => joined(limits.iter().map(|limit| {
            let (burst, period) = (limit.limit.burst, limit.limit.period);
            format!("{} {:?} {burst}/{period:?}", limit.bucket, limit.per)
        })),
        _ => "-".to_owned(),
    };
    let events = joined(route.events.iter().map(ToString::to_string));
    format!(
        "{} {} | {:?} | {limits} | {events}\n",
        route.verb.as_str(),
        route.path,
        route.policy,
    )
}

fn joined(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    match words.is_empty() {
        true => "-".to_owned(),
        false => words.join(", "),
    }
}

/// A new route shows here, and its author says who may use it, how often, and what it leaves in the log.
#[test]
fn the_list_of_routes_is_the_golden_one() {
    let lines: String = ROUTES.iter().chain(HEALTH_ROUTES).map(line).collect();
    if std::env::var_os("PORTCULLIS_BLESS").is_some() {
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/http/routes.txt");
        return std::fs::write(golden, lines).unwrap();
    }
    let golden = include_str!("routes.txt");
    assert_eq!(
        lines, golden,
        "routes.txt is not the table: `cargo xtask routes --bless` makes it this\n{lines}"
    );
}

#[test]
fn every_route_that_costs_something_is_limited_and_every_change_leaves_an_event() {
    for route in ROUTES {
        let name = format!("{} {}", route.verb.as_str(), route.path);
        let limited = matches!(&route.limits, Limits::Of(limits, _) if !limits.is_empty());
        let open = matches!(route.policy, RoutePolicy::Public);
        assert!(
            limited || !open || route.verb == Verb::Get,
            "{name} is open and not limited"
        );
        let changes = route.verb != Verb::Get && !route.path.contains("check-auth");
        assert!(
            !changes || !route.events.is_empty(),
            "{name} changes something and declares no event"
        );
    }
}

// TH-12
/// Every other limited route answers 503 then: it needs sessions, which are kept with the limits, or sends mail.
#[test]
fn every_limited_route_says_what_holds_without_the_store_of_its_limits() {
    let in_process =
        |route: &&RouteSpec| matches!(&route.limits, Limits::Of(_, WithoutStore::InProcess));
    let paths = ROUTES.iter().filter(in_process).map(|route| route.path);
    assert_eq!(
        paths.collect::<Vec<_>>(),
        [
            "/signup/verify",
            "/password/verify_token",
            "/password/reset",
            "/token",
            "/refresh"
        ]
    );
}

#[tokio::test]
async fn nobody_gets_past_a_route_that_is_not_public() {
    let app = App::new().await;
    for route in ROUTES {
        if matches!(
            route.policy,
            RoutePolicy::Public | RoutePolicy::AnonymousOrSession
        ) {
            continue;
        }
        let answer = app
            .client()
            .request(method(route), &path(route), None)
            .await;
        assert_eq!(
            answer.status,
            StatusCode::UNAUTHORIZED,
            "{} {}",
            route.verb.as_str(),
            route.path
        );
        assert!(answer.header("www-authenticate").is_some());
    }
}

#[tokio::test]
async fn a_route_that_is_switched_off_is_not_there() {
    let app = App::with(
        |builder| builder,
        |_, portcullis| {
            let mut config = RoutesConfig::default();
            config.enable_sign_up = false;
            config.enable_api_tokens = false;
            axum::Router::new().merge(routes_with(portcullis, config))
        },
    )
    .await;
    for route in ROUTES {
        let off = route.path.starts_with("/signup")
            || route.path.starts_with("/api-tokens")
            || !is_served(route);
        let answer = app
            .client()
            .request(method(route), &path(route), None)
            .await;
        assert_eq!(
            answer.status == StatusCode::NOT_FOUND,
            off,
            "{} {}: {answer:?}",
            route.verb.as_str(),
            route.path
        );
    }
}

#[tokio::test]
async fn the_openapi_document_has_every_route_and_no_other() {
    let app = App::new().await;
    let document = app
        .client()
        .get("/auth/openapi.json")
        .await
        .expect(StatusCode::OK)
        .json();
    assert!(
        document["openapi"].as_str().unwrap().starts_with("3.1"),
        "{document}"
    );
    let mut documented = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for verb in ["get", "post", "put", "patch", "delete"] {
            if operations.get(verb).is_some() {
                documented.insert(format!("{} {path}", verb.to_uppercase()));
            }
        }
    }
    let table: BTreeSet<_> = ROUTES
        .iter()
        .filter(|route| is_served(route))
        .map(|route| format!("{} /auth{}", route.verb.as_str(), route.path))
        .collect();
    assert_eq!(documented, table);
}
