//! Refresh families. The row is all a family ever has: a rotation overwrites it and leaves none behind, and an ended
//! family keeps it, and so its id, until its absolute deadline.

use async_trait::async_trait;
use portcullis_core::along::{Along, Refusal};
use portcullis_core::error::StoreError;
use portcullis_core::id::{RefreshFamilyId, TenantId, UserId};
use portcullis_core::refresh::{Generation, RefreshFamily, ResolvedFamily, Rotation, SpentToken};
use portcullis_core::session::Device;
use portcullis_core::store::{RefreshStore, WriteResult};
use portcullis_core::time::Timestamp;

use super::SqlStore;
use super::companions::{accompanied, lock_step};
use super::subject::{epoch, subject, subject_columns};
use crate::columns::{Columns, Row};
use crate::driver::Driver;
use crate::script::{Script, Step};
use crate::value::{Value, values};

pub(super) const RESOLVE: &str = concat!(
    "SELECT f.id, f.tenant_id, f.user_id, f.epoch, f.scopes, f.assurance, f.ip, f.user_agent, \
     f.created_at, f.generation, f.digest, f.digest_key_version, \
     f.idle_deadline, f.absolute_deadline, f.spent_digest, f.spent_digest_key_version, \
     f.spent_at, f.successor, f.successor_key_version, f.ended_at, ",
    subject_columns!(),
    " FROM refresh_families f \
     JOIN accounts a ON a.tenant_id = f.tenant_id AND a.user_id = f.user_id \
     JOIN tenant_security t ON t.tenant_id = f.tenant_id WHERE f.id = ?"
);

fn family(columns: &mut Columns<'_>) -> Result<RefreshFamily, StoreError> {
    columns.of("refresh_families");
    Ok(RefreshFamily {
        id: columns.id("id", RefreshFamilyId::from_bytes)?,
        tenant: columns.id("tenant_id", TenantId::from_bytes)?,
        user: columns.id("user_id", UserId::from_bytes)?,
        epoch: epoch(columns)?,
        scopes: columns.optional_json("scopes")?,
        assurance: columns.json("assurance")?,
        device: Device {
            ip: columns.optional_spelled("ip", |text| text.parse().ok())?,
            user_agent: columns.optional_text("user_agent")?,
        },
        created_at: columns.time("created_at")?,
        generation: columns.number("generation").map(Generation)?,
        current: columns.digest("digest", "digest_key_version")?,
        idle_deadline: columns.time("idle_deadline")?,
        absolute_deadline: columns.time("absolute_deadline")?,
        spent: spent(columns)?,
        ended_at: columns.optional_time("ended_at")?,
    })
}

/// Five columns that are null together.
fn spent(columns: &mut Columns<'_>) -> Result<Option<SpentToken>, StoreError> {
    if columns.is_null() {
        columns.skip(5);
        return Ok(None);
    }
    Ok(Some(SpentToken {
        digest: columns.digest("spent_digest", "spent_digest_key_version")?,
        spent_at: columns.time("spent_at")?,
        successor: columns.sealed("successor", "successor_key_version")?,
    }))
}

fn resolved(columns: &mut Columns<'_>) -> Result<ResolvedFamily, StoreError> {
    Ok(ResolvedFamily {
        family: family(columns)?,
        subject: subject(columns)?,
    })
}

/// Those unused for longest, so that so many remain; locking the account first makes callers at once take turns.
pub(super) const EVICT: &str = "UPDATE refresh_families SET ended_at = ? WHERE id IN \
     (SELECT id FROM refresh_families WHERE tenant_id = ? AND user_id = ? \
     AND ended_at IS NULL AND absolute_deadline > ? \
     ORDER BY idle_deadline DESC, created_at DESC, id DESC LIMIT -1 OFFSET ?)";

const OPEN: &str = "INSERT INTO refresh_families \
     (id, tenant_id, user_id, epoch, scopes, assurance, ip, user_agent, created_at, generation, \
     digest, digest_key_version, idle_deadline, absolute_deadline, \
     spent_digest, spent_digest_key_version, spent_at, successor, successor_key_version, ended_at) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

fn open(script: &mut Script, family: &RefreshFamily, cap: u32) -> Result<(), StoreError> {
    let RefreshFamily {
        tenant,
        user,
        created_at: now,
        ..
    } = *family;
    script.turn_of(user);
    script.step(lock_step(tenant, user).one_or(Refusal::NotFound));
    // The new one always stays, whatever the cap.
    let others = cap.saturating_sub(1);
    let evict = values![now, tenant, user, now, others];
    script.step(Step::new("end surplus families", EVICT, evict));
    let scopes = family.scopes.as_ref().map(Value::json).transpose()?;
    let spent = family.spent.as_ref();
    let values = values![
        family.id,
        tenant,
        user,
        family.epoch.0,
        scopes,
        Value::json(&family.assurance)?,
        family.device.ip.map(|ip| ip.to_string()),
        family.device.user_agent.as_deref(),
        now,
        family.generation.0,
        family.current.bytes,
        family.current.key_version,
        family.idle_deadline,
        family.absolute_deadline,
        spent.map(|spent| spent.digest.bytes),
        spent.map(|spent| spent.digest.key_version),
        spent.map(|spent| spent.spent_at),
        spent.map(|spent| &*spent.successor.bytes),
        spent.map(|spent| spent.successor.key_version),
        family.ended_at,
    ];
    script.step(Step::new("open the family", OPEN, values).if_taken(Refusal::Exists));
    Ok(())
}

/// In this tenant and good for a rotation at the same moment, given twice.
macro_rules! usable {
    () => {
        "id = ? AND tenant_id = ? \
         AND ended_at IS NULL AND idle_deadline > ? AND absolute_deadline > ?"
    };
}

/// The generation decides who of many wins. What is spent is set before what is current: MariaDB assigns from left to
/// right. A generation at its end would stand still and let two tokens be the current one.
const ROTATE: &str = concat!(
    "UPDATE refresh_families SET spent_digest = digest, \
     spent_digest_key_version = digest_key_version, spent_at = ?, \
     successor = ?, successor_key_version = ?, \
     digest = ?, digest_key_version = ?, generation = generation + 1, \
     idle_deadline = min(?, absolute_deadline) WHERE ",
    usable!(),
    " AND generation = ? AND generation < 4294967295"
);

const WHY_NOT_ROTATED: &str = concat!(
    "SELECT generation = ? FROM refresh_families WHERE ",
    usable!()
);

fn rotate_step(tenant: TenantId, id: RefreshFamilyId, rotation: &Rotation) -> Step {
    let Rotation {
        expected: Generation(expected),
        next,
        successor,
        idle_deadline,
        now,
    } = rotation;
    let values = values![
        *now,
        &*successor.bytes,
        successor.key_version,
        next.bytes,
        next.key_version,
        *idle_deadline,
        id,
        tenant,
        *now,
        *now,
        *expected,
    ];
    let why = values![*expected, id, tenant, *now, *now];
    let step = Step::new("rotate the family", ROTATE, values);
    step.one_or_why(WHY_NOT_ROTATED, why, not_rotated)
}

fn not_rotated(rows: &[Row]) -> Result<Refusal, StoreError> {
    let Some(row) = rows.first() else {
        return Ok(Refusal::NotFound);
    };
    if Columns::new(row)
        .of("refresh_families")
        .flag("generation")?
    {
        return Err(StoreError::corrupt("refresh_families", "generation"));
    }
    Ok(Refusal::Stale)
}

const END: &str = "UPDATE refresh_families SET ended_at = ? \
     WHERE id = ? AND tenant_id = ? AND ended_at IS NULL";
pub(super) const END_ALL: &str = "UPDATE refresh_families SET ended_at = ? \
     WHERE tenant_id = ? AND user_id = ? AND ended_at IS NULL AND absolute_deadline > ?";
const ENDED: &str = "end all families";
const PRUNE: &str = "DELETE FROM refresh_families WHERE absolute_deadline <= ?";
const PRUNED: &str = "prune families";

#[async_trait]
impl<D: Driver> RefreshStore for SqlStore<D> {
    async fn open_family(&self, family: &RefreshFamily, cap: u32, along: Along) -> WriteResult<()> {
        let script = accompanied(along, |script| open(script, family, cap))?;
        Ok(self.driver.write(script).await?.map(drop))
    }

    async fn resolve_family(
        &self,
        id: RefreshFamilyId,
    ) -> Result<Option<ResolvedFamily>, StoreError> {
        self.driver.one(RESOLVE, values![id], resolved).await
    }

    async fn rotate_family(
        &self,
        tenant: TenantId,
        id: RefreshFamilyId,
        rotation: &Rotation,
        along: Along,
    ) -> WriteResult<Generation> {
        let script = accompanied(along, |script| {
            script.step(rotate_step(tenant, id, rotation));
            Ok(())
        })?;
        // The guard saw the expected generation below its end.
        let Generation(expected) = rotation.expected;
        let next = Generation(expected.saturating_add(1));
        Ok(self.driver.write(script).await?.map(|_| next))
    }

    async fn end_family(
        &self,
        tenant: TenantId,
        id: RefreshFamilyId,
        now: Timestamp,
        along: Along,
    ) -> WriteResult<()> {
        let script = accompanied(along, |script| {
            let step = Step::new("end the family", END, values![now, id, tenant]);
            script.step(step.one_or(Refusal::NotFound));
            Ok(())
        })?;
        Ok(self.driver.write(script).await?.map(drop))
    }

    async fn end_families(
        &self,
        tenant: TenantId,
        user: UserId,
        now: Timestamp,
        along: Along,
    ) -> WriteResult<u64> {
        let script = accompanied(along, |script| {
            script.turn_of(user);
            let values = values![now, tenant, user, now];
            script.step(Step::new(ENDED, END_ALL, values));
            Ok(())
        })?;
        let written = self.driver.write(script).await?;
        Ok(written.map(|done| done.changed(ENDED)))
    }

    async fn prune_families(&self, now: Timestamp) -> Result<u64, StoreError> {
        let script = Script::of(Step::new(PRUNED, PRUNE, values![now]));
        Ok(self.driver.done(script).await?.changed(PRUNED))
    }
}
