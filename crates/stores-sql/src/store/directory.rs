//! The directory family: people and tenants.

use async_trait::async_trait;
use portcullis_core::along::Refusal;
use portcullis_core::entity::{Tenant, TenantKey, User};
use portcullis_core::error::{StoreError, StoreErrorKind};
use portcullis_core::id::{
    TenantId, UserId, ensure_tenant_id_not_reserved, ensure_user_id_not_reserved,
};
use portcullis_core::identifier::{Identifier, IdentifierKind};
use portcullis_core::store::{IdentityAdmin, IdentityLookup};

use super::SqlStore;
use crate::columns::{Columns, Row};
use crate::driver::Driver;
use crate::script::{Expect, Script, Step};
use crate::value::{Value, values};

macro_rules! user_columns {
    () => {
        "SELECT u.id, u.tenant_id, u.profile, u.created_at, i.kind, i.raw, i.canonical FROM "
    };
}

macro_rules! with_identifiers {
    () => {
        " LEFT JOIN identifiers i ON i.tenant_id = u.tenant_id AND i.user_id = u.id"
    };
}

pub(super) const USER: &str = concat!(
    user_columns!(),
    "users u",
    with_identifiers!(),
    " WHERE u.tenant_id = ? AND u.id = ? ORDER BY i.place"
);

pub(super) const FIND_USER: &str = concat!(
    user_columns!(),
    "identifiers f JOIN users u ON u.tenant_id = f.tenant_id AND u.id = f.user_id",
    with_identifiers!(),
    " WHERE f.tenant_id = ? AND f.kind = ? AND f.canonical = ? ORDER BY i.place"
);

const USERS: &str = concat!(
    user_columns!(),
    "users u",
    with_identifiers!(),
    " WHERE u.tenant_id = ? AND u.id IN \
     (SELECT id FROM users WHERE tenant_id = ? AND id > ? ORDER BY id LIMIT ?) \
     ORDER BY u.id, i.place"
);

/// A row for each identifier, and one for a person without.
fn add_user(users: &mut Vec<User>, columns: &mut Columns<'_>) -> Result<(), StoreError> {
    let id = columns.of("users").id("id", UserId::from_bytes)?;
    if users.last().is_some_and(|user| user.id == id) {
        columns.skip(3);
    } else {
        users.push(User {
            id,
            tenant: columns.id("tenant_id", TenantId::from_bytes)?,
            profile: columns.json("profile")?,
            created_at: columns.time("created_at")?,
            identifiers: Vec::new(),
        });
    }
    if columns.is_null() {
        return Ok(());
    }
    columns.of("identifiers");
    let identifier = Identifier {
        kind: columns.spelled("kind", IdentifierKind::from_stored)?,
        raw: columns.text("raw")?,
        canonical: columns.text("canonical")?,
    };
    if let Some(user) = users.last_mut() {
        user.identifiers.push(identifier);
    }
    Ok(())
}

macro_rules! tenant_by {
    ($predicate:literal) => {
        concat!(
            "SELECT t.id, t.slug, t.name, d.domain \
             FROM tenants t LEFT JOIN tenant_domains d ON d.tenant_id = t.id WHERE ",
            $predicate,
            " ORDER BY d.place"
        )
    };
}

const TENANT_BY_ID: &str = tenant_by!("t.id = ?");
const TENANT_BY_SLUG: &str = tenant_by!("t.slug = ?");
const TENANT_BY_DOMAIN: &str =
    tenant_by!("t.id = (SELECT tenant_id FROM tenant_domains WHERE domain = ?)");

/// A row for each domain, and one for a tenant without.
fn add_tenant(tenants: &mut Vec<Tenant>, columns: &mut Columns<'_>) -> Result<(), StoreError> {
    if tenants.is_empty() {
        columns.of("tenants");
        tenants.push(Tenant {
            id: columns.id("id", TenantId::from_bytes)?,
            slug: columns.text("slug")?,
            name: columns.text("name")?,
            domains: Vec::new(),
        });
    } else {
        columns.skip(3);
    }
    let domain = columns.of("tenant_domains").optional_text("domain")?;
    if let Some(tenant) = tenants.last_mut() {
        tenant.domains.extend(domain);
    }
    Ok(())
}

#[async_trait]
impl<D: Driver> IdentityLookup for SqlStore<D> {
    async fn user(&self, tenant: TenantId, user: UserId) -> Result<Option<User>, StoreError> {
        let values = values![tenant, user];
        Ok(self.driver.few(USER, values, add_user).await?.pop())
    }

    async fn find_user(
        &self,
        tenant: TenantId,
        identifier: &Identifier,
    ) -> Result<Option<User>, StoreError> {
        let values = values![tenant, identifier.kind.as_str(), &identifier.canonical];
        Ok(self.driver.few(FIND_USER, values, add_user).await?.pop())
    }

    async fn tenant(&self, key: TenantKey<'_>) -> Result<Option<Tenant>, StoreError> {
        let (sql, value) = match key {
            TenantKey::Id(id) => (TENANT_BY_ID, Value::from(id)),
            TenantKey::Slug(slug) => (TENANT_BY_SLUG, Value::from(slug)),
            TenantKey::Domain(domain) => (TENANT_BY_DOMAIN, Value::from(domain)),
        };
        Ok(self.driver.few(sql, vec![value], add_tenant).await?.pop())
    }
}

const INSERT_USER: &str = "INSERT INTO users (tenant_id, id, profile, created_at) \
     SELECT ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM tenants WHERE id = ?)";

/// A person in a tenant that is there; a taken id is left to the caller.
pub(super) fn user_step(user: &User) -> Result<Step, StoreError> {
    let values = values![
        user.tenant,
        user.id,
        Value::json(&user.profile)?,
        user.created_at,
        user.tenant,
    ];
    Ok(Step::new("insert the person", INSERT_USER, values).one_or(Refusal::NotFound))
}

/// Of two callers at once with the same person the second waits, and then finds that person there.
const INSERT_NEW_USER: &str = "INSERT INTO users (tenant_id, id, profile, created_at) \
     SELECT ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM tenants WHERE id = ?) ON CONFLICT DO NOTHING";
const WHOSE_ID: &str = "SELECT tenant_id = ? FROM users WHERE id = ?";

fn not_new(rows: &[Row]) -> Result<Refusal, StoreError> {
    let Some(row) = rows.first() else {
        return Ok(Refusal::NotFound);
    };
    let same = Columns::new(row).of("users").flag("tenant_id")?;
    Ok(if same {
        Refusal::Exists
    } else {
        Refusal::Reserved
    })
}

/// A person; [`Refusal::Exists`] where the same person is there already, [`Refusal::Reserved`] where the id is
/// somebody's in another tenant.
fn new_user_step(user: &User) -> Result<Step, StoreError> {
    let mut step = user_step(user)?;
    step.statement.sql = INSERT_NEW_USER;
    Ok(step.one_or_why(WHOSE_ID, values![user.tenant, user.id], not_new))
}

const INSERT_IDENTIFIER: &str = "INSERT INTO identifiers \
     (tenant_id, kind, canonical, raw, user_id, place) VALUES (?, ?, ?, ?, ?, ?)";

/// A person's identifiers, in their order; one that is taken ends the script.
pub(super) fn identifier_steps(
    tenant: TenantId,
    user: UserId,
    identifiers: &[Identifier],
) -> impl Iterator<Item = Step> {
    (0_u32..).zip(identifiers).map(move |(place, identifier)| {
        let values = values![
            tenant,
            identifier.kind.as_str(),
            &identifier.canonical,
            &identifier.raw,
            user,
            place,
        ];
        Step::new("insert an identifier", INSERT_IDENTIFIER, values)
    })
}

const INSERT_TENANT: &str = "INSERT INTO tenants (id, slug, name) VALUES (?, ?, ?)";
const INSERT_DOMAIN: &str =
    "INSERT INTO tenant_domains (domain, tenant_id, place) VALUES (?, ?, ?)";

/// A tenant in the directory; an id that is taken ends the script.
pub(super) fn tenant_step(tenant: &Tenant) -> Step {
    let values = values![tenant.id, &tenant.slug, &tenant.name];
    Step::new("insert the tenant", INSERT_TENANT, values)
}

/// A tenant's domains, in their order; one that is taken ends the script.
pub(super) fn domain_steps(tenant: &Tenant) -> impl Iterator<Item = Step> {
    (0_u32..).zip(&tenant.domains).map(|(place, domain)| {
        let values = values![domain, tenant.id, place];
        Step::new("insert a domain", INSERT_DOMAIN, values)
    })
}

/// Of two callers at once with the same tenant the second waits, and then finds it there.
const INSERT_NEW_TENANT: &str = "INSERT INTO tenants (id, slug, name) SELECT ?, ?, ? \
     WHERE NOT EXISTS (SELECT 1 FROM tenants WHERE id = ?) ON CONFLICT (id) DO NOTHING";

/// A tenant alone; [`Refusal::Exists`] where it is there already.
fn new_tenant_step(tenant: &Tenant) -> Step {
    let values = values![tenant.id, &tenant.slug, &tenant.name, tenant.id];
    Step::new("insert the tenant", INSERT_NEW_TENANT, values).one_or(Refusal::Exists)
}

/// Of two callers at once the second replaces what the first one set.
const USER_IS_THERE: &str = "SELECT 1 FROM users WHERE tenant_id = ? AND id = ? /*! FOR UPDATE */";
pub(super) const RELEASE_IDENTIFIERS: &str =
    "DELETE FROM identifiers WHERE tenant_id = ? AND user_id = ?";
const SET_PROFILE: &str = "UPDATE users SET profile = ? WHERE tenant_id = ? AND id = ?";
pub(super) const REMOVE_USER: &str = "DELETE FROM users WHERE tenant_id = ? AND id = ?";

/// A person, with what they could be found by.
pub(super) fn remove_user_step(tenant: TenantId, user: UserId) -> Step {
    Step::new("remove the person", REMOVE_USER, values![tenant, user])
}

const RENAME_TENANT: &str = "UPDATE tenants SET name = ? WHERE id = ?";

#[async_trait]
impl<D: Driver> IdentityAdmin for SqlStore<D> {
    async fn users(
        &self,
        tenant: TenantId,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        // No bytes sort before every id.
        let after = after.map_or(Value::Blob(Vec::new()), Value::from);
        let values = values![tenant, tenant, after, limit.clamp(1, 1000)];
        self.driver.many(USERS, values, add_user).await
    }

    async fn new_user_id(&self, _tenant: TenantId, offered: UserId) -> Result<UserId, StoreError> {
        Ok(offered)
    }

    async fn create_user(&self, user: &User) -> Result<(), StoreError> {
        let conflict = || StoreError::new(StoreErrorKind::Conflict);
        ensure_user_id_not_reserved(user.id)
            .map_err(|reserved| conflict().with_source(reserved))?;
        let mut script = Script::of(new_user_step(user)?);
        for step in identifier_steps(user.tenant, user.id, &user.identifiers) {
            script.step(step.if_taken(Refusal::IdentifierTaken));
        }
        match self.driver.write(script).await?.refusal() {
            // There already: the same person again is done.
            None | Some(Refusal::Exists) => Ok(()),
            Some(refusal) => Err(conflict().with_source(*refusal)),
        }
    }

    async fn set_identifiers(
        &self,
        tenant: TenantId,
        user: UserId,
        identifiers: &[Identifier],
    ) -> Result<bool, StoreError> {
        let mut there = Step::new("find the person", USER_IS_THERE, values![tenant, user])
            .one_or(Refusal::NotFound);
        there.expect = Expect::OneRow;
        let mut script = Script::of(there);
        let values = values![tenant, user];
        script.step(Step::new(
            "release identifiers",
            RELEASE_IDENTIFIERS,
            values,
        ));
        for step in identifier_steps(tenant, user, identifiers) {
            script.step(step);
        }
        Ok(self.driver.change(script).await?.is_some())
    }

    async fn set_profile(
        &self,
        tenant: TenantId,
        user: UserId,
        profile: &serde_json::Value,
    ) -> Result<bool, StoreError> {
        let values = values![Value::json(profile)?, tenant, user];
        let step = Step::new("set the profile", SET_PROFILE, values).one_or(Refusal::NotFound);
        Ok(self.driver.change(Script::of(step)).await?.is_some())
    }

    async fn remove_user(&self, tenant: TenantId, user: UserId) -> Result<bool, StoreError> {
        let step = remove_user_step(tenant, user).one_or(Refusal::NotFound);
        Ok(self.driver.change(Script::of(step)).await?.is_some())
    }

    async fn insert_tenant(&self, tenant: &Tenant) -> Result<(), StoreError> {
        let conflict = || StoreError::new(StoreErrorKind::Conflict);
        ensure_tenant_id_not_reserved(tenant.id)
            .map_err(|reserved| conflict().with_source(reserved))?;
        let taken = Refusal::IdentifierTaken;
        let mut script = Script::of(new_tenant_step(tenant).if_taken(taken));
        for step in domain_steps(tenant) {
            script.step(step.if_taken(taken));
        }
        match self.driver.write(script).await?.refusal() {
            None | Some(Refusal::Exists) => Ok(()),
            Some(refusal) => Err(conflict().with_source(*refusal)),
        }
    }

    async fn rename_tenant(&self, tenant: TenantId, name: &str) -> Result<bool, StoreError> {
        let step = Step::new("rename the tenant", RENAME_TENANT, values![name, tenant]);
        let step = step.one_or(Refusal::NotFound);
        Ok(self.driver.change(Script::of(step)).await?.is_some())
    }
}
