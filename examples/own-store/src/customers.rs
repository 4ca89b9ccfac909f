//! The shop's own customers as a directory: portcullis asks here who people are, and keeps nothing of it.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use portcullis_http_axum::core::entity::{Tenant, TenantKey, User};
use portcullis_http_axum::core::error::{StoreError, StoreErrorKind};
use portcullis_http_axum::core::id::{TenantId, UserId, ensure_tenant_id_not_reserved};
use portcullis_http_axum::core::identifier::{Identifier, IdentifierKind};
use portcullis_http_axum::core::store::{IdentityAdmin, IdentityLookup};
use portcullis_http_axum::core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use serde_json::Value;

/// The customers, in the shop's own database.
#[derive(Clone, Debug)]
pub(crate) struct Customers(Arc<Mutex<Connection>>);

impl Customers {
    pub(crate) fn open(path: &Path) -> Result<Self, rusqlite::Error> {
        let connection = Connection::open(path)?;
        connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL;")?;
        connection.execute_batch(include_str!("schema.sql"))?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Runs a transaction on a thread that may block. An error rolls it back.
    async fn transact<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let connection = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || {
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            let transaction = connection.transaction().map_err(failed)?;
            let answer = work(&transaction)?;
            transaction.commit().map_err(failed)?;
            Ok(answer)
        });
        done.await.map_err(|panicked| {
            StoreError::new(StoreErrorKind::Indeterminate).with_source(panicked)
        })?
    }
}

/// What is taken or unknown is a conflict; everything else is a database that cannot be had.
fn failed(error: rusqlite::Error) -> StoreError {
    let kind = match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => StoreErrorKind::Conflict,
        _ => StoreErrorKind::Unavailable,
    };
    StoreError::new(kind).with_source(error)
}

fn conflict() -> StoreError {
    StoreError::new(StoreErrorKind::Conflict)
}

/// The customer number of an id; `None` for an id that is none of ours.
fn number_of(id: UserId) -> Option<i64> {
    id.to_integer().and_then(|key| i64::try_from(key).ok())
}

fn id_of(number: i64) -> Result<UserId, StoreError> {
    let key = u64::try_from(number).map_err(|_| StoreError::corrupt("customers", "number"))?;
    Ok(UserId::from_integer(key))
}

fn customer(
    transaction: &Transaction<'_>,
    tenant: TenantId,
    number: i64,
) -> Result<Option<User>, StoreError> {
    let found = transaction
        .query_row(
            "SELECT profile, since FROM customers WHERE shop = ? AND number = ?",
            params![tenant.as_bytes(), number],
            |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)),
        )
        .optional()
        .map_err(failed)?;
    let Some((profile, since)) = found else {
        return Ok(None);
    };
    let mut statement = transaction
        .prepare_cached("SELECT kind, raw, canonical FROM logins WHERE customer = ? ORDER BY place")
        .map_err(failed)?;
    let rows = statement.query_map([number], |row| {
        let kind: String = row.get(0)?;
        Ok((kind, row.get(1)?, row.get(2)?))
    });
    let mut identifiers = Vec::new();
    for row in rows.map_err(failed)? {
        let (kind, raw, canonical) = row.map_err(failed)?;
        let kind = IdentifierKind::from_stored(&kind)
            .ok_or_else(|| StoreError::corrupt("logins", "kind"))?;
        identifiers.push(Identifier {
            kind,
            raw,
            canonical,
        });
    }
    let profile = serde_json::from_str(&profile)
        .map_err(|error| StoreError::corrupt("customers", "profile").with_source(error))?;
    Ok(Some(User {
        id: id_of(number)?,
        tenant,
        identifiers,
        profile,
        created_at: Timestamp::from_micros(since),
    }))
}

fn set_logins(
    transaction: &Transaction<'_>,
    tenant: TenantId,
    number: i64,
    identifiers: &[Identifier],
) -> Result<(), StoreError> {
    transaction
        .execute("DELETE FROM logins WHERE customer = ?", [number])
        .map_err(failed)?;
    for (place, identifier) in (0_u32..).zip(identifiers) {
        transaction
            .execute(
                "INSERT INTO logins (shop, kind, canonical, raw, customer, place) \
                 VALUES (?, ?, ?, ?, ?, ?)",
                params![
                    tenant.as_bytes(),
                    identifier.kind.as_str(),
                    identifier.canonical,
                    identifier.raw,
                    number,
                    place
                ],
            )
            .map_err(failed)?;
    }
    Ok(())
}

#[async_trait]
impl IdentityLookup for Customers {
    async fn user(&self, tenant: TenantId, user: UserId) -> Result<Option<User>, StoreError> {
        let Some(number) = number_of(user) else {
            return Ok(None);
        };
        self.transact(move |transaction| customer(transaction, tenant, number))
            .await
    }

    async fn find_user(
        &self,
        tenant: TenantId,
        identifier: &Identifier,
    ) -> Result<Option<User>, StoreError> {
        let (kind, canonical) = (identifier.kind, identifier.canonical.clone());
        self.transact(move |transaction| {
            let number = transaction
                .query_row(
                    "SELECT customer FROM logins WHERE shop = ? AND kind = ? AND canonical = ?",
                    params![tenant.as_bytes(), kind.as_str(), canonical],
                    |row| row.get(0),
                )
                .optional()
                .map_err(failed)?;
            number.map_or(Ok(None), |number| customer(transaction, tenant, number))
        })
        .await
    }

    async fn tenant(&self, key: TenantKey<'_>) -> Result<Option<Tenant>, StoreError> {
        let (by, value) = match key {
            TenantKey::Id(id) => ("id = ?", rusqlite::types::Value::Blob(id.as_bytes().into())),
            TenantKey::Slug(slug) => ("slug = ?", slug.to_owned().into()),
            TenantKey::Domain(domain) => (
                "id = (SELECT shop FROM shop_domains WHERE domain = ?)",
                domain.to_owned().into(),
            ),
        };
        self.transact(move |transaction| {
            let shop = transaction
                .query_row(
                    &format!("SELECT id, slug, name FROM shops WHERE {by}"),
                    [value],
                    |row| Ok((row.get::<_, [u8; 16]>(0)?, row.get(1)?, row.get(2)?)),
                )
                .optional()
                .map_err(failed)?;
            let Some((id, slug, name)) = shop else {
                return Ok(None);
            };
            let mut statement = transaction
                .prepare_cached("SELECT domain FROM shop_domains WHERE shop = ? ORDER BY place")
                .map_err(failed)?;
            let domains = statement.query_map([id], |row| row.get(0));
            let domains = domains.and_then(Iterator::collect).map_err(failed)?;
            Ok(Some(Tenant {
                id: TenantId::from_bytes(id),
                slug,
                domains,
                name,
            }))
        })
        .await
    }
}

#[async_trait]
impl IdentityAdmin for Customers {
    async fn users(
        &self,
        tenant: TenantId,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        let after = after.and_then(number_of).unwrap_or(-1);
        let limit = limit.clamp(1, 1000);
        self.transact(move |transaction| {
            let mut statement = transaction
                .prepare_cached(
                    "SELECT number FROM customers WHERE shop = ? AND number > ? \
                     ORDER BY number LIMIT ?",
                )
                .map_err(failed)?;
            let numbers = statement
                .query_map(params![tenant.as_bytes(), after, limit], |row| row.get(0))
                .and_then(Iterator::collect::<Result<Vec<i64>, _>>)
                .map_err(failed)?;
            let found = numbers
                .into_iter()
                .filter_map(|number| customer(transaction, tenant, number).transpose());
            found.collect()
        })
        .await
    }

    /// A number of ours, whatever was offered.
    async fn new_user_id(&self, _tenant: TenantId, _offered: UserId) -> Result<UserId, StoreError> {
        self.transact(|transaction| {
            let draw = "INSERT INTO customer_numbers DEFAULT VALUES RETURNING number";
            let number = transaction.query_row(draw, [], |row| row.get(0));
            let number: i64 = number.map_err(failed)?;
            // The sequence remembers it without the row.
            transaction
                .execute("DELETE FROM customer_numbers", [])
                .map_err(failed)?;
            id_of(number)
        })
        .await
    }

    async fn create_user(&self, user: &User) -> Result<(), StoreError> {
        let (user, number) = (user.clone(), number_of(user.id).ok_or_else(conflict)?);
        self.transact(move |transaction| {
            let shop = transaction
                .query_row(
                    "SELECT shop FROM customers WHERE number = ?",
                    [number],
                    |row| row.get::<_, [u8; 16]>(0),
                )
                .optional()
                .map_err(failed)?;
            match shop {
                None => {}
                Some(shop) if shop == *user.tenant.as_bytes() => return Ok(()),
                Some(_) => return Err(conflict()),
            }
            transaction
                .execute(
                    "INSERT INTO customers (number, shop, profile, since) VALUES (?, ?, ?, ?)",
                    params![
                        number,
                        user.tenant.as_bytes(),
                        user.profile.to_string(),
                        user.created_at.as_micros()
                    ],
                )
                .map_err(failed)?;
            set_logins(transaction, user.tenant, number, &user.identifiers)
        })
        .await
    }

    async fn set_identifiers(
        &self,
        tenant: TenantId,
        user: UserId,
        identifiers: &[Identifier],
    ) -> Result<bool, StoreError> {
        let Some(number) = number_of(user) else {
            return Ok(false);
        };
        let identifiers = identifiers.to_vec();
        self.transact(move |transaction| {
            if customer(transaction, tenant, number)?.is_none() {
                return Ok(false);
            }
            set_logins(transaction, tenant, number, &identifiers)?;
            Ok(true)
        })
        .await
    }

    async fn set_profile(
        &self,
        tenant: TenantId,
        user: UserId,
        profile: &Value,
    ) -> Result<bool, StoreError> {
        let (number, profile) = (number_of(user), profile.to_string());
        self.transact(move |transaction| {
            let changed = transaction.execute(
                "UPDATE customers SET profile = ? WHERE shop = ? AND number = ?",
                params![profile, tenant.as_bytes(), number],
            );
            Ok(changed.map_err(failed)? == 1)
        })
        .await
    }

    async fn remove_user(&self, tenant: TenantId, user: UserId) -> Result<bool, StoreError> {
        let number = number_of(user);
        self.transact(move |transaction| {
            let removed = transaction.execute(
                "DELETE FROM customers WHERE shop = ? AND number = ?",
                params![tenant.as_bytes(), number],
            );
            Ok(removed.map_err(failed)? == 1)
        })
        .await
    }

    async fn insert_tenant(&self, tenant: &Tenant) -> Result<(), StoreError> {
        ensure_tenant_id_not_reserved(tenant.id)
            .map_err(|reserved| conflict().with_source(reserved))?;
        let tenant = tenant.clone();
        self.transact(move |transaction| {
            let id = tenant.id.as_bytes();
            let there = transaction
                .query_row("SELECT 1 FROM shops WHERE id = ?", [id], |_| Ok(()))
                .optional()
                .map_err(failed)?;
            if there.is_some() {
                return Ok(());
            }
            transaction
                .execute(
                    "INSERT INTO shops (id, slug, name) VALUES (?, ?, ?)",
                    params![id, tenant.slug, tenant.name],
                )
                .map_err(failed)?;
            for (place, domain) in (0_u32..).zip(&tenant.domains) {
                transaction
                    .execute(
                        "INSERT INTO shop_domains (domain, shop, place) VALUES (?, ?, ?)",
                        params![domain, id, place],
                    )
                    .map_err(failed)?;
            }
            Ok(())
        })
        .await
    }

    async fn rename_tenant(&self, tenant: TenantId, name: &str) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.transact(move |transaction| {
            let renamed = transaction.execute(
                "UPDATE shops SET name = ? WHERE id = ?",
                params![name, tenant.as_bytes()],
            );
            Ok(renamed.map_err(failed)? == 1)
        })
        .await
    }
}
