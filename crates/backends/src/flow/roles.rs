//! Roles, given and taken by operators: the actor is the system. A change counts at the person's next request, with
//! whatever credential they have.

use portcullis_core::along::{Refusal, Write};
use portcullis_core::event::AuthEventType;
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::role::{ROLES_MAX, RoleName, Roles};
use serde_json::json;

use super::admin::AdminOutcome;
use crate::error::FlowError;
use crate::portcullis::Portcullis;

/// What becomes of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoleChange {
    /// The person gets it.
    Grant(RoleName),
    /// The person loses it.
    Revoke(RoleName),
}

impl RoleChange {
    fn made_to(&self, roles: &Roles) -> Result<Roles, Refusal> {
        let limit = u32::try_from(ROLES_MAX).unwrap_or(u32::MAX);
        let there = roles.iter().cloned();
        let changed = match self {
            Self::Grant(role) => Roles::new(there.chain([role.clone()])),
            Self::Revoke(role) => Roles::new(there.filter(|held| held != role)),
        };
        changed.map_err(|_| Refusal::LimitReached { limit })
    }

    fn detail(&self) -> serde_json::Value {
        match self {
            Self::Grant(role) => json!({ "granted": role }),
            Self::Revoke(role) => json!({ "revoked": role }),
        }
    }
}

impl Portcullis {
    /// Gives somebody a role, or takes it; where they have it already, or not at all, nothing changes. Refused with
    /// [`Refusal::LimitReached`] past [`ROLES_MAX`] roles.
    ///
    /// Sessions go on: what their owner may do is read with each request.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer, or others keep changing the same person's roles.
    pub async fn admin_change_role(
        &self,
        tenant: TenantId,
        user: UserId,
        change: RoleChange,
    ) -> Result<AdminOutcome, FlowError> {
        let security = &self.0.stores.security;
        for _ in 0..3 {
            let Some(subject) = security.subject_state(tenant, user).await? else {
                return Ok(AdminOutcome::NotFound);
            };
            let to = match change.made_to(&subject.roles) {
                Ok(to) if to == subject.roles => return Ok(AdminOutcome::Done),
                Ok(to) => to,
                Err(refusal) => return Ok(AdminOutcome::Refused(refusal)),
            };
            let kind = AuthEventType::RolesChanged;
            let along = self.operator_event(tenant, user, kind, change.detail())?;
            let written = security.set_roles(tenant, user, &subject.roles, &to, along);
            match written.await? {
                Write::Applied(()) => return Ok(AdminOutcome::Done),
                // Somebody else changed them since they were read.
                Write::Refused(Refusal::Stale) => {}
                Write::Refused(Refusal::NotFound) => return Ok(AdminOutcome::NotFound),
                Write::Refused(refusal) => return Err(FlowError::internal(refusal)),
            }
        }
        Err(FlowError::Unavailable(Box::new(Refusal::Stale)))
    }
}
