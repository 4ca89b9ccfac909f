//! What a database is opened with, and what is refused.

use portcullis_core::entity::TenantKey;
use portcullis_core::error::StoreErrorKind;
use portcullis_core::store::{IdentityLookup, ResolveSession};
use rusqlite::config::DbConfig;

use super::sample::{NOW, Place, SESSION, TENANT, event, fill};
use crate::sqlite::connection::{self, Purpose, check_version};
use crate::sqlite::{OpenError, SqliteOptions, SqliteStore};
use portcullis_core::store::IdentityAuthnLog;

// FT-02
#[tokio::test]
async fn every_connection_has_the_settings_that_safety_rests_on() {
    let place = Place::new();
    let _store = place.store().await;
    for purpose in [Purpose::Write, Purpose::Read] {
        let connection = connection::open(&place.options(), purpose).unwrap();
        let number = |pragma: &str| -> i64 {
            let read = connection.pragma_query_value(None, pragma, |row| row.get(0));
            read.unwrap()
        };
        let mode = connection.pragma_query_value(None, "journal_mode", |row| row.get(0));
        assert_eq!(mode, Ok("wal".to_owned()));
        assert_eq!(number("synchronous"), 2, "FULL");
        assert_eq!(number("foreign_keys"), 1);
        assert_eq!(number("query_only"), i64::from(purpose == Purpose::Read));
        let stable = connection.db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG);
        assert_eq!(stable, Ok(true));
    }
}

// F2
#[test]
fn a_sqlite_that_corrupts_under_two_writers_is_refused() {
    for (number, name) in [(3_051_002, "3.51.2"), (3_046_000, "3.46.0")] {
        let refused = check_version(number, name);
        assert!(matches!(refused, Err(OpenError::Version { found }) if found == name));
    }
    check_version(3_051_003, "3.51.3").unwrap();
    check_version(rusqlite::version_number(), rusqlite::version()).unwrap();
}

// FT-05
#[tokio::test]
async fn a_missing_database_is_an_error_and_is_not_made() {
    let place = Place::new();
    let opened = SqliteStore::open(SqliteOptions::new(place.path()));
    assert!(matches!(opened, Err(OpenError::Missing { path }) if path == place.path()));
    assert!(!place.path().exists());
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let place = Place::new();
    std::fs::write(place.path(), "a letter to somebody ".repeat(100)).unwrap();
    let opened = SqliteStore::open(place.options());
    assert!(matches!(opened, Err(OpenError::Unreadable { .. })));
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_database_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::new();
    let store = place.store().await;
    fill(&store).await;
    let mut files = 0;
    for file in std::fs::read_dir(place.folder()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.path().display());
        files += 1;
    }
    assert_eq!(files, 3, "database, log and shared memory");
}

#[tokio::test]
async fn a_database_without_schema_says_what_to_do() {
    let place = Place::new();
    let store = SqliteStore::open(place.options()).unwrap();
    let read = store.tenant(TenantKey::Id(TENANT)).await.unwrap_err();
    let write = store.record(event(1)).await.unwrap_err();
    for error in [read, write] {
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("run migrate"), "{source}");
    }
    store.migrate().await.unwrap();
    assert!(store.tenant(TenantKey::Id(TENANT)).await.unwrap().is_none());
}

#[tokio::test]
async fn dropping_the_last_handle_closes_every_connection() {
    let place = Place::new();
    let store = place.store().await;
    fill(&store).await;
    let other = store.clone();
    drop(store);
    assert!(other.resolve_session(SESSION).await.unwrap().is_some());
    other.prune_limits_and_list().await;
    drop(other);
    // The last connection of all folds the log into the database and removes it.
    let left: Vec<_> = std::fs::read_dir(place.folder()).unwrap().collect();
    assert_eq!(left.len(), 1);
    place.assert_sound();
}

impl SqliteStore {
    /// Makes every kind of connection there is.
    async fn prune_limits_and_list(&self) {
        use portcullis_core::store::{IdentityAdmin, RateLimitStore};
        self.purge_limits(NOW).await.unwrap();
        assert_eq!(self.users(TENANT, None, 10).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn two_stores_of_one_process_do_not_mix() {
    let (left, right) = (Place::new(), Place::new());
    let (left, right) = (left.store().await, right.store().await);
    fill(&left).await;
    assert!(left.resolve_session(SESSION).await.unwrap().is_some());
    assert!(right.resolve_session(SESSION).await.unwrap().is_none());
    fill(&right).await;
    assert!(right.resolve_session(SESSION).await.unwrap().is_some());
}
