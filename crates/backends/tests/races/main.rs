//! What works once, or so often, used by many at once: every kind of token, codes, sessions. Here on the memory store,
//! with sessions in it or apart; the tests package does the same on databases.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its harness too"
)]

mod bounds;
mod kinds;
#[macro_use]
mod promises;
mod world;

mod stores {
    //! The stores that the races are run on.

    use portcullis_backends::Portcullis;
    use portcullis_backends::core::along::Along;
    use portcullis_stores_kv::{KvEphemeral, MemoryKv, MemoryStore};
    use portcullis_testing::{Around, Wrapped};

    use crate::world::{World, runtime};

    /// Lets everybody else go first before each write, so that all have read before anybody writes. By itself the memory
    /// store never waits, and a flow on it runs from its beginning to its end at once.
    struct Polite(MemoryStore);

    #[async_trait::async_trait]
    impl Around for Polite {
        type Store = MemoryStore;

        fn store(&self) -> &MemoryStore {
            &self.0
        }

        async fn companions(&self, along: Along) -> Along {
            tokio::task::yield_now().await;
            along
        }
    }

    fn people() -> Wrapped<Polite> {
        Wrapped::new(Polite(MemoryStore::new()))
    }

    pub(crate) fn memory(race: impl AsyncFnOnce(&World)) {
        runtime().block_on(async {
            let world = World::on(Portcullis::builder(people())).await;
            race(&world).await;
        });
    }

    /// People in one store, the rest in another.
    pub(crate) fn memory_and_rows(race: impl AsyncFnOnce(&World)) {
        runtime().block_on(async {
            let ephemeral = KvEphemeral::new(MemoryKv::new());
            let builder = Portcullis::builder_with(people(), ephemeral);
            let world = World::on(builder).await;
            race(&world).await;
        });
    }
}

races_on!(memory memory_and_rows);
