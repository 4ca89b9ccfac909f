//! Accepts connections and answers them, within bounds of number, time and size.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tower::ServiceExt as _;

use super::late;

/// From the first byte of a connection, or the end of the last answer, to the end of the next request's headers.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// From the end of a request's headers to the beginning of its answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// How long a connection may live: one that takes its answers byte by byte has to end some day.
const CONNECTION_LIFE: Duration = Duration::from_secs(300);
/// Request line and headers together.
const HEADER_BYTES_MAX: usize = 16 * 1024;
const HEADERS_MAX: usize = 64;
/// Of what was read from a connection and not yet used.
const BUFFER_BYTES_MAX: usize = 32 * 1024;
/// How long to wait when the system is out of files or memory.
const OUT_OF_FILES_PAUSE: Duration = Duration::from_millis(200);

/// Answers requests until it is told to stop.
pub(super) struct Acceptor {
    listener: TcpListener,
    app: Router,
    places: Arc<Semaphore>,
    places_in_all: usize,
    stop: watch::Sender<bool>,
}

impl Acceptor {
    /// At most `connections` at once; more wait in the system's queue.
    pub(super) fn new(listener: TcpListener, app: Router, connections: usize) -> Self {
        Self {
            listener,
            app,
            places: Arc::new(Semaphore::new(connections)),
            places_in_all: connections,
            stop: watch::Sender::new(false),
        }
    }

    /// Accepts until `stop` completes, then gives requests in flight `grace` to be answered; how many connections were
    /// cut off after it.
    pub(super) async fn run(self, stop: impl Future<Output = ()>, grace: Duration) -> usize {
        let mut stop = pin!(stop);
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break,
                () = self.accept_one() => {}
            }
        }
        let Self {
            listener,
            places,
            places_in_all,
            stop,
            ..
        } = self;
        drop(listener);
        stop.send_replace(true);
        tracing::info!("stopping: requests in flight are answered, new ones are not taken");
        let all = u32::try_from(places_in_all).unwrap_or(u32::MAX);
        match timeout(grace, places.acquire_many(all)).await {
            Ok(_every_place_is_free) => 0,
            Err(_elapsed) => places_in_all.saturating_sub(places.available_permits()),
        }
    }

    async fn accept_one(&self) {
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
            return;
        };
        match self.listener.accept().await {
            Ok((stream, peer)) => {
                let connection = Connection {
                    app: self.app.clone(),
                    peer,
                    stop: self.stop.subscribe(),
                };
                tokio::spawn(connection.run(stream, place));
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection could be accepted; trying again");
                sleep(OUT_OF_FILES_PAUSE).await;
            }
        }
    }
}

/// Went wrong with the connection that was to be accepted, and with no other.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

struct Connection {
    app: Router,
    peer: SocketAddr,
    stop: watch::Receiver<bool>,
}

impl Connection {
    async fn run(self, stream: TcpStream, place: OwnedSemaphorePermit) {
        let Self {
            app,
            peer,
            mut stop,
        } = self;
        // Answers are small and written whole: nothing is gained by waiting for more.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
        let service = service_fn(|request| answer(app.clone(), peer, request));
        let mut connection = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADERS_WITHIN)
                .max_headers(HEADERS_MAX)
                .max_header_size(HEADER_BYTES_MAX)
                .max_buf_size(BUFFER_BYTES_MAX)
                .serve_connection(TokioIo::new(stream), service)
        );
        let ended = tokio::select! {
            ended = connection.as_mut() => Some(ended),
            _ = stop.wait_for(|stop| *stop) => None,
            () = sleep(CONNECTION_LIFE) => None,
        };
        let ended = match ended {
            Some(ended) => ended,
            None => {
                // The request in flight is answered, and the connection closed after it.
                connection.as_mut().graceful_shutdown();
                timeout(ANSWER_WITHIN + HEADERS_WITHIN, connection)
                    .await
                    .unwrap_or(Ok(()))
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
        drop(place);
    }
}

/// The application's answer, or that there is none in time.
async fn answer(
    app: Router,
    peer: SocketAddr,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    request.extensions_mut().insert(ConnectInfo(peer));
    match timeout(ANSWER_WITHIN, app.oneshot(request)).await {
        Ok(answer) => answer,
        Err(_elapsed) => Ok(late::answer()),
    }
}
