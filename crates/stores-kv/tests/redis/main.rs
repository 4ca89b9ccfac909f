//! `RedisKv` on a real Redis: found by `PORTCULLIS_REDIS`, or started for the test from `redis-server` on the path.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod conformance;
mod faults;
mod refusals;
mod relay;
mod rows;
mod server;
mod slots;

use std::time::Duration;

use portcullis_core::entity::Epoch;
use portcullis_core::entropy::{SeededEntropy, random_bytes};
use portcullis_core::id::{SessionId, TenantId, UserId};
use portcullis_core::secret::TokenDigest;
use portcullis_core::session::{Assurance, AssuranceLevel, Session};
use portcullis_core::time::Timestamp;

const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);
const TENANT: TenantId = TenantId::from_integer(1);
const USER: UserId = UserId::from_integer(42);

/// So many seconds after [`NOW`].
fn after(secs: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(secs))
}

/// A session of [`USER`], idle for an hour, over after a day; the same for the same seed.
fn session(seed: u64) -> Session {
    let entropy = SeededEntropy::new(seed);
    Session {
        id: SessionId::tagged(USER, &entropy).unwrap(),
        user: USER,
        tenant: TENANT,
        epoch: Epoch(0),
        digest: TokenDigest {
            bytes: random_bytes(&entropy).unwrap(),
            key_version: 1,
        },
        assurance: Assurance {
            level: AssuranceLevel::Aal1,
            factors: Vec::new(),
            at: NOW,
        },
        created_at: NOW,
        seen_at: NOW,
        idle_deadline: after(3600),
        absolute_deadline: after(86_400),
        device: Default::default(),
        name: None,
        actor: None,
        revoked_at: None,
    }
}
