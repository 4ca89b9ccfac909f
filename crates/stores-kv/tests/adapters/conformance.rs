//! The adapters pass the conformance suite on `MemoryKv`, and `MemoryKv` passes that of key-value stores.

use std::sync::Arc;

use portcullis_stores_kv::{KvEphemeral, KvLimits, KvSessions, KvTickets, MemoryKv};

use crate::watched::Watched;

async fn memory() -> Arc<MemoryKv> {
    Arc::new(MemoryKv::new())
}

async fn sessions() -> Arc<KvSessions<Watched>> {
    Arc::new(KvSessions::new(Watched::courteous()))
}

async fn tickets() -> Arc<KvTickets<Watched>> {
    Arc::new(KvTickets::new(Watched::courteous()))
}

async fn limits() -> Arc<KvLimits<Watched>> {
    Arc::new(KvLimits::new(Watched::courteous()))
}

/// The three as one value, which is how an instance takes them.
mod together {
    use super::{Arc, KvEphemeral, MemoryKv};

    async fn ephemeral() -> Arc<KvEphemeral<MemoryKv>> {
        Arc::new(KvEphemeral::new(MemoryKv::new()))
    }

    portcullis_testing::conformance!(sessions: ephemeral);
    portcullis_testing::conformance!(tickets: ephemeral);
    portcullis_testing::conformance!(limits: ephemeral);
}

portcullis_testing::conformance!(kv: memory);
portcullis_testing::conformance!(sessions: sessions);
portcullis_testing::conformance!(tickets: tickets);
portcullis_testing::conformance!(limits: limits);
