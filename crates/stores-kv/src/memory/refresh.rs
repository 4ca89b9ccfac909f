//! Refresh families. The row is all a family ever has: a rotation overwrites it and leaves none behind.

use async_trait::async_trait;

use portcullis_core::along::{Along, Refusal};
use portcullis_core::error::StoreError;
use portcullis_core::id::{RefreshFamilyId, TenantId, UserId};
use portcullis_core::refresh::{Generation, RefreshFamily, ResolvedFamily, Rotation, SpentToken};
use portcullis_core::store::{RefreshStore, WriteResult};
use portcullis_core::time::Timestamp;

use super::state::{Owner, State};
use super::{MemoryStore, Stop};

impl State {
    fn open_family(&mut self, family: &RefreshFamily, cap: u32) -> Result<(), Stop> {
        let owner = (family.tenant, family.user);
        self.holder(owner)?;
        if self.families.contains(&family.id) {
            return Err(Refusal::Exists.into());
        }
        let now = family.created_at;
        let live = |there: &&RefreshFamily| is_of(there, owner) && there.is_live(now);
        let mut live: Vec<&RefreshFamily> = self.families.rows().filter(live).collect();
        live.sort_unstable_by_key(|there| (there.idle_deadline, there.created_at, there.id));
        // The new one always stays, whatever the cap.
        let others = usize::try_from(cap.saturating_sub(1)).unwrap_or(usize::MAX);
        let surplus = live.len().saturating_sub(others);
        let unused: Vec<RefreshFamilyId> = live.iter().take(surplus).map(|old| old.id).collect();
        for id in unused {
            self.families
                .update(&id, |there| there.ended_at = Some(now));
        }
        self.families.put(family.id, family.clone());
        Ok(())
    }

    fn rotate_family(
        &mut self,
        tenant: TenantId,
        id: RefreshFamilyId,
        rotation: &Rotation,
    ) -> Result<Generation, Stop> {
        let now = rotation.now;
        let usable = |family: &&RefreshFamily| {
            family.tenant == tenant && family.is_live(now) && now < family.idle_deadline
        };
        let family = self.families.get(&id).filter(usable);
        let Generation(before) = family.ok_or(Refusal::NotFound)?.generation;
        if Generation(before) != rotation.expected {
            return Err(Refusal::Stale.into());
        }
        // At its end it would stand still and let two tokens be the current one: refused instead.
        let after = before
            .checked_add(1)
            .ok_or_else(|| StoreError::corrupt("refresh_families", "generation"))?;
        self.families.update(&id, |family| {
            family.spent = Some(SpentToken {
                digest: family.current,
                spent_at: now,
                successor: rotation.successor.clone(),
            });
            family.generation = Generation(after);
            family.current = rotation.next;
            family.idle_deadline = rotation.idle_deadline.min(family.absolute_deadline);
        });
        Ok(Generation(after))
    }
}

fn is_of(family: &RefreshFamily, owner: Owner) -> bool {
    (family.tenant, family.user) == owner
}

#[async_trait]
impl RefreshStore for MemoryStore {
    async fn open_family(&self, family: &RefreshFamily, cap: u32, along: Along) -> WriteResult<()> {
        self.write(along, |state| state.open_family(family, cap))
    }

    async fn resolve_family(
        &self,
        id: RefreshFamilyId,
    ) -> Result<Option<ResolvedFamily>, StoreError> {
        self.read(|state| {
            let family = state.families.get(&id)?.clone();
            let subject = state.subject((family.tenant, family.user))?;
            Some(ResolvedFamily { family, subject })
        })
    }

    async fn rotate_family(
        &self,
        tenant: TenantId,
        id: RefreshFamilyId,
        rotation: &Rotation,
        along: Along,
    ) -> WriteResult<Generation> {
        self.write(along, |state| state.rotate_family(tenant, id, rotation))
    }

    async fn end_family(
        &self,
        tenant: TenantId,
        id: RefreshFamilyId,
        now: Timestamp,
        along: Along,
    ) -> WriteResult<()> {
        self.write(along, |state| {
            let open =
                |family: &&RefreshFamily| family.tenant == tenant && family.ended_at.is_none();
            if state.families.get(&id).filter(open).is_none() {
                return Err(Refusal::NotFound.into());
            }
            state
                .families
                .update(&id, |family| family.ended_at = Some(now));
            Ok(())
        })
    }

    async fn end_families(
        &self,
        tenant: TenantId,
        user: UserId,
        now: Timestamp,
        along: Along,
    ) -> WriteResult<u64> {
        self.write(along, |state| {
            let live =
                |family: &RefreshFamily| is_of(family, (tenant, user)) && family.is_live(now);
            Ok(state
                .families
                .update_where(live, |family| family.ended_at = Some(now)))
        })
    }

    async fn prune_families(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.change(|state| {
            Ok(state
                .families
                .remove_where(|family| family.absolute_deadline <= now))
        })
    }
}
