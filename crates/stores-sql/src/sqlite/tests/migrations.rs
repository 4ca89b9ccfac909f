//! Migrations: each once, and none that was tampered with.

use std::error::Error;

use portcullis_core::error::StoreErrorKind;

use super::sample::{Place, fill};
use crate::schema::{MIGRATIONS, MigrateError, Migration};
use crate::sqlite::migrate::{migrate, pending};
use crate::sqlite::{OpenError, SqliteOptions, SqliteStore};

const GOOD: Migration = Migration {
    number: 901,
    name: "good",
    sql: "CREATE TABLE good (id INTEGER PRIMARY KEY) STRICT;",
};
const BAD: Migration = Migration {
    number: 902,
    name: "bad",
    sql: "CREATE TABLE bad (id INTEGER PRIMARY KEY) STRICT; CREATE TABLE good (id INTEGER) STRICT;",
};

#[test]
fn migrations_are_numbered_without_gaps() {
    let numbers: Vec<u32> = MIGRATIONS
        .iter()
        .map(|migration| migration.number)
        .collect();
    assert!((1..).zip(&numbers).all(|(place, number)| place == *number));
    assert!(!numbers.is_empty());
}

#[tokio::test]
async fn migrating_again_applies_nothing() {
    let place = Place::new();
    let store = SqliteStore::open(place.options()).unwrap();
    assert_eq!(store.pending_migrations().await.unwrap(), MIGRATIONS);
    assert_eq!(store.migrate().await.unwrap(), MIGRATIONS);
    assert!(store.pending_migrations().await.unwrap().is_empty());
    fill(&store).await;
    assert!(store.migrate().await.unwrap().is_empty());
    place.assert_sound();
}

// FT-23
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_migration_is_applied_once_by_many_at_once() {
    for _ in 0..5 {
        let place = Place::new();
        let nodes = (0..8).map(|_| {
            let options = SqliteOptions::new(place.path()).create_if_missing();
            std::thread::spawn(move || {
                let store = SqliteStore::open(options).unwrap();
                let runtime = tokio::runtime::Builder::new_current_thread();
                let runtime = { runtime }.build().unwrap();
                runtime.block_on(store.migrate()).unwrap().len()
            })
        });
        let nodes: Vec<_> = nodes.collect();
        let applied: usize = nodes.into_iter().map(|node| node.join().unwrap()).sum();
        assert_eq!(applied, MIGRATIONS.len());
        place.assert_sound();
    }
}

// FT-23
#[tokio::test]
async fn a_migration_that_was_changed_is_refused() {
    let place = Place::new();
    let store = place.store().await;
    let tampered = "UPDATE schema_migrations SET checksum = 'x' WHERE number = 1";
    place.stranger().execute(tampered, []).unwrap();
    let refusals = [
        store.migrate().await.unwrap_err(),
        store.pending_migrations().await.unwrap_err(),
    ];
    for refusal in refusals {
        assert!(matches!(&refusal, MigrateError::Changed { number: 1, .. }));
        assert!(
            refusal.to_string().contains("migration 1 (first)"),
            "{refusal}"
        );
    }
    let opened = SqliteStore::open(place.options());
    assert!(matches!(opened, Err(OpenError::Schema(_))));
}

// FT-23
#[tokio::test]
async fn a_newer_schema_than_the_program_is_refused() {
    let place = Place::new();
    let store = place.store().await;
    let newer = "INSERT INTO schema_migrations (number, name, checksum) VALUES (999, 'later', 'x')";
    place.stranger().execute(newer, []).unwrap();
    let refusal = store.migrate().await.unwrap_err();
    assert!(
        matches!(refusal, MigrateError::Newer { found: 999, .. }),
        "{refusal}"
    );
    let opened = SqliteStore::open(place.options());
    assert!(matches!(
        opened,
        Err(OpenError::Schema(MigrateError::Newer { found: 999, .. }))
    ));
}

#[tokio::test]
async fn a_migration_that_fails_applies_nothing_of_its_run() {
    let place = Place::new();
    let _store = place.store().await;
    let connection = place.stranger();
    let known: Vec<Migration> = MIGRATIONS.iter().copied().chain([GOOD, BAD]).collect();
    let failed = migrate(&connection, &known).unwrap_err();
    assert!(matches!(
        failed,
        MigrateError::Failed {
            number: 902,
            name: "bad",
            ..
        }
    ));
    assert!(failed.source().is_some());
    assert_eq!(pending(&connection, &known).unwrap(), [GOOD, BAD]);
    let without_bad: Vec<Migration> = MIGRATIONS.iter().copied().chain([GOOD]).collect();
    assert_eq!(migrate(&connection, &without_bad).unwrap(), [GOOD]);
}

#[tokio::test]
async fn the_audit_log_is_only_ever_added_to() {
    let place = Place::new();
    let store = place.store().await;
    fill(&store).await;
    use portcullis_core::store::IdentityAuthnLog;
    let recorded = store.record(super::sample::event(1)).await;
    assert!(recorded.unwrap().applied().is_some());
    let stranger = place.stranger();
    for sql in [
        "UPDATE auth_events SET kind = 'x'",
        "DELETE FROM auth_events",
    ] {
        let refused = stranger.execute(sql, []).unwrap_err();
        assert!(
            refused.to_string().contains("only ever added to"),
            "{refused}"
        );
        let error = crate::sqlite::fault::store_error(refused);
        assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    }
}
