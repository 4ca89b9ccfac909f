//! The ephemeral family: what may be lost without letting anybody in.

use std::time::Duration;

use async_trait::async_trait;

use crate::error::StoreError;
use crate::time::Timestamp;

/// What a limit counts: a short text without personal data, such as `sign-in ip 192.0.2.1`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LimitKey(String);

impl LimitKey {
    /// A key from its parts; at most 200 bytes are kept.
    #[must_use]
    pub fn new(route: &str, of: &str, value: &str) -> Self {
        let mut key = format!("{route} {of} {value}");
        while key.len() > 200 {
            key.pop();
        }
        Self(key)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// So many in a burst, refilled evenly over a period (the generic cell rate algorithm, ITU-T I.371 annex A).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// The most at once (at least 1).
    pub burst: u32,
    /// The time in which a whole burst is refilled.
    pub period: Duration,
}

impl RateLimit {
    /// The time that one take costs.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.period / self.burst.max(1)
    }
}

/// Whether there was one left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// There was, and it is taken.
    Granted,
    /// There was none; nothing changed.
    Limited {
        /// How long until there is one.
        retry_after: Duration,
    },
}

/// Rate limits, shared by every process that shares the store.
#[async_trait]
pub trait RateLimitStore: Send + Sync + 'static {
    /// Takes one, where there is one: of N callers at once, at most `burst` are granted. Follows
    /// [`rule::limit`](crate::rule::limit) to the letter.
    async fn take(
        &self,
        key: &LimitKey,
        limit: &RateLimit,
        now: Timestamp,
    ) -> Result<Taken, StoreError>;

    /// Gives one back.
    async fn refund(
        &self,
        key: &LimitKey,
        limit: &RateLimit,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Removes counts that are full again; returns how many.
    async fn purge_limits(&self, now: Timestamp) -> Result<u64, StoreError>;
}
