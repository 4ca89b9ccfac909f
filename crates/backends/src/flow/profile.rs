//! What a person sees of themselves.

use portcullis_core::id::{TenantId, UserId};
use portcullis_core::identifier::IdentifierKind;
use portcullis_core::principal::Principal;
use portcullis_core::time::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::error::FlowError;
use crate::portcullis::Portcullis;

/// A person as they see themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Profile {
    /// Their id.
    pub user: UserId,
    /// The tenant they live in.
    pub tenant: TenantId,
    /// The name to show.
    pub handle: String,
    /// How they can be found.
    pub identifiers: Vec<ProfileIdentifier>,
    /// What else is known: a JSON object.
    pub profile: Value,
    /// When they were created.
    pub created_at: Timestamp,
    /// Last sign-in.
    pub last_sign_in: Option<Timestamp>,
}

/// One way to find a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProfileIdentifier {
    /// Which kind.
    pub kind: IdentifierKind,
    /// As they wrote it.
    pub value: String,
    /// Whether it is proved to be theirs.
    pub verified: bool,
}

impl Portcullis {
    /// The principal's profile; `None` where the person is gone from the directory.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer.
    pub async fn profile(&self, principal: &Principal) -> Result<Option<Profile>, FlowError> {
        let (tenant, id) = (principal.tenant, principal.user());
        let (user, account) = tokio::try_join!(
            self.0.stores.directory.user(tenant, id),
            self.0.stores.security.account(tenant, id)
        )?;
        let Some((user, account)) = user.zip(account) else {
            return Ok(None);
        };
        let identifiers = user
            .identifiers
            .into_iter()
            .map(|identifier| ProfileIdentifier {
                verified: account.verified.iter().any(|proved| {
                    proved.kind == identifier.kind && proved.canonical == identifier.canonical
                }),
                kind: identifier.kind,
                value: identifier.raw,
            })
            .collect();
        Ok(Some(Profile {
            user: id,
            tenant,
            handle: account.handle,
            identifiers,
            profile: user.profile,
            created_at: user.created_at,
            last_sign_in: account.last_sign_in,
        }))
    }
}
