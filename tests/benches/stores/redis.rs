//! Redis: our rows, and the redis crate on a connection of its own.

use portcullis_backends::Portcullis;
use portcullis_core::store::{KeyValueStore, KvCommit, KvWrite, Part, SessionStore};
use portcullis_core::time::Timestamp;
use portcullis_stores_kv::{KvEphemeral, KvSessions, RedisKv, RedisOptions};
use portcullis_stores_sql::{SqliteOptions, SqliteStore};
use redis::AsyncCommands as _;

use crate::measure::{By, Table};
use crate::people::{NOW, PEOPLE, person, session, touch};
use crate::requests;

const COUNT: u64 = 2_000;

pub(crate) async fn compare(table: &mut Table, url: &str) {
    let prefix = format!("bench-{}:", std::process::id());
    let options = RedisOptions::new(url).unwrap().prefix(&prefix).unwrap();
    let kv = &RedisKv::connect(options).await.unwrap();
    let client = redis::Client::open(url).unwrap();
    let bare = &client.get_multiplexed_async_connection().await.unwrap();
    let value = serde_json::to_vec(&serde_json::json!({ "session": "x".repeat(400) })).unwrap();
    let value = &value;
    // As a session: a minute past its deadline Redis frees it.
    let deadline = Timestamp::from_micros(NOW.as_micros() + 3_600_000_000);

    table.head("Redis");
    table
        .row(
            "put a row",
            COUNT,
            Some((0.8, By::Wall)),
            async |number| {
                let write = KvWrite::Put {
                    key: name(number),
                    value: value.clone(),
                    deadline,
                };
                let put = kv.commit(part(number), &[], &[write], NOW).await;
                assert_eq!(put.unwrap(), KvCommit::Done);
            },
            async |number| {
                let key = key(&prefix, number);
                let options = redis::SetOptions::default();
                let options = options.with_expiration(redis::SetExpiry::PX(4_200_000));
                let mut connection = bare.clone();
                let set = connection.set_options(key, value.as_slice(), options);
                let () = set.await.unwrap();
            },
        )
        .await;
    table
        .row(
            "get a row",
            COUNT,
            Some((0.8, By::Wall)),
            async |number| {
                let got = kv.get(part(number), &name(number), NOW).await.unwrap();
                assert!(got.is_some());
            },
            async |number| {
                let mut connection = bare.clone();
                let got: Vec<u8> = connection.get(key(&prefix, number)).await.unwrap();
                assert!(!got.is_empty());
            },
        )
        .await;
    let sessions = &KvSessions::new(kv.clone());
    for number in 0..PEOPLE {
        sessions.insert_session(&session(number), 50).await.unwrap();
    }
    table
        .alone("read a session", COUNT, async |number| {
            let id = touch(number).id;
            assert!(sessions.session(id).await.unwrap().is_some());
        })
        .await;
    table
        .alone("touch a session", COUNT, async |number| {
            sessions.touch_sessions(&[touch(number)]).await.unwrap();
        })
        .await;
    // People where they are by default, and what ends by itself in Redis.
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions::new(folder.path().join("portcullis.db"));
    let people = SqliteStore::open(options.create_if_missing()).unwrap();
    people.migrate().await.unwrap();
    let builder = Portcullis::builder_with(people, KvEphemeral::new(kv.clone()));
    requests::measure(table, builder, "SQLite and Redis").await;
    forget(bare.clone(), &prefix).await;
}

fn name(number: u64) -> Vec<u8> {
    format!("row{}", person(number)).into_bytes()
}

fn part(number: u64) -> Part {
    Part::of_bytes(&name(number))
}

/// By hand, and beside ours.
fn key(prefix: &str, number: u64) -> Vec<u8> {
    format!("{prefix}bare{}", person(number)).into_bytes()
}

/// Removes what the run has left.
async fn forget(mut connection: redis::aio::MultiplexedConnection, prefix: &str) {
    let keys: Vec<Vec<u8>> = connection.keys(format!("{prefix}*")).await.unwrap();
    for keys in keys.chunks(1000) {
        let () = connection.unlink(keys).await.unwrap();
    }
}
