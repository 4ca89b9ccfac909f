//! Opening connections, all with the same settings.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool, Row as _};
use tokio::time::timeout;

use super::counters::Counters;
use super::engine::{Engine, Inner};
use super::fault::{ConnectError, store_error, unavailable};
use super::options::PostgresOptions;
use super::suspicion::Suspicion;

/// More than there are statements, so that none is prepared twice on one connection.
const CACHED_STATEMENTS: usize = 256;
/// How much longer than a statement may take its answer may take.
const SLACK: Duration = Duration::from_secs(5);

const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";

/// A pool of our own.
pub(super) async fn connect(options: PostgresOptions) -> Result<Engine, ConnectError> {
    if let Some(schema) = &options.schema {
        check_name(schema)?;
    }
    let server = server(&options)?;
    // One connection by hand, for a reason: the pool would only say that there was none in time.
    let first = timeout(options.acquire_timeout, server.connect()).await;
    let first = first.map_err(|_| unavailable("the server did not answer in time"));
    let first = first.and_then(|first| first.map_err(store_error));
    let mut first = first.map_err(ConnectError::Unreachable)?;
    check(&mut first).await?;
    // It has served its purpose, however it ends.
    let _ = first.close().await;
    let suspicion = Arc::new(Suspicion::default());
    Ok(Engine::new(Inner {
        pool: pool(&options, server, Arc::clone(&suspicion)),
        begin: BEGIN.to_owned(),
        autocommit: true,
        patience: options.statement_timeout.saturating_add(SLACK),
        suspicion,
        counters: Counters::default(),
        schema: options.schema,
    }))
}

/// Somebody else's pool, with settings that are none of ours: each transaction brings its own.
pub(super) async fn adopt(pool: PgPool) -> Result<Engine, ConnectError> {
    let unreachable = |error| ConnectError::Unreachable(store_error(error));
    let mut first = pool.acquire().await.map_err(unreachable)?;
    check(&mut first).await?;
    let defaults = PostgresOptions::new("");
    let settings = settings(&defaults).map(|(name, value)| format!("; SET LOCAL {name} = {value}"));
    Ok(Engine::new(Inner {
        pool,
        begin: format!("{BEGIN}{}", settings.concat()),
        autocommit: false,
        patience: defaults.statement_timeout.saturating_add(SLACK),
        suspicion: Arc::default(),
        counters: Counters::default(),
        schema: None,
    }))
}

fn server(options: &PostgresOptions) -> Result<PgConnectOptions, ConnectError> {
    // The driver takes any scheme for its own.
    let scheme = options.url.split_once("://").map(|(scheme, _)| scheme);
    if !matches!(scheme, Some("postgres" | "postgresql")) {
        let why = "it begins with neither postgres:// nor postgresql://";
        return Err(ConnectError::Url(why.into()));
    }
    let server = PgConnectOptions::from_str(&options.url);
    let server = server.map_err(|error| ConnectError::Url(error.into()))?;
    let server = server.statement_cache_capacity(CACHED_STATEMENTS);
    Ok(match server.get_application_name() {
        Some(_) => server,
        None => server.application_name("portcullis"),
    })
}

fn pool(options: &PostgresOptions, server: PgConnectOptions, suspicion: Arc<Suspicion>) -> PgPool {
    let mut settle = String::from("SET default_transaction_isolation = 'read committed'");
    for (name, value) in settings(options) {
        settle.push_str(&format!("; SET {name} = {value}"));
    }
    if let Some(schema) = &options.schema {
        settle.push_str(&format!("; SET search_path = \"{schema}\""));
    }
    // What was answered survives a crash: stricter settings stay as they are.
    settle.push_str(
        "; DO $$ BEGIN IF current_setting('synchronous_commit') = 'off' \
         THEN SET synchronous_commit = on; END IF; END $$",
    );
    let settle: Arc<str> = settle.into();
    PgPoolOptions::new()
        .max_connections(options.max_connections.max(1))
        .acquire_timeout(options.acquire_timeout)
        .test_before_acquire(false)
        .before_acquire(move |connection, idle| {
            let suspicious = suspicion.falls_on(idle.idle_for);
            Box::pin(async move {
                if suspicious {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(move |connection, _| {
            let settle = sqlx::AssertSqlSafe(Arc::clone(&settle));
            Box::pin(async move { sqlx::raw_sql(settle).execute(connection).await.map(drop) })
        })
        .connect_lazy_with(server)
}

/// In milliseconds, as the server counts them.
fn settings(options: &PostgresOptions) -> [(&'static str, u128); 3] {
    [
        ("statement_timeout", options.statement_timeout),
        ("lock_timeout", options.lock_timeout),
        (
            "idle_in_transaction_session_timeout",
            options.idle_in_transaction_timeout,
        ),
    ]
    // Zero would be none at all.
    .map(|(name, time)| (name, time.as_millis().clamp(1, 2_147_483_647)))
}

fn check_name(schema: &str) -> Result<(), ConnectError> {
    let fits = schema.len() <= 63
        && schema.starts_with(|c: char| c.is_ascii_lowercase())
        && schema
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if fits {
        return Ok(());
    }
    Err(ConnectError::SchemaName(schema.to_owned()))
}

/// Settings of the database that no connection can change.
async fn check(connection: &mut PgConnection) -> Result<(), ConnectError> {
    let unreachable = |error| ConnectError::Unreachable(store_error(error));
    let asked = "SELECT current_setting('server_encoding'), current_setting('fsync')";
    let row = sqlx::query(asked).fetch_one(connection).await;
    let row = row.map_err(unreachable)?;
    let encoding: String = row.try_get(0).map_err(unreachable)?;
    if encoding != "UTF8" {
        return Err(ConnectError::Setting {
            setting: "server_encoding",
            found: encoding,
            needed: "UTF8",
        });
    }
    let fsync: String = row.try_get(1).map_err(unreachable)?;
    if fsync != "on" {
        tracing::warn!(
            "the database server runs without fsync: a power cut can lose or damage what was written"
        );
    }
    Ok(())
}
