//! Where things are kept: what `database` and `ephemeral` may say.

use std::fmt;
use std::path::{Path, PathBuf};

use url::Url;

use crate::failure::Failure;

/// Where people are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Database {
    Sqlite(PathBuf),
    Postgres(StoreUrl),
}

/// The address of a server, with the password that may be in it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct StoreUrl {
    url: String,
    /// What may be shown.
    shown: String,
}

impl Database {
    /// `sqlite:PATH` or `postgres://..`; the file in `data_dir` where nothing is said.
    pub(super) fn parse(said: Option<&str>, data_dir: &Path) -> Result<Self, Failure> {
        let Some(said) = said else {
            return Ok(Self::Sqlite(data_dir.join("portcullis.db")));
        };
        match scheme(said) {
            Some("sqlite") => sqlite(said),
            Some("postgres" | "postgresql") => {
                let url = StoreUrl::parse("database", said)?;
                Ok(Self::Postgres(url))
            }
            // What was said is not repeated: there may be a password in it.
            _ => Err(Failure::usage(
                "database: expected sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE",
            )),
        }
    }
}

impl StoreUrl {
    /// `redis://..`, for what ends by itself.
    pub(super) fn ephemeral(said: &str) -> Result<Self, Failure> {
        match scheme(said) {
            Some("redis" | "unix" | "redis+unix" | "valkey" | "valkey+unix") => {
                Self::parse("ephemeral", said)
            }
            Some("rediss" | "valkeys") => Err(Failure::usage(
                "ephemeral: TLS to Redis is not built in: use redis:// through a tunnel or a private network",
            )),
            _ => Err(Failure::usage(
                "ephemeral: expected redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]; leave it out to keep sessions \
                 with the people",
            )),
        }
    }

    fn parse(setting: &str, said: &str) -> Result<Self, Failure> {
        let url = Url::parse(said).map_err(|error| {
            Failure::usage(format!(
                "{setting}: not a URL: {error}; in a password everything but letters and digits is written as %XX"
            ))
        })?;
        // An unescaped / or ? in a password ends the host in the middle of it.
        let rest = [Some(url.path()), url.query(), url.fragment()];
        if rest.iter().flatten().any(|part| part.contains('@')) {
            return Err(Failure::usage(format!(
                "{setting}: there is an @ behind the host; in a password everything but letters and digits is written \
                 as %XX"
            )));
        }
        let host = url.host_str().unwrap_or_default();
        let port = url.port().map(|port| format!(":{port}"));
        Ok(Self {
            url: said.to_owned(),
            // Without user and password, and without the options, which may name one too.
            shown: format!(
                "{}://{host}{}{}",
                url.scheme(),
                port.unwrap_or_default(),
                url.path()
            ),
        })
    }

    /// With everything in it: for whoever connects, and nobody else.
    #[cfg(any(feature = "postgres", feature = "redis"))]
    pub(crate) fn expose(&self) -> &str {
        &self.url
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

/// Without user, password and options.
impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

fn scheme(said: &str) -> Option<&str> {
    said.split_once(':').map(|(scheme, _)| scheme)
}

/// As a path, or as a URL of one: `sqlite:a.db`, `sqlite://a.db`, `sqlite:///srv/a.db`.
fn sqlite(said: &str) -> Result<Database, Failure> {
    let path = said.strip_prefix("sqlite:").unwrap_or(said);
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.starts_with(':') || path.contains('?') {
        return Err(Failure::usage(
            "database: expected a file behind sqlite:, without options; nothing is kept in memory",
        ));
    }
    Ok(Database::Sqlite(path.into()))
}
