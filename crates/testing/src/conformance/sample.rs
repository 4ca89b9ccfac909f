//! Made-up people, tokens, sessions, events and mails.

use std::time::Duration;

use portcullis_core::along::{Along, Spend};
use portcullis_core::api_token::{ApiToken, IpAllowlist, Scopes};
use portcullis_core::entity::{Enrolment, Epoch, NewAccount, Tenant, TenantSecurity, User};
use portcullis_core::entropy::SeededEntropy;
use portcullis_core::event::{AuthEvent, AuthEventStatus, AuthEventType};
use portcullis_core::factor::{FactorConfig, FactorKind};
use portcullis_core::id::{
    ApiTokenId, EventId, MailId, RefreshFamilyId, SessionId, TenantId, UserId, VerificationTokenId,
};
use portcullis_core::identifier::Identifier;
use portcullis_core::mail::{MailTemplate, OutboxMail};
use portcullis_core::net::ClientInfo;
use portcullis_core::policy::PolicyOverrides;
use portcullis_core::refresh::{Generation, RefreshFamily, Rotation};
use portcullis_core::secret::{PasswordHash, Sealed, TokenDigest};
use portcullis_core::session::{Assurance, AssuranceLevel, Device, Session};
use portcullis_core::state::{EntityState, Status};
use portcullis_core::store::{AccountOpening, Crossing, IdentityAdmin};
use portcullis_core::time::Timestamp;
use portcullis_core::verification::{KindName, TokenKind, VerificationToken};

use super::expect::applied;
use super::trial::Trial;

/// When every case begins: 2026-01-01T00:00:00Z.
pub(super) const START: Timestamp = Timestamp::from_secs(1_767_225_600);

/// So many seconds after [`START`].
pub(super) fn after(secs: u64) -> Timestamp {
    START.plus(Duration::from_secs(secs))
}

/// The last moment before `moment`.
pub(super) fn just_before(moment: Timestamp) -> Timestamp {
    moment.minus(Duration::from_micros(1))
}

/// Times at and beyond every end.
pub(super) const EXTREMES: [Timestamp; 5] = [
    Timestamp::from_micros(i64::MIN),
    Timestamp::from_micros(-1),
    Timestamp::UNIX_EPOCH,
    Timestamp::from_micros(i64::MAX - 1),
    Timestamp::MAX,
];

pub(super) fn email(name: &str) -> Identifier {
    Identifier::email(&format!("{name}@example.com")).unwrap()
}

pub(super) fn password(text: &str) -> FactorConfig {
    FactorConfig::Password(PasswordHash {
        phc: format!("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA${text}"),
        pepper_version: 3,
    })
}

pub(super) fn spend(token: &VerificationToken, now: Timestamp) -> Spend {
    Spend {
        tenant: token.tenant,
        id: token.id,
        kind: token.kind,
        now,
    }
}

/// Samples: everything is set, so that a store that loses a field is found out.
/// A kind that an application named.
pub(super) fn custom(name: &str) -> TokenKind {
    TokenKind::Custom(KindName::new(name).unwrap())
}

/// Every kind of ours, and some of an application's that a careless store mixes up: beginnings of one another, and
/// names as long as they may be that differ at their end.
pub(super) fn kinds() -> Vec<TokenKind> {
    let long = "a".repeat(31);
    let names = [
        "invites",
        "seat",
        "seat_",
        "seats",
        &format!("{long}a"),
        &format!("{long}b"),
    ];
    let custom = names.into_iter().map(custom);
    TokenKind::ALL.into_iter().chain(custom).collect()
}

impl<S> Trial<S> {
    pub(super) fn new_tenant(&self) -> (Tenant, TenantSecurity) {
        let id = TenantId::from_bytes(self.id());
        let tenant = Tenant {
            id,
            slug: format!("t{:x}", self.below(u64::MAX)),
            domains: vec![format!("{:x}.example.com", self.below(u64::MAX))],
            name: "Ada & Söhne".to_owned(),
        };
        let security = TenantSecurity {
            tenant: id,
            status: Status::new(EntityState::Active, START),
            policy: PolicyOverrides::default(),
        };
        (tenant, security)
    }

    /// An active account without factor, nothing proved.
    pub(super) fn new_account(&self, tenant: TenantId) -> NewAccount {
        NewAccount {
            user: UserId::from_bytes(self.id()),
            tenant,
            state: EntityState::Active,
            handle: "Zoë".to_owned(),
            verified: Vec::new(),
            factor: None,
            now: START,
        }
    }

    /// Works for an hour.
    pub(super) fn new_token(
        &self,
        kind: TokenKind,
        tenant: TenantId,
        user: Option<UserId>,
    ) -> VerificationToken {
        VerificationToken {
            id: VerificationTokenId::from_bytes(self.id()),
            kind,
            tenant,
            email: "zoë@example.com".to_owned(),
            user,
            epoch: user.map(|_| Epoch(0)),
            payload: Some(self.sealed()),
            digest: self.new_digest(),
            created_at: START,
            expires_at: after(3600),
            consumed_at: None,
            superseded_at: None,
        }
    }

    /// Works for a day.
    pub(super) fn new_api_token(&self, tenant: TenantId, owner: UserId) -> ApiToken {
        let scopes = ["deploy", "read:all"].map(|scope| scope.parse().unwrap());
        ApiToken {
            id: ApiTokenId::from_bytes(self.id()),
            tenant,
            owner,
            name: "CI für alle".to_owned(),
            scopes: Scopes::new(scopes).unwrap(),
            ip_allowlist: IpAllowlist::parse(["192.0.2.0/24", "2001:db8::/32"]).unwrap(),
            digest: self.new_digest(),
            created_at: START,
            expires_at: Some(after(86_400)),
            last_used_at: None,
            revoked_at: None,
        }
    }

    /// Opened at [`START`], idle for an hour, over after a day.
    pub(super) fn new_session(&self, tenant: TenantId, user: UserId) -> Session {
        Session {
            id: SessionId::tagged(user, &SeededEntropy::new(self.below(u64::MAX))).unwrap(),
            user,
            tenant,
            epoch: Epoch(0),
            digest: self.new_digest(),
            assurance: Assurance {
                level: AssuranceLevel::Aal1,
                factors: vec![FactorKind::Password],
                at: START,
            },
            created_at: START,
            seen_at: START,
            idle_deadline: after(3600),
            absolute_deadline: after(86_400),
            device: Device {
                ip: Some([192, 0, 2, 1].into()),
                user_agent: Some("Mozilla/5.0 (Ünïcode)".to_owned()),
            },
            name: Some("Zoë's phone".to_owned()),
            actor: Some(UserId::from_bytes(self.id())),
            revoked_at: None,
        }
    }

    /// Opened at [`START`] with its first token, idle for an hour, over after a day.
    pub(super) fn new_family(&self, tenant: TenantId, user: UserId) -> RefreshFamily {
        let session = self.new_session(tenant, user);
        let scopes = ["profile", "read:all"].map(|scope| scope.parse().unwrap());
        RefreshFamily {
            id: RefreshFamilyId::from_bytes(self.id()),
            user,
            tenant,
            epoch: session.epoch,
            scopes: Some(Scopes::new(scopes).unwrap()),
            assurance: session.assurance,
            device: session.device,
            created_at: session.created_at,
            generation: Generation(1),
            current: session.digest,
            idle_deadline: session.idle_deadline,
            absolute_deadline: session.absolute_deadline,
            spent: None,
            ended_at: None,
        }
    }

    /// To a token that is good for two hours when it is not used.
    pub(super) fn new_rotation(&self, expected: Generation, now: Timestamp) -> Rotation {
        Rotation {
            expected,
            next: self.new_digest(),
            successor: self.sealed(),
            idle_deadline: now.plus(Duration::from_secs(7200)),
            now,
        }
    }

    pub(super) fn new_event(&self, tenant: Option<TenantId>, at: Timestamp) -> AuthEvent {
        AuthEvent {
            id: EventId::from_bytes(self.id()),
            at,
            tenant,
            subject: Some(UserId::from_bytes(self.id())),
            actor: Some(UserId::from_bytes(self.id())),
            kind: AuthEventType::SignIn,
            status: AuthEventStatus::Failure,
            reason: Some(portcullis_core::event::Reason::WrongPassword),
            client: ClientInfo::new(
                Some("2001:db8::1".parse().unwrap()),
                Some("curl/8"),
                Some("r-1"),
            ),
            detail: serde_json::json!({ "via": "test", "n": 1 }),
        }
    }

    pub(super) fn new_mail(&self, tenant: TenantId) -> OutboxMail {
        OutboxMail {
            id: MailId::from_bytes(self.id()),
            tenant,
            user: Some(self.nobody()),
            to: "Zoë@Example.com".to_owned(),
            template: MailTemplate::VerifyEmail,
            params: self.sealed(),
            created_at: START,
        }
    }

    pub(super) fn nobody(&self) -> UserId {
        UserId::from_bytes(self.id())
    }

    pub(super) fn new_digest(&self) -> TokenDigest {
        let (left, right) = (self.id(), self.id());
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(left.into_iter().chain(right)) {
            *to = from;
        }
        TokenDigest {
            bytes,
            key_version: 7,
        }
    }

    pub(super) fn sealed(&self) -> Sealed {
        Sealed {
            key_version: 2,
            bytes: self.id().to_vec(),
        }
    }
}

/// Samples that are in the store already.
impl<S: AccountOpening> Trial<S> {
    /// An active tenant.
    pub(super) async fn tenant(&self) -> TenantId {
        let (_, security) = self.new_tenant();
        applied(self.store.open_tenant(&security, Along::default()).await);
        security.tenant
    }

    /// An active person with an account and nothing else.
    pub(super) async fn person(&self, tenant: TenantId) -> UserId {
        self.opened(&self.new_account(tenant)).await
    }

    pub(super) async fn opened(&self, account: &NewAccount) -> UserId {
        applied(self.store.open_account(account, Along::default()).await);
        account.user
    }

    /// An active person in a tenant of their own.
    pub(super) async fn somebody(&self) -> (TenantId, UserId) {
        let tenant = self.tenant().await;
        (tenant, self.person(tenant).await)
    }
}

/// Samples with ids that the directory can hold.
impl<S: IdentityAdmin> Trial<S> {
    /// A tenant that the directory knows.
    pub(super) async fn known_tenant(&self) -> TenantId {
        let (tenant, _) = self.new_tenant();
        self.store.insert_tenant(&tenant).await.unwrap();
        tenant.id
    }

    pub(super) async fn new_user(&self, tenant: TenantId) -> User {
        let offered = UserId::from_bytes(self.id());
        User {
            id: self.store.new_user_id(tenant, offered).await.unwrap(),
            tenant,
            identifiers: vec![email(&format!("p{:x}", self.below(u64::MAX)))],
            profile: serde_json::json!({ "name": "Zoë 🦀", "n": [1, -2.5, null, { "a": "" }] }),
            created_at: START,
        }
    }

    pub(super) async fn known_user(&self, tenant: TenantId) -> User {
        let user = self.new_user(tenant).await;
        self.store.create_user(&user).await.unwrap();
        user
    }

    /// An id that nobody has.
    pub(super) async fn free_id(&self, tenant: TenantId) -> UserId {
        self.new_user(tenant).await.id
    }

    /// With an active account without factor, nothing proved.
    pub(super) async fn new_enrolment(&self, tenant: TenantId) -> Enrolment {
        Enrolment {
            user: self.new_user(tenant).await,
            state: EntityState::Active,
            handle: "Zoë".to_owned(),
            verified: false,
            factor: None,
            now: START,
        }
    }
}

/// Samples that are in both families already.
impl<S: IdentityAdmin + Crossing> Trial<S> {
    /// An active tenant.
    pub(super) async fn founded(&self) -> TenantId {
        let (tenant, security) = self.new_tenant();
        let along = Along::default();
        applied(self.store.create_tenant(&tenant, &security, along).await);
        tenant.id
    }

    pub(super) async fn enrolled(&self, enrolment: &Enrolment) -> UserId {
        applied(self.store.enrol(enrolment, Along::default()).await);
        enrolment.user.id
    }
}
