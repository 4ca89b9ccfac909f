//! Callers that go away at any await: what they began is done or not done, and nobody meets their transaction.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use portcullis_core::entropy::{SeededEntropy, random_bytes};
use portcullis_core::id::{SessionId, UserId};
use portcullis_core::store::{Crossing, IdentityAuthnLog, ResolveSession, SessionStore};
use portcullis_stores_sql::PostgresStore;
use sqlx::PgConnection;

use crate::sample::{
    NOW, SESSION, TENANT, USER, applied, count, email, enrolment, fill, pair, pairs, session, tell,
    times, until,
};
use crate::server::Database;

/// One call of a client; what it wrote is known by its number.
async fn call(store: PostgresStore, number: u64) {
    // Whether it works is not the point: the pool may be full.
    match number % 5 {
        0 => drop(store.record(pair(number)).await),
        1 => {
            let person = enrolment(UserId::from_integer(number), [email(number)]);
            drop(store.enrol(&person, pair(number)).await);
        }
        2 => {
            let new = session(SessionId::from_integer(number));
            drop(store.insert_session(&new, 50).await);
        }
        3 => drop(
            store
                .revoke_sessions(TENANT, USER, Some(SESSION), NOW)
                .await,
        ),
        _ => drop(store.resolve_session(SESSION).await),
    }
}

/// Polls a call so many times, and drops it.
async fn polled(call: impl Future<Output = ()>, mut times: u64) {
    let mut call = pin!(call);
    std::future::poll_fn(|context| {
        if times == 0 {
            return Poll::Ready(());
        }
        times -= 1;
        call.as_mut().poll(context)
    })
    .await;
}

/// Runs calls, a dozen at once, of which every other is dropped at one of its awaits, and every other is aborted at
/// any moment.
async fn hang_up(store: &PostgresStore, calls: u64) {
    let entropy = SeededEntropy::new(10);
    let below = |bound: u64| u64::from_le_bytes(random_bytes(&entropy).unwrap()) % bound;
    let mut running = Vec::new();
    for number in 100..100 + calls {
        let call = call(store.clone(), number);
        let task = if below(2) == 0 {
            tokio::spawn(polled(call, below(6)))
        } else {
            let task = tokio::spawn(call);
            let (turns, abort) = (below(300), task.abort_handle());
            tokio::spawn(async move {
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
                abort.abort();
            });
            task
        };
        running.push(task);
        if running.len() == 12 {
            for task in running.drain(..) {
                // Aborted or not.
                drop(task.await);
            }
        }
    }
}

const AT_WORK: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
     AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND state <> 'idle'";
const IDLE_IN_TRANSACTION: &str = "SELECT count(*) FROM pg_stat_activity \
     WHERE datname = current_database() AND state LIKE 'idle in transaction%'";

async fn nothing_is_half_done(connection: &mut PgConnection) {
    pairs(connection).await;
    for halves in [
        "SELECT count(*) FROM users u FULL JOIN accounts a ON a.user_id = u.id \
         WHERE u.id IS NULL OR a.user_id IS NULL",
        "SELECT count(*) FROM users u WHERE NOT EXISTS \
         (SELECT 1 FROM identifiers i WHERE i.user_id = u.id) \
         OR NOT EXISTS (SELECT 1 FROM factors f WHERE f.user_id = u.id)",
    ] {
        assert_eq!(count(connection, halves).await, 0, "{halves}");
    }
}

async fn survives(connections: u32) {
    let Some(database) = Database::migrated().await else {
        return;
    };
    let mut options = database.options();
    options.max_connections = connections;
    // The server must not clean up what this test is to find.
    options.idle_in_transaction_timeout = Duration::from_secs(3600);
    let store = PostgresStore::connect(options).await.unwrap();
    fill(&store).await;
    hang_up(&store, times(300, 5_000)).await;

    let mut connection = database.connection().await;
    // What was begun runs to its end.
    until(&mut connection, AT_WORK, 0).await;
    assert_eq!(count(&mut connection, IDLE_IN_TRANSACTION).await, 0);
    nothing_is_half_done(&mut connection).await;
    // Whoever comes next is in a transaction of nobody's: what is answered is there for all.
    let before = pairs(&mut connection).await.len();
    let next = (0..u64::from(connections) * 3).map(|number| {
        let store = store.clone();
        tokio::spawn(async move { applied(store.record(pair(number)).await) })
    });
    let next: Vec<_> = next.collect();
    let written = next.len();
    for next in next {
        next.await.unwrap();
    }
    assert_eq!(pairs(&mut connection).await.len() - before, written);
}

// FT-10, CC-03
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clients_that_hang_up_leave_a_single_connection_clean() {
    survives(1).await;
}

// FT-10, CC-03
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clients_that_hang_up_leave_every_connection_clean() {
    survives(5).await;
}

// CC-03
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_script_that_has_begun_runs_to_its_end() {
    let Some(database) = Database::migrated().await else {
        return;
    };
    let store = database.store().await;
    fill(&store).await;
    let mut holder = database.connection().await;
    tell(&mut holder, "BEGIN; LOCK TABLE outbox").await;
    let task = tokio::spawn({
        let store = store.clone();
        async move { store.record(pair(7)).await }
    });
    let mut connection = database.connection().await;
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted \
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    until(&mut connection, waiting, 1).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    tell(&mut holder, "ROLLBACK").await;
    until(&mut connection, AT_WORK, 0).await;
    assert_eq!(pairs(&mut connection).await, [7]);
}
