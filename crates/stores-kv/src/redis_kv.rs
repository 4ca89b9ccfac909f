//! [`RedisKv`]: rows in one Redis.

mod fault;
mod link;
mod options;
mod row;
mod script;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use redis::cmd;

use portcullis_core::error::StoreError;
use portcullis_core::store::{KeyValueStore, KvCheck, KvCommit, KvEntry, KvWrite, Part};
use portcullis_core::time::Timestamp;

use fault::Asked;
use link::Link;
pub use link::RedisConnectError;
pub use options::{RedisOptions, RedisOptionsError};
use row::Keys;
use script::Script;

/// Keys that one step of a search looks at.
const PAGE: usize = 500;

/// Rows in one Redis (6.2 or later), for sessions, tickets and limits; a handle whose clones share one connection.
///
/// Every read of a request is one round trip; a commit is one `SET` where it puts one row, and otherwise one script on one
/// hash slot. A call takes at most twice the
/// timeout: once where it must connect, once for the answer. It fails with
///
/// - `Unavailable` where Redis cannot be reached, does not answer a read in time, or says that it cannot serve
///   (`LOADING`, `READONLY`, `OOM`, `NOAUTH`, ...); nothing was written,
/// - `Indeterminate` where a commit was sent and not answered: it may have happened, or may yet,
/// - `Corrupt` where a key of ours holds something else.
///
/// After a failure to connect nobody tries again for 200 ms; a connection that leaves three calls in a row unanswered
/// is replaced.
///
/// Rows past their deadline are freed by Redis itself, ten minutes late, so that [`purge`](KeyValueStore::purge) and
/// [`list`](KeyValueStore::list), which go through all keys of the database, may be left out here.
///
/// It needs tokio, with timers and I/O.
#[derive(Clone)]
pub struct RedisKv {
    shared: Arc<Shared>,
}

struct Shared {
    link: Link,
    keys: Keys,
    commit: Script,
    purge: Script,
}

impl fmt::Debug for RedisKv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisKv").finish_non_exhaustive()
    }
}

impl RedisKv {
    /// Connects and checks that Redis is fit to hold sessions; every later connection is checked alike.
    ///
    /// # Errors
    /// [`RedisConnectError`] where Redis cannot be reached within the timeout, does not say what it does when its
    /// memory is full, or would then evict rows.
    pub async fn connect(options: RedisOptions) -> Result<Self, RedisConnectError> {
        let keys = Keys::new(options.prefix_text());
        let link = Link::new(options);
        link.open().await?;
        Ok(Self {
            shared: Arc::new(Shared {
                link,
                keys,
                commit: Script::new(include_str!("redis_kv/commit.lua")),
                purge: Script::new(include_str!("redis_kv/purge.lua")),
            }),
        })
    }

    /// The keys that match, page by page: each that is there throughout at least once.
    async fn scan(&self, pattern: &[u8], cursor: u64) -> Result<(u64, Vec<Vec<u8>>), StoreError> {
        let mut scan = cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(pattern);
        scan.arg("COUNT").arg(PAGE);
        self.shared.link.ask(&scan, Asked::ToRead).await
    }

    /// Those of some keys whose rows may be over, by the key's part.
    async fn over(
        &self,
        keys: Vec<Vec<u8>>,
        now: Timestamp,
    ) -> Result<BTreeMap<Part, Vec<Vec<u8>>>, StoreError> {
        let mut over: BTreeMap<Part, Vec<Vec<u8>>> = BTreeMap::new();
        let mut ask = redis::pipe();
        for key in &keys {
            ask.cmd("GETRANGE").arg(key).arg(0).arg(row::HEAD - 1);
        }
        let heads: Vec<Vec<u8>> = self.shared.link.ask_all(&ask).await?;
        for (key, head) in keys.into_iter().zip(heads) {
            let deadline = row::deadline(&head);
            let part = self.shared.keys.part(&key);
            if let (Some(true), Some(part)) = (deadline.map(|deadline| deadline <= now), part) {
                over.entry(part).or_default().push(key);
            }
        }
        Ok(over)
    }
}

#[async_trait]
impl KeyValueStore for RedisKv {
    async fn get(
        &self,
        part: Part,
        key: &[u8],
        now: Timestamp,
    ) -> Result<Option<KvEntry>, StoreError> {
        let mut get = cmd("GET");
        get.arg(self.shared.keys.key(part, key));
        let row: Option<Vec<u8>> = self.shared.link.ask(&get, Asked::ToRead).await?;
        row::entry(row, now)
    }

    async fn get_all(
        &self,
        part: Part,
        keys: &[Vec<u8>],
        now: Timestamp,
    ) -> Result<Vec<Option<KvEntry>>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut get = cmd("MGET");
        for key in keys {
            get.arg(self.shared.keys.key(part, key));
        }
        let rows: Vec<Option<Vec<u8>>> = self.shared.link.ask(&get, Asked::ToRead).await?;
        rows.into_iter().map(|row| row::entry(row, now)).collect()
    }

    async fn list(
        &self,
        part: Part,
        prefix: &[u8],
        now: Timestamp,
    ) -> Result<Vec<(Vec<u8>, KvEntry)>, StoreError> {
        let pattern = self.shared.keys.pattern(Some(part), prefix);
        let (mut cursor, mut found) = (0, BTreeSet::new());
        loop {
            let (next, keys) = self.scan(&pattern, cursor).await?;
            let keys = keys.iter().filter_map(|key| self.shared.keys.inner(key));
            found.extend(keys.map(<[u8]>::to_vec));
            if next == 0 {
                break;
            }
            cursor = next;
        }
        let keys: Vec<Vec<u8>> = found.into_iter().collect();
        let rows = self.get_all(part, &keys, now).await?;
        let rows = keys.into_iter().zip(rows);
        Ok(rows.filter_map(|(key, row)| Some((key, row?))).collect())
    }

    async fn commit(
        &self,
        part: Part,
        checks: &[KvCheck],
        writes: &[KvWrite],
        now: Timestamp,
    ) -> Result<KvCommit, StoreError> {
        if let Some(put) = script::plain_put(&self.shared.keys, part, checks, writes, now) {
            let is_set: bool = self.shared.link.ask(&put, Asked::ToWrite).await?;
            if is_set {
                return Ok(KvCommit::Done);
            }
        }
        let call = script::commit(&self.shared.keys, part, checks, writes, now);
        let failed: i64 = self.shared.link.run(&self.shared.commit, &call).await?;
        // Lua counts from 1; 0 is none.
        Ok(usize::try_from(failed - 1).map_or(KvCommit::Done, |check| KvCommit::Refused { check }))
    }

    async fn purge(&self, prefix: &[u8], now: Timestamp) -> Result<u64, StoreError> {
        let pattern = self.shared.keys.pattern(None, prefix);
        let (mut cursor, mut purged) = (0, 0);
        loop {
            let (next, keys) = self.scan(&pattern, cursor).await?;
            if !keys.is_empty() {
                for keys in self.over(keys, now).await?.into_values() {
                    let call = script::purge(keys, now);
                    let gone: u64 = self.shared.link.run(&self.shared.purge, &call).await?;
                    purged += gone;
                }
            }
            if next == 0 {
                return Ok(purged);
            }
            cursor = next;
        }
    }
}
