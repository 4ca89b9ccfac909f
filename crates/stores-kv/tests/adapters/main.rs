//! Sessions, tickets and limits in a key-value store.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod conformance;
mod cost;
mod sessions;
mod split;
mod watched;

use std::time::Duration;

use portcullis_core::entity::Epoch;
use portcullis_core::entropy::{SeededEntropy, random_bytes};
use portcullis_core::id::{SessionId, TenantId, TicketId, UserId};
use portcullis_core::secret::{Sealed, TokenDigest};
use portcullis_core::session::{Assurance, AssuranceLevel, Session};
use portcullis_core::store::{Ticket, TicketKind};
use portcullis_core::time::Timestamp;

const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);
const TENANT: TenantId = TenantId::from_integer(1);
const USER: UserId = UserId::from_integer(42);

/// So many seconds after [`NOW`].
fn after(secs: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(secs))
}

fn digest(entropy: &SeededEntropy) -> TokenDigest {
    TokenDigest {
        bytes: random_bytes(entropy).unwrap(),
        key_version: 1,
    }
}

/// A session of [`USER`], idle for an hour, over after a day; the same for the same seed.
fn session(seed: u64) -> Session {
    let entropy = SeededEntropy::new(seed);
    Session {
        id: SessionId::tagged(USER, &entropy).unwrap(),
        user: USER,
        tenant: TENANT,
        epoch: Epoch(0),
        digest: digest(&entropy),
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

/// A ticket for ten minutes and five guesses.
fn ticket(seed: u64) -> Ticket {
    let entropy = SeededEntropy::new(seed);
    Ticket {
        id: TicketId::random(&entropy).unwrap(),
        kind: TicketKind::PendingSignIn,
        tenant: TENANT,
        digest: digest(&entropy),
        payload: Sealed {
            key_version: 1,
            bytes: vec![1, 2, 3],
        },
        attempts_left: 5,
        created_at: NOW,
        expires_at: after(600),
    }
}
