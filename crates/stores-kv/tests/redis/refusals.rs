//! A Redis that is not fit, or says that it cannot serve.

use portcullis_core::error::{StoreError, StoreErrorKind};
use portcullis_core::store::{KeyValueStore, KvCommit, KvWrite, Part};
use portcullis_stores_kv::{RedisConnectError, RedisKv, RedisOptions};

use crate::server::Server;
use crate::{NOW, after};

const PART: Part = Part::from_bytes([1, 2]);

async fn put(store: &RedisKv, key: &str) -> Result<KvCommit, StoreError> {
    let put = |key: &str| KvWrite::Put {
        key: key.into(),
        value: vec![7; 1000],
        deadline: after(60),
    };
    // Two rows, so that a script that is stopped half way would show.
    let writes = [put(key), put(&format!("{key} too"))];
    store.commit(PART, &[], &writes, NOW).await
}

async fn refused(store: &RedisKv, key: &str) -> StoreErrorKind {
    put(store, key).await.unwrap_err().kind()
}

/// The keys in the store.
async fn keys(store: &RedisKv) -> usize {
    store.list(PART, b"", NOW).await.unwrap().len()
}

// FT-14
#[tokio::test]
async fn a_redis_that_evicts_is_refused() {
    let Some(server) = Server::start(&["--maxmemory", "4mb"]) else {
        return;
    };
    for policy in [
        "allkeys-lru",
        "allkeys-random",
        "volatile-lru",
        "volatile-ttl",
    ] {
        server
            .tell(&format!("CONFIG SET maxmemory-policy {policy}"))
            .await;
        let refused = RedisKv::connect(server.options()).await.unwrap_err();
        let said = refused.to_string();
        assert!(matches!(refused, RedisConnectError::Evicting { .. }));
        assert!(
            said.contains(policy) && said.contains("noeviction"),
            "{said}"
        );
    }
    server.tell("CONFIG SET maxmemory-policy noeviction").await;
    let store = server.store().await;
    assert_eq!(put(&store, "k").await.unwrap(), KvCommit::Done);
    // Every connection is checked, not the first alone.
    server.tell("CONFIG SET maxmemory-policy allkeys-lru").await;
    server.tell("CLIENT KILL TYPE normal SKIPME yes").await;
    while put(&store, "k").await.is_ok() {}
    let why = loop {
        let error = put(&store, "k").await.unwrap_err();
        if error.kind() == StoreErrorKind::Unavailable {
            break error;
        }
    };
    let why = std::error::Error::source(&why).unwrap().to_string();
    assert!(
        why.contains("allkeys-lru") || why.contains("a moment ago"),
        "{why}"
    );
}

#[tokio::test]
async fn a_redis_that_hides_its_policy_is_refused() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    server
        .tell("ACL SETUSER mute on >secret ~* +@all -info")
        .await;
    let url = server.url().replace("redis://", "redis://mute:secret@");
    let refused = RedisKv::connect(RedisOptions::new(&url).unwrap()).await;
    let refused = refused.unwrap_err();
    assert!(
        matches!(refused, RedisConnectError::UnknownPolicy),
        "{refused}"
    );
}

// FT-13
#[tokio::test]
async fn a_password_is_needed_where_redis_asks_for_one() {
    let Some(server) = Server::start(&["--requirepass", "secret"]) else {
        return;
    };
    for user in ["", ":wrong@"] {
        let url = server.url().replace("redis://", &format!("redis://{user}"));
        let refused = RedisKv::connect(RedisOptions::new(&url).unwrap()).await;
        let refused = refused.unwrap_err();
        assert!(
            matches!(refused, RedisConnectError::Unreachable(_)),
            "{refused}"
        );
    }
    let url = server.url().replace("redis://", "redis://:secret@");
    let store = RedisKv::connect(RedisOptions::new(&url).unwrap())
        .await
        .unwrap();
    assert_eq!(put(&store, "k").await.unwrap(), KvCommit::Done);
}

// FT-13
#[tokio::test]
async fn nobody_listens() {
    let options = RedisOptions::new("redis://127.0.0.1:1").unwrap();
    let refused = RedisKv::connect(options).await.unwrap_err();
    assert!(
        matches!(refused, RedisConnectError::Unreachable(_)),
        "{refused}"
    );
}

// FT-13
#[tokio::test]
async fn a_full_redis_serves_reads_and_refuses_writes_whole() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let store = server.store().await;
    assert_eq!(put(&store, "before").await.unwrap(), KvCommit::Done);
    server.tell("CONFIG SET maxmemory 1").await;
    assert_eq!(refused(&store, "k").await, StoreErrorKind::Unavailable);
    assert_eq!(keys(&store).await, 2);
    server.tell("CONFIG SET maxmemory 0").await;
    assert_eq!(put(&store, "k").await.unwrap(), KvCommit::Done);
    assert_eq!(keys(&store).await, 4);
}

// FT-13
#[tokio::test]
async fn a_replica_refuses_writes_whole() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let store = server.store().await;
    assert_eq!(put(&store, "before").await.unwrap(), KvCommit::Done);
    server.tell("REPLICAOF 127.0.0.1 1").await;
    assert_eq!(refused(&store, "k").await, StoreErrorKind::Unavailable);
    assert_eq!(keys(&store).await, 2);
    server.tell("REPLICAOF NO ONE").await;
    assert_eq!(put(&store, "k").await.unwrap(), KvCommit::Done);
}

#[tokio::test]
async fn what_is_no_row_of_ours_is_corrupt() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let store = server.store().await;
    server.tell("RPUSH portcullis:{0102}list x").await;
    server.tell("SET portcullis:{0102}short x").await;
    for key in ["list", "short"] {
        let read = store.get(PART, key.as_bytes(), NOW).await.unwrap_err();
        assert_eq!(read.kind(), StoreErrorKind::Corrupt, "{key}: {read:?}");
        let check = portcullis_core::store::KvCheck::Absent { key: key.into() };
        let commit = store.commit(PART, &[check], &[], NOW).await.unwrap_err();
        assert_eq!(commit.kind(), StoreErrorKind::Corrupt, "{key}: {commit:?}");
    }
}
