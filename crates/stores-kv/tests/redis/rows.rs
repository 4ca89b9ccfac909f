//! What is in Redis, and what a call costs.

use std::sync::Arc;

use portcullis_core::store::{
    AccountStore, KeyValueStore, KvCheck, KvCommit, KvWrite, LimitKey, Part, RateLimit,
    RateLimitStore, ResolveSession, SessionStore, SplitResolve, Taken,
};
use portcullis_core::time::Timestamp;
use portcullis_stores_kv::{KvLimits, KvSessions, MemoryStore, RedisKv};

use crate::server::Server;
use crate::{NOW, USER, after, session};

const PART: Part = Part::from_bytes([0xab, 0x01]);

async fn put(store: &RedisKv, key: &str, deadline: Timestamp, now: Timestamp) {
    let write = KvWrite::Put {
        key: key.into(),
        value: b"value".to_vec(),
        deadline,
    };
    let commit = store.commit(PART, &[], &[write], now).await.unwrap();
    assert_eq!(commit, KvCommit::Done);
}

/// Two rows in one commit, which takes the script.
async fn put_both(store: &RedisKv, first: &str, second: &str) {
    let writes = [first, second].map(|key| KvWrite::Put {
        key: key.into(),
        value: b"value".to_vec(),
        deadline: after(1),
    });
    let commit = store.commit(PART, &[], &writes, NOW).await.unwrap();
    assert_eq!(commit, KvCommit::Done);
}

async fn is_there(store: &RedisKv, key: &str, now: Timestamp) -> bool {
    let row = store.get(PART, key.as_bytes(), now).await;
    row.unwrap().is_some()
}

impl Server {
    /// How often a command was called from outside of a script and within.
    async fn calls(&self, command: &str) -> u64 {
        let info: String = self.ask("INFO commandstats").await;
        let of = format!("cmdstat_{command}:calls=");
        let line = info.lines().find_map(|line| line.strip_prefix(&of));
        line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
    }
}

// FT-17
#[tokio::test]
async fn redis_frees_a_row_relative_to_the_callers_time_and_late() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let store = server.store().await;
    let [past, future] = [0, i64::MAX / 2].map(Timestamp::from_micros);
    for (key, now) in [("now", NOW), ("past", past), ("future", future)] {
        put(
            &store,
            key,
            now.plus(std::time::Duration::from_secs(60)),
            now,
        )
        .await;
        let left: i64 = server.ask(&format!("PTTL portcullis:{{ab01}}{key}")).await;
        // A minute to live, ten minutes of slack; the test itself took less than one.
        assert!((600_001..=660_000).contains(&left), "{key}: {left}");
        assert!(is_there(&store, key, now).await);
    }
    put(&store, "over", past, NOW).await;
    let left: i64 = server.ask("PTTL portcullis:{ab01}over").await;
    assert!((540_001..=600_000).contains(&left), "{left}");
    put(&store, "now", Timestamp::MAX, NOW).await;
    assert_eq!(server.ask::<i64>("PTTL portcullis:{ab01}now").await, -1);
}

#[tokio::test]
async fn a_forgotten_script_is_sent_again() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let store = server.store().await;
    for round in 0..3 {
        put_both(&store, &round.to_string(), "again").await;
        put_both(&store, &round.to_string(), "again").await;
        assert_eq!(server.calls("eval").await, round + 1);
        server.tell("SCRIPT FLUSH").await;
    }
    assert!(is_there(&store, "2", NOW).await);
    assert_eq!(store.purge(b"", after(1)).await.unwrap(), 4);
}

#[tokio::test]
async fn one_row_is_put_by_one_plain_command() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let store = server.store().await;
    put(&store, "any", after(60), NOW).await;
    let new = KvWrite::Put {
        key: b"new".to_vec(),
        value: Vec::new(),
        deadline: after(60),
    };
    let absent = KvCheck::Absent {
        key: b"new".to_vec(),
    };
    let commit = store.commit(PART, &[absent], &[new], NOW).await;
    assert_eq!(commit.unwrap(), KvCommit::Done);
    assert_eq!(server.calls("set").await, 2);
    assert_eq!(server.calls("evalsha").await, 0);
}

#[tokio::test]
async fn a_row_that_is_over_makes_room_though_redis_has_it_still() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let store = server.store().await;
    put(&store, "k", after(60), NOW).await;
    let anew = |now| {
        let store = &store;
        async move {
            let write = KvWrite::Put {
                key: b"k".to_vec(),
                value: b"new".to_vec(),
                deadline: after(120),
            };
            let absent = KvCheck::Absent { key: b"k".to_vec() };
            store.commit(PART, &[absent], &[write], now).await.unwrap()
        }
    };
    assert_eq!(anew(after(59)).await, KvCommit::Refused { check: 0 });
    assert_eq!(anew(after(60)).await, KvCommit::Done);
    let row = store.get(PART, b"k", after(60)).await.unwrap().unwrap();
    assert_eq!(row.value, b"new");
}

#[tokio::test]
async fn two_programs_share_a_redis_by_prefix() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let (ours, theirs) = ("app:", "app:app:");
    let [ours, theirs] = [ours, theirs].map(|prefix| server.options().prefix(prefix).unwrap());
    let ours = RedisKv::connect(ours).await.unwrap();
    let theirs = RedisKv::connect(theirs).await.unwrap();
    put(&ours, "k", after(1), NOW).await;
    assert!(!is_there(&theirs, "k", NOW).await);
    put(&theirs, "k", after(1), NOW).await;
    assert_eq!(theirs.purge(b"", after(1)).await.unwrap(), 1);
    assert_eq!(ours.list(PART, b"", NOW).await.unwrap().len(), 1);
    assert_eq!(ours.purge(b"", after(1)).await.unwrap(), 1);
}

#[tokio::test]
async fn many_rows_are_purged_page_by_page() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let store = server.store().await;
    for number in 0..1500_u16 {
        let part = Part::from_bytes(number.to_be_bytes());
        let write = KvWrite::Put {
            key: b"k".to_vec(),
            value: Vec::new(),
            deadline: after(u64::from(number % 3)),
        };
        let check = KvCheck::Absent { key: b"k".to_vec() };
        let commit = store.commit(part, &[check], &[write], NOW).await.unwrap();
        assert_eq!(commit, KvCommit::Done);
    }
    assert_eq!(store.purge(b"k", after(1)).await.unwrap(), 1000);
    assert_eq!(server.ask::<u64>("DBSIZE").await, 500);
}

#[tokio::test]
async fn a_session_is_read_in_one_round_trip() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let sessions = Arc::new(KvSessions::new(server.store().await));
    let accounts = MemoryStore::new();
    let session = session(1);
    sessions.insert_session(&session, 5).await.unwrap();
    let split = SplitResolve::new(Arc::clone(&sessions), Arc::new(accounts.clone()));

    // What a command of ours adds to the count, INFO itself among it.
    let idle = server.commands().await;
    let idle = server.commands().await - idle;
    let before = server.commands().await;
    assert!(sessions.session(session.id).await.unwrap().is_some());
    assert_eq!(server.commands().await - before, idle + 1);

    let (before, reads) = (server.commands().await, accounts.calls());
    assert!(split.resolve_session(session.id).await.unwrap().is_none());
    assert_eq!(server.commands().await - before, idle + 1);
    assert_eq!(accounts.calls() - reads, 1);
    let nobody = accounts.subject_state(session.tenant, USER).await;
    assert!(nobody.unwrap().is_none());
}

impl Server {
    /// How many commands it has run, those of scripts among them.
    async fn commands(&self) -> u64 {
        let info: String = self.ask("INFO stats").await;
        let line = info
            .lines()
            .find_map(|line| line.strip_prefix("total_commands_processed:"));
        line.unwrap().parse().unwrap()
    }
}

#[tokio::test]
async fn a_write_is_one_command_with_at_most_two_reads_before_it() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let store = server.store().await;
    let sessions = KvSessions::new(store.clone());
    // Redis has the script.
    put_both(&store, "k", "l").await;
    let scripts = server.calls("evalsha").await;
    sessions.insert_session(&session(1), 5).await.unwrap();
    assert_eq!(server.calls("evalsha").await - scripts, 1);
    sessions.insert_session(&session(2), 5).await.unwrap();
    assert_eq!(server.calls("evalsha").await - scripts, 2);
    assert_eq!(server.calls("mget").await, 1);
    let plain = server.calls("set").await;
    let limits = KvLimits::new(store);
    let once = RateLimit {
        burst: 1,
        period: std::time::Duration::from_secs(1),
    };
    let key = LimitKey::new("sign-in", "ip", "192.0.2.1");
    assert_eq!(limits.take(&key, &once, NOW).await.unwrap(), Taken::Granted);
    let limited = limits.take(&key, &once, NOW).await.unwrap();
    assert!(matches!(limited, Taken::Limited { .. }));
    assert_eq!(server.calls("evalsha").await - scripts, 2);
    assert_eq!(server.calls("set").await - plain, 1);
}
