//! A database file that is taken away, replaced or may not be written any more, under an open store.

use std::error::Error as _;
use std::fs;
use std::path::PathBuf;

use portcullis_core::error::{StoreError, StoreErrorKind};
use portcullis_core::event::EventQueryFilter;
use portcullis_core::store::{AuditQuery, IdentityAuthnLog, ResolveSession};

use super::sample::{Place, SESSION, TENANT, event, fill};
use crate::sqlite::{SqliteOptions, SqliteStore};

/// The database, its log and its shared memory.
fn files(place: &Place) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|end| {
        let mut name = place.path().into_os_string();
        name.push(end);
        name.into()
    })
}

fn kind<T>(answer: Result<T, StoreError>) -> StoreErrorKind {
    answer.map(drop).unwrap_err().kind()
}

/// A write, a point read and a long read, and all of them refused.
async fn assert_refuses_everything(store: &SqliteStore) {
    let wrote = store.record(event(9)).await.unwrap_err();
    assert_eq!(wrote.kind(), StoreErrorKind::Unavailable);
    assert!(
        wrote
            .source()
            .unwrap()
            .to_string()
            .contains("removed or replaced")
    );
    let read = store.resolve_session(SESSION).await;
    assert_eq!(kind(read), StoreErrorKind::Unavailable);
    let listed = store
        .audit_events(TENANT, &EventQueryFilter::default())
        .await;
    assert_eq!(kind(listed), StoreErrorKind::Unavailable);
}

// FT-05
#[tokio::test]
async fn a_database_that_is_removed_under_the_store_is_an_outage_and_is_not_made_anew() {
    let place = Place::new();
    let store = place.store().await;
    fill(&store).await;
    for file in files(&place) {
        fs::remove_file(file).unwrap();
    }
    assert_refuses_everything(&store).await;
    assert_refuses_everything(&store.clone()).await;
    for file in files(&place) {
        assert!(!file.exists(), "{}", file.display());
    }
    drop(store);
    let left: Vec<_> = fs::read_dir(place.folder()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

// FT-05
#[tokio::test]
async fn a_database_that_comes_back_is_gone_on_with() {
    let (place, away) = (Place::new(), tempfile::tempdir().unwrap());
    let store = place.store().await;
    fill(&store).await;
    let moved = |file: &PathBuf| away.path().join(file.file_name().unwrap());
    for file in files(&place) {
        fs::rename(&file, moved(&file)).unwrap();
    }
    assert_refuses_everything(&store).await;
    for file in files(&place) {
        fs::rename(moved(&file), &file).unwrap();
    }
    assert!(store.resolve_session(SESSION).await.unwrap().is_some());
    assert!(store.record(event(1)).await.is_ok());
    let events = store
        .audit_events(TENANT, &EventQueryFilter::default())
        .await;
    assert!(!events.unwrap().is_empty());
    drop(store);
    place.assert_sound();
}

// FT-05
#[tokio::test]
async fn a_database_that_is_put_in_the_place_of_another_is_neither_read_nor_written() {
    let (place, other) = (Place::new(), Place::new());
    let elsewhere = other.store().await;
    fill(&elsewhere).await;
    drop(elsewhere);
    let before = fs::read(other.path()).unwrap();
    // No session in this one, and no reader is open yet: what it would find is the other's.
    let store = place.store().await;
    // The log of the one would be read into the other.
    for file in files(&place) {
        fs::remove_file(file).unwrap();
    }
    fs::rename(other.path(), place.path()).unwrap();
    let read = store.resolve_session(SESSION).await;
    assert_eq!(kind(read), StoreErrorKind::Unavailable);
    assert_refuses_everything(&store).await;
    drop(store);
    assert_eq!(fs::read(place.path()).unwrap(), before);
    // Whoever starts anew has it.
    let store = SqliteStore::open(SqliteOptions::new(place.path())).unwrap();
    assert!(store.resolve_session(SESSION).await.unwrap().is_some());
}

// FT-05
#[tokio::test]
async fn a_database_that_may_not_be_written_any_more_is_an_outage_of_writes() {
    let place = Place::new();
    let store = place.store().await;
    fill(&store).await;
    let writer = &store.driver().inner.writer;
    let set = |sql: &'static str| writer.alone(move |connection| connection.execute_batch(sql));
    // What SQLite says is what it says of a disk that was mounted anew for reading.
    set("PRAGMA query_only = 1").await.unwrap().unwrap();
    let refused = store.record(event(1)).await;
    assert_eq!(kind(refused), StoreErrorKind::Unavailable);
    assert!(store.resolve_session(SESSION).await.unwrap().is_some());
    set("PRAGMA query_only = 0").await.unwrap().unwrap();
    assert!(store.record(event(1)).await.is_ok());
    drop(store);
    place.assert_sound();
}
