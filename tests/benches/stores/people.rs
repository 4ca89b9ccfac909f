//! The people in every store, each with a session and an API token.

use std::sync::atomic::{AtomicI64, Ordering};

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
use portcullis_core::store::{Crossing, Part, SecurityStore, SessionStore};
use portcullis_core::time::Timestamp;

pub(crate) const PEOPLE: u64 = 5_000;
pub(crate) const TENANT: TenantId = TenantId::from_integer(1);
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

/// In no order that a cache would like.
pub(crate) const fn person(number: u64) -> u64 {
    number.wrapping_mul(7919) % PEOPLE
}

pub(crate) fn email(number: u64) -> String {
    format!("person{number}@example.com")
}

/// Puts them all in.
pub(crate) async fn fill<S: SecurityStore + Crossing + SessionStore>(store: &S) {
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
    let made = store.create_tenant(&tenant, &security, Along::default());
    made.await.unwrap().applied().unwrap();
    for number in 0..PEOPLE {
        let enrolled = store.enrol(&enrolment(number), Along::default()).await;
        enrolled.unwrap().applied().unwrap();
        store.insert_session(&session(number), 50).await.unwrap();
        let token = api_token(number);
        let made = store.create_api_token(&token, 50, Along::default()).await;
        made.unwrap().applied().unwrap();
    }
}

fn enrolment(number: u64) -> Enrolment {
    Enrolment {
        user: User {
            id: UserId::from_integer(number),
            tenant: TENANT,
            identifiers: vec![Identifier::email(&email(number)).unwrap()],
            profile: serde_json::json!({ "name": "Ada" }),
            created_at: NOW,
        },
        state: EntityState::Active,
        handle: email(number),
        verified: true,
        factor: Some(FactorConfig::Password(PasswordHash {
            phc: format!("$argon2id$v=19$m=19456,t=2,p=1${:0>22}${:0>43}", "", ""),
            pepper_version: 1,
        })),
        now: NOW,
    }
}

const DIGEST: TokenDigest = TokenDigest {
    bytes: [7; 32],
    key_version: 1,
};

/// The number, behind the tag that every session's id begins with.
pub(crate) fn session_id(number: u64) -> SessionId {
    let mut bytes = *SessionId::from_integer(number).as_bytes();
    let tag = Part::of_user(UserId::from_integer(number));
    for (to, from) in bytes.iter_mut().zip(tag.as_bytes()) {
        *to = *from;
    }
    SessionId::from_bytes(bytes)
}

pub(crate) fn session(number: u64) -> Session {
    Session {
        id: session_id(number),
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

/// A moment later than any before, so that there is something to write.
pub(crate) fn touch(number: u64) -> SessionTouch {
    static MOMENTS: AtomicI64 = AtomicI64::new(1);
    let later = MOMENTS.fetch_add(1, Ordering::Relaxed);
    SessionTouch {
        id: session_id(person(number)),
        seen_at: Timestamp::from_micros(NOW.as_micros() + later),
        idle_deadline: Timestamp::MAX,
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
