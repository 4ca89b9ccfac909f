//! Every flow, failed at every store call it makes, on SQLite: the files are those of `backends`, which run on the memory
//! store there. Each world is a database of its own, so one fault of each sort has to do.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its harness too"
)]

#[path = "../../crates/backends/tests/faults/account.rs"]
mod account;
#[path = "../../crates/backends/tests/faults/admin.rs"]
mod admin;
#[path = "../../crates/backends/tests/faults/api_tokens.rs"]
mod api_tokens;
#[path = "../../crates/backends/tests/faults/background.rs"]
mod background;
#[path = "../../crates/backends/tests/faults/chain.rs"]
mod chain;
#[path = "../../crates/backends/tests/faults/custom_token.rs"]
mod custom_token;
#[path = "../../crates/backends/tests/faults/email_change.rs"]
mod email_change;
#[path = "../../crates/backends/tests/faults/email_code.rs"]
mod email_code;
#[path = "../../crates/backends/tests/faults/erase.rs"]
mod erase;
#[path = "../../crates/backends/tests/faults/every.rs"]
mod every;
#[path = "../../crates/backends/tests/faults/import_user.rs"]
mod import_user;
#[path = "../../crates/backends/tests/faults/instance.rs"]
mod instance;
#[path = "../../crates/backends/tests/faults/keys.rs"]
mod keys;
#[path = "../../crates/backends/tests/faults/laws.rs"]
mod laws;
#[path = "../../crates/backends/tests/faults/magic_link.rs"]
mod magic_link;
#[path = "../../crates/backends/tests/faults/operator.rs"]
mod operator;
#[path = "../../crates/backends/tests/faults/password_history.rs"]
mod password_history;
#[path = "../../crates/backends/tests/faults/passwords.rs"]
mod passwords;
#[path = "../../crates/backends/tests/faults/present.rs"]
mod present;
#[path = "../../crates/backends/tests/faults/sessions.rs"]
mod sessions;
#[path = "../../crates/backends/tests/faults/sign_in.rs"]
mod sign_in;
#[path = "../../crates/backends/tests/faults/sign_up.rs"]
mod sign_up;
#[path = "../../crates/backends/tests/faults/split.rs"]
mod split;
#[path = "../../crates/backends/tests/faults/teeth.rs"]
mod teeth;
#[path = "../../crates/backends/tests/faults/token_pair.rs"]
mod token_pair;
#[path = "../../crates/backends/tests/faults/verify_email.rs"]
mod verify_email;
#[path = "../../crates/backends/tests/faults/world.rs"]
mod world;

mod store {
    //! The store that fails.

    use portcullis_stores_sql::{SqliteOptions, SqliteStore};
    use portcullis_testing::How;
    use tempfile::TempDir;

    pub(crate) type Store = SqliteStore;

    /// The folder of the database.
    pub(crate) type Keep = TempDir;

    pub(crate) const HOWS: &[How] = &How::SORTS;

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
