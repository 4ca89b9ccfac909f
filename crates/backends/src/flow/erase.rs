//! Erasing somebody whose account is closed.

use portcullis_core::along::{Along, Refusal, Write};
use portcullis_core::entity::{Account, Erasure, User};
use portcullis_core::event::AuthEventType;
use portcullis_core::id::{TenantId, UserId, ensure_user_id_not_reserved};
use portcullis_core::identifier::Identifier;
use portcullis_core::net::ClientInfo;
use portcullis_core::state::{EntityState, Status, StatusDetail};
use serde_json::{Value, json};

use crate::error::FlowError;
use crate::portcullis::Portcullis;

/// What operators read as the reason of the state, until the account is erased a moment later.
const REASON: &str = "erased by operator";

/// How erasing somebody ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EraseOutcome {
    /// What was kept about them is gone.
    Erased,
    /// They were erased before; what a crash may have left was looked for once more.
    ErasedBefore,
    /// Nobody there.
    NotFound,
    /// It cannot be: the id is the system's.
    Refused(Refusal),
}

impl Portcullis {
    /// Erases somebody, for an operator: closes their account where it is not closed yet, and does not wait.
    ///
    /// Whom nothing is known about but that the directory has them is removed from it. The address is free afterwards; the
    /// id never is.
    ///
    /// # Errors
    /// [`FlowError`] where a store does not answer; the same call again completes what was begun.
    pub async fn admin_erase(
        &self,
        tenant: TenantId,
        user: UserId,
    ) -> Result<EraseOutcome, FlowError> {
        if ensure_user_id_not_reserved(user).is_err() {
            return Ok(EraseOutcome::Refused(Refusal::Reserved));
        }
        let stores = &self.0.stores;
        let Some(account) = stores.security.account(tenant, user).await? else {
            return self.erase_from_directory(tenant, user).await;
        };
        match account.status.state {
            EntityState::Archived => {
                stores.sessions.erase_sessions(tenant, user).await?;
                return Ok(EraseOutcome::ErasedBefore);
            }
            EntityState::Terminated => {}
            _ => self.close_for_good(tenant, user).await?,
        }
        let erased = self.erase_closed(tenant, user).await?;
        Ok(match erased {
            Write::Applied(()) => EraseOutcome::Erased,
            // Somebody else did it meanwhile.
            Write::Refused(Refusal::Transition { .. }) => EraseOutcome::ErasedBefore,
            Write::Refused(Refusal::NotFound) => EraseOutcome::NotFound,
            Write::Refused(refusal) => EraseOutcome::Refused(refusal),
        })
    }

    /// Somebody without an account. The event commits first: a crash leaves them there, to be erased again.
    async fn erase_from_directory(
        &self,
        tenant: TenantId,
        user: UserId,
    ) -> Result<EraseOutcome, FlowError> {
        let directory = &self.0.stores.directory;
        if directory.user(tenant, user).await?.is_none() {
            return Ok(EraseOutcome::NotFound);
        }
        let kind = AuthEventType::AccountErased;
        self.explain(self.operator_event(tenant, user, kind, Value::Null)?)
            .await?;
        directory.remove_user(tenant, user).await?;
        Ok(EraseOutcome::Erased)
    }

    async fn close_for_good(&self, tenant: TenantId, user: UserId) -> Result<(), FlowError> {
        let closed = Status {
            state: EntityState::Terminated,
            detail: StatusDetail {
                reason: Some(REASON.to_owned()),
                since: self.now(),
                until: None,
            },
        };
        let detail = json!({ "to": closed.state, "reason": REASON, "until": null });
        let kind = AuthEventType::AccountStateChanged;
        let along = self
            .operator_event(tenant, user, kind, detail)?
            .with_epoch_of(tenant, user);
        let security = &self.0.stores.security;
        match security.set_state(tenant, user, &closed, along).await? {
            // Its owner closed it meanwhile, or it is gone: what follows finds out.
            Write::Applied(()) | Write::Refused(Refusal::Transition { .. } | Refusal::NotFound) => {
                Ok(())
            }
            Write::Refused(other) => Err(FlowError::internal(other)),
        }
    }

    /// Erases the owner of a closed account. Sessions go first: their end was explained when the account was closed, and
    /// a crash after them leaves an account that is still due.
    pub(super) async fn erase_closed(
        &self,
        tenant: TenantId,
        user: UserId,
    ) -> Result<Write<()>, FlowError> {
        let stores = &self.0.stores;
        let person = stores.directory.user(tenant, user).await?;
        let account = stores.security.account(tenant, user).await?;
        let Some(account) = account else {
            return Ok(Write::Refused(Refusal::NotFound));
        };
        let from = account.status.state;
        if from != EntityState::Terminated {
            return Ok(Write::Refused(Refusal::Transition { from }));
        }
        stores.sessions.erase_sessions(tenant, user).await?;
        let erasure = self.erasure(&account, person);
        let event = self
            .event(tenant, AuthEventType::AccountErased, &ClientInfo::default())?
            .about(user)
            .by(UserId::SYSTEM);
        let along = Along::event(event.finish());
        Ok(stores.crossing.erase(&erasure, along).await?)
    }

    /// What is known of the owner of a closed account. Where a crash left them without their person, the address may be
    /// somebody else's by now, and what was made since the account was closed is not theirs.
    fn erasure(&self, account: &Account, person: Option<User>) -> Erasure {
        let (tenant, now) = (account.tenant, self.now());
        let (identifiers, until) = match person {
            Some(person) => (person.identifiers, now),
            None => {
                let handle = Identifier::parse(&account.handle).ok();
                (handle.into_iter().collect(), account.status.detail.since)
            }
        };
        let proved = account.verified.iter().map(|proved| &proved.canonical);
        let known = identifiers.iter().map(|one| &one.canonical).chain(proved);
        let attempts = known.map(|canonical| self.0.tokens.identifier_digest(tenant, canonical));
        Erasure {
            tenant,
            user: account.user,
            attempts: attempts.collect(),
            identifiers,
            until,
            now,
        }
    }
}
