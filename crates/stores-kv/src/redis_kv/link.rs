//! The one connection, made anew when it breaks.
//!
//! The `redis` crate has a manager that reconnects, but under it a call cannot tell whether it was sent, and a
//! connection that stays silent is never given up. Answers cannot be taken for another call's: the connection is one
//! queue of calls, and a call that nobody waits for any more keeps its place in it.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, Pipeline, RedisResult};
use redis::{ServerErrorKind, cmd};
use tokio::time::timeout;

use portcullis_core::error::StoreError;

use super::fault::{self, Asked};
use super::options::RedisOptions;
use super::script::{Call, Script};

/// After a failure to connect nobody tries again for so long.
const PAUSE: Duration = Duration::from_millis(200);

/// So many calls in a row without an answer, and the connection is given up.
const SILENCES: u32 = 3;

/// Redis cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedisConnectError {
    /// It cannot be reached, refuses our credentials, or does not answer in time.
    #[error("Redis cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It does not say what it does when its memory is full.
    #[error("Redis does not tell its maxmemory-policy: let this user run INFO")]
    UnknownPolicy,
    /// It would evict sessions, and what keeps tickets from working twice, to make room for others.
    #[error("Redis may evict sessions: its maxmemory-policy is {policy}, set it to noeviction")]
    Evicting {
        /// Its `maxmemory-policy`.
        policy: String,
    },
}

impl RedisConnectError {
    fn unreachable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unreachable(error.into())
    }
}

pub(super) struct Link {
    client: Client,
    timeout: Duration,
    live: Mutex<Option<Live>>,
    gate: tokio::sync::Mutex<Gate>,
}

/// A connection that answered when it was made.
#[derive(Clone)]
struct Live {
    connection: MultiplexedConnection,
    number: u64,
    unanswered: Arc<AtomicU32>,
}

/// Who passes it connects; nobody else does at the same time.
#[derive(Default)]
struct Gate {
    made: u64,
    failed: Option<Instant>,
}

impl Link {
    pub(super) fn new(options: RedisOptions) -> Self {
        let (client, timeout) = options.into_parts();
        Self {
            client,
            timeout,
            live: Mutex::default(),
            gate: tokio::sync::Mutex::default(),
        }
    }

    /// Makes the first connection.
    pub(super) async fn open(&self) -> Result<(), RedisConnectError> {
        self.connect(&mut *self.gate.lock().await).await.map(drop)
    }

    /// One call, one answer.
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        command: &Cmd,
        asked: Asked,
    ) -> Result<T, StoreError> {
        let mut live = self.live().await?;
        let answer = command.query_async(&mut live.connection).await;
        self.noted(&live, answer)
            .map_err(|error| fault::sent(error, asked))
    }

    /// Several reads in one round trip.
    pub(super) async fn ask_all<T: FromRedisValue>(
        &self,
        commands: &Pipeline,
    ) -> Result<T, StoreError> {
        let mut live = self.live().await?;
        let answer = commands.query_async(&mut live.connection).await;
        self.noted(&live, answer)
            .map_err(|error| fault::sent(error, Asked::ToRead))
    }

    /// Runs a script that writes.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        call: &Call,
    ) -> Result<T, StoreError> {
        let mut live = self.live().await?;
        let by_name = script.by_name(call);
        let answer = by_name.query_async(&mut live.connection).await;
        let answer = match self.noted(&live, answer) {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                let by_code = script.by_code(call);
                let answer = by_code.query_async(&mut live.connection).await;
                self.noted(&live, answer)
            }
            answer => answer,
        };
        answer.map_err(|error| fault::sent(error, Asked::ToWrite))
    }

    /// Gives up a connection that has failed, or has been silent for too long.
    fn noted<T>(&self, live: &Live, answer: RedisResult<T>) -> RedisResult<T> {
        let useless = match &answer {
            Ok(_) => {
                live.unanswered.store(0, Ordering::Relaxed);
                false
            }
            Err(error) if error.is_timeout() => {
                live.unanswered.fetch_add(1, Ordering::Relaxed) + 1 >= SILENCES
            }
            Err(error) => fault::ends_the_connection(error),
        };
        if useless {
            let mut current = self.current();
            if current.as_ref().is_some_and(|it| it.number == live.number) {
                *current = None;
            }
        }
        answer
    }

    async fn live(&self) -> Result<Live, StoreError> {
        if let Some(live) = self.current().clone() {
            return Ok(live);
        }
        let gate = timeout(self.timeout, self.gate.lock()).await;
        let mut gate = gate.map_err(fault::unsent)?;
        // Somebody else connected, or failed to, while this call waited.
        if let Some(live) = self.current().clone() {
            return Ok(live);
        }
        if gate.failed.is_some_and(|failed| failed.elapsed() < PAUSE) {
            return Err(fault::unsent("Redis could not be reached a moment ago"));
        }
        let live = self.connect(&mut gate).await;
        live.map_err(fault::unsent)
    }

    async fn connect(&self, gate: &mut Gate) -> Result<Live, RedisConnectError> {
        let checked = timeout(self.timeout, self.checked_connection()).await;
        let checked = checked.unwrap_or_else(|_| {
            let late = io::Error::from(io::ErrorKind::TimedOut);
            Err(RedisConnectError::unreachable(late))
        });
        gate.failed = checked.is_err().then(Instant::now);
        gate.made += 1;
        let live = Live {
            connection: checked?,
            number: gate.made,
            unanswered: Arc::default(),
        };
        *self.current() = Some(live.clone());
        Ok(live)
    }

    async fn checked_connection(&self) -> Result<MultiplexedConnection, RedisConnectError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeout))
            .set_response_timeout(Some(self.timeout));
        let client = &self.client;
        let connection = client.get_multiplexed_async_connection_with_config(&config);
        let mut connection = connection.await.map_err(RedisConnectError::unreachable)?;
        let mut info = cmd("INFO");
        info.arg("memory");
        let memory: RedisResult<String> = info.query_async(&mut connection).await;
        match memory {
            Ok(memory) => check(&memory).map(|()| connection),
            Err(error) if error.code() == Some("NOPERM") => Err(RedisConnectError::UnknownPolicy),
            Err(error) => Err(RedisConnectError::unreachable(error)),
        }
    }

    /// Nothing in here panics half way through a change.
    fn current(&self) -> MutexGuard<'_, Option<Live>> {
        self.live
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Refuses a Redis that makes room by forgetting: an evicted session signs somebody out, an evicted ticket's row lets
/// its id be issued again, an evicted limit lets a burst pass.
fn check(memory: &str) -> Result<(), RedisConnectError> {
    let policy = memory
        .lines()
        .find_map(|line| line.strip_prefix("maxmemory_policy:"));
    match policy.map(str::trim) {
        Some("noeviction") => Ok(()),
        Some(policy) => Err(RedisConnectError::Evicting {
            policy: policy.to_owned(),
        }),
        None => Err(RedisConnectError::UnknownPolicy),
    }
}
