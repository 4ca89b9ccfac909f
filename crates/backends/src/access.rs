//! Access tokens as flows see them: what they say, and who signs them. The signer is a feature; the flows are not.

use std::error::Error;

use portcullis_core::api_token::Scopes;
use portcullis_core::entity::Epoch;
use portcullis_core::id::{RefreshFamilyId, TenantId, UserId};
use portcullis_core::secret::SecretText;
use portcullis_core::time::Timestamp;
use serde_json::Value;

use crate::error::FlowError;

/// What an access token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Whom it acts for.
    pub user: UserId,
    /// In which tenant.
    pub tenant: TenantId,
    /// Their security stamp when the family was opened.
    pub epoch: Epoch,
    /// The family that ends it when it ends.
    pub family: RefreshFamilyId,
    /// What it is limited to.
    pub scopes: Option<Scopes>,
    /// When it is made.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Its own id, random.
    pub id: [u8; 16],
}

/// Signs access tokens.
pub(crate) trait AccessSigner: Send + Sync + 'static {
    /// Signs.
    fn sign(&self, access: &Access) -> Result<SecretText, FlowError>;
    /// The public keys, as a JWK Set (RFC 7517 section 5).
    fn jwks(&self) -> Value;
    /// Takes up the keys of their file where it has changed; whether it had.
    fn refresh_keys(&self) -> Result<bool, Box<dyn Error + Send + Sync>>;
}
