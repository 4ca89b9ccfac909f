#![doc = include_str!("../README.md")]

mod adapter;
mod memory;
mod memory_kv;
#[cfg(feature = "redis")]
mod redis_kv;

pub use adapter::{KvEphemeral, KvLimits, KvSessions, KvTickets};
pub use memory::MemoryStore;
pub use memory_kv::MemoryKv;
#[cfg(feature = "redis")]
pub use redis_kv::{RedisConnectError, RedisKv, RedisOptions, RedisOptionsError};
