//! Where Redis is, and how it is spoken to.

use std::fmt;
use std::time::Duration;

use redis::Client;

/// The longest that a connection or an answer may take.
const LONGEST: Duration = Duration::from_millis(500);

/// What [`RedisKv::connect`](super::RedisKv::connect) needs to know.
#[derive(Clone)]
pub struct RedisOptions {
    client: Client,
    prefix: String,
    timeout: Duration,
}

impl fmt::Debug for RedisOptions {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOptions")
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// An option that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedisOptionsError {
    /// Not the address of a Redis.
    #[error(
        "not a Redis URL: expected redis://[user:password@]host[:port][/database] or unix:///path"
    )]
    Url,
    /// TLS was asked for.
    #[error("TLS to Redis is not built in: use redis:// through a tunnel or a private network")]
    Tls,
    /// A prefix that is empty, long, or could be read as something else.
    #[error("a prefix of keys is 1 to 32 characters of A-Z, a-z, 0-9, ':', '_', '-' and '.'")]
    Prefix,
    /// A timeout out of range.
    #[error("a timeout is 1 to 500 milliseconds")]
    Timeout,
}

impl RedisOptions {
    /// For the Redis at `url`: `redis://[user:password@]host[:port][/database]`, or `unix:///path`. Keys begin with
    /// `portcullis:`, and the timeout is 500 ms.
    ///
    /// # Errors
    /// [`RedisOptionsError`] for anything else, TLS (`rediss://`) among it.
    pub fn new(url: &str) -> Result<Self, RedisOptionsError> {
        let scheme = url.split_once("://").map(|(scheme, _)| scheme);
        match scheme {
            Some("redis" | "unix" | "redis+unix" | "valkey" | "valkey+unix") => {}
            Some("rediss" | "valkeys") => return Err(RedisOptionsError::Tls),
            _ => return Err(RedisOptionsError::Url),
        }
        let client = Client::open(url).map_err(|_| RedisOptionsError::Url)?;
        Ok(Self {
            client,
            prefix: "portcullis:".to_owned(),
            timeout: LONGEST,
        })
    }

    /// What every key begins with, so that several programs can share a Redis.
    ///
    /// # Errors
    /// [`RedisOptionsError::Prefix`] unless it is 1 to 32 characters of `A-Z`, `a-z`, `0-9`, `:`, `_`, `-` and `.`.
    pub fn prefix(mut self, prefix: &str) -> Result<Self, RedisOptionsError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b":_-.".contains(&byte);
        if !(1..=32).contains(&prefix.len()) || !prefix.bytes().all(plain) {
            return Err(RedisOptionsError::Prefix);
        }
        prefix.clone_into(&mut self.prefix);
        Ok(self)
    }

    /// How long connecting may take, and how long an answer: 1 to 500 milliseconds.
    ///
    /// # Errors
    /// [`RedisOptionsError::Timeout`] for any other.
    pub fn timeout(mut self, timeout: Duration) -> Result<Self, RedisOptionsError> {
        if !(Duration::from_millis(1)..=LONGEST).contains(&timeout) {
            return Err(RedisOptionsError::Timeout);
        }
        self.timeout = timeout;
        Ok(self)
    }

    pub(super) fn prefix_text(&self) -> &str {
        &self.prefix
    }

    pub(super) fn into_parts(self) -> (Client, Duration) {
        (self.client, self.timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_cannot_be_are_refused() {
        for url in [
            "",
            "localhost",
            "http://localhost",
            "redis://",
            "redis://h:x",
            "redis://h/x",
        ] {
            let refused = RedisOptions::new(url).map(drop);
            assert_eq!(refused, Err(RedisOptionsError::Url), "{url}");
        }
        let tls = RedisOptions::new("rediss://localhost").map(drop);
        assert_eq!(tls, Err(RedisOptionsError::Tls));
        let options = RedisOptions::new("redis://localhost:6380/2").unwrap();
        for prefix in ["", "a{b}", "a b", "a*", "ü", &"x".repeat(33)] {
            let refused = options.clone().prefix(prefix).map(drop);
            assert_eq!(refused, Err(RedisOptionsError::Prefix), "{prefix}");
        }
        for millis in [0, 501] {
            let refused = options.clone().timeout(Duration::from_millis(millis));
            assert_eq!(refused.map(drop), Err(RedisOptionsError::Timeout));
        }
        let options = options.prefix("app:1_a-b.").unwrap();
        assert!(options.timeout(LONGEST).is_ok());
        assert!(RedisOptions::new("unix:///run/redis.sock").is_ok());
    }

    // LG-02
    #[test]
    fn a_password_is_not_printed() {
        let options = RedisOptions::new("redis://user:canary@localhost").unwrap();
        assert!(!format!("{options:?}").contains("canary"));
    }
}
