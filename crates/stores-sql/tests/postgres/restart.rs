//! A server that goes down in the middle of everything, and comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use portcullis_core::error::StoreErrorKind;
use portcullis_core::store::{IdentityAuthnLog, ResolveSession};
use portcullis_stores_sql::{PostgresOptions, PostgresStore};
use sqlx::{Connection, PgConnection};

use crate::cluster::{Cluster, Keeper};
use crate::sample::{SESSION, fill, pair, pairs, times};
use crate::server::missing;

fn start(cluster: &Cluster) -> Keeper {
    let keeper = Keeper::start(cluster.place(), &cluster.command()).unwrap();
    cluster.wait().unwrap();
    keeper
}

/// Writes until it is told to stop; the numbers that were answered for.
async fn write(store: PostgresStore, next: Arc<AtomicU64>, stop: Arc<AtomicBool>) -> Vec<u64> {
    let mut answered = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let number = next.fetch_add(1, Ordering::SeqCst);
        match store.record(pair(number)).await {
            Ok(_) => answered.push(number),
            Err(error) => {
                let kind = error.kind();
                let down = [StoreErrorKind::Unavailable, StoreErrorKind::Indeterminate];
                assert!(down.contains(&kind), "{error:?}");
            }
        }
    }
    answered
}

/// Waits until there is something more to lose.
async fn progress(next: &AtomicU64) {
    let before = next.load(Ordering::SeqCst);
    while next.load(Ordering::SeqCst) < before + 40 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

// FT-06
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_crashes_under_load_loses_nothing_that_was_answered() {
    let Some(cluster) = Cluster::make().unwrap() else {
        missing();
        return;
    };
    let mut keeper = start(&cluster);
    let mut options = PostgresOptions::new(cluster.url());
    options.max_connections = 5;
    options.acquire_timeout = Duration::from_millis(500);
    let store = PostgresStore::connect(options).await.unwrap();
    store.migrate().await.unwrap();
    fill(&store).await;
    let (next, stop) = (Arc::new(AtomicU64::new(1)), Arc::default());
    let writers = [(); 8].map(|()| {
        let (next, stop) = (Arc::clone(&next), Arc::clone(&stop));
        tokio::spawn(write(store.clone(), next, stop))
    });
    for _ in 0..times(3, 20) {
        progress(&next).await;
        // As `pg_ctl restart -m immediate` does.
        keeper.end_by("QUIT").unwrap();
        let down = store.resolve_session(SESSION).await.unwrap_err();
        assert_eq!(down.kind(), StoreErrorKind::Unavailable);
        keeper = start(&cluster);
        // Nothing has to be done for it to go on.
        let back = async { while store.resolve_session(SESSION).await.is_err() {} };
        let back = tokio::time::timeout(Duration::from_secs(60), back).await;
        back.unwrap();
    }
    progress(&next).await;
    stop.store(true, Ordering::SeqCst);
    let mut connection = PgConnection::connect(&cluster.url()).await.unwrap();
    let mut answered = Vec::new();
    for writer in writers {
        answered.extend(writer.await.unwrap());
    }
    let found = pairs(&mut connection).await;
    let lost: Vec<_> = answered.iter().filter(|it| !found.contains(it)).collect();
    assert!(lost.is_empty(), "answered and not there: {lost:?}");
    assert!(answered.len() > 40);
    drop(keeper);
}
