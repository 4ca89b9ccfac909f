//! The binary, started for the benchmark in a folder of its own.

use std::error::Error;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::cpu;
use super::load::{LANES, Request};

const PASSWORD: &str = "correct horse battery staple";

/// The running service.
pub(super) struct Service {
    child: Child,
    folder: PathBuf,
    pub(super) pid: u32,
    pub(super) address: SocketAddr,
}

impl Service {
    /// Starts it with some people in it, and access tokens by this algorithm.
    pub(super) fn start(
        binary: &Path,
        people: u32,
        algorithm: &str,
    ) -> Result<Self, Box<dyn Error>> {
        let folder = std::env::temp_dir().join(format!("portcullis-bench-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let mut child = configured(cpu::on_server_core(binary), &folder)
            .args(["serve", "--without-limits", "--listen", "127.0.0.1:0"])
            // The first to start makes the keys.
            .env("PORTCULLIS_ACCESS_TOKENS__ALGORITHM", algorithm)
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or("no standard output")?;
        let mut lines = BufReader::new(stdout).lines();
        let first = lines.next().ok_or("the service said nothing and ended")??;
        let (_, address) = first
            .split_once("http://")
            .ok_or("the first line names no address")?;
        // taskset becomes the service, so the pid is the service's.
        let service = Self {
            pid: child.id(),
            address: address.trim().parse()?,
            child,
            folder,
        };
        // The rest of the banner has to go somewhere.
        std::thread::spawn(move || lines.for_each(drop));
        for person in 0..people {
            service.create(binary, &email(person))?;
        }
        Ok(service)
    }

    fn create(&self, binary: &Path, email: &str) -> Result<(), Box<dyn Error>> {
        let mut child = configured(Command::new(binary), &self.folder)
            .args(["user", "create", email])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        let mut stdin = child.stdin.take().ok_or("no standard input")?;
        writeln!(stdin, "{PASSWORD}")?;
        drop(stdin);
        if child.wait()?.success() {
            Ok(())
        } else {
            Err(format!("cannot create {email}").into())
        }
    }

    /// One of each kind.
    pub(super) fn credentials(&self) -> Result<Credentials, Box<dyn Error>> {
        let answer = sign_in(0).send(self.address)?;
        let set = answer.headers.iter().find(|(name, _)| name == "set-cookie");
        let cookie = &set.ok_or("no cookie")?.1;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        let made = Request::post("/auth/api-tokens")
            .header("Cookie", &cookie)
            .json(r#"{"name":"bench","scopes":["bench"]}"#)
            .send(self.address)?;
        let pair = Request::post("/auth/token")
            .json(&password_of(0))
            .send(self.address)?;
        Ok(Credentials {
            cookie,
            api_token: member(&made.body, "token")?,
            access_token: member(&pair.body, "access_token")?,
        })
    }

    /// A sign-in for each person.
    pub(super) fn sign_ins(&self) -> Vec<Request> {
        (0..LANES).map(sign_in).collect()
    }
}

/// What requests come with.
pub(super) struct Credentials {
    pub(super) cookie: String,
    pub(super) api_token: String,
    pub(super) access_token: String,
}

/// A text member of an answer.
fn member(body: &str, name: &str) -> Result<String, Box<dyn Error>> {
    let (_, after) = body
        .split_once(&format!(r#""{name}":""#))
        .ok_or_else(|| format!("no {name} in {body}"))?;
    Ok(after.split('"').next().unwrap_or_default().to_owned())
}

impl Drop for Service {
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
        let _removed = fs::remove_dir_all(&self.folder);
    }
}

fn email(person: u32) -> String {
    format!("person{person}@example.com")
}

fn password_of(person: u32) -> String {
    format!(
        r#"{{"identifier":"{}","password":"{PASSWORD}"}}"#,
        email(person)
    )
}

fn sign_in(person: u32) -> Request {
    Request::post("/auth/sign-in").json(&password_of(person))
}

fn configured(mut command: Command, folder: &Path) -> Command {
    command
        .current_dir(folder)
        .env("PORTCULLIS_DATA_DIR", folder.join("data"))
        .env("PORTCULLIS_LOG", "warn")
        .env("PORTCULLIS_HASH__THREADS", "1")
        .env_remove("RUST_LOG");
    command
}
