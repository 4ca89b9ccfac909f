//! Migrations: each once, whoever comes, and none that was tampered with.

use portcullis_core::error::StoreErrorKind;
use portcullis_core::store::IdentityAuthnLog;
use portcullis_stores_sql::{ConnectError, MIGRATIONS, MigrateError, Migration, PostgresStore};
use sqlx::PgConnection;
use tokio::task::JoinSet;

use crate::sample::{applied, count, fill, pair, tell, times, until};
use crate::server::Database;

#[tokio::test]
async fn migrating_again_applies_nothing() {
    let Some(database) = Database::empty().await else {
        return;
    };
    let store = database.store().await;
    let pending = store.pending_migrations().await.unwrap();
    assert_eq!(pending.len(), MIGRATIONS.len());
    let unmigrated = store.record(pair(1)).await.unwrap_err();
    assert_eq!(unmigrated.kind(), StoreErrorKind::Unavailable);
    let why = std::error::Error::source(&unmigrated).unwrap().to_string();
    assert!(why.contains("run migrate"), "{why}");
    assert_eq!(store.migrate().await.unwrap(), pending);
    assert!(store.pending_migrations().await.unwrap().is_empty());
    assert!(store.migrate().await.unwrap().is_empty());
    applied(store.record(pair(1)).await);
}

/// Eight nodes that start together, each with a pool of its own; how many migrations each applied.
async fn eight_nodes(database: &Database) -> Vec<usize> {
    let mut nodes = JoinSet::new();
    for _ in 0..8 {
        let mut options = database.options();
        options.max_connections = 2;
        nodes.spawn(async move {
            let store = PostgresStore::connect(options).await.unwrap();
            store.migrate().await.unwrap().len()
        });
    }
    nodes.join_all().await
}

/// Applies a migration as an older program would have.
async fn apply(connection: &mut PgConnection, migration: &Migration) {
    let memory = "CREATE TABLE IF NOT EXISTS schema_migrations \
         (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL)";
    tell(connection, memory).await;
    tell(connection, migration.sql).await;
    let remember = "INSERT INTO schema_migrations VALUES ($1, $2, $3)";
    let remembered = sqlx::query(remember)
        .bind(i64::from(migration.number))
        .bind(migration.name)
        .bind(migration.checksum());
    remembered.execute(connection).await.unwrap();
}

// FT-23
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_migration_is_applied_once_by_many_at_once() {
    for _ in 0..times(3, 50) {
        let Some(database) = Database::empty().await else {
            return;
        };
        let applied: usize = eight_nodes(&database).await.into_iter().sum();
        assert_eq!(applied, MIGRATIONS.len());
        let mut connection = database.connection().await;
        let remembered = count(&mut connection, "SELECT count(*) FROM schema_migrations").await;
        assert_eq!(usize::try_from(remembered).unwrap(), MIGRATIONS.len());
    }
}

// FT-23
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_old_schema_is_brought_up_once_by_many_at_once() {
    for _ in 0..times(2, 50) {
        let Some(database) = Database::empty().await else {
            return;
        };
        let known = database.store().await.pending_migrations().await.unwrap();
        let (first, rest) = known.split_first().unwrap();
        let mut connection = database.connection().await;
        apply(&mut connection, first).await;
        let applied: usize = eight_nodes(&database).await.into_iter().sum();
        assert_eq!(applied, rest.len());
        fill(&database.store().await).await;
    }
}

// FT-23
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_migrator_that_is_killed_lets_the_next_one_in() {
    let Some(database) = Database::empty().await else {
        return;
    };
    let mut connection = database.connection().await;
    let known = database.store().await.pending_migrations().await.unwrap();
    apply(&mut connection, known.first().unwrap()).await;
    // The first migrator gets the migrators' lock, and no further than the table of what was applied.
    let mut holder = database.connection().await;
    tell(&mut holder, "BEGIN; LOCK TABLE schema_migrations").await;
    let migrate = |store: PostgresStore| tokio::spawn(async move { store.migrate().await });
    // Connecting looks at the table as well: the nodes are there already.
    tell(&mut holder, "ROLLBACK").await;
    let nodes = [database.store().await, database.store().await];
    tell(&mut holder, "BEGIN; LOCK TABLE schema_migrations").await;
    let [first, second] = nodes.map(migrate);
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted \
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    until(&mut connection, waiting, 2).await;
    let killed = "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' \
         AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    assert_eq!(count(&mut connection, killed).await, 1);
    tell(&mut holder, "ROLLBACK").await;
    let ends = [first.await.unwrap(), second.await.unwrap()];
    let failed = ends.iter().filter(|end| end.is_err()).count();
    assert_eq!(failed, 1, "one was killed: {ends:?}");
    let applied: usize = ends.iter().flatten().map(Vec::len).sum();
    assert_eq!(applied, known.len() - 1);
}

// FT-23
#[tokio::test]
async fn a_changed_or_newer_schema_is_refused() {
    let Some(database) = Database::migrated().await else {
        return;
    };
    let store = database.store().await;
    let mut connection = database.connection().await;
    let newer = "INSERT INTO schema_migrations VALUES (999, 'of_tomorrow', 'x')";
    tell(&mut connection, newer).await;
    let refused = PostgresStore::connect(database.options())
        .await
        .unwrap_err();
    let newest = MIGRATIONS.last().unwrap().number;
    assert!(
        matches!(refused, ConnectError::Schema(MigrateError::Newer { found: 999, newest: it }) if it == newest),
        "{refused:?}"
    );
    let refused = store.migrate().await.unwrap_err();
    assert!(matches!(refused, MigrateError::Newer { .. }), "{refused:?}");

    let changed = "DELETE FROM schema_migrations WHERE number = 999; \
         UPDATE schema_migrations SET checksum = 'x' WHERE number = 1";
    tell(&mut connection, changed).await;
    let refused = PostgresStore::connect(database.options())
        .await
        .unwrap_err();
    let is_changed =
        |error: &MigrateError| matches!(error, MigrateError::Changed { number: 1, .. });
    assert!(
        matches!(&refused, ConnectError::Schema(error) if is_changed(error)),
        "{refused:?}"
    );
    let refused = store.migrate().await.unwrap_err();
    assert!(is_changed(&refused), "{refused:?}");
}

#[tokio::test]
async fn a_migration_that_fails_applies_none() {
    let Some(database) = Database::empty().await else {
        return;
    };
    let mut connection = database.connection().await;
    // In the way of the last migration.
    tell(&mut connection, "CREATE TABLE refresh_families (id BIGINT)").await;
    let store = database.store().await;
    let failed = store.migrate().await.unwrap_err();
    assert!(matches!(failed, MigrateError::Failed { .. }), "{failed:?}");
    let tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'";
    assert_eq!(count(&mut connection, tables).await, 1);
    tell(&mut connection, "DROP TABLE refresh_families").await;
    assert_eq!(store.migrate().await.unwrap().len(), MIGRATIONS.len());
}
