//! Point reads: prepared once, one statement each, by key.

use portcullis_core::factor::FactorKind;
use portcullis_core::id::{ApiTokenId, RefreshFamilyId};
use portcullis_core::store::{
    AccountStore, ApiTokenStore, FactorStore, IdentityLookup, RefreshStore, ResolveSession,
};
use rusqlite::{Connection, StatementStatus};

use super::sample::{Place, SESSION, TENANT, USER, email, fill};
use crate::sqlite::SqliteStore;
use crate::store::POINT_READS;

/// Every read on the way of a request.
async fn read_everything(store: &SqliteStore) {
    assert!(store.resolve_session(SESSION).await.unwrap().is_some());
    let token = store.resolve_api_token(ApiTokenId::from_integer(1)).await;
    assert!(token.unwrap().is_none());
    let family = store.resolve_family(RefreshFamilyId::from_integer(1)).await;
    assert!(family.unwrap().is_none());
    let factor = store.load_factor(TENANT, USER, FactorKind::Password).await;
    assert!(factor.unwrap().is_some());
    assert!(store.subject_state(TENANT, USER).await.unwrap().is_some());
    assert!(store.find_user(TENANT, &email()).await.unwrap().is_some());
    assert!(store.user(TENANT, USER).await.unwrap().is_some());
}

#[tokio::test]
async fn a_point_read_is_prepared_once() {
    let place = Place::new();
    let mut options = place.options();
    options.readers = 1;
    let store = place.store_with(options).await;
    fill(&store).await;
    for _ in 0..100 {
        read_everything(&store).await;
    }
    let looked = store.driver().inner.points.read(|connection| {
        for sql in POINT_READS {
            let statement = connection.prepare_cached(sql).unwrap();
            assert_eq!(statement.get_status(StatementStatus::Run), 100, "{sql}");
            assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{sql}");
        }
        Ok(())
    });
    looked.unwrap();
}

#[tokio::test]
async fn a_point_read_is_one_statement() {
    let place = Place::new();
    let store = place.store().await;
    fill(&store).await;
    let before = store.statements();
    read_everything(&store).await;
    let reads = u64::try_from(POINT_READS.len()).unwrap();
    assert_eq!(store.statements() - before, reads);
}

fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .unwrap();
    let mut rows = statement.raw_query();
    let mut plan = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        plan.push(row.get(3).unwrap());
    }
    plan
}

#[tokio::test]
async fn no_read_by_key_looks_at_rows_of_others() {
    let place = Place::new();
    let store = place.store().await;
    let looked = store.driver().inner.points.read(|connection| {
        for sql in POINT_READS.iter().chain(crate::store::PERSONAL) {
            for line in plan(connection, sql) {
                let by_tenant_alone =
                    line.ends_with("(tenant_id=?)") && !line.contains("SEARCH t USING PRIMARY KEY");
                assert!(
                    !line.starts_with("SCAN") && !by_tenant_alone,
                    "{sql}\n{line}"
                );
            }
        }
        Ok(())
    });
    looked.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn more_threads_than_connections_read_all_the_same() {
    let place = Place::new();
    let mut options = place.options();
    options.readers = 1;
    let store = place.store_with(options).await;
    fill(&store).await;
    let readers = (0..8).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            for _ in 0..100 {
                assert!(store.resolve_session(SESSION).await.unwrap().is_some());
            }
        })
    });
    for reader in readers.collect::<Vec<_>>() {
        reader.await.unwrap();
    }
}
