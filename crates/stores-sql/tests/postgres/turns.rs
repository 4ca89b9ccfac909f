//! Scripts of one person at once: what SQLite's one writer gives for nothing.

use std::sync::Arc;

use portcullis_core::along::Along;
use portcullis_core::entity::Epoch;
use portcullis_core::factor::{FactorConfig, FactorKind, FactorVersion};
use portcullis_core::id::{SessionId, UserId, VerificationTokenId};
use portcullis_core::secret::{PasswordHash, TokenDigest};
use portcullis_core::session::SessionTouch;
use portcullis_core::store::{
    AccountStore, Activation, FactorStore, IdentityAdmin, IdentityAuthnLog, IdentityLookup,
    SessionRotation, SessionStore, VerificationStore,
};
use portcullis_core::time::Timestamp;
use portcullis_core::verification::{TokenKind, VerificationToken};
use portcullis_stores_sql::PostgresStore;
use tokio::sync::Barrier;
use tokio::task::JoinHandle;

use crate::sample::{
    NOW, SESSION, TENANT, USER, applied, count, email, fill, person, session, times,
};
use crate::server::Database;

/// Two calls that start together.
async fn at_once<A, B>(
    one: impl Future<Output = A> + Send + 'static,
    other: impl Future<Output = B> + Send + 'static,
) -> (A, B)
where
    A: Send + 'static,
    B: Send + 'static,
{
    let barrier = Arc::new(Barrier::new(2));
    let start = |barrier: Arc<Barrier>| async move { barrier.wait().await };
    let (first, second) = (start(Arc::clone(&barrier)), start(barrier));
    let one = tokio::spawn(async move {
        first.await;
        one.await
    });
    let other = tokio::spawn(async move {
        second.await;
        other.await
    });
    (one.await.unwrap(), other.await.unwrap())
}

async fn filled() -> Option<(PostgresStore, Database)> {
    let database = Database::migrated().await?;
    let store = database.store().await;
    fill(&store).await;
    Some((store, database))
}

// CC-01
/// Signing out everywhere ends the session that a rotation at the same moment makes, or the rotation comes too late.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ending_all_sessions_misses_none_that_is_just_rotated() {
    let Some((store, _database)) = filled().await else {
        return;
    };
    for round in 0..times(40, 400) {
        let old = session(SessionId::from_integer(1_000 + 2 * round));
        let new = session(SessionId::from_integer(1_001 + 2 * round));
        store.insert_session(&old, 50).await.unwrap();
        let (rotating, ending) = (store.clone(), store.clone());
        let (rotated, ended) = at_once(
            async move { rotating.rotate_session(old.id, &new, NOW).await.unwrap() },
            async move {
                ending
                    .revoke_sessions(TENANT, USER, None, NOW)
                    .await
                    .unwrap()
            },
        )
        .await;
        let live = store.list_sessions(TENANT, USER, NOW).await.unwrap();
        assert!(live.is_empty(), "{rotated:?}, {ended} ended");
        assert!(matches!(
            rotated,
            SessionRotation::Rotated | SessionRotation::Gone
        ));
    }
}

// CC-01
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_persons_identifiers_are_replaced_by_many_at_once() {
    let Some((store, _database)) = filled().await else {
        return;
    };
    for round in 0..times(20, 200) {
        let sets = [0, 1].map(|set| {
            let store = store.clone();
            let identifiers = [0, 1].map(|place| email(10 * round + 2 * set + place + 10));
            async move {
                let replaced = store.set_identifiers(TENANT, USER, &identifiers);
                assert!(replaced.await.unwrap());
                identifiers
            }
        });
        let [one, other] = sets;
        let (one, other) = at_once(one, other).await;
        let found = store.user(TENANT, USER).await.unwrap().unwrap().identifiers;
        assert!(found == one || found == other, "{found:?}");
    }
}

// CC-01
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_person_is_created_by_many_at_once() {
    let Some((store, _database)) = filled().await else {
        return;
    };
    for round in 0..times(20, 200) {
        let create = || {
            let store = store.clone();
            let person = person(UserId::from_integer(1_000 + round), [email(1_000 + round)]);
            async move { store.create_user(&person).await }
        };
        let (one, other) = at_once(create(), create()).await;
        one.unwrap();
        other.unwrap();
    }
}

// CC-01
/// Decoys have no owner, and so no account to take turns by.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_tokens_for_one_address_at_once_one_is_live() {
    let Some((store, database)) = filled().await else {
        return;
    };
    for round in 0..times(20, 200) {
        let issue = |number| {
            let store = store.clone();
            let along = Along::default().with_issue(token(2 * round + number, None));
            async move { applied(store.record(along).await) }
        };
        at_once(issue(0), issue(1)).await;
    }
    let mut connection = database.connection().await;
    let live = "SELECT count(*) FROM verification_tokens WHERE superseded_at IS NULL";
    assert_eq!(count(&mut connection, live).await, 1);
}

fn token(number: u64, user: Option<UserId>) -> VerificationToken {
    VerificationToken {
        id: VerificationTokenId::from_integer(number),
        kind: TokenKind::PasswordReset,
        tenant: TENANT,
        email: "ada1@example.com".into(),
        user,
        epoch: user.map(|_| Epoch(0)),
        payload: None,
        digest: TokenDigest {
            bytes: [7; 32],
            key_version: 1,
        },
        created_at: NOW,
        expires_at: Timestamp::MAX,
        consumed_at: None,
        superseded_at: None,
    }
}

/// What a person's rows are changed by, each in an order of its own.
async fn one_of_everything(store: &PostgresStore, number: u64) {
    let kind = FactorKind::Password;
    let hash = |phc: &str| {
        FactorConfig::Password(PasswordHash {
            phc: phc.into(),
            pepper_version: 1,
        })
    };
    let bump = Along::default().with_epoch_of(TENANT, USER);
    match number % 8 {
        0 => {
            let loaded = store
                .load_factor(TENANT, USER, kind)
                .await
                .unwrap()
                .unwrap();
            let version = loaded
                .factor
                .map_or(FactorVersion(1), |factor| factor.version);
            let config = hash("another");
            let saved = store.compare_and_save_factor(TENANT, USER, version, &config, NOW, bump);
            drop(saved.await.unwrap());
        }
        1 => drop(
            store
                .bump_epoch(TENANT, USER, Along::default())
                .await
                .unwrap(),
        ),
        2 => {
            let issue = Along::default().with_issue(token(number, Some(USER)));
            applied(store.record(issue).await);
        }
        3 => drop(store.revoke_tokens(TENANT, USER, NOW).await.unwrap()),
        4 => {
            let new = session(SessionId::from_integer(number));
            store.insert_session(&new, 5).await.unwrap();
        }
        5 => drop(
            store
                .revoke_sessions(TENANT, USER, Some(SESSION), NOW)
                .await
                .unwrap(),
        ),
        6 => {
            let touch = |id| SessionTouch {
                id,
                seen_at: NOW,
                idle_deadline: Timestamp::MAX,
            };
            // Newest first: the other way round than the plans find them.
            let touches = (0..number)
                .rev()
                .take(20)
                .map(SessionId::from_integer)
                .map(touch);
            store
                .touch_sessions(&touches.collect::<Vec<_>>())
                .await
                .unwrap();
        }
        _ => {
            let activation = Activation {
                kind: email(1).kind,
                canonical: email(1).canonical,
                activate: true,
                spelling: None,
                factor: Some(hash("a third")),
                now: NOW,
            };
            let verified = store.verify_identifier(TENANT, USER, &activation, bump);
            applied(verified.await);
        }
    }
}

// CC-01, FT-08
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn scripts_of_one_person_never_wait_in_a_ring() {
    let Some((store, database)) = filled().await else {
        return;
    };
    let tasks = times(64, 64);
    let each = times(20, 100);
    let tasks = (0..tasks).map(|task| {
        let store = store.clone();
        tokio::spawn(async move {
            for round in 0..each {
                one_of_everything(&store, 10_000 + task + round * 67).await;
            }
        })
    });
    let tasks: Vec<JoinHandle<()>> = tasks.collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(store.retries(), 0);
    let mut connection = database.connection().await;
    // The server tells what its backends counted once they end.
    store.close().await;
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(count(&mut connection, deadlocks).await, 0);
}
