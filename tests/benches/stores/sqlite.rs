//! SQLite: our store, and one rusqlite connection with prepared statements on the same file.

use std::time::Instant;

use portcullis_backends::Portcullis;
use portcullis_core::id::ApiTokenId;
use portcullis_core::identifier::Identifier;
use portcullis_core::store::ApiTokenStore;
use portcullis_core::store::{IdentityLookup, ResolveSession, SessionStore};
use portcullis_stores_sql::{SqliteOptions, SqliteStore};
use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, Params, params};

use crate::measure::{By, Table, median};
use crate::people::{TENANT, email, fill, person, session_id, touch};
use crate::requests;

const READS: u64 = 10_000;
const WRITES: u64 = 200;
const WRITES_AT_ONCE: u64 = 4_000;
const CALLERS: u64 = 64;

pub(crate) const SESSION: &str = "SELECT s.id, s.user_id, s.tenant_id, s.epoch, s.digest, \
     s.digest_key_version, s.assurance, s.created_at, s.seen_at, s.idle_deadline, \
     s.absolute_deadline, s.ip, s.user_agent, s.name, s.actor_id, s.revoked_at, \
     a.handle, a.state, a.state_reason, a.state_since, a.state_until, a.epoch, a.roles, \
     t.state, t.state_reason, t.state_since, t.state_until, t.networks FROM sessions s \
     JOIN accounts a ON a.tenant_id = s.tenant_id AND a.user_id = s.user_id \
     JOIN tenant_security t ON t.tenant_id = s.tenant_id WHERE s.id = $1";
pub(crate) const API_TOKEN: &str = "SELECT k.id, k.tenant_id, k.owner_id, k.name, k.scopes, \
     k.ip_allowlist, k.digest, k.digest_key_version, k.created_at, k.expires_at, k.last_used_at, \
     k.revoked_at, a.handle, a.state, a.state_reason, a.state_since, a.state_until, a.epoch, \
     a.roles, t.state, t.state_reason, t.state_since, t.state_until, t.networks FROM api_tokens k \
     JOIN accounts a ON a.tenant_id = k.tenant_id AND a.user_id = k.owner_id \
     JOIN tenant_security t ON t.tenant_id = k.tenant_id WHERE k.id = $1";
pub(crate) const PERSON: &str = "SELECT u.id, u.tenant_id, u.profile, u.created_at, \
     i.kind, i.raw, i.canonical FROM identifiers f \
     JOIN users u ON u.tenant_id = f.tenant_id AND u.id = f.user_id \
     LEFT JOIN identifiers i ON i.tenant_id = u.tenant_id AND i.user_id = u.id \
     WHERE f.tenant_id = $1 AND f.kind = 'email' AND f.canonical = $2 ORDER BY i.place";
/// `min` and `max` have other names elsewhere.
const TOUCH: &str = "UPDATE sessions SET seen_at = max(seen_at, ?1), \
     idle_deadline = max(idle_deadline, min(?2, absolute_deadline)) \
     WHERE id = ?3 AND revoked_at IS NULL AND idle_deadline > ?1 AND absolute_deadline > ?1";

pub(crate) async fn compare(table: &mut Table) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("portcullis.db");
    let options = SqliteOptions::new(path.clone()).create_if_missing();
    let store = SqliteStore::open(options).unwrap();
    store.migrate().await.unwrap();
    fill(&store).await;
    let bare = Connection::open(&path).unwrap();
    // As ours: WAL is the file's already.
    bare.pragma_update(None, "synchronous", "FULL").unwrap();
    bare.pragma_update(None, "cache_size", -8192).unwrap();
    // Without it the bundled SQLite plans a statement anew whenever another value is bound: ten times the read.
    let stable = DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG;
    assert!(bare.set_db_config(stable, true).unwrap());
    let (store, bare) = (&store, &bare);

    table.head("SQLite");
    table
        .row(
            "resolve a session",
            READS,
            Some((0.8, By::Cpu)),
            async |number| {
                let id = session_id(person(number));
                assert!(store.resolve_session(id).await.unwrap().is_some());
            },
            async |number| {
                let id = session_id(person(number));
                assert_eq!(rows(bare, SESSION, params![id.as_bytes()]), 1);
            },
        )
        .await;
    table
        .row(
            "resolve an API token",
            READS,
            Some((0.8, By::Cpu)),
            async |number| {
                let id = ApiTokenId::from_integer(person(number));
                assert!(store.resolve_api_token(id).await.unwrap().is_some());
            },
            async |number| {
                let id = ApiTokenId::from_integer(person(number));
                assert_eq!(rows(bare, API_TOKEN, params![id.as_bytes()]), 1);
            },
        )
        .await;
    table
        .row(
            "find a person",
            READS,
            Some((0.8, By::Cpu)),
            async |number| {
                let email = Identifier::email(&email(person(number))).unwrap();
                assert!(store.find_user(TENANT, &email).await.unwrap().is_some());
            },
            async |number| {
                let email = Identifier::email(&email(person(number))).unwrap();
                let values = params![TENANT.as_bytes(), email.canonical];
                assert_eq!(rows(bare, PERSON, values), 1);
            },
        )
        .await;
    table
        .row(
            "touch a session, one caller",
            WRITES,
            Some((0.8, By::Wall)),
            async |number| store.touch_sessions(&[touch(number)]).await.unwrap(),
            async |number| touched(bare, number),
        )
        .await;
    writes_at_once(table, store, bare).await;
    let builder = Portcullis::builder(store.clone());
    requests::measure(table, builder, "SQLite").await;
}

/// Reads every column into a value of its own, as whoever uses them would have to.
fn rows(connection: &Connection, sql: &str, values: impl Params) -> usize {
    let mut statement = connection.prepare_cached(sql).unwrap();
    let columns = statement.column_count();
    let mut found = statement.query(values).unwrap();
    let mut count = 0;
    while let Some(row) = found.next().unwrap() {
        for column in 0..columns {
            std::hint::black_box(row.get::<_, Value>(column).unwrap());
        }
        count += 1;
    }
    count
}

fn touched(connection: &Connection, number: u64) {
    let touch = touch(number);
    let mut statement = connection.prepare_cached(TOUCH).unwrap();
    let values = params![
        touch.seen_at.as_micros(),
        touch.idle_deadline.as_micros(),
        touch.id.as_bytes()
    ];
    assert_eq!(statement.execute(values).unwrap(), 1);
}

/// Sixty-four callers share our one writer; by hand each write is a commit.
async fn writes_at_once(table: &mut Table, store: &SqliteStore, bare: &Connection) {
    let mut ratios = Vec::new();
    let commits = store.commits();
    for _ in 0..5 {
        let began = Instant::now();
        let callers = (0..CALLERS).map(|caller| {
            let store = store.clone();
            tokio::spawn(async move {
                for number in (caller..WRITES_AT_ONCE).step_by(64) {
                    store.touch_sessions(&[touch(number)]).await.unwrap();
                }
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await.unwrap();
        }
        let ours =
            began.elapsed().as_secs_f64() / f64::from(u32::try_from(WRITES_AT_ONCE).unwrap());
        let began = Instant::now();
        for number in 0..WRITES {
            touched(bare, number);
        }
        let theirs = began.elapsed().as_secs_f64() / f64::from(u32::try_from(WRITES).unwrap());
        ratios.push(theirs / ours);
    }
    let commits = store.commits() - commits;
    let name = format!(
        "64 callers, {} touches in {commits} commits",
        5 * WRITES_AT_ONCE
    );
    table.judge(&name, median(ratios), 5.0);
}
