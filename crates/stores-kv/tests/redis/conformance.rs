//! `RedisKv` passes the conformance suite, by itself and under the adapters.

use std::sync::Arc;

use portcullis_stores_kv::{KvLimits, KvSessions, KvTickets, RedisKv};

use crate::server::{Server, any_store};

/// A store with the server that must outlive it; none where this machine has no Redis.
type Fixture<S> = Option<(Arc<S>, Option<Server>)>;

async fn over<S>(store: fn(RedisKv) -> S) -> Fixture<S> {
    let (redis, server) = any_store().await?;
    Some((Arc::new(store(redis)), server))
}

async fn rows() -> Fixture<RedisKv> {
    over(|redis| redis).await
}

async fn sessions() -> Fixture<KvSessions<RedisKv>> {
    over(KvSessions::new).await
}

async fn tickets() -> Fixture<KvTickets<RedisKv>> {
    over(KvTickets::new).await
}

async fn limits() -> Fixture<KvLimits<RedisKv>> {
    over(KvLimits::new).await
}

portcullis_testing::conformance!(kv: rows);
portcullis_testing::conformance!(sessions: sessions);
portcullis_testing::conformance!(tickets: tickets);
portcullis_testing::conformance!(limits: limits);
