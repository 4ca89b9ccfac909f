//! Random stories of all account flows, against a model of who may do what, on SQLite: the files are those of `backends`,
//! which tell them on the memory store. Each story is told in a database of its own, so there are fewer.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its harness too"
)]

#[path = "../../crates/backends/tests/model/act.rs"]
mod act;
#[path = "../../crates/backends/tests/model/law.rs"]
mod law;
#[path = "../../crates/backends/tests/model/probe.rs"]
mod probe;
#[path = "../../crates/backends/tests/model/property.rs"]
mod property;
#[path = "../../crates/backends/tests/model/story.rs"]
mod story;
#[path = "../../crates/backends/tests/model/tell.rs"]
mod tell;
#[path = "../../crates/backends/tests/model/world.rs"]
mod world;

mod store {
    //! The store that the stories are told on.

    use portcullis_stores_sql::{SqliteOptions, SqliteStore};
    use tempfile::TempDir;

    pub(crate) type Store = SqliteStore;

    /// The folder of the database.
    pub(crate) type Keep = TempDir;

    /// How many stories are told: in CI, and where `PORTCULLIS_LONG` is set.
    pub(crate) const STORIES: (u32, u32) = (30, 600);

    pub(crate) async fn fresh() -> (Store, Keep) {
        // Nothing here is about power loss: where there is a disk in memory, it will do.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let folder = folder.unwrap();
        let options = SqliteOptions::new(folder.path().join("portcullis.db"));
        let store = SqliteStore::open(options.create_if_missing()).unwrap();
        store.migrate().await.unwrap();
        (store, folder)
    }
}
