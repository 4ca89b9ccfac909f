//! Whose turn it is to be erased, and which sign-ups nobody proved: tenant by tenant, a piece at a time.

use std::collections::VecDeque;

use portcullis_core::along::Write;
use portcullis_core::entity::{TenantSecurity, Unproved};
use portcullis_core::event::AuthEventType;
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::store::Due;
use portcullis_core::time::Timestamp;
use serde_json::Value;

use crate::error::FlowError;
use crate::portcullis::Portcullis;

/// How many people a piece takes at most, and how many people or tenants are looked up at once.
pub(crate) const PIECE: u32 = 100;

/// A sweep under way: where it is, and what it did. Whoever could not be erased is behind it, so that nobody waits for
/// them; the next sweep tries again.
#[derive(Debug, Default)]
pub(crate) struct Sweep {
    /// The last tenant of those that were looked up.
    looked_up: Option<TenantId>,
    tenants: VecDeque<TenantSecurity>,
    stage: Stage,
    /// The last one of the tenant and stage.
    after: Option<Due>,
    erased: u64,
    discarded: u64,
    failed: u64,
    failure: Option<FlowError>,
}

/// What is done in a tenant, one after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Erase,
    Discard,
}

/// What a sweep did to accounts that are closed or were never proved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Swept {
    pub(crate) erased: u64,
    pub(crate) discarded: u64,
}

impl Sweep {
    /// Goes on to what is next in the tenant, or to the next tenant.
    fn turn(&mut self) {
        self.after = None;
        self.stage = match self.stage {
            Stage::Erase => Stage::Discard,
            Stage::Discard => {
                self.tenants.pop_front();
                Stage::Erase
            }
        };
    }

    /// Counts what could not be done, and goes on.
    fn missed(&mut self, tenant: TenantId, user: Option<UserId>, failure: FlowError) {
        self.failed += 1;
        tracing::error!(
            %tenant,
            user = user.map(tracing::field::display),
            error = &failure as &dyn std::error::Error,
            "closed accounts, or one of them, could not be erased; the others are"
        );
        self.failure.get_or_insert(failure);
    }

    /// What it did; the first failure, where anything failed.
    pub(crate) fn ended(self) -> Result<Swept, FlowError> {
        let Self {
            erased,
            discarded,
            failed,
            ..
        } = self;
        match self.failure {
            None => Ok(Swept { erased, discarded }),
            Some(failure) => {
                tracing::error!(erased, discarded, failed, "not everybody was erased");
                Err(failure)
            }
        }
    }
}

impl Portcullis {
    /// A piece of a sweep: at most [`PIECE`] people, or as many looks for them. Whether it was the last piece.
    ///
    /// One person who cannot be erased, for whatever reason, keeps nobody else waiting, and neither does one tenant.
    pub(crate) async fn sweep_on(&self, sweep: &mut Sweep) -> Result<bool, FlowError> {
        let mut left = PIECE;
        while left > 0 {
            let Some(tenant) = self.tenant_to_sweep(sweep).await? else {
                return Ok(true);
            };
            let due = match self.due(&tenant, sweep, left).await {
                Ok(due) => due,
                Err(failure) => {
                    sweep.missed(tenant.tenant, None, failure);
                    Vec::new()
                }
            };
            let found = u32::try_from(due.len()).unwrap_or(u32::MAX);
            for one in due {
                sweep.after = Some(one);
                self.let_go(&tenant, sweep, one.user).await;
            }
            if found < left {
                sweep.turn();
            }
            left = left.saturating_sub(found.max(1));
        }
        Ok(false)
    }

    async fn tenant_to_sweep(
        &self,
        sweep: &mut Sweep,
    ) -> Result<Option<TenantSecurity>, FlowError> {
        if sweep.tenants.is_empty() {
            let security = &self.0.stores.security;
            let tenants = security.tenants_security(sweep.looked_up, PIECE).await?;
            sweep.looked_up = tenants.last().map(|last| last.tenant).or(sweep.looked_up);
            sweep.tenants.extend(tenants);
        }
        Ok(sweep.tenants.front().cloned())
    }

    /// The moment before which accounts of a tenant must have come into their state to be due.
    fn due_since(&self, tenant: &TenantSecurity, stage: Stage) -> Timestamp {
        let system = self.0.passwords.system_policy.clone();
        let policy = system.overlaid(&tenant.policy).account;
        self.now().minus(match stage {
            Stage::Erase => policy.erase_after,
            Stage::Discard => policy.unproved,
        })
    }

    async fn due(
        &self,
        tenant: &TenantSecurity,
        sweep: &Sweep,
        limit: u32,
    ) -> Result<Vec<Due>, FlowError> {
        let (id, now) = (tenant.tenant, self.now());
        let since = self.due_since(tenant, sweep.stage);
        let (security, after) = (&self.0.stores.security, sweep.after);
        Ok(match sweep.stage {
            Stage::Erase => security.closed_accounts(id, since, after, limit).await?,
            Stage::Discard => {
                let due = security.unproved_accounts(id, since, now, after, limit);
                due.await?
            }
        })
    }

    /// Erases or discards one; whoever may not go is left.
    async fn let_go(&self, tenant: &TenantSecurity, sweep: &mut Sweep, user: UserId) {
        let id = tenant.tenant;
        let (gone, count) = match sweep.stage {
            Stage::Erase => (self.erase_closed(id, user).await, &mut sweep.erased),
            Stage::Discard => {
                let pending_since = self.due_since(tenant, sweep.stage);
                let gone = self.discard(id, user, pending_since).await;
                (gone, &mut sweep.discarded)
            }
        };
        match gone {
            Ok(Write::Applied(())) => *count += 1,
            Ok(Write::Refused(refusal)) => {
                tracing::debug!(tenant = %id, %user, %refusal, "somebody who was due is not erased");
            }
            Err(failure) => sweep.missed(id, Some(user), failure),
        }
    }

    async fn discard(
        &self,
        tenant: TenantId,
        user: UserId,
        pending_since: Timestamp,
    ) -> Result<Write<()>, FlowError> {
        let kind = AuthEventType::SignUpDiscarded;
        let along = self.operator_event(tenant, user, kind, Value::Null)?;
        let unproved = Unproved {
            tenant,
            user,
            pending_since,
            now: self.now(),
        };
        Ok(self.0.stores.crossing.discard(&unproved, along).await?)
    }
}
