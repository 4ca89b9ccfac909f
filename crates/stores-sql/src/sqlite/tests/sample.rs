//! A store in a folder of its own, with a person in it.

use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use portcullis_core::along::{Along, Write};
use portcullis_core::entity::{Enrolment, Epoch, Tenant, TenantSecurity, User};
use portcullis_core::event::{AuthEvent, AuthEventStatus, AuthEventType};
use portcullis_core::factor::{FactorConfig, FactorKind};
use portcullis_core::id::{EventId, SessionId, TenantId, UserId};
use portcullis_core::identifier::Identifier;
use portcullis_core::net::ClientInfo;
use portcullis_core::policy::PolicyOverrides;
use portcullis_core::secret::{PasswordHash, TokenDigest};
use portcullis_core::session::{Assurance, AssuranceLevel, Device, Session};
use portcullis_core::state::{EntityState, Status};
use portcullis_core::store::{Crossing, SessionStore};
use portcullis_core::time::Timestamp;
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::sqlite::{SqliteOptions, SqliteStore};

pub(super) const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);
pub(super) const TENANT: TenantId = TenantId::from_integer(1);
pub(super) const USER: UserId = UserId::from_integer(1);
pub(super) const SESSION: SessionId = SessionId::from_integer(1);

/// A place for a database.
pub(super) struct Place(TempDir);

impl Place {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self) -> PathBuf {
        self.0.path().join("portcullis.db")
    }

    pub(super) fn folder(&self) -> &Path {
        self.0.path()
    }

    /// What the tests of failures need: no waiting for locks worth speaking of.
    pub(super) fn options(&self) -> SqliteOptions {
        SqliteOptions {
            busy_timeout: Duration::from_millis(1),
            ..SqliteOptions::new(self.path()).create_if_missing()
        }
    }

    pub(super) async fn store(&self) -> SqliteStore {
        let options = SqliteOptions::new(self.path()).create_if_missing();
        self.store_with(options).await
    }

    pub(super) async fn store_with(&self, options: SqliteOptions) -> SqliteStore {
        let store = SqliteStore::open(options).unwrap();
        store.migrate().await.unwrap();
        store
    }

    /// A connection with none of our settings, as any other program would open it.
    pub(super) fn stranger(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    pub(super) fn assert_sound(&self) {
        let connection = self.stranger();
        let check = |pragma: &str| -> Vec<String> {
            let mut statement = connection.prepare(&format!("PRAGMA {pragma}")).unwrap();
            let rows = statement.query_map([], |row| row.get(0)).unwrap();
            rows.map(Result::unwrap).collect()
        };
        assert_eq!(check("integrity_check"), ["ok"]);
        assert!(check("foreign_key_check").is_empty());
    }
}

/// An active tenant with an active person, who has a password and a session.
pub(super) async fn fill(store: &SqliteStore) {
    let tenant = Tenant {
        id: TENANT,
        slug: "acme".into(),
        domains: vec!["acme.example.com".into()],
        name: "Acme".into(),
    };
    let security = TenantSecurity {
        tenant: TENANT,
        status: Status::new(EntityState::Active, NOW),
        policy: PolicyOverrides::default(),
    };
    let created = store.create_tenant(&tenant, &security, Along::default());
    assert_eq!(created.await.unwrap(), Write::Applied(()));
    let enrolment = Enrolment {
        user: User {
            id: USER,
            tenant: TENANT,
            identifiers: vec![email()],
            profile: serde_json::json!({}),
            created_at: NOW,
        },
        state: EntityState::Active,
        handle: "ada".into(),
        verified: true,
        factor: Some(password("first")),
        now: NOW,
    };
    let enrolled = store.enrol(&enrolment, Along::default()).await;
    assert_eq!(enrolled.unwrap(), Write::Applied(()));
    store.insert_session(&session(SESSION), 50).await.unwrap();
}

pub(super) fn email() -> Identifier {
    Identifier::email("ada@example.com").unwrap()
}

pub(super) fn password(text: &str) -> FactorConfig {
    FactorConfig::Password(PasswordHash {
        phc: text.into(),
        pepper_version: 1,
    })
}

pub(super) fn session(id: SessionId) -> Session {
    Session {
        id,
        user: USER,
        tenant: TENANT,
        epoch: Epoch(0),
        digest: TokenDigest {
            bytes: [7; 32],
            key_version: 1,
        },
        assurance: Assurance {
            level: AssuranceLevel::Aal1,
            factors: vec![FactorKind::Password],
            at: NOW,
        },
        created_at: NOW,
        seen_at: NOW,
        idle_deadline: Timestamp::MAX,
        absolute_deadline: Timestamp::MAX,
        device: Device::default(),
        name: None,
        actor: None,
        revoked_at: None,
    }
}

/// A write of its own: one event.
pub(super) fn event(number: u64) -> Along {
    Along::event(AuthEvent {
        id: EventId::from_integer(number),
        at: NOW,
        tenant: Some(TENANT),
        subject: Some(USER),
        actor: None,
        kind: AuthEventType::SignIn,
        status: AuthEventStatus::Success,
        reason: None,
        client: ClientInfo::default(),
        detail: serde_json::Value::Null,
    })
}

/// Keeps the writer busy until it is let go, so that what is queued meanwhile waits.
pub(super) struct Held {
    release: mpsc::Sender<()>,
    work: JoinHandle<()>,
}

impl Held {
    pub(super) async fn writer_of(store: &SqliteStore) -> Self {
        let (release, wait) = mpsc::channel();
        let (start, started) = oneshot::channel();
        let store = store.clone();
        let work = tokio::spawn(async move {
            let writer = &store.driver().inner.writer;
            let work = writer.alone(move |_| {
                start.send(()).unwrap();
                wait.recv().unwrap();
            });
            work.await.unwrap();
        });
        started.await.unwrap();
        Self { release, work }
    }

    pub(super) async fn release(self) {
        self.release.send(()).unwrap();
        self.work.await.unwrap();
    }
}

/// Lets a call get as far as it can alone: a write is queued then.
pub(super) fn begin<F: Future + Unpin>(future: &mut F) {
    let polled = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Pending));
}

/// A call that waits in a list with others.
pub(super) type Call<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
