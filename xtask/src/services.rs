//! `services`: the servers that tests want, each found or started, and `services stop`. One that no test wants is started
//! when it is named: `services mariadb`.
//!
//! A server that is started lives in a temporary folder, on a free port of loopback, behind a password, as a user without
//! rights. The machine's own servers are never used.

mod mariadb;
mod place;
mod postgres;
mod redis;

use std::env;
use std::error::Error;
use std::fs;
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use mariadb::MariaDb;
use place::Place;
use postgres::{Cluster, Keeper, until};
use redis::Redis;

use crate::process::{self, FAILED, OK, Outcome, USAGE};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if let [word] = arguments
        && word == "stop"
    {
        return stop();
    }
    let is_one = |word: &String| SERVICES.iter().any(|service| service.is_called(word));
    if arguments.iter().all(is_one) {
        return start(arguments);
    }
    eprintln!("services: names of services, or `stop`");
    Ok(USAGE)
}

/// A server that can be started.
trait Server {
    fn place(&self) -> &Place;
    fn command(&self) -> Command;
    fn wait(&self) -> Result<(), Box<dyn Error>>;
    fn url(&self) -> String;
}

macro_rules! server {
    ($($server:ty),+) => {$(
        impl Server for $server {
            fn place(&self) -> &Place {
                <$server>::place(self)
            }

            fn command(&self) -> Command {
                <$server>::command(self)
            }

            fn wait(&self) -> Result<(), Box<dyn Error>> {
                <$server>::wait(self)
            }

            fn url(&self) -> String {
                <$server>::url(self)
            }
        }
    )+};
}

server!(Cluster, Redis, MariaDb);

type Made = Result<Option<Box<dyn Server>>, Box<dyn Error>>;

/// What tests may want.
struct Service {
    name: &'static str,
    /// Tells tests its URL.
    variable: &'static str,
    /// Some test uses it, so that it is started without being asked for.
    wanted: bool,
    /// Stops it without waiting for its clients.
    signal: &'static str,
    /// `None` without its programs.
    make: fn() -> Made,
}

impl Service {
    fn is_called(&self, word: &str) -> bool {
        self.name.eq_ignore_ascii_case(word)
    }
}

const SERVICES: [Service; 3] = [
    Service {
        name: "PostgreSQL",
        variable: POSTGRES,
        wanted: true,
        signal: "-INT",
        make: || Ok(Cluster::make()?.map(|server| Box::new(server) as Box<dyn Server>)),
    },
    Service {
        name: "Redis",
        variable: REDIS,
        wanted: true,
        signal: "-INT",
        make: || Ok(Redis::make()?.map(|server| Box::new(server) as Box<dyn Server>)),
    },
    Service {
        name: "MariaDB",
        variable: "PORTCULLIS_MARIADB",
        wanted: false,
        signal: "-TERM",
        make: || Ok(MariaDb::make()?.map(|server| Box::new(server) as Box<dyn Server>)),
    },
];

/// Tells tests where PostgreSQL is.
pub(crate) const POSTGRES: &str = "PORTCULLIS_POSTGRES";
/// Tells tests where Redis is.
pub(crate) const REDIS: &str = "PORTCULLIS_REDIS";

/// The packages whose tests use one, below the server.
const USERS: [&str; 2] = ["portcullis-stores-sql", "portcullis-stores-kv"];

/// Whether tests of this package use a service.
pub(crate) fn are_for(package: &str) -> bool {
    USERS.contains(&package) || !crate::layers::is_below_the_server(package)
}

/// Services for one run of the tests; those that were started for it end with this.
#[derive(Debug, Default)]
pub(crate) struct Running {
    /// For the tests' environment.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// What the environment names already.
    found: Vec<&'static str>,
    keepers: Vec<Keeper>,
}

impl Running {
    /// There is one.
    pub(crate) fn has(&self, variable: &str) -> bool {
        let mut started = self.variables.iter().map(|(variable, _)| variable);
        started.any(|it| *it == variable) || self.found.contains(&variable)
    }
}

/// Finds or starts what the tests want. What cannot be had is skipped, and missing under `CI=true`.
pub(crate) fn for_tests() -> Result<Running, Box<dyn Error>> {
    some(|service| service.wanted)
}

/// Those of these variables, likewise.
pub(crate) fn named(variables: &[&str]) -> Result<Running, Box<dyn Error>> {
    some(|service| variables.contains(&service.variable))
}

fn some(wanted: impl Fn(&Service) -> bool) -> Result<Running, Box<dyn Error>> {
    let mut running = Running::default();
    for service in SERVICES.iter().filter(|service| wanted(service)) {
        let variable = service.variable;
        if env::var_os(variable).is_some() {
            println!("{}: the one that {variable} names", service.name);
            running.found.push(variable);
        } else if let Some(started) = started()?.iter().find(|it| it.variable == variable) {
            running.variables.push((variable, started.url.clone()));
        } else if let Some(server) = (service.make)()? {
            let keeper = Keeper::start(server.place(), &server.command())?;
            running.keepers.push(keeper);
            server.wait()?;
            running.variables.push((variable, server.url()));
        } else {
            absent(service)?;
        }
    }
    Ok(running)
}

fn absent(service: &Service) -> Result<(), Box<dyn Error>> {
    let Service { name, variable, .. } = service;
    if env::var_os("CI").is_some_and(|ci| ci == "true") {
        return Err(format!("{name} is not installed, and {variable} is not set").into());
    }
    eprintln!("{name} is not installed, and {variable} is not set: its tests are skipped");
    Ok(())
}

/// A server that `services` started, as the file remembers it.
#[derive(Debug, PartialEq, Eq)]
struct Started {
    variable: String,
    pid: u32,
    folder: PathBuf,
    url: String,
}

impl Started {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        Some(Self {
            variable: words.next()?.to_owned(),
            pid: words.next()?.parse().ok()?,
            folder: words.next()?.into(),
            url: words.next()?.to_owned(),
        })
    }

    fn line(&self) -> String {
        let Self {
            variable,
            pid,
            folder,
            url,
        } = self;
        format!("{variable} {pid} {} {url}\n", folder.display())
    }

    /// The process is there, and works in the folder: its number was not given to another one since.
    fn is_running(&self) -> bool {
        fs::read_link(format!("/proc/{}/cwd", self.pid))
            .is_ok_and(|folder| folder.starts_with(&self.folder))
    }
}

/// Holds passwords.
fn memory() -> PathBuf {
    process::root().join("target/services")
}

/// Those that are running still.
fn started() -> io::Result<Vec<Started>> {
    let text = match fs::read_to_string(memory()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text?,
    };
    let all = text.lines().filter_map(Started::parse);
    Ok(all.filter(Started::is_running).collect())
}

fn remember(all: &[Started]) -> io::Result<()> {
    let path = memory();
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = fs::File::options();
    let mut file = file
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    let lines: String = all.iter().map(Started::line).collect();
    io::Write::write_all(&mut file, lines.as_bytes())
}

/// Starts what is not running, to stay after us, and prints what a shell takes: `eval "$(cargo xtask services)"`.
fn start(asked: &[String]) -> Outcome {
    let mut running = started()?;
    let mut code = OK;
    for service in &SERVICES {
        let variable = service.variable;
        let is_asked_for = asked.iter().any(|word| service.is_called(word));
        if !is_asked_for && (!service.wanted || !asked.is_empty()) {
            continue;
        }
        if running.iter().any(|it| it.variable == variable) {
            continue;
        }
        match (service.make)()? {
            Some(server) => {
                running.push(detach(service, &*server)?);
                // At once: whatever fails next, this one can be stopped.
                remember(&running)?;
                server.wait()?;
            }
            None => {
                if let Err(error) = absent(service) {
                    eprintln!("{error}");
                    code = FAILED;
                }
            }
        }
    }
    for Service { name, .. } in SERVICES.iter().filter(|service| !service.wanted) {
        if asked.is_empty() {
            let word = name.to_lowercase();
            eprintln!("{name}: no store uses it; `cargo xtask services {word}` starts one");
        }
    }
    for Started { variable, url, .. } in &running {
        println!("export {variable}='{url}'");
    }
    Ok(code)
}

fn detach(service: &Service, server: &dyn Server) -> Result<Started, Box<dyn Error>> {
    let folder = server.place().folder.clone();
    let log = fs::File::create(folder.join("log"))?;
    let mut command = server.command();
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    // Of no terminal's: Ctrl-C is not meant for it.
    let child = command.process_group(0).spawn()?;
    Ok(Started {
        variable: service.variable.to_owned(),
        pid: child.id(),
        folder,
        url: server.url(),
    })
}

/// Stops what `start` started, and removes its folders.
fn stop() -> Outcome {
    let mut code = OK;
    for started in started()? {
        let pid = started.pid.to_string();
        let service = SERVICES
            .iter()
            .find(|service| service.variable == started.variable);
        let signal = service.map_or("-TERM", |service| service.signal);
        let told = Command::new("kill").args([signal, &pid]).status()?;
        if !told.success() || !until(|| !started.is_running()) {
            eprintln!("{} does not stop: process {pid}", started.variable);
            code = FAILED;
            continue;
        }
        remove(&started.folder)?;
    }
    match fs::remove_file(memory()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(code),
    }
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_started_is_remembered() {
        let started = Started {
            variable: "PORTCULLIS_REDIS".into(),
            pid: 7,
            folder: "/tmp/portcullis-redis-1".into(),
            url: "redis://:secret@127.0.0.1:1".into(),
        };
        assert_eq!(Started::parse(started.line().trim_end()), Some(started));
        assert_eq!(Started::parse(""), None);
    }

    #[test]
    fn a_process_elsewhere_is_not_ours() {
        let started = Started {
            variable: String::new(),
            pid: std::process::id(),
            folder: "/nowhere".into(),
            url: String::new(),
        };
        assert!(!started.is_running());
    }

    #[test]
    fn stores_and_what_stands_on_them_use_services() {
        for package in [
            "portcullis-stores-sql",
            "portcullis-server",
            "portcullis-tests",
        ] {
            assert!(are_for(package), "{package}");
        }
        for package in ["portcullis-core", "portcullis-backends"] {
            assert!(!are_for(package), "{package}");
        }
    }
}
