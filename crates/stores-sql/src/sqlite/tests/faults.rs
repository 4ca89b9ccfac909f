//! What the store says, and how it goes on, when something underneath fails.

use portcullis_core::error::{StoreError, StoreErrorKind};
use portcullis_core::factor::FactorKind;
use portcullis_core::store::{
    AccountStore, FactorStore, IdentityAdmin, IdentityAuthnLog, IdentityLookup, ResolveSession,
    SessionStore,
};
use rusqlite::Connection;

use super::sample::{Held, NOW, Place, SESSION, TENANT, USER, begin, event, fill};
use crate::columns::Row;
use crate::driver::Driver;
use crate::script::{Expect, Failure, Script, Step};
use crate::sqlite::SqliteStore;
use crate::value::values;
use portcullis_core::along::Refusal;

// CC-01
#[tokio::test]
async fn a_database_held_by_another_is_unavailable_until_it_is_let_go() {
    let place = Place::new();
    let store = place.store_with(place.options()).await;
    fill(&store).await;
    let stranger = place.stranger();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = store.record(event(1)).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Unavailable);
    // Readers do not wait for writers.
    assert!(store.resolve_session(SESSION).await.unwrap().is_some());
    stranger.execute_batch("ROLLBACK").unwrap();
    assert!(store.record(event(1)).await.is_ok());
}

async fn on_the_writer(store: &SqliteStore, sql: &'static str) {
    let writer = &store.driver().inner.writer;
    let run = writer.alone(move |connection| connection.execute_batch(sql));
    run.await.unwrap().unwrap();
}

// FT-04
#[tokio::test]
async fn a_full_disk_is_unavailable_until_there_is_room() {
    let place = Place::new();
    let store = place.store().await;
    fill(&store).await;
    on_the_writer(&store, "PRAGMA max_page_count = 1").await;
    let large = serde_json::json!({ "text": "x".repeat(1 << 20) });
    let refused = store.set_profile(TENANT, USER, &large).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Unavailable);
    assert!(store.resolve_session(SESSION).await.unwrap().is_some());
    // Signing out needs no room.
    let ended = store.revoke_session(TENANT, USER, SESSION, NOW).await;
    assert!(ended.unwrap());
    on_the_writer(&store, "PRAGMA max_page_count = 1000000").await;
    assert!(store.set_profile(TENANT, USER, &large).await.unwrap());
    drop(store);
    place.assert_sound();
}

// FT-26
#[tokio::test]
async fn a_panic_on_the_writer_is_unavailable_and_the_writer_lives() {
    let place = Place::new();
    let store = place.store().await;
    let writer = &store.driver().inner.writer;
    let failed = writer.alone(|connection: &mut Connection| {
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        panic!("a bug");
    });
    let failed: Result<(), StoreError> = failed.await;
    assert_eq!(failed.unwrap_err().kind(), StoreErrorKind::Unavailable);

    let held = Held::writer_of(&store).await;
    let bug: fn(&[Row]) -> Result<Refusal, StoreError> = |_| panic!("a bug");
    let step = Step::new("a step", "DELETE FROM key_marker", values![]);
    let mut broken = Box::pin(store.driver().run(Script::of(step.one_or_why(
        "SELECT 1",
        values![],
        bug,
    ))));
    let mut sound = store.record(event(1));
    begin(&mut broken);
    begin(&mut sound);
    held.release().await;
    match broken.await {
        Err(Failure::Store(error)) => assert_eq!(error.kind(), StoreErrorKind::Unavailable),
        _ => panic!("no failure"),
    }
    assert!(sound.await.is_ok());
    assert!(store.record(event(2)).await.is_ok());
}

// FT-26
#[tokio::test]
async fn a_panic_in_a_read_harms_no_other() {
    let place = Place::new();
    let store = place.store().await;
    fill(&store).await;
    let bug = |_: &Connection| -> Result<(), StoreError> { panic!("a bug") };
    for _ in 0..8 {
        let failed = store.driver().inner.long.read(bug).await;
        assert_eq!(failed.unwrap_err().kind(), StoreErrorKind::Unavailable);
        let points = std::panic::AssertUnwindSafe(&store.driver().inner.points);
        assert!(std::panic::catch_unwind(|| points.read(bug)).is_err());
    }
    assert!(store.resolve_session(SESSION).await.unwrap().is_some());
    assert_eq!(store.users(TENANT, None, 10).await.unwrap().len(), 1);
}

/// Changes stored values as no statement of ours would.
fn spoil(place: &Place, sql: &str) {
    let stranger = place.stranger();
    let unchecked = "PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF";
    stranger.execute_batch(unchecked).unwrap();
    assert_eq!(stranger.execute(sql, []).unwrap(), 1, "{sql}");
}

// FT-25
#[tokio::test]
async fn a_corrupt_value_is_located() {
    let place = Place::new();
    let store = place.store().await;
    fill(&store).await;
    for (spoiling, column) in [
        ("UPDATE sessions SET assurance = '{}'", "sessions.assurance"),
        ("UPDATE sessions SET digest = x'00'", "sessions.digest"),
        ("UPDATE factors SET config = 'x'", "factors.config"),
        ("UPDATE identifiers SET kind = 'x'", "identifiers.kind"),
        (
            "UPDATE tenant_security SET state = 'x'",
            "tenant_security.state",
        ),
        ("UPDATE accounts SET epoch = -1", "accounts.epoch"),
    ] {
        spoil(&place, spoiling);
        let errors = [
            store.resolve_session(SESSION).await.map(drop),
            store
                .load_factor(TENANT, USER, FactorKind::Password)
                .await
                .map(drop),
            store.user(TENANT, USER).await.map(drop),
        ];
        let located = errors.into_iter().filter_map(Result::err).any(|error| {
            error.kind() == StoreErrorKind::Corrupt && error.to_string().ends_with(column)
        });
        assert!(located, "{column}");
    }
}

#[tokio::test]
async fn an_epoch_at_its_end_is_corrupt_and_stays() {
    let place = Place::new();
    let store = place.store().await;
    fill(&store).await;
    spoil(&place, "UPDATE accounts SET epoch = 4294967295");
    let refused = store.bump_epoch(TENANT, USER, Default::default()).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Corrupt);
    assert!(refused.to_string().ends_with("accounts.epoch"), "{refused}");
}

#[tokio::test]
async fn a_value_that_breaks_its_columns_rule_is_not_written() {
    let place = Place::new();
    let store = place.store().await;
    let step = Step::new(
        "break a rule",
        "INSERT INTO tenants (id, slug, name) VALUES (x'00', 'a', 'a')",
        values![],
    );
    let failed = store
        .driver()
        .run(Script::of(step.expect(Expect::Any)))
        .await;
    assert!(
        matches!(failed, Err(Failure::Store(error)) if error.kind() == StoreErrorKind::Corrupt)
    );
}
