//! Connecting: what is refused, and pools that are somebody else's.

use portcullis_core::error::StoreErrorKind;
use portcullis_core::store::{IdentityAuthnLog, ResolveSession, SessionStore};
use portcullis_stores_sql::{ConnectError, PostgresOptions, PostgresStore};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::sample::{NOW, SESSION, TENANT, USER, applied, count, fill, pair, pairs, tell};
use crate::server::Database;

#[test]
fn a_url_is_never_shown() {
    let options = PostgresOptions::new("postgres://ada:secret@localhost/portcullis");
    assert!(!format!("{options:?}").contains("secret"));
}

#[tokio::test]
async fn what_cannot_work_is_refused_with_a_reason() {
    let refused = PostgresStore::connect(PostgresOptions::new("mysql://secret@x/y")).await;
    let refused = refused.unwrap_err();
    assert!(matches!(refused, ConnectError::Url(_)), "{refused:?}");
    assert!(!format!("{refused:?}").contains("secret"));

    for schema in ["", "1st", "a b", "a\"b", "Größe", &"a".repeat(64)] {
        let mut options = PostgresOptions::new("postgres://localhost");
        options.schema = Some(schema.to_owned());
        let refused = PostgresStore::connect(options).await.unwrap_err();
        assert!(
            matches!(refused, ConnectError::SchemaName(_)),
            "{refused:?}"
        );
    }

    // Nobody listens there.
    let options = PostgresOptions::new("postgres://localhost:1/portcullis");
    let refused = PostgresStore::connect(options).await.unwrap_err();
    let ConnectError::Unreachable(why) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(why.kind(), StoreErrorKind::Unavailable);
}

#[tokio::test]
async fn a_database_in_another_encoding_is_refused() {
    let Some(database) = Database::latin1().await else {
        return;
    };
    let refused = PostgresStore::connect(database.options())
        .await
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the database has `server_encoding` set to `LATIN1`: UTF8 is needed"
    );
}

#[tokio::test]
async fn two_schemas_of_one_database_are_two_stores() {
    let Some(database) = Database::empty().await else {
        return;
    };
    for schema in ["one", "user"] {
        let mut options = database.options();
        options.schema = Some(schema.to_owned());
        let store = PostgresStore::connect(options.clone()).await.unwrap();
        assert!(!store.migrate().await.unwrap().is_empty());
        fill(&store).await;
        assert!(store.resolve_session(SESSION).await.unwrap().is_some());
        let again = PostgresStore::connect(options).await.unwrap();
        assert!(again.migrate().await.unwrap().is_empty());
    }
    let mut connection = database.connection().await;
    let public = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'";
    assert_eq!(count(&mut connection, public).await, 0);
}

async fn pool(database: &Database) -> PgPool {
    let pool = PgPoolOptions::new().max_connections(1);
    pool.connect(&database.url()).await.unwrap()
}

#[tokio::test]
async fn a_pool_of_somebody_elses_serves_as_well() {
    let Some(database) = Database::migrated().await else {
        return;
    };
    let pool = pool(&database).await;
    let store = PostgresStore::from_pool(pool.clone()).await.unwrap();
    assert!(store.migrate().await.unwrap().is_empty());
    fill(&store).await;
    applied(store.record(pair(1)).await);
    assert!(store.resolve_session(SESSION).await.unwrap().is_some());
    // What the transactions set is gone with them.
    let settings = "SELECT count(*) FROM pg_settings WHERE source = 'session' \
         AND name IN ('lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout')";
    let mut connection = pool.acquire().await.unwrap();
    assert_eq!(count(&mut connection, settings).await, 0);
}

// FT-10
/// What a dropped `begin()` of sqlx leaves behind.
#[tokio::test]
async fn a_transaction_that_somebody_left_open_swallows_no_write() {
    let Some(database) = Database::migrated().await else {
        return;
    };
    let pool = pool(&database).await;
    let store = PostgresStore::from_pool(pool.clone()).await.unwrap();
    fill(&store).await;
    let mut connection = database.connection().await;
    let mut left = pool.acquire().await.unwrap();
    tell(&mut left, "BEGIN").await;
    drop(left);
    assert!(
        store
            .revoke_session(TENANT, USER, SESSION, NOW)
            .await
            .unwrap()
    );
    let ended = "SELECT count(*) FROM sessions WHERE revoked_at IS NOT NULL";
    assert_eq!(count(&mut connection, ended).await, 1);
    // One that has failed already is not used.
    let mut left = pool.acquire().await.unwrap();
    drop(
        sqlx::raw_sql("BEGIN; SELECT 1/0")
            .execute(&mut *left)
            .await
            .unwrap_err(),
    );
    drop(left);
    assert!(store.resolve_session(SESSION).await.unwrap().is_some());
    applied(store.record(pair(1)).await);
    assert_eq!(pairs(&mut connection).await, [1]);
}
