//! The router, built from the table.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::routing::{MethodRouter, any};
use portcullis_backends::Portcullis;

use crate::call::Shared;
use crate::code::Code;
use crate::config::RoutesConfig;
use crate::limit::InProcess;
use crate::problem::Problem;
use crate::route::{HEALTH_ROUTES, ROUTES, RouteSpec};
use crate::serve::{refuse, refuse_method, serve};

/// All routes, below the configured mount path, to be merged into the application's router, whatever its state.
///
/// Everything below the mount path is ours: what is no route there answers 404. Serve the application with
/// `into_make_service_with_connect_info::<SocketAddr>()`, so that limits know who asks.
pub fn routes<S>(portcullis: &Portcullis) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    routes_with(portcullis, RoutesConfig::default())
}

/// The routes that `config` asks for.
pub fn routes_with<S>(portcullis: &Portcullis, config: RoutesConfig) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let shared = shared(portcullis, config);
    let mount = portcullis.settings().mount_path();
    let mut router = build(&shared, mount, ROUTES);
    for rest in ["/", "/{*rest}"] {
        let shared = Arc::clone(&shared);
        let not_found = move |request: Request| {
            refuse(Arc::clone(&shared), Problem::new(Code::NotFound), request)
        };
        router = router.route(&format!("{mount}{rest}"), any(not_found));
    }
    router
}

/// `GET /health/live` and `GET /health/ready`, for the root of a service of its own.
pub fn health_routes<S>(portcullis: &Portcullis) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let shared = shared(portcullis, RoutesConfig::default());
    build(&shared, "", HEALTH_ROUTES)
}

fn shared(portcullis: &Portcullis, mut config: RoutesConfig) -> Arc<Shared> {
    config.enable_tokens &= portcullis.has_access_tokens();
    Arc::new(Shared {
        portcullis: portcullis.clone(),
        config,
        openapi: OnceLock::new(),
        counts: portcullis.meter(),
        in_process: InProcess::default(),
    })
}

fn build<S>(shared: &Arc<Shared>, mount: &str, table: &'static [RouteSpec]) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let mut paths: BTreeMap<&str, Vec<&'static RouteSpec>> = BTreeMap::new();
    for spec in table
        .iter()
        .filter(|spec| spec.switch.is_on(&shared.config))
    {
        paths.entry(spec.path).or_default().push(spec);
    }
    paths
        .into_iter()
        .fold(Router::new(), |router, (path, specs)| {
            router.route(&format!("{mount}{path}"), methods(shared, &specs))
        })
}

/// The methods of one path; any other is 405 and says which there are.
fn methods<S>(shared: &Arc<Shared>, specs: &[&'static RouteSpec]) -> MethodRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    let allow: Vec<_> = specs.iter().map(|spec| spec.verb.allow()).collect();
    // Names of methods are always a header's value.
    let allow = HeaderValue::try_from(allow.join(", "))
        .unwrap_or_else(|_| HeaderValue::from_static("GET, HEAD"));
    let problem = Problem::new(Code::MethodNotAllowed).with_header(header::ALLOW, allow.clone());
    let refused = Arc::clone(shared);
    let router = MethodRouter::new().fallback(move |request: Request| {
        refuse_method(
            Arc::clone(&refused),
            problem.clone(),
            allow.clone(),
            request,
        )
    });
    specs.iter().fold(router, |router, spec| {
        let (shared, spec) = (Arc::clone(shared), *spec);
        let place = shared.counts.place_of(spec);
        router.on(spec.verb.filter(), move |request: Request| {
            serve(Arc::clone(&shared), spec, place, request)
        })
    })
}
