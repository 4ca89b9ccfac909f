//! The store that the stories are told on.

use portcullis_stores_kv::MemoryStore;

pub(crate) type Store = MemoryStore;

/// What must outlive the store.
pub(crate) type Keep = ();

/// How many stories are told: in CI, and where `PORTCULLIS_LONG` is set.
pub(crate) const STORIES: (u32, u32) = (80, 3000);

pub(crate) async fn fresh() -> (Store, Keep) {
    (MemoryStore::new(), ())
}
