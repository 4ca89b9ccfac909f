//! Optional ability: passwords that somebody had before.

use async_trait::async_trait;

use crate::error::StoreError;
use crate::id::{TenantId, UserId};
use crate::secret::PasswordHash;

/// Optional ability: keeps the passwords that somebody had before, so that they are not set again.
///
/// There is no method that adds one: [`Along::remember`](crate::along::Along::remember) does, on the write that replaces
/// it. Laws:
///
/// - **HIST-1 With its effect.** The password that a write replaces is kept with it or not at all.
/// - **HIST-2 As it stood.** What is kept is the factor as it is inside the write before the effect, whoever wrote it;
///   who has none keeps none.
/// - **HIST-3 No more than asked for.** After the write, as many are there as it asked for at most, the newest.
/// - **HIST-4 Gone with the account.** Removing a factor leaves them, removing the account does not.
#[async_trait]
pub trait PasswordHistory: Send + Sync + 'static {
    /// The newest `limit` of the passwords that somebody had before the one they have, newest first; none for nobody.
    async fn earlier_passwords(
        &self,
        tenant: TenantId,
        user: UserId,
        limit: u32,
    ) -> Result<Vec<PasswordHash>, StoreError>;
}
