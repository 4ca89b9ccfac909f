//! The schema is the same on every engine, and keeps what it must keep.

use portcullis_core::error::StoreErrorKind;
use portcullis_core::factor::FactorKind;
use portcullis_core::store::{FactorStore, IdentityAuthnLog, IdentityLookup, ResolveSession};
use portcullis_stores_sql::{SqliteOptions, SqliteStore};
use sqlx::Row as _;

use crate::sample::{SESSION, TENANT, USER, applied, fill, pair, tell};
use crate::server::Database;

/// Table, column, and whether it may be null.
type Column = (String, String, bool);

async fn of_sqlite() -> Vec<Column> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("portcullis.db");
    let store = SqliteStore::open(SqliteOptions::new(&path).create_if_missing()).unwrap();
    store.migrate().await.unwrap();
    let connection = rusqlite::Connection::open(path).unwrap();
    let columns = "SELECT m.name, c.name, c.\"notnull\" = 0 \
         FROM sqlite_master m, pragma_table_info(m.name) c \
         WHERE m.type = 'table' ORDER BY m.name, c.cid";
    let mut columns = connection.prepare(columns).unwrap();
    let columns = columns.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    columns.unwrap().map(Result::unwrap).collect()
}

async fn of_postgres(database: &Database) -> Vec<Column> {
    let columns = "SELECT table_name::text, column_name::text, is_nullable = 'YES' \
         FROM information_schema.columns WHERE table_schema = 'public' \
         ORDER BY table_name COLLATE \"C\", ordinal_position";
    let mut connection = database.connection().await;
    let columns = sqlx::query(columns).fetch_all(&mut connection).await;
    let column = |row: sqlx::postgres::PgRow| (row.get(0), row.get(1), row.get(2));
    columns.unwrap().into_iter().map(column).collect()
}

#[tokio::test]
async fn both_engines_have_the_same_tables_and_columns() {
    let Some(database) = Database::migrated().await else {
        return;
    };
    let (there, here) = (of_sqlite().await, of_postgres(&database).await);
    assert!(there.len() > 100);
    assert_eq!(there, here);
}

// LG-04
#[tokio::test]
async fn the_audit_log_is_only_ever_added_to() {
    let Some(database) = Database::migrated().await else {
        return;
    };
    let store = database.store().await;
    fill(&store).await;
    applied(store.record(pair(1)).await);
    let mut connection = database.connection().await;
    for sql in [
        "UPDATE auth_events SET reason = NULL",
        "DELETE FROM auth_events",
        "TRUNCATE auth_events",
    ] {
        let refused = sqlx::raw_sql(sql)
            .execute(&mut connection)
            .await
            .unwrap_err();
        let said = refused.to_string();
        assert!(
            said.contains("the audit log is only ever added to"),
            "{said}"
        );
    }
}

// LG-04
#[tokio::test]
async fn events_are_emptied_for_an_archived_account_and_no_other() {
    let Some(database) = Database::migrated().await else {
        return;
    };
    let store = database.store().await;
    fill(&store).await;
    applied(store.record(pair(1)).await);
    let mut connection = database.connection().await;
    let emptied =
        "UPDATE auth_events SET ip = NULL, user_agent = NULL, request_id = NULL, detail = 'null'";
    let refused = sqlx::raw_sql(emptied).execute(&mut connection).await;
    let said = refused.unwrap_err().to_string();
    assert!(said.contains("only ever added to"), "{said}");
    tell(&mut connection, "UPDATE accounts SET state = 'archived'").await;
    for sql in [
        "UPDATE auth_events SET kind = 'x'",
        "UPDATE auth_events SET user_agent = 'another'",
        "UPDATE auth_events SET detail = '{}'",
        "DELETE FROM auth_events",
    ] {
        let refused = sqlx::raw_sql(sql).execute(&mut connection).await;
        let said = refused.unwrap_err().to_string();
        assert!(said.contains("only ever added to"), "{sql}: {said}");
    }
    tell(&mut connection, emptied).await;
}

// FT-25
#[tokio::test]
async fn a_corrupt_value_is_located() {
    let Some(database) = Database::migrated().await else {
        return;
    };
    let store = database.store().await;
    fill(&store).await;
    let mut connection = database.connection().await;
    let unchecked = "ALTER TABLE sessions DROP CONSTRAINT sessions_digest_check; \
         ALTER TABLE accounts DROP CONSTRAINT accounts_epoch_check";
    tell(&mut connection, unchecked).await;
    for (spoiling, column) in [
        ("UPDATE sessions SET assurance = '{}'", "sessions.assurance"),
        ("UPDATE sessions SET digest = '\\x00'", "sessions.digest"),
        ("UPDATE factors SET config = 'x'", "factors.config"),
        ("UPDATE identifiers SET kind = 'x'", "identifiers.kind"),
        (
            "UPDATE tenant_security SET state = 'x'",
            "tenant_security.state",
        ),
        ("UPDATE accounts SET epoch = -1", "accounts.epoch"),
    ] {
        tell(&mut connection, spoiling).await;
        let errors = [
            store.resolve_session(SESSION).await.map(drop),
            store
                .load_factor(TENANT, USER, FactorKind::Password)
                .await
                .map(drop),
            store.user(TENANT, USER).await.map(drop),
        ];
        let said = errors.into_iter().filter_map(Result::err).map(|error| {
            assert_eq!(error.kind(), StoreErrorKind::Corrupt);
            error.to_string()
        });
        let said: Vec<String> = said.collect();
        assert!(
            said.iter().any(|text| text.ends_with(column)),
            "{column}: {said:?}"
        );
    }
}
