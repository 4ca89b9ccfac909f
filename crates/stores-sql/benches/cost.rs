//! What a point read costs, and what group commit saves: `cargo bench -p portcullis-stores-sql`.
//!
//! Prints figures and asserts nothing.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints, and ends where something fails"
)]

use std::time::Instant;

use portcullis_core::along::Along;
use portcullis_core::api_token::{ApiToken, IpAllowlist, Scopes};
use portcullis_core::entity::{Enrolment, Epoch, Tenant, TenantSecurity, User};
use portcullis_core::factor::{FactorConfig, FactorKind};
use portcullis_core::id::{ApiTokenId, SessionId, TenantId, UserId};
use portcullis_core::identifier::Identifier;
use portcullis_core::policy::PolicyOverrides;
use portcullis_core::secret::{PasswordHash, TokenDigest};
use portcullis_core::session::{Assurance, AssuranceLevel, Device, Session, SessionTouch};
use portcullis_core::state::{EntityState, Status};
use portcullis_core::store::{
    AccountStore, ApiTokenStore, Crossing, FactorStore, IdentityLookup, ResolveSession,
    SessionStore,
};
use portcullis_core::time::Timestamp;
use portcullis_stores_sql::{SqliteOptions, SqliteStore};

const TENANT: TenantId = TenantId::from_integer(1);
const PEOPLE: u64 = 10_000;
const READS: u64 = 200_000;
const WRITES: u64 = 20_000;
const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);
const DIGEST: TokenDigest = TokenDigest {
    bytes: [7; 32],
    key_version: 1,
};

fn enrolment(number: u64) -> Enrolment {
    let email = Identifier::email(&format!("person{number}@example.com")).unwrap();
    Enrolment {
        user: User {
            id: UserId::from_integer(number),
            tenant: TENANT,
            identifiers: vec![email],
            profile: serde_json::json!({ "name": "Ada" }),
            created_at: NOW,
        },
        state: EntityState::Active,
        handle: format!("person{number}@example.com"),
        verified: true,
        factor: Some(FactorConfig::Password(PasswordHash {
            phc: format!("$argon2id$v=19$m=19456,t=2,p=1${:0>22}${:0>43}", "", ""),
            pepper_version: 1,
        })),
        now: NOW,
    }
}

fn session(number: u64) -> Session {
    Session {
        id: SessionId::from_integer(number),
        user: UserId::from_integer(number),
        tenant: TENANT,
        epoch: Epoch(0),
        digest: DIGEST,
        assurance: Assurance {
            level: AssuranceLevel::Aal1,
            factors: vec![FactorKind::Password],
            at: NOW,
        },
        created_at: NOW,
        seen_at: NOW,
        idle_deadline: Timestamp::MAX,
        absolute_deadline: Timestamp::MAX,
        device: Device {
            ip: Some([192, 0, 2, 1].into()),
            user_agent: Some("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101".into()),
        },
        name: None,
        actor: None,
        revoked_at: None,
    }
}

fn api_token(number: u64) -> ApiToken {
    ApiToken {
        id: ApiTokenId::from_integer(number),
        tenant: TENANT,
        owner: UserId::from_integer(number),
        name: "ci".into(),
        scopes: Scopes::new(["deploy".parse().unwrap()]).unwrap(),
        ip_allowlist: IpAllowlist::default(),
        digest: DIGEST,
        created_at: NOW,
        expires_at: None,
        last_used_at: None,
        revoked_at: None,
    }
}

async fn fill(store: &SqliteStore) {
    let tenant = Tenant {
        id: TENANT,
        slug: "acme".into(),
        domains: Vec::new(),
        name: "Acme".into(),
    };
    let security = TenantSecurity {
        tenant: TENANT,
        status: Status::new(EntityState::Active, NOW),
        policy: PolicyOverrides::default(),
    };
    let created = store.create_tenant(&tenant, &security, Along::default());
    created.await.unwrap().applied().unwrap();
    in_parallel(store, PEOPLE, |store, number| async move {
        let enrolled = store.enrol(&enrolment(number), Along::default()).await;
        enrolled.unwrap().applied().unwrap();
        store.insert_session(&session(number), 50).await.unwrap();
        let token = api_token(number);
        let made = store.create_api_token(&token, 50, Along::default()).await;
        made.unwrap().applied().unwrap();
    })
    .await;
}

/// Sixty-four tasks that share the numbers.
async fn in_parallel<F>(store: &SqliteStore, count: u64, work: fn(SqliteStore, u64) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let tasks = (0..64).map(|first| {
        let store = store.clone();
        tokio::spawn(async move {
            for number in (first..count).step_by(64) {
                work(store.clone(), number).await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

async fn reads<F>(name: &str, store: &SqliteStore, read: fn(SqliteStore, u64) -> F)
where
    F: Future<Output = bool>,
{
    let start = Instant::now();
    for number in 0..READS {
        assert!(read(store.clone(), number.wrapping_mul(7919) % PEOPLE).await);
    }
    let each = start.elapsed().as_nanos() / u128::from(READS);
    println!("{name:24} {each:6} ns");
}

async fn writes<F>(name: &str, store: &SqliteStore, work: fn(SqliteStore, u64) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (start, before) = (Instant::now(), store.commits());
    in_parallel(store, WRITES, work).await;
    let took = start.elapsed();
    let commits = store.commits() - before;
    let each = took.as_micros() / u128::from(WRITES);
    println!("{name:24} {each:6} us, {WRITES} scripts in {commits} commits");
}

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions::new(folder.path().join("portcullis.db"));
    let store = SqliteStore::open(options.create_if_missing()).unwrap();
    store.migrate().await.unwrap();
    fill(&store).await;

    reads("resolve_session", &store, |store, number| async move {
        let id = SessionId::from_integer(number);
        store.resolve_session(id).await.unwrap().is_some()
    })
    .await;
    reads("resolve_api_token", &store, |store, number| async move {
        let id = ApiTokenId::from_integer(number);
        store.resolve_api_token(id).await.unwrap().is_some()
    })
    .await;
    reads("subject_state", &store, |store, number| async move {
        let user = UserId::from_integer(number);
        store.subject_state(TENANT, user).await.unwrap().is_some()
    })
    .await;
    reads("load_factor", &store, |store, number| async move {
        let user = UserId::from_integer(number);
        let loaded = store.load_factor(TENANT, user, FactorKind::Password).await;
        loaded.unwrap().is_some()
    })
    .await;
    reads("find_user", &store, |store, number| async move {
        let email = Identifier::email(&format!("person{number}@example.com")).unwrap();
        store.find_user(TENANT, &email).await.unwrap().is_some()
    })
    .await;

    let one = Instant::now();
    for number in 0..500 {
        touch(store.clone(), number).await;
    }
    println!(
        "{:24} {:6} us, one at a time",
        "touch",
        one.elapsed().as_micros() / 500
    );
    writes("touch", &store, touch).await;
}

async fn touch(store: SqliteStore, number: u64) {
    let touch = SessionTouch {
        id: SessionId::from_integer(number % PEOPLE),
        seen_at: NOW,
        idle_deadline: Timestamp::MAX,
    };
    store.touch_sessions(&[touch]).await.unwrap();
}
