//! What is checked and set up once, before an instance starts.

use std::collections::HashMap;
use std::sync::Arc;

use ipnet::IpNet;
use portcullis_core::along::{Along, Refusal, Write};
use portcullis_core::backend::AuthBackend;
use portcullis_core::clock::Clock;
use portcullis_core::entity::{Tenant, TenantKey, TenantSecurity};
use portcullis_core::entropy::Entropy;
use portcullis_core::error::{StoreError, StoreErrorKind};
use portcullis_core::event::AuthEventType;
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::net::ClientInfo;
use portcullis_core::policy::{PolicyOverrides, TenantPolicy};
use portcullis_core::state::{EntityState, Status};
use portcullis_tokens::keys::{KeyMarker, KeyRings};

use super::BuildError;
use crate::journal::Journal;
use crate::portcullis::Stores;
use crate::settings::Settings;

/// The slug of the tenant that requests belong to which name no other.
const DEFAULT_TENANT_SLUG: &str = "default";

/// The backends of each tenant that has an order of its own.
pub(super) fn orders(
    chain: &[Arc<dyn AuthBackend>],
    orders: Vec<(TenantId, Vec<String>)>,
) -> Result<HashMap<TenantId, Vec<Arc<dyn AuthBackend>>>, BuildError> {
    let find = |name: String| match chain.iter().find(|backend| backend.name() == name) {
        Some(backend) => Ok(Arc::clone(backend)),
        None => Err(BuildError::UnknownBackend(name)),
    };
    let ordered = |(tenant, names): (TenantId, Vec<String>)| {
        Ok((
            tenant,
            names
                .into_iter()
                .map(find)
                .collect::<Result<_, BuildError>>()?,
        ))
    };
    orders.into_iter().map(ordered).collect()
}

pub(super) fn check(settings: &Settings) -> Result<(), BuildError> {
    TenantPolicy::default()
        .overlaid(&settings.policy)
        .validate()?;
    let segments_fit = |path: &str| {
        path.split('/').all(|segment| {
            !segment.is_empty()
                && segment
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        })
    };
    if !settings
        .mount_path
        .strip_prefix('/')
        .is_some_and(segments_fit)
    {
        return Err(BuildError::MountPath);
    }
    let page = settings.sign_in_page.strip_prefix('/');
    if !page.is_some_and(|rest| rest.is_empty() || segments_fit(rest)) {
        return Err(BuildError::SignInPage);
    }
    Ok(())
}

/// A list of proxies with everybody in it would let every client say who it is.
pub(super) fn refuse_everybody<'a>(
    nets: impl IntoIterator<Item = &'a IpNet>,
) -> Result<(), BuildError> {
    match nets.into_iter().find(|net| net.prefix_len() == 0) {
        Some(everybody) => Err(BuildError::TrustsEverybody(*everybody)),
        None => Ok(()),
    }
}

/// Refuses keys that are not the database's, and notes new versions of those that are.
pub(crate) async fn check_keys(stores: &Stores, keys: &KeyRings) -> Result<(), BuildError> {
    let current = keys.marker();
    // A second process may write its marker between our read and ours; then there is one to compare with.
    for _ in 0..3 {
        let stored = stores.security.key_marker().await?;
        let outdated = match &stored {
            None => true,
            Some(text) => {
                let marker = KeyMarker::parse(text).map_err(BuildError::Marker)?;
                marker.accepts(&current).map_err(BuildError::OtherKeys)?
            }
        };
        if !outdated
            || stores
                .security
                .set_key_marker(stored.as_deref(), &current.to_string())
                .await?
        {
            return Ok(());
        }
    }
    Err(BuildError::Store(StoreError::new(StoreErrorKind::Stale)))
}

pub(super) async fn default_tenant(
    stores: &Stores,
    journal: &Journal,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<TenantId, BuildError> {
    let find = || {
        stores
            .directory
            .tenant(TenantKey::Slug(DEFAULT_TENANT_SLUG))
    };
    let now = clock.now();
    let security_of = |tenant| TenantSecurity {
        tenant,
        status: Status::new(EntityState::Active, now),
        policy: PolicyOverrides::default(),
    };
    let created = |tenant| {
        let kind = AuthEventType::TenantCreated;
        let event = journal.event(tenant, kind, &ClientInfo::default())?;
        Ok::<_, BuildError>(Along::event(event.by(UserId::SYSTEM).finish()))
    };
    if let Some(Tenant { id, .. }) = find().await? {
        // A directory of the adopter's own knows tenants that we have not seen yet; and a process may have died between
        // its half and ours.
        if stores.security.tenant_security(id).await?.is_none() {
            let security = security_of(id);
            let opening = stores.security.open_tenant(&security, created(id)?);
            return match opening.await? {
                Write::Applied(()) | Write::Refused(Refusal::Exists) => Ok(id),
                Write::Refused(refusal) => Err(conflict(refusal)),
            };
        }
        return Ok(id);
    }
    let tenant = Tenant {
        id: TenantId::time_ordered(now, entropy)?,
        slug: DEFAULT_TENANT_SLUG.to_owned(),
        domains: Vec::new(),
        name: "Default".to_owned(),
    };
    let security = security_of(tenant.id);
    let along = created(tenant.id)?;
    match stores
        .crossing
        .create_tenant(&tenant, &security, along)
        .await?
    {
        Write::Applied(()) => Ok(tenant.id),
        // Another process was faster.
        Write::Refused(Refusal::Exists) => match find().await? {
            Some(tenant) => Ok(tenant.id),
            None => Err(StoreError::new(StoreErrorKind::Stale).into()),
        },
        Write::Refused(refusal) => Err(conflict(refusal)),
    }
}

fn conflict(refusal: Refusal) -> BuildError {
    StoreError::new(StoreErrorKind::Conflict)
        .with_source(refusal)
        .into()
}
