//! PostgreSQL: our store, and sqlx on a pool of its own; a database that is made for it and dropped.

use portcullis_backends::Portcullis;
use portcullis_core::id::ApiTokenId;
use portcullis_core::identifier::Identifier;
use portcullis_core::store::{ApiTokenStore, IdentityLookup, ResolveSession, SessionStore};
use portcullis_stores_sql::{PostgresOptions, PostgresStore};
use sqlx::postgres::{PgPoolOptions, PgRow};
use sqlx::{AssertSqlSafe, Column as _, Executor as _, PgPool, Row as _, TypeInfo as _};

use crate::measure::{By, Table};
use crate::people::{TENANT, email, fill, person, session_id, touch};
use crate::requests;
use crate::sqlite::{API_TOKEN, PERSON, SESSION};

const COUNT: u64 = 1_000;

const TOUCH: &str = "UPDATE sessions SET seen_at = greatest(seen_at, $1), \
     idle_deadline = greatest(idle_deadline, least($2, absolute_deadline)) \
     WHERE id = $3 AND revoked_at IS NULL AND idle_deadline > $1 AND absolute_deadline > $1";

pub(crate) async fn compare(table: &mut Table, url: &str) {
    let server = PgPool::connect(url).await.unwrap();
    let name = format!("portcullis_bench_{}", std::process::id());
    let order = |what: &str| AssertSqlSafe(format!("{what} DATABASE {name}"));
    server.execute(order("CREATE")).await.unwrap();
    let (before, _) = url.rsplit_once('/').unwrap();
    let url = format!("{before}/{name}");
    measured(table, &url).await;
    server.execute(order("DROP")).await.unwrap();
}

async fn measured(table: &mut Table, url: &str) {
    let store = PostgresStore::connect(PostgresOptions::new(url))
        .await
        .unwrap();
    store.migrate().await.unwrap();
    fill(&store).await;
    let bare = PgPoolOptions::new();
    // Ours does not try connections out before use either.
    let bare = bare.max_connections(10).test_before_acquire(false);
    let pool = bare.connect(url).await.unwrap();
    pool.execute("ANALYZE").await.unwrap();
    let (ours, bare) = (&store, &pool);

    table.head("PostgreSQL");
    table
        .row(
            "resolve a session",
            COUNT,
            Some((0.8, By::Wall)),
            async |number| {
                let id = session_id(person(number));
                assert!(ours.resolve_session(id).await.unwrap().is_some());
            },
            async |number| {
                let id = session_id(person(number));
                let query = sqlx::query(SESSION).bind(&id.as_bytes()[..]);
                read(&query.fetch_one(bare).await.unwrap());
            },
        )
        .await;
    table
        .row(
            "resolve an API token",
            COUNT,
            Some((0.8, By::Wall)),
            async |number| {
                let id = ApiTokenId::from_integer(person(number));
                assert!(ours.resolve_api_token(id).await.unwrap().is_some());
            },
            async |number| {
                let id = ApiTokenId::from_integer(person(number));
                let query = sqlx::query(API_TOKEN).bind(&id.as_bytes()[..]);
                read(&query.fetch_one(bare).await.unwrap());
            },
        )
        .await;
    table
        .row(
            "find a person",
            COUNT,
            Some((0.8, By::Wall)),
            async |number| {
                let email = Identifier::email(&email(person(number))).unwrap();
                assert!(ours.find_user(TENANT, &email).await.unwrap().is_some());
            },
            async |number| {
                let email = Identifier::email(&email(person(number))).unwrap();
                let query = sqlx::query(PERSON).bind(&TENANT.as_bytes()[..]);
                let found = query.bind(email.canonical).fetch_all(bare).await.unwrap();
                found.iter().for_each(read);
            },
        )
        .await;
    table
        .row(
            "touch a session",
            COUNT,
            Some((0.8, By::Wall)),
            async |number| ours.touch_sessions(&[touch(number)]).await.unwrap(),
            async |number| {
                let touch = touch(number);
                let query = sqlx::query(TOUCH)
                    .bind(touch.seen_at.as_micros())
                    .bind(touch.idle_deadline.as_micros())
                    .bind(&touch.id.as_bytes()[..]);
                let done = query.execute(bare).await.unwrap();
                assert_eq!(done.rows_affected(), 1);
            },
        )
        .await;
    let builder = Portcullis::builder(store.clone());
    requests::measure(table, builder, "PostgreSQL").await;
    pool.close().await;
    store.close().await;
}

/// Every column as a value of its own.
fn read(row: &PgRow) {
    for (index, column) in row.columns().iter().enumerate() {
        match column.type_info().name() {
            "BYTEA" => drop(std::hint::black_box(row.get::<Option<Vec<u8>>, _>(index))),
            "INT8" => {
                std::hint::black_box(row.get::<Option<i64>, _>(index));
            }
            "INT4" => {
                std::hint::black_box(row.get::<Option<i32>, _>(index));
            }
            "BOOL" => {
                std::hint::black_box(row.get::<Option<bool>, _>(index));
            }
            "TEXT" => drop(std::hint::black_box(row.get::<Option<String>, _>(index))),
            other => panic!("a column of type {other}"),
        }
    }
}
