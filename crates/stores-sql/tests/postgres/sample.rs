//! A tenant with a person in it, and writes that are there whole or not at all.

use std::fmt::Debug;

use portcullis_core::along::{Along, Write};
use portcullis_core::entity::{Enrolment, Epoch, Tenant, TenantSecurity, User};
use portcullis_core::error::StoreError;
use portcullis_core::event::{AuthEvent, AuthEventStatus, AuthEventType};
use portcullis_core::factor::{FactorConfig, FactorKind};
use portcullis_core::id::{EventId, MailId, SessionId, TenantId, UserId};
use portcullis_core::identifier::Identifier;
use portcullis_core::mail::{MailTemplate, OutboxMail};
use portcullis_core::net::ClientInfo;
use portcullis_core::policy::PolicyOverrides;
use portcullis_core::secret::{PasswordHash, Sealed, TokenDigest};
use portcullis_core::session::{Assurance, AssuranceLevel, Device, Session};
use portcullis_core::state::{EntityState, Status};
use portcullis_core::store::{Crossing, SessionStore};
use portcullis_core::time::Timestamp;
use portcullis_stores_sql::PostgresStore;
use sqlx::{AssertSqlSafe, PgConnection};

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);
pub(crate) const TENANT: TenantId = TenantId::from_integer(1);
pub(crate) const USER: UserId = UserId::from_integer(1);
pub(crate) const SESSION: SessionId = SessionId::from_integer(1);

/// How often a race or a fault is tried.
pub(crate) fn times(in_ci: u64, long: u64) -> u64 {
    match std::env::var_os("PORTCULLIS_LONG") {
        Some(_) => long,
        None => in_ci,
    }
}

#[track_caller]
pub(crate) fn applied<T: Debug + PartialEq>(write: Result<Write<T>, StoreError>) -> T {
    let write = write.unwrap();
    assert_eq!(write.refusal(), None);
    write.applied().unwrap()
}

/// An active tenant with an active person, who has a password and a session.
pub(crate) async fn fill(store: &PostgresStore) {
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
    applied(created.await);
    let person = enrolment(USER, [email(1)]);
    applied(store.enrol(&person, Along::default()).await);
    store.insert_session(&session(SESSION), 50).await.unwrap();
}

pub(crate) fn email(number: u64) -> Identifier {
    Identifier::email(&format!("ada{number}@example.com")).unwrap()
}

pub(crate) fn person(id: UserId, identifiers: impl IntoIterator<Item = Identifier>) -> User {
    User {
        id,
        tenant: TENANT,
        identifiers: identifiers.into_iter().collect(),
        profile: serde_json::json!({}),
        created_at: NOW,
    }
}

pub(crate) fn enrolment(
    id: UserId,
    identifiers: impl IntoIterator<Item = Identifier>,
) -> Enrolment {
    Enrolment {
        user: person(id, identifiers),
        state: EntityState::Active,
        handle: "ada".into(),
        verified: true,
        factor: Some(FactorConfig::Password(PasswordHash {
            phc: "a hash".into(),
            pepper_version: 1,
        })),
        now: NOW,
    }
}

pub(crate) fn session(id: SessionId) -> Session {
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

/// An event and a mail, which are there together or not at all.
pub(crate) fn pair(number: u64) -> Along {
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
    .with_mail(OutboxMail {
        id: MailId::from_integer(number),
        tenant: TENANT,
        user: None,
        to: "ada1@example.com".into(),
        template: MailTemplate::VerifyEmail,
        params: Sealed {
            key_version: 1,
            bytes: vec![0; 60],
        },
        created_at: NOW,
    })
}

/// The numbers of the pairs that are there.
pub(crate) async fn pairs(connection: &mut PgConnection) -> Vec<u64> {
    let halves = count(
        connection,
        "SELECT count(*) FROM auth_events e FULL JOIN outbox o USING (id) \
         WHERE e.at IS NULL OR o.created_at IS NULL",
    );
    assert_eq!(
        halves.await,
        0,
        "an event without its mail, or the other way round"
    );
    let ids: Vec<Vec<u8>> = sqlx::query_scalar("SELECT id FROM auth_events ORDER BY id")
        .fetch_all(connection)
        .await
        .unwrap();
    let number = |id: Vec<u8>| EventId::from_bytes(id.try_into().unwrap()).to_integer();
    ids.into_iter().map(|id| number(id).unwrap()).collect()
}

/// The one number that a statement returns.
pub(crate) async fn count(connection: &mut PgConnection, sql: &str) -> i64 {
    let counted = sqlx::query_scalar(AssertSqlSafe(sql));
    counted.fetch_one(connection).await.unwrap()
}

/// Runs statements without values.
pub(crate) async fn tell(connection: &mut PgConnection, sql: &str) {
    let told = sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection);
    told.await.unwrap();
}

/// Waits until a statement returns this number, as something in the background makes it do.
pub(crate) async fn until(connection: &mut PgConnection, sql: &str, number: i64) {
    let wait = async {
        while count(connection, sql).await != number {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(std::time::Duration::from_secs(60), wait).await;
    assert!(waited.is_ok(), "never {number}: {sql}");
}
