//! A server that goes down in the middle of everything, and comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use portcullis_core::error::StoreErrorKind;
use portcullis_core::store::{IdentityAuthnLog, ResolveSession};
use portcullis_stores_sql::{PostgresOptions, PostgresStore};
use sqlx::{Connection, PgConnection};
use tokio::sync::Semaphore;

use crate::cluster::{Cluster, Keeper};
use crate::sample::{SESSION, fill, pair, pairs, times};
use crate::server::missing;

fn start(cluster: &Cluster) -> Keeper {
    let keeper = Keeper::start(cluster.place(), &cluster.command()).unwrap();
    cluster.wait().unwrap();
    keeper
}

/// What the writers share.
struct Load {
    next: AtomicU64,
    stop: AtomicBool,
    /// A permit for each call that ended.
    calls: Semaphore,
}

impl Load {
    /// Waits until there is something more to lose.
    async fn progress(&self) {
        self.calls.acquire_many(40).await.unwrap().forget();
    }
}

/// Writes until it is told to stop; the numbers that were answered for.
async fn write(store: PostgresStore, load: Arc<Load>) -> Vec<u64> {
    let mut answered = Vec::new();
    while !load.stop.load(Ordering::SeqCst) {
        let number = load.next.fetch_add(1, Ordering::SeqCst);
        let written = store.record(pair(number)).await;
        load.calls.add_permits(1);
        match written {
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
    let load = Arc::new(Load {
        next: AtomicU64::new(1),
        stop: AtomicBool::new(false),
        calls: Semaphore::new(0),
    });
    let writers = [(); 8].map(|()| tokio::spawn(write(store.clone(), Arc::clone(&load))));
    for _ in 0..times(3, 20) {
        load.progress().await;
        // As `pg_ctl restart -m immediate` does.
        keeper.end("QUIT").unwrap();
        let down = store.resolve_session(SESSION).await.unwrap_err();
        assert_eq!(down.kind(), StoreErrorKind::Unavailable);
        keeper = start(&cluster);
        // Nothing has to be done for it to go on.
        let back = async { while store.resolve_session(SESSION).await.is_err() {} };
        let back = tokio::time::timeout(Duration::from_secs(60), back).await;
        back.unwrap();
    }
    load.progress().await;
    load.stop.store(true, Ordering::SeqCst);
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
