//! Refresh families, in the security family: losing a cache never lets a spent token in.
//!
//! The row is all a family ever has: it knows its current token and the one before it, and a rotation overwrites it. A
//! token older than those is told by its family's id alone.

use async_trait::async_trait;

use super::WriteResult;
use crate::along::Along;
use crate::error::StoreError;
use crate::id::{RefreshFamilyId, TenantId, UserId};
use crate::refresh::{Generation, RefreshFamily, ResolvedFamily, Rotation};
use crate::time::Timestamp;

/// Refresh families: one row a family, whatever its length.
#[async_trait]
pub trait RefreshStore: Send + Sync + 'static {
    /// Stores a family whose id was never used. Live families of the person are counted inside the write, at
    /// `family.created_at`: at most `cap` remain, the oldest by idle deadline (then `created_at`, then id) are ended.
    /// The new one is among those that remain. Refused with `NotFound` for nobody, `Exists` for an id that was used
    /// before; nobody makes room then.
    async fn open_family(&self, family: &RefreshFamily, cap: u32, along: Along) -> WriteResult<()>;

    /// The family in whatever condition, with its owner's state, in one read.
    async fn resolve_family(
        &self,
        id: RefreshFamilyId,
    ) -> Result<Option<ResolvedFamily>, StoreError>;

    /// Takes a family on by one token where its generation still is `rotation.expected`: of N callers at once one wins.
    /// The current token becomes the spent one, with its successor and `rotation.now`; `idle_deadline` is bounded by the
    /// absolute deadline. Refused with `NotFound` where the family is unknown, ended, or past its absolute or idle
    /// deadline at `rotation.now`, whatever its generation; `Stale` where the generation moved.
    async fn rotate_family(
        &self,
        tenant: TenantId,
        id: RefreshFamilyId,
        rotation: &Rotation,
        along: Along,
    ) -> WriteResult<Generation>;

    /// Ends a family. Refused with `NotFound` where it is unknown or ended already, so that its event is written once.
    async fn end_family(
        &self,
        tenant: TenantId,
        id: RefreshFamilyId,
        now: Timestamp,
        along: Along,
    ) -> WriteResult<()>;

    /// Ends every live family of a person; says how many.
    async fn end_families(
        &self,
        tenant: TenantId,
        user: UserId,
        now: Timestamp,
        along: Along,
    ) -> WriteResult<u64>;

    /// Removes the rows of families past their absolute deadline; returns how many.
    async fn prune_families(&self, now: Timestamp) -> Result<u64, StoreError>;
}
