//! `serve`: from settings to a service that runs until it is told to stop.

mod accept;
mod banner;
mod hint;
mod keys;
mod late;
mod metrics;
mod signals;

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::Uri;
use axum::response::IntoResponse as _;
use axum::routing::any;
use portcullis_backends::Portcullis;
use portcullis_http_axum::{Code, LimitMode, Problem, RoutesConfig, health_routes, routes_with};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::time::timeout;
use tower::ServiceExt as _;

use self::accept::Acceptor;
use self::banner::Banner;
use crate::assemble;
use crate::command::no_runtime;
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::folder::{self, Condition};
use crate::logging;
use crate::output::Format;
use crate::stores::{self, People};

/// How long the last pass of background work may take: mail that is due, last uses.
const LAST_WORK_WITHIN: Duration = Duration::from_secs(10);

/// `without_limits` counts no requests, for benchmarks on this machine.
pub(crate) fn run(config: &Config, without_limits: bool, format: Format) -> Result<(), Failure> {
    logging::start(config)?;
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| no_runtime(&error))?;
    runtime.block_on(serve(config, without_limits, format))
}

async fn serve(config: &Config, without_limits: bool, format: Format) -> Result<(), Failure> {
    if without_limits && !config.is_for_this_machine() {
        return Err(Failure::usage(
            "--without-limits: is for benchmarks on this machine, not for a service that others can reach",
        ));
    }
    // The address first: where it is taken, nothing is made or changed.
    let (listener, bound) =
        listen(config.listen, "set `listen`, PORTCULLIS_LISTEN or --listen").await?;
    let metrics = match config.metrics {
        Some(address) => Some(listen(address, "set `metrics.listen`").await?),
        None => None,
    };
    let people = stores::find(config).await?;
    let condition = Condition::of(people.is_some(), config)?;
    let public_url = config.public_url(bound);
    let portcullis = open(config, condition, people, &public_url).await?;
    let stop = signals::stop()
        .map_err(|error| Failure::caused(Exit::Failure, "signals cannot be waited for", &error))?;
    keys::take_up_when_told(&portcullis)
        .map_err(|error| Failure::caused(Exit::Failure, "signals cannot be waited for", &error))?;
    let app = app(&portcullis, without_limits);
    let acceptor = Acceptor::new(listener, app, config.max_connections);
    let metrics_bound = metrics.as_ref().map(|(_, bound)| *bound);
    announce(
        config,
        format,
        condition,
        (bound, metrics_bound),
        &portcullis,
    )?;
    if metrics_bound.is_some_and(|bound| !bound.ip().to_canonical().is_loopback()) {
        tracing::warn!(
            "metrics.listen: other machines can reach it, and nobody has to sign in there"
        );
    }
    let metrics = metrics.map(|(listener, _)| tokio::spawn(metrics::tell(listener, &portcullis)));
    let cut = acceptor.run(stop, config.shutdown_grace).await;
    if cut > 0 {
        tracing::warn!(connections = cut, "cut off after shutdown_grace_secs");
    }
    finish(&portcullis).await;
    if let Some(metrics) = metrics {
        metrics.abort();
    }
    Ok(())
}

/// `set` says how to choose another address.
async fn listen(
    address: SocketAddr,
    set: &'static str,
) -> Result<(TcpListener, SocketAddr), Failure> {
    let refused = |error| {
        let what = format!(
            "{address} cannot be listened on; {set} to another address (port 0 takes a free one)"
        );
        Failure::caused(Exit::Failure, what, &error)
    };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let bound = listener.local_addr().map_err(refused)?;
    Ok((listener, bound))
}

/// Makes what a first start needs, and opens it.
async fn open(
    config: &Config,
    condition: Condition,
    people: Option<People>,
    public_url: &str,
) -> Result<Portcullis, Failure> {
    match condition {
        Condition::Empty => {
            folder::make(&config.data_dir)?;
            folder::make_keys(config)?;
        }
        Condition::Ready => {}
    }
    let keys = folder::watch_keys(config)?;
    let access_keys = folder::access_keys(config)?;
    folder::warn_if_open(&config.data_dir);
    assemble::for_service(config, condition, people, keys, access_keys, public_url).await
}

fn app(portcullis: &Portcullis, without_limits: bool) -> Router {
    let mut routes = RoutesConfig::default();
    if without_limits {
        tracing::warn!("requests are not counted: for benchmarks only");
        routes.limits = LimitMode::Off;
    }
    let auth: Router = routes_with(portcullis, routes);
    let well_known = well_known(auth.clone(), portcullis.settings().mount_path());
    auth.merge(well_known)
        .merge(health_routes(portcullis))
        .fallback(|| async { Problem::new(Code::NotFound) })
}

/// The public keys of access tokens where verifiers look for them first.
fn well_known(auth: Router, mount: &str) -> Router {
    let keys = Uri::try_from(format!("{mount}/jwks.json")).ok();
    let answer = move |mut request: Request| async move {
        let Some(keys) = keys else {
            return Problem::new(Code::NotFound).into_response();
        };
        *request.uri_mut() = keys;
        auth.oneshot(request).await.into_response()
    };
    Router::new().route("/.well-known/jwks.json", any(answer))
}

fn announce(
    config: &Config,
    format: Format,
    condition: Condition,
    (bound, metrics): (SocketAddr, Option<SocketAddr>),
    portcullis: &Portcullis,
) -> Result<(), Failure> {
    let settings = portcullis.settings();
    let public_url = settings.public_url().as_str();
    let base = format!("{public_url}{}", settings.mount_path());
    let mut banner =
        Banner::new(config, &bound.to_string(), public_url, base).with_metrics(metrics);
    if condition == Condition::Empty {
        banner = banner.of_first_run();
    }
    format.print(&banner, Banner::text)
}

/// What was accepted and not yet done: mail that is due, last uses.
async fn finish(portcullis: &Portcullis) {
    match timeout(LAST_WORK_WITHIN, portcullis.run_due()).await {
        Ok(Ok(report)) => tracing::info!(delivered = report.delivered, "stopped"),
        Ok(Err(error)) => {
            let error = crate::failure::chain(&error);
            tracing::error!(error, "stopped; what was due is done after the next start");
        }
        Err(_elapsed) => tracing::error!("stopped; what was due is done after the next start"),
    }
}
