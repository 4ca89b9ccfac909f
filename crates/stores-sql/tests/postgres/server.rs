//! The server that the tests share, and a database for each of them.
//!
//! The server is the one that `PORTCULLIS_POSTGRES` names, or one that is started for as long as this process lives.
//! Where neither can be had the tests are skipped, and say so; under `CI=true` they fail.

use std::env;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use portcullis_stores_sql::{PostgresOptions, PostgresStore};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::OnceCell;

use crate::cluster::{Cluster, Keeper};
use crate::place::secret;

/// Names a server on which databases may be made.
const URL_VARIABLE: &str = "PORTCULLIS_POSTGRES";

/// The server's URL.
fn server() -> Option<&'static str> {
    static URL: OnceLock<Option<String>> = OnceLock::new();
    let url = URL.get_or_init(|| match env::var(URL_VARIABLE) {
        Ok(url) => Some(url),
        Err(_) => {
            let cluster = Cluster::make().unwrap();
            if cluster.is_none() {
                missing();
            }
            cluster.map(start)
        }
    });
    url.as_deref()
}

fn start(cluster: Cluster) -> String {
    let keeper = Keeper::start(cluster.place(), &cluster.command()).unwrap();
    cluster.wait().unwrap();
    // It ends with this process.
    std::mem::forget(keeper);
    cluster.url()
}

/// Says that there is no PostgreSQL; on standard error itself, since a test's own output is not shown when it passes.
pub(crate) fn missing() {
    assert!(
        env::var_os("CI").is_none_or(|ci| ci != "true"),
        "there is no PostgreSQL on this machine: install it, or set {URL_VARIABLE}"
    );
    let told = writeln!(
        std::io::stderr(),
        "skipped: there is no PostgreSQL on this machine, and {URL_VARIABLE} is not set"
    );
    told.unwrap();
}

/// A database of one test, dropped with this.
pub(crate) struct Database {
    name: String,
}

impl Database {
    /// Without a table.
    pub(crate) async fn empty() -> Option<Self> {
        server()?;
        Some(Self::make("template1").await)
    }

    /// Without a table, in an encoding that does not hold every name.
    pub(crate) async fn latin1() -> Option<Self> {
        server()?;
        Some(Self::make("template0 ENCODING 'LATIN1' LOCALE 'C'").await)
    }

    /// With every table. Made once a server and schema, then copied.
    pub(crate) async fn migrated() -> Option<Self> {
        static TEMPLATE: OnceCell<String> = OnceCell::const_new();
        server()?;
        Some(Self::make(TEMPLATE.get_or_init(Self::template).await).await)
    }

    async fn template() -> String {
        let new = Self::make("template1").await;
        let store = new.store().await;
        let mut schema = DefaultHasher::new();
        for migration in store.pending_migrations().await.unwrap() {
            migration.sql.hash(&mut schema);
        }
        let name = format!("portcullis_template_{:016x}", schema.finish());
        // Of runs at once one makes it.
        let mut turn = PgConnection::connect(&url_of("postgres")).await.unwrap();
        let lock = "SELECT count(pg_advisory_lock(7))";
        sqlx::query(lock).execute(&mut turn).await.unwrap();
        let there = sqlx::query("SELECT 1 FROM pg_database WHERE datname = $1").bind(&name);
        if there.fetch_optional(&mut turn).await.unwrap().is_none() {
            store.migrate().await.unwrap();
            store.close().await;
            let rename = format!("ALTER DATABASE {} RENAME TO {name}", new.name);
            let renamed = sqlx::raw_sql(AssertSqlSafe(rename)).execute(&mut turn);
            renamed.await.unwrap();
            // It has another name now.
            std::mem::forget(new);
        }
        turn.close().await.unwrap();
        name
    }

    async fn make(template: &str) -> Self {
        static RUN: OnceLock<String> = OnceLock::new();
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let run = RUN.get_or_init(|| secret()[..8].to_owned());
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("portcullis_{run}_{number}");
        let made = format!("CREATE DATABASE {name} TEMPLATE {template}");
        tell("postgres", &made).await;
        Self { name }
    }

    pub(crate) fn url(&self) -> String {
        url_of(&self.name)
    }

    /// As many connections as races need, and patience for a machine with few cores.
    pub(crate) fn options(&self) -> PostgresOptions {
        let mut options = PostgresOptions::new(self.url());
        options.acquire_timeout = Duration::from_secs(30);
        options
    }

    pub(crate) async fn store(&self) -> PostgresStore {
        PostgresStore::connect(self.options()).await.unwrap()
    }

    /// A connection beside the store's.
    pub(crate) async fn connection(&self) -> PgConnection {
        PgConnection::connect(&self.url()).await.unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = { runtime }.enable_all().build().unwrap();
            runtime.block_on(tell("postgres", &drop));
        });
        // A test that failed has said why.
        let _ = dropped.join();
    }
}

fn url_of(database: &str) -> String {
    let server = server().unwrap();
    let (server, options) = server.split_once('?').unwrap_or((server, ""));
    let (server, _) = server.rsplit_once('/').unwrap();
    format!("{server}/{database}?{options}")
}

/// Runs a statement without values on a connection of its own.
async fn tell(database: &str, sql: &str) {
    let mut connection = PgConnection::connect(&url_of(database)).await.unwrap();
    let told = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection);
    told.await.unwrap();
    connection.close().await.unwrap();
}
