//! What a service keeps its data in, beside the file that it makes by itself: databases of a real PostgreSQL and real
//! Redises.
//!
//! PostgreSQL is the one that `PORTCULLIS_POSTGRES` names, or one that is started for as long as this process lives. A
//! Redis is started for each test, which may empty and stop it. Where neither can be had the test is skipped, and says
//! so; under `CI=true` it fails.

// What `cargo xtask services` starts servers with; only the standard library, see there.
#[path = "../../xtask/src/services/place.rs"]
mod place;
#[path = "../../xtask/src/services/postgres.rs"]
mod postgres;
#[path = "../../xtask/src/services/redis.rs"]
mod redis;

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::sync::OnceLock;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::runtime::Builder;

use self::place::secret;
use self::postgres::{Cluster, Keeper};

/// Names a server on which databases may be made.
const POSTGRES: &str = "PORTCULLIS_POSTGRES";

/// The stores of one service, or of several.
#[derive(Debug, Default)]
pub struct Stores {
    database: Option<Database>,
    redis: Option<Redis>,
}

impl Stores {
    /// A file in the data folder.
    #[must_use]
    pub fn sqlite() -> Option<Self> {
        Some(Self::default())
    }

    /// A database of PostgreSQL.
    #[must_use]
    pub fn postgres() -> Option<Self> {
        Some(Self {
            database: Some(Database::make()?),
            redis: None,
        })
    }

    /// People in PostgreSQL, the rest in Redis.
    #[must_use]
    pub fn postgres_and_redis() -> Option<Self> {
        Some(Self {
            database: Some(Database::make()?),
            redis: Some(Redis::start()?),
        })
    }

    /// The lines of a configuration that name them.
    #[must_use]
    pub fn settings(&self) -> String {
        let (database, redis) = (self.database_url(), self.redis_url());
        let lines = [
            database.map(|url| format!("database = \"{url}\"\n")),
            redis.map(|url| format!("ephemeral = \"{url}\"\n")),
        ];
        lines.into_iter().flatten().collect()
    }

    /// The URL of the database; `None` where it is a file.
    #[must_use]
    pub fn database_url(&self) -> Option<String> {
        let database = self.database.as_ref();
        database.map(|it| url_of(&it.name))
    }

    /// The URL of the Redis.
    #[must_use]
    pub fn redis_url(&self) -> Option<String> {
        self.redis.as_ref().map(Redis::url)
    }

    /// The passwords in [`Stores::settings`].
    #[must_use]
    pub fn passwords(&self) -> Vec<String> {
        let settings = self.settings();
        let urls = settings.lines().filter_map(|line| line.split_once("://"));
        let users = urls.filter_map(|(_, rest)| rest.split_once('@'));
        let passwords = users.filter_map(|(user, _)| user.split_once(':'));
        passwords.map(|(_, password)| password.to_owned()).collect()
    }

    /// The Redis.
    ///
    /// # Panics
    /// Where there is none.
    pub fn redis(&mut self) -> &mut Redis {
        self.redis.as_mut().expect("a Redis among the stores")
    }
}

/// A database of one test, dropped with this.
#[derive(Debug)]
struct Database {
    name: String,
}

impl Database {
    fn make() -> Option<Self> {
        server()?;
        let name = format!("portcullis_system_{}", secret());
        tell(&format!("CREATE DATABASE {name}"));
        Some(Self { name })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        tell(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

/// The server's URL.
fn server() -> Option<&'static str> {
    static URL: OnceLock<Option<String>> = OnceLock::new();
    let started = || {
        let cluster = Cluster::make().expect("a cluster")?;
        let keeper = Keeper::start(cluster.place(), &cluster.command()).expect("a PostgreSQL");
        cluster.wait().expect("a PostgreSQL that answers");
        // It ends with this process.
        std::mem::forget(keeper);
        Some(cluster.url())
    };
    let url = URL.get_or_init(|| env::var(POSTGRES).ok().or_else(started));
    if url.is_none() {
        missing("PostgreSQL");
    }
    url.as_deref()
}

fn url_of(database: &str) -> String {
    let server = server().expect("a server that was there before");
    let (server, options) = server.split_once('?').unwrap_or((server, ""));
    let (server, _) = server.rsplit_once('/').expect("a URL with a database");
    format!("{server}/{database}?{options}")
}

/// Runs a statement outside of every test's database.
fn tell(sql: &str) {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let connected = PgConnection::connect(&url_of("postgres")).await;
        let mut connection = connected.expect("a connection");
        let told = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection);
        told.await.expect("a statement that works");
        connection.close().await.expect("the end of a connection");
    });
}

/// A Redis of one test, ended with this.
#[derive(Debug)]
pub struct Redis {
    server: redis::Redis,
    /// `None` while it is stopped.
    keeper: Option<Keeper>,
}

impl Redis {
    fn start() -> Option<Self> {
        let Some(server) = redis::Redis::make().expect("a folder for Redis") else {
            missing("Redis");
            return None;
        };
        let mut redis = Self {
            server,
            keeper: None,
        };
        redis.go_on();
        Some(redis)
    }

    fn url(&self) -> String {
        self.server.url()
    }

    /// Ends the server; what it kept is gone.
    ///
    /// # Panics
    /// Where it is stopped already.
    pub fn stop(&mut self) {
        let mut keeper = self.keeper.take().expect("a Redis that runs");
        keeper.end("KILL").expect("the end of Redis");
    }

    /// Starts it again, in the same place.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn go_on(&mut self) {
        self.go_on_with(&[]);
    }

    /// Starts it again where it has much to load (`SAVE` before [`Redis::stop`]), and returns while it loads: it answers
    /// `LOADING` for as long as `rows` take, a tenth of a second each.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn go_on_loading(&mut self) {
        self.go_on_with(&[
            "--key-load-delay",
            "100000",
            "--loading-process-events-interval-bytes",
            "1024",
        ]);
    }

    fn go_on_with(&mut self, arguments: &[&str]) {
        let mut command = self.server.command();
        command.args(arguments);
        let keeper = Keeper::start(self.server.place(), &command);
        self.keeper = Some(keeper.expect("a Redis"));
        self.server.wait().expect("a Redis that answers");
    }

    /// Stops it in its tracks, with its connections open.
    ///
    /// # Panics
    /// Where it does not run.
    #[must_use]
    pub fn freeze(&self) -> Frozen {
        let said = self.ask("INFO server");
        let process = said
            .lines()
            .find_map(|line| line.trim_end().strip_prefix("process_id:"));
        let frozen = Frozen(process.expect("a process").to_owned());
        frozen.signal("STOP");
        frozen
    }

    /// Says one command to it, such as `FLUSHALL`, which it answers with OK.
    ///
    /// # Panics
    /// Where it answers otherwise.
    pub fn tell(&self, command: &str) {
        let answer = self.say(command).next();
        assert_eq!(answer.as_deref(), Some("+OK"), "{command}");
    }

    /// What it answers to a command that it answers with a text.
    fn ask(&self, command: &str) -> String {
        let mut lines = self.say(command);
        let length = lines.next().expect("an answer");
        let length = length.strip_prefix('$').expect("a text").parse::<usize>();
        let length = length.expect("a length");
        let mut text = String::new();
        while text.len() < length {
            text.push_str(&lines.next().expect("the rest"));
            text.push_str("\r\n");
        }
        text
    }

    /// The lines of its answer, without their line feed.
    fn say(&self, command: &str) -> impl Iterator<Item = String> + use<> {
        let url = self.url();
        let (user, address) = url
            .strip_prefix("redis://default:")
            .and_then(|rest| rest.split_once('@'))
            .expect("the URL of our own Redis");
        let mut stream = TcpStream::connect(address).expect("a connection");
        write!(stream, "AUTH {user}\r\n{command}\r\n").expect("sent");
        let mut answers = BufReader::new(stream).lines();
        let answer = answers.next().expect("an answer").expect("a text");
        assert_eq!(answer, "+OK", "AUTH");
        answers.map(|line| line.expect("a text"))
    }
}

/// A Redis that stands still until this is dropped.
#[derive(Debug)]
pub struct Frozen(String);

impl Frozen {
    fn signal(&self, signal: &str) {
        let kill = Command::new("kill").args(["-s", signal, &self.0]).status();
        assert!(kill.expect("kill").success());
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.signal("CONT");
    }
}

/// Says past the test harness, which keeps what a passing test prints, that something was left out.
pub(crate) fn missing(what: &str) {
    let why = format!("there is no {what} on this machine");
    assert_ne!(env::var("CI").as_deref(), Ok("true"), "{why}");
    let line = format!("skipped: {why}\n");
    std::io::stderr()
        .write_all(line.as_bytes())
        .expect("standard error");
}
