//! What operators do, from the command line: the actor is the system.

use portcullis_core::along::{Along, Refusal, Write};
use portcullis_core::entity::{Account, Enrolment, NewAccount, User};
use portcullis_core::event::{AuthEvent, AuthEventType, EventQueryFilter};
use portcullis_core::factor::FactorConfig;
use portcullis_core::id::{ApiTokenId, TenantId, UserId};
use portcullis_core::identifier::Identifier;
use portcullis_core::net::ClientInfo;
use portcullis_core::rule::password::PasswordRejection;
use portcullis_core::secret::Password;
use portcullis_core::state::{EntityState, Status, StatusDetail};
use portcullis_core::store::{AttemptKey, AttemptPurpose};
use portcullis_core::text::printable;
use portcullis_core::time::Timestamp;
use serde_json::json;

use super::api_tokens::{ApiTokenInfo, CreateApiTokenOutcome, NewApiToken, Owner};
use super::spelling::{as_mailed_by, stored_spelling};
use crate::error::FlowError;
use crate::portcullis::Portcullis;

/// The most bytes of a reason for a state.
const REASON_MAX_BYTES: usize = 500;

/// How opening an account ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenAccountOutcome {
    /// It is open, and its address counts as proved.
    Opened {
        /// Whose.
        user: UserId,
    },
    /// Somebody has the address.
    Taken,
    /// The password breaks the tenant's rules.
    PasswordRefused(PasswordRejection),
}

/// A person with what portcullis keeps about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRecord {
    /// Who.
    pub user: User,
    /// Their account, where there is one.
    pub account: Option<Account>,
}

/// A state to set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// The state.
    pub to: EntityState,
    /// Why; at most 500 bytes are kept.
    pub reason: Option<String>,
    /// When a suspension ends by itself.
    pub until: Option<Timestamp>,
}

/// How a change by an operator ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminOutcome {
    /// Done.
    Done,
    /// Nobody there.
    NotFound,
    /// The account's state does not allow it.
    Refused(Refusal),
}

impl Portcullis {
    /// Opens an active account with a password: for the first person of a service, or for somebody whom the directory
    /// knows and who never signed up.
    ///
    /// # Errors
    /// [`FlowError`] where hashing or the store could not be had.
    pub async fn admin_open_account(
        &self,
        tenant: TenantId,
        email: Identifier,
        password: Password,
    ) -> Result<OpenAccountOutcome, FlowError> {
        let policy = self.policy(tenant).await?;
        if let Err(rejection) = self
            .judge_password(&password, &policy, &email.canonical, None)
            .await?
        {
            return Ok(OpenAccountOutcome::PasswordRefused(rejection));
        }
        let factor = FactorConfig::Password(self.0.hasher.hash(&password).await?);
        // As at a sign-up, the address may become somebody's between the look-up and the write.
        for _ in 0..3 {
            let found = self.0.stores.directory.find_user(tenant, &email).await?;
            let (user, written) = match found {
                None => self.enrol_active(tenant, &email, &factor).await?,
                Some(user) => {
                    let security = &self.0.stores.security;
                    if security.account(tenant, user.id).await?.is_some() {
                        return Ok(OpenAccountOutcome::Taken);
                    }
                    self.open_active(&user, &email, &factor).await?
                }
            };
            match written {
                Write::Applied(()) => return Ok(OpenAccountOutcome::Opened { user }),
                Write::Refused(Refusal::IdentifierTaken | Refusal::Exists) => {}
                Write::Refused(refusal) => return Err(FlowError::internal(refusal)),
            }
        }
        Err(FlowError::Unavailable(Box::new(Refusal::Stale)))
    }

    /// For somebody new.
    async fn enrol_active(
        &self,
        tenant: TenantId,
        email: &Identifier,
        factor: &FactorConfig,
    ) -> Result<(UserId, Write<()>), FlowError> {
        let now = self.now();
        let id = self.new_user_id(tenant).await?;
        let enrolment = Enrolment {
            handle: email.raw.clone(),
            user: User {
                id,
                tenant,
                identifiers: vec![email.clone()],
                profile: json!({}),
                created_at: now,
            },
            state: EntityState::Active,
            verified: true,
            factor: Some(factor.clone()),
            now,
        };
        let event = self.account_opened(tenant, id)?;
        let written = self.0.stores.crossing.enrol(&enrolment, event).await?;
        Ok((id, written))
    }

    /// For somebody whom the directory knows already.
    async fn open_active(
        &self,
        user: &User,
        email: &Identifier,
        factor: &FactorConfig,
    ) -> Result<(UserId, Write<()>), FlowError> {
        let stored = stored_spelling(user, email);
        let account = NewAccount {
            user: user.id,
            tenant: user.tenant,
            state: EntityState::Active,
            handle: stored.raw.clone(),
            verified: vec![stored.clone()],
            factor: Some(factor.clone()),
            now: self.now(),
        };
        let event = self.account_opened(user.tenant, user.id)?;
        let security = &self.0.stores.security;
        let written = security.open_account(&account, event).await?;
        Ok((user.id, written))
    }

    fn account_opened(&self, tenant: TenantId, user: UserId) -> Result<Along, FlowError> {
        let kind = AuthEventType::AccountOpened;
        self.operator_event(tenant, user, kind, serde_json::Value::Null)
    }

    /// People of a tenant by id, those after `after`, at most `limit` (1..=1000).
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer.
    pub async fn admin_users(
        &self,
        tenant: TenantId,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<UserRecord>, FlowError> {
        let users = self
            .0
            .stores
            .directory
            .users(tenant, after, limit.clamp(1, 1000))
            .await?;
        let mut records = Vec::with_capacity(users.len());
        for user in users {
            let account = self.0.stores.security.account(tenant, user.id).await?;
            let user = as_mailed_by(user, account.as_ref());
            records.push(UserRecord { user, account });
        }
        Ok(records)
    }

    /// One person, by id or identifier.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer.
    pub async fn admin_find_user(
        &self,
        tenant: TenantId,
        who: &str,
    ) -> Result<Option<UserRecord>, FlowError> {
        let directory = &self.0.stores.directory;
        let user = match (who.parse::<UserId>(), Identifier::parse(who)) {
            (Ok(id), _) => directory.user(tenant, id).await?,
            (Err(_), Ok(identifier)) => directory.find_user(tenant, &identifier).await?,
            (Err(_), Err(_)) => None,
        };
        let Some(user) = user else { return Ok(None) };
        let account = self.0.stores.security.account(tenant, user.id).await?;
        let user = as_mailed_by(user, account.as_ref());
        Ok(Some(UserRecord { user, account }))
    }

    /// Sets an account's state. Whatever takes rights away also moves the epoch: every session and link made before
    /// is over, and API tokens are refused for as long as the state holds.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer.
    pub async fn admin_set_state(
        &self,
        tenant: TenantId,
        user: UserId,
        change: StateChange,
    ) -> Result<AdminOutcome, FlowError> {
        if change.to == EntityState::Active && self.has_proved_nothing(tenant, user).await? {
            let from = EntityState::Pending;
            return Ok(AdminOutcome::Refused(Refusal::Transition { from }));
        }
        let now = self.now();
        let reason = change
            .reason
            .map(|reason| printable(&reason, REASON_MAX_BYTES));
        let detail = json!({ "to": change.to, "reason": reason, "until": change.until });
        let mut along =
            self.operator_event(tenant, user, AuthEventType::AccountStateChanged, detail)?;
        if change.to != EntityState::Active {
            along = along.with_epoch_of(tenant, user);
        }
        let status = Status {
            state: change.to,
            detail: StatusDetail {
                reason,
                since: now,
                until: change.until,
            },
        };
        let security = &self.0.stores.security;
        let written = security.set_state(tenant, user, &status, along).await?;
        if status.state != EntityState::Active && matches!(written, Write::Applied(())) {
            // They are over, and must not be listed either when their owner is back.
            self.tidy_sessions(tenant, user, None).await;
        }
        Ok(outcome(written))
    }

    /// Whether activating the account would leave it without anything proved, and so without a way in.
    async fn has_proved_nothing(&self, tenant: TenantId, user: UserId) -> Result<bool, FlowError> {
        let account = self.0.stores.security.account(tenant, user).await?;
        Ok(account.is_some_and(|account| account.verified.is_empty()))
    }

    /// Forgets the failures of every identifier of a person.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer.
    pub async fn admin_unlock(
        &self,
        tenant: TenantId,
        user: UserId,
    ) -> Result<AdminOutcome, FlowError> {
        let Some(found) = self.0.stores.directory.user(tenant, user).await? else {
            return Ok(AdminOutcome::NotFound);
        };
        for identifier in found.identifiers {
            let (tokens, canonical) = (&self.0.tokens, &identifier.canonical);
            for purpose in AttemptPurpose::ALL {
                let key = AttemptKey {
                    tenant,
                    identifier: tokens.identifier_digest(tenant, canonical),
                    purpose: *purpose,
                };
                let detail = json!({ "identifier_kind": identifier.kind, "purpose": purpose });
                let along =
                    self.operator_event(tenant, user, AuthEventType::AttemptsReset, detail)?;
                let security = &self.0.stores.security;
                if let Write::Refused(refusal) = security.reset_attempts(&key, along).await? {
                    return Ok(AdminOutcome::Refused(refusal));
                }
            }
        }
        Ok(AdminOutcome::Done)
    }

    /// Makes an API token for somebody.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer.
    pub async fn admin_create_api_token(
        &self,
        tenant: TenantId,
        user: UserId,
        new: NewApiToken,
    ) -> Result<CreateApiTokenOutcome, FlowError> {
        self.create_token_for(&operator(tenant, user, &ClientInfo::default()), new)
            .await
    }

    /// Somebody's live API tokens, newest first.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer.
    pub async fn admin_list_api_tokens(
        &self,
        tenant: TenantId,
        user: UserId,
    ) -> Result<Vec<ApiTokenInfo>, FlowError> {
        self.list_tokens_of(tenant, user).await
    }

    /// Revokes somebody's API token; `false` where they have no such live token.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer.
    pub async fn admin_revoke_api_token(
        &self,
        tenant: TenantId,
        user: UserId,
        id: ApiTokenId,
    ) -> Result<bool, FlowError> {
        self.revoke_token_of(&operator(tenant, user, &ClientInfo::default()), id)
            .await
    }

    /// Reads a tenant's audit log, newest first.
    ///
    /// # Errors
    /// [`FlowError::Internal`] where the instance was built without
    /// [`with_audit_query`](crate::Builder::with_audit_query); [`FlowError::Unavailable`] where the store does not
    /// answer.
    pub async fn admin_audit(
        &self,
        tenant: TenantId,
        filter: &EventQueryFilter,
    ) -> Result<Vec<AuthEvent>, FlowError> {
        let audit = self.0.stores.audit.as_ref();
        let audit =
            audit.ok_or_else(|| FlowError::internal("built without .with_audit_query()"))?;
        Ok(audit.audit_events(tenant, filter).await?)
    }

    pub(super) fn operator_event(
        &self,
        tenant: TenantId,
        user: UserId,
        kind: AuthEventType,
        detail: serde_json::Value,
    ) -> Result<Along, FlowError> {
        let event = self
            .event(tenant, kind, &ClientInfo::default())?
            .about(user)
            .by(UserId::SYSTEM)
            .with(detail);
        Ok(Along::event(event.finish()))
    }
}

const fn operator(tenant: TenantId, user: UserId, client: &ClientInfo) -> Owner<'_> {
    Owner {
        tenant,
        user,
        actor: Some(UserId::SYSTEM),
        client,
    }
}

fn outcome(written: Write<()>) -> AdminOutcome {
    match written {
        Write::Applied(()) => AdminOutcome::Done,
        Write::Refused(Refusal::NotFound) => AdminOutcome::NotFound,
        Write::Refused(refusal) => AdminOutcome::Refused(refusal),
    }
}
