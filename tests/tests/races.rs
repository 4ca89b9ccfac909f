//! What works once, or so often, used by many at once on real databases: the files are those of `backends`, which runs
//! them on the memory store.
//!
//! Where there is no PostgreSQL or Redis the tests on them are skipped, and say so; under `CI=true` they fail.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its harness too"
)]

#[path = "../../crates/backends/tests/races/bounds.rs"]
mod bounds;
#[path = "../../crates/backends/tests/races/kinds.rs"]
mod kinds;
#[macro_use]
#[path = "../../crates/backends/tests/races/promises.rs"]
mod promises;
#[path = "../../crates/backends/tests/races/world.rs"]
mod world;

mod stores {
    //! The stores that the races are run on.

    use std::time::Duration;

    use portcullis_backends::Portcullis;
    use portcullis_stores_kv::{KvEphemeral, RedisKv, RedisOptions};
    use portcullis_stores_sql::{PostgresOptions, PostgresStore, SqliteOptions, SqliteStore};
    use portcullis_tests::Stores;

    use crate::world::{World, runtime};

    pub(crate) fn sqlite(race: impl AsyncFnOnce(&World)) {
        // Nothing here is about power loss: where there is a disk in memory, it will do.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let folder = folder.unwrap();
        runtime().block_on(async {
            let options = SqliteOptions::new(folder.path().join("portcullis.db"));
            let store = SqliteStore::open(options.create_if_missing()).unwrap();
            store.migrate().await.unwrap();
            let world = World::on(Portcullis::builder(store)).await;
            race(&world).await;
        });
    }

    pub(crate) fn postgres(race: impl AsyncFnOnce(&World)) {
        let Some(stores) = Stores::postgres() else {
            return;
        };
        runtime().block_on(async {
            let store = database(&stores).await;
            let world = World::on(Portcullis::builder(store)).await;
            race(&world).await;
        });
    }

    /// People in PostgreSQL, the rest in Redis.
    pub(crate) fn postgres_and_redis(race: impl AsyncFnOnce(&World)) {
        let Some(stores) = Stores::postgres_and_redis() else {
            return;
        };
        runtime().block_on(async {
            let store = database(&stores).await;
            let options = RedisOptions::new(&stores.redis_url().unwrap()).unwrap();
            let redis = RedisKv::connect(options).await.unwrap();
            let builder = Portcullis::builder_with(store, KvEphemeral::new(redis));
            let world = World::on(builder).await;
            race(&world).await;
        });
    }

    /// With every table, and patience for a machine with few cores.
    async fn database(stores: &Stores) -> PostgresStore {
        let mut options = PostgresOptions::new(stores.database_url().unwrap());
        options.acquire_timeout = Duration::from_secs(30);
        let store = PostgresStore::connect(options).await.unwrap();
        store.migrate().await.unwrap();
        store
    }
}

races_on!(sqlite postgres postgres_and_redis);
