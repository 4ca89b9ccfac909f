//! What the store says, and how it goes on, when the server or another client gets in the way.

use std::time::Duration;

use portcullis_core::along::Along;
use portcullis_core::along::Refusal;
use portcullis_core::error::StoreErrorKind;
use portcullis_core::id::ClaimId;
use portcullis_core::id::UserId;
use portcullis_core::store::{
    AccountStore, Crossing, IdentityAuthnLog, OutboxStore, ResolveSession, SessionStore,
};
use portcullis_stores_sql::PostgresStore;
use tokio::sync::mpsc;

use crate::sample::{
    NOW, SESSION, TENANT, USER, applied, count, email, enrolment, fill, pair, pairs, tell, times,
    until,
};
use crate::server::Database;

/// Makes the next so many events fail with this code. A sequence remembers what a rolled back transaction drew.
async fn inject(database: &Database, code: &str, failures: u32) {
    let mut connection = database.connection().await;
    let trigger = format!(
        "CREATE SEQUENCE drawn; CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF nextval('drawn') <= {failures} THEN RAISE EXCEPTION 'injected' USING ERRCODE = '{code}'; \
         END IF; RETURN NEW; END $$; \
         CREATE TRIGGER fail BEFORE INSERT ON auth_events FOR EACH ROW EXECUTE FUNCTION fail()"
    );
    tell(&mut connection, &trigger).await;
}

// FT-08, CC-01
#[tokio::test]
async fn a_script_in_conflict_is_tried_again_and_happens_once() {
    for code in ["40001", "40P01", "55P03"] {
        let Some(database) = Database::migrated().await else {
            return;
        };
        let store = database.store().await;
        fill(&store).await;
        inject(&database, code, 3).await;
        let epoch = store.bump_epoch(TENANT, USER, pair(1)).await;
        assert_eq!(applied(epoch).0, 1, "{code}");
        assert_eq!(store.retries(), 3, "{code}");
        let mut connection = database.connection().await;
        assert_eq!(pairs(&mut connection).await, [1]);
    }
}

// FT-08, CC-01
#[tokio::test]
async fn tries_are_bounded_and_nothing_is_left_of_them() {
    let Some(database) = Database::migrated().await else {
        return;
    };
    let store = database.store().await;
    fill(&store).await;
    inject(&database, "40001", 1_000_000).await;
    let given_up = store.bump_epoch(TENANT, USER, pair(1)).await.unwrap_err();
    assert_eq!(given_up.kind(), StoreErrorKind::Unavailable);
    let mut connection = database.connection().await;
    assert_eq!(
        count(&mut connection, "SELECT last_value FROM drawn").await,
        6
    );
    assert!(pairs(&mut connection).await.is_empty());
    let state = store.subject_state(TENANT, USER).await.unwrap().unwrap();
    assert_eq!(state.epoch.0, 0);
}

// FT-08
#[tokio::test]
async fn other_refusals_are_not_tried_again() {
    for (code, kind) in [
        ("23503", StoreErrorKind::Conflict),
        ("23514", StoreErrorKind::Corrupt),
        ("22003", StoreErrorKind::Corrupt),
        ("53100", StoreErrorKind::Unavailable),
        ("25006", StoreErrorKind::Unavailable),
        ("57014", StoreErrorKind::Unavailable),
    ] {
        let Some(database) = Database::migrated().await else {
            return;
        };
        let store = database.store().await;
        inject(&database, code, 1).await;
        let refused = store.record(pair(1)).await.unwrap_err();
        assert_eq!(refused.kind(), kind, "{code}");
        assert_eq!(store.retries(), 0);
        applied(store.record(pair(1)).await);
    }
}

// FT-08, CC-01
#[tokio::test]
async fn people_who_take_each_others_addresses_do_not_deadlock_for_long() {
    let Some(database) = Database::migrated().await else {
        return;
    };
    // Where the server finds deadlocks after a second, a round takes as long.
    let mut connection = database.connection().await;
    let soon = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = ''20ms''', \
         current_database()); END $$";
    tell(&mut connection, soon).await;
    let store = database.store().await;
    fill(&store).await;
    for round in 0..times(10, 100) {
        let (one, other) = (email(1_000 + 2 * round), email(1_001 + 2 * round));
        let people = [[one.clone(), other.clone()], [other, one]];
        let enrolled = (0..).zip(people).map(|(number, identifiers)| {
            let store = store.clone();
            let id = UserId::from_integer(1_000 + 2 * round + number);
            tokio::spawn(async move {
                let person = enrolment(id, identifiers);
                store.enrol(&person, Along::default()).await.unwrap()
            })
        });
        let mut winners = 0;
        for enrolled in enrolled.collect::<Vec<_>>() {
            match enrolled.await.unwrap().refusal() {
                None => winners += 1,
                Some(refusal) => assert_eq!(*refusal, Refusal::IdentifierTaken),
            }
        }
        assert_eq!(winners, 1);
    }
}

const WAITING: &str = "SELECT count(*) FROM pg_locks WHERE NOT granted \
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

// FT-08
#[tokio::test]
async fn a_lock_is_waited_for_and_not_for_ever() {
    let Some(database) = Database::migrated().await else {
        return;
    };
    let mut options = database.options();
    options.lock_timeout = Duration::from_millis(20);
    let store = PostgresStore::connect(options).await.unwrap();
    fill(&store).await;
    let mut holder = database.connection().await;
    tell(&mut holder, "BEGIN; LOCK TABLE accounts").await;
    let given_up = store.bump_epoch(TENANT, USER, pair(1)).await.unwrap_err();
    assert_eq!(given_up.kind(), StoreErrorKind::Unavailable);
    assert_eq!(store.retries(), 5);
    tell(&mut holder, "ROLLBACK").await;
    applied(store.bump_epoch(TENANT, USER, pair(1)).await);
    assert_eq!(pairs(&mut holder).await, [1]);
}

// FT-11
#[tokio::test]
async fn an_exhausted_pool_is_unavailable_and_the_store_lives_on() {
    let Some(database) = Database::migrated().await else {
        return;
    };
    let mut options = database.options();
    options.max_connections = 2;
    options.acquire_timeout = Duration::from_millis(200);
    options.lock_timeout = Duration::from_secs(60);
    options.statement_timeout = Duration::from_secs(60);
    let store = PostgresStore::connect(options).await.unwrap();
    fill(&store).await;
    let mut holder = database.connection().await;
    tell(&mut holder, "BEGIN; LOCK TABLE auth_events").await;
    let held = [1, 2].map(|number| {
        let store = store.clone();
        tokio::spawn(async move { store.record(pair(number)).await })
    });
    until(&mut holder, WAITING, 2).await;
    let crowd = (3..40).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let refused = store.record(pair(number)).await.unwrap_err();
            assert_eq!(refused.kind(), StoreErrorKind::Unavailable);
            let refused = store.resolve_session(SESSION).await.unwrap_err();
            assert_eq!(refused.kind(), StoreErrorKind::Unavailable);
        })
    });
    for refused in crowd.collect::<Vec<_>>() {
        refused.await.unwrap();
    }
    tell(&mut holder, "ROLLBACK").await;
    for held in held {
        applied(held.await.unwrap());
    }
    // None of those who were refused comes back.
    assert_eq!(pairs(&mut holder).await, [1, 2]);
    applied(store.record(pair(3)).await);
    assert!(store.resolve_session(SESSION).await.unwrap().is_some());
}

/// Ends any connection of the store, the ones at work first.
const TERMINATE: &str = "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity \
     WHERE datname = current_database() AND pid <> pg_backend_pid() \
     AND backend_type = 'client backend' ORDER BY state = 'idle', random() LIMIT 1) any_one";

// FT-08
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_terminated_backend_answered_is_true() {
    let Some(database) = Database::migrated().await else {
        return;
    };
    let mut options = database.options();
    options.max_connections = 4;
    let store = PostgresStore::connect(options).await.unwrap();
    fill(&store).await;
    let each = times(60, 1_000);
    let (done, mut calls) = mpsc::unbounded_channel();
    let clients = (1..=6).map(|client| {
        let (store, done) = (store.clone(), done.clone());
        tokio::spawn(async move {
            let (mut there, mut not_there) = (Vec::new(), Vec::new());
            for number in client * 10_000..client * 10_000 + each {
                done.send(()).unwrap();
                match store.record(pair(number)).await {
                    Ok(_) => there.push(number),
                    Err(error) if error.kind() == StoreErrorKind::Unavailable => {
                        not_there.push(number);
                    }
                    Err(error) => assert_eq!(error.kind(), StoreErrorKind::Indeterminate),
                }
            }
            (there, not_there)
        })
    });
    let clients: Vec<_> = clients.collect();
    drop(done);
    let mut connection = database.connection().await;
    // One of four calls loses its connection, or that of another.
    let mut number = 0;
    while calls.recv().await.is_some() {
        number += 1;
        if number % 4 == 0 {
            count(&mut connection, TERMINATE).await;
        }
    }
    let (mut there, mut not_there) = (Vec::new(), Vec::new());
    for client in clients {
        let (yes, no) = client.await.unwrap();
        there.extend(yes);
        not_there.extend(no);
    }
    let found = pairs(&mut connection).await;
    let lost: Vec<_> = there.iter().filter(|it| !found.contains(it)).collect();
    assert!(lost.is_empty(), "answered and not there: {lost:?}");
    let revived: Vec<_> = not_there.iter().filter(|it| found.contains(it)).collect();
    assert!(revived.is_empty(), "refused and there: {revived:?}");
    assert!(!not_there.is_empty(), "no connection was ended at work");
    applied(store.record(pair(1)).await);
}

// FT-08
#[tokio::test]
async fn a_broken_connection_costs_a_reader_nothing() {
    let Some(database) = Database::migrated().await else {
        return;
    };
    let mut options = database.options();
    options.max_connections = 3;
    let store = PostgresStore::connect(options).await.unwrap();
    fill(&store).await;
    let mut connection = database.connection().await;
    for _ in 0..5 {
        // All of the pool, and at rest.
        let readers = [(); 3].map(|()| {
            let store = store.clone();
            tokio::spawn(async move { store.resolve_session(SESSION).await })
        });
        for reader in readers {
            assert!(reader.await.unwrap().unwrap().is_some());
        }
        let others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid() \
             AND backend_type = 'client backend'";
        count(&mut connection, others).await;
        assert!(store.resolve_session(SESSION).await.unwrap().is_some());
    }
    // A script finds out at `BEGIN`, before it has done anything.
    let ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle'";
    count(&mut connection, ended).await;
    applied(store.record(pair(1)).await);
}

// FT-08
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_mail_is_claimed_once_while_backends_are_ended() {
    let Some(database) = Database::migrated().await else {
        return;
    };
    let store = database.store().await;
    fill(&store).await;
    for number in 1..=40 {
        applied(store.record(pair(number)).await);
    }
    let workers = (1..=8).map(|worker| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut claimed = Vec::new();
            for round in 0..20 {
                let claim = ClaimId::from_integer(worker * 100 + round);
                let later = NOW.plus(Duration::from_secs(60));
                if let Ok(mails) = store.claim_mail(claim, NOW, later, 3).await {
                    assert!(mails.len() <= 3);
                    claimed.extend(mails.into_iter().map(|claimed| claimed.mail.id));
                }
            }
            claimed
        })
    });
    let workers: Vec<_> = workers.collect();
    let mut connection = database.connection().await;
    for _ in 0..10 {
        count(&mut connection, TERMINATE).await;
    }
    let mut claimed = Vec::new();
    for worker in workers {
        claimed.extend(worker.await.unwrap());
    }
    let many = claimed.len();
    claimed.sort_unstable();
    claimed.dedup();
    assert_eq!(claimed.len(), many, "a mail went to two");
    assert!(
        store
            .revoke_session(TENANT, USER, SESSION, NOW)
            .await
            .is_ok()
    );
}
