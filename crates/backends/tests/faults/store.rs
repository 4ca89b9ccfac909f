//! The store that fails.

use portcullis_stores_kv::MemoryStore;
use portcullis_testing::How;

pub(crate) type Store = MemoryStore;

/// What must outlive the store.
pub(crate) type Keep = ();

/// The ways to fail.
pub(crate) const HOWS: &[How] = &How::ALL;

pub(crate) async fn fresh() -> (Store, Keep) {
    (MemoryStore::new(), ())
}
