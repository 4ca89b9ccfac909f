//! Checking a password: counted before it is checked, one hash on every way through, and the reason in the audit log
//! only. Sign-in and HTTP Basic share it, and with it one count and one dummy hash.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::along::{Along, Write};
use portcullis_core::clock::Clock;
use portcullis_core::entity::User;
use portcullis_core::event::{AuthEventType, Reason};
use portcullis_core::factor::{FactorConfig, FactorKind, FactorVersion, LoadedFactor};
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::identifier::Identifier;
use portcullis_core::net::{ClientInfo, DeviceMark};
use portcullis_core::policy::TenantPolicy;
use portcullis_core::rule;
use portcullis_core::secret::{Password, PasswordHash};
use portcullis_core::state::EntityState;
use portcullis_core::store::{
    AttemptKey, AttemptPurpose, IdentityAdmin, Reservation, SecurityStore, Settlement,
};
use portcullis_core::time::Timestamp;
use portcullis_tokens::opaque::Tokens;
use portcullis_tokens::password::PasswordHasher;
use serde_json::{Value, json};

use crate::devices;
use crate::error::FlowError;
use crate::journal::Journal;

/// The most bytes of what somebody types to say who they are; longer is cut, and therefore nobody.
pub const IDENTIFIER_MAX_BYTES: usize = 512;

pub(crate) struct Passwords {
    pub(crate) directory: Arc<dyn IdentityAdmin>,
    pub(crate) security: Arc<dyn SecurityStore>,
    pub(crate) hasher: Arc<dyn PasswordHasher>,
    pub(crate) tokens: Tokens,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) journal: Arc<Journal>,
    /// The default with the system's settings over it.
    pub(crate) system_policy: TenantPolicy,
}

/// For whom a password is checked.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) client: &'a ClientInfo,
    /// What the audit log calls it.
    pub(crate) event: AuthEventType,
    /// What the audit log says of it, such as the factors used.
    pub(crate) detail: &'a Value,
}

/// How a check ended.
pub(crate) enum Checked {
    /// It matches, and whose it is may act. The count is zero again, and the event is written.
    Matched(Box<Matched>),
    /// It does not, or they may not; the reason is in the audit log only.
    Refused,
    /// Too many failures before this one. Nothing was hashed.
    Locked { retry_after: Duration },
}

/// A password that matched, and whose.
pub(crate) struct Matched {
    pub(crate) user: UserId,
    pub(crate) loaded: LoadedFactor,
    hash: PasswordHash,
    pub(crate) version: FactorVersion,
    /// When the password was set.
    pub(crate) changed_at: Timestamp,
    outdated: bool,
}

impl Passwords {
    /// A tenant's policy: the default, the system's settings over it, the tenant's own over both.
    pub(crate) async fn policy(&self, tenant: TenantId) -> Result<TenantPolicy, FlowError> {
        Ok(self.policy_and_state(tenant).await?.0)
    }

    /// A tenant's policy, and whether the tenant is active: one that is not there is not.
    pub(crate) async fn policy_and_state(
        &self,
        tenant: TenantId,
    ) -> Result<(TenantPolicy, bool), FlowError> {
        let own = self.security.tenant_security(tenant).await?;
        let system = self.system_policy.clone();
        Ok(match own {
            Some(own) => {
                let state = own.status.effective_at(self.clock.now());
                let policy = system.overlaid(&own.policy);
                (policy, state == EntityState::Active)
            }
            None => (system, false),
        })
    }

    pub(crate) fn identifier_digest(&self, tenant: TenantId, typed: &str) -> [u8; 32] {
        let typed = bounded(typed);
        match Identifier::parse(typed) {
            Ok(identifier) => self.tokens.identifier_digest(tenant, &identifier.canonical),
            Err(_) => self.tokens.identifier_digest(tenant, typed),
        }
    }

    /// What the failures of an attempt are counted under: the identifier, or this browser where its owner has signed in
    /// with it before.
    pub(crate) fn attempts_of(
        &self,
        tenant: TenantId,
        typed: &str,
        device: &DeviceMark,
    ) -> [u8; 32] {
        let identifier = self.identifier_digest(tenant, typed);
        devices::counted_as(&self.tokens, tenant, identifier, device)
    }

    /// Under what the failures of a person are counted, whoever makes them, and those of this browser.
    pub(crate) fn counts_of(&self, user: &User, device: &DeviceMark) -> Vec<AttemptKey> {
        let tenant = user.tenant;
        let mut counts = Vec::new();
        for known in &user.identifiers {
            let everybodys = self.tokens.identifier_digest(tenant, &known.canonical);
            let browsers = devices::counted_as(&self.tokens, tenant, everybodys, device);
            counts.push(everybodys);
            if browsers != everybodys {
                counts.push(browsers);
            }
        }
        let keys = counts.into_iter().flat_map(|identifier| {
            AttemptPurpose::ALL.iter().map(move |purpose| AttemptKey {
                tenant,
                identifier,
                purpose: *purpose,
            })
        });
        keys.collect()
    }

    /// Checks a password for what somebody typed to say who they are.
    pub(crate) async fn check(
        &self,
        typed: &str,
        password: &Password,
        policy: &TenantPolicy,
        asking: Asking<'_>,
    ) -> Result<Checked, FlowError> {
        let typed = bounded(typed);
        let key = AttemptKey {
            tenant: asking.tenant,
            identifier: self.attempts_of(asking.tenant, typed, &asking.client.device),
            purpose: AttemptPurpose::Password,
        };
        let now = self.clock.now();
        if let Reservation::Locked { until } = self
            .security
            .reserve_attempt(&key, &policy.lockout, now)
            .await?
        {
            self.note_locked(&key, typed, asking).await?;
            return Ok(Checked::Locked {
                retry_after: until.since(now),
            });
        }
        let event = self
            .journal
            .event(asking.tenant, asking.event, asking.client)?;
        let verified = self.verify(typed, password, asking).await?;
        // Whoever comes from where nobody may is refused like anybody else, after the same work.
        let verified = match policy.ip.admits(asking.client.ip) {
            true => verified,
            false => Err((whose(verified), Reason::AddressNotAllowed)),
        };
        let (settlement, along, checked) = match verified {
            Ok(matched) => {
                let event = event.about(matched.user).with(asking.detail.clone());
                let settlement = Settlement::Succeeded { user: matched.user };
                (
                    settlement,
                    Along::event(event.finish()),
                    Checked::Matched(Box::new(matched)),
                )
            }
            Err((user, reason)) => {
                // Somebody unknown is logged by digest alone: the field may hold a typed password.
                let detail = json!({ "identifier_digest": hex16(&key.identifier) });
                let event = event.about_if_known(user).refused(reason).with(detail);
                (
                    Settlement::Failed,
                    Along::event(event.finish()),
                    Checked::Refused,
                )
            }
        };
        match self
            .security
            .settle_attempt(&key, settlement, self.clock.now(), along)
            .await?
        {
            Write::Applied(()) => Ok(checked),
            // The account went away meanwhile.
            Write::Refused(_) => Ok(Checked::Refused),
        }
    }

    /// The delay depends on the count alone, and so does the work: one look-up and one entry for anybody, by digest.
    async fn note_locked(
        &self,
        key: &AttemptKey,
        typed: &str,
        asking: Asking<'_>,
    ) -> Result<(), FlowError> {
        let found = match Identifier::parse(typed) {
            Ok(identifier) => self.directory.find_user(asking.tenant, &identifier).await?,
            Err(_) => None,
        };
        let (kind, reason) = (asking.event, Reason::LockedOut);
        let detail = json!({ "identifier_digest": hex16(&key.identifier) });
        let about = found.map(|user| user.id);
        let noted = key.identifier.first_chunk().copied().unwrap_or_default();
        self.journal
            .note_once(
                noted,
                asking.tenant,
                about,
                kind,
                reason,
                detail,
                asking.client,
            )
            .await;
        Ok(())
    }

    /// Exactly one hash on every way through.
    async fn verify(
        &self,
        typed: &str,
        password: &Password,
        asking: Asking<'_>,
    ) -> Result<Result<Matched, (Option<UserId>, Reason)>, FlowError> {
        let (user, loaded, missing) = self.load(typed, asking.tenant).await?;
        let factor = loaded.as_ref().and_then(|loaded| loaded.factor.as_ref());
        let hash = factor.and_then(|factor| match &factor.config {
            FactorConfig::Password(hash) => {
                Some((hash.clone(), (factor.version, factor.changed_at)))
            }
            _ => None,
        });
        let verification = self
            .hasher
            .verify(password, hash.as_ref().map(|(hash, _)| hash))
            .await?;
        let (Some(user), Some(loaded)) = (user, loaded) else {
            return Ok(Err((user, missing)));
        };
        let admitted = rule::credential::admit(&loaded.subject, None, self.clock.now());
        let Some((hash, (version, changed_at))) = hash else {
            // An account that is not proved yet has no password.
            return Ok(Err((
                Some(user),
                admitted.err().unwrap_or(Reason::NoPassword),
            )));
        };
        if !verification.matches {
            return Ok(Err((Some(user), Reason::WrongPassword)));
        }
        match admitted {
            Ok(()) => Ok(Ok(Matched {
                user,
                loaded,
                hash,
                version,
                changed_at,
                outdated: verification.outdated,
            })),
            Err(reason) => Ok(Err((Some(user), reason))),
        }
    }

    /// The same two reads whether anybody has the name or not.
    async fn load(
        &self,
        typed: &str,
        tenant: TenantId,
    ) -> Result<(Option<UserId>, Option<LoadedFactor>, Reason), FlowError> {
        let Ok(identifier) = Identifier::parse(typed) else {
            return Ok((None, None, Reason::MalformedIdentifier));
        };
        let found = self.directory.find_user(tenant, &identifier).await?;
        // Nobody ever has the reserved id, and looking them up costs as much.
        let id = found.as_ref().map_or(UserId::SYSTEM, |user| user.id);
        let loaded = self
            .security
            .load_factor(tenant, id, FactorKind::Password)
            .await?;
        Ok(match found {
            Some(user) => (Some(user.id), loaded, Reason::NoPassword),
            None => (None, None, Reason::UnknownIdentifier),
        })
    }

    /// Brings an old hash up to the current parameters. A password that changed meanwhile wins.
    pub(crate) async fn rehash(
        &self,
        matched: &Matched,
        password: &Password,
        asking: Asking<'_>,
    ) -> Result<(), FlowError> {
        if !matched.outdated {
            return Ok(());
        }
        let hash = match self.hasher.hash(password).await {
            Ok(hash) if hash != matched.hash => hash,
            Ok(_) => return Ok(()),
            // The check itself is good; the next one tries again.
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "an old password hash was not upgraded"
                );
                return Ok(());
            }
        };
        let event = self.journal.event(
            asking.tenant,
            AuthEventType::PasswordRehashed,
            asking.client,
        )?;
        let along = Along::event(event.about(matched.user).finish());
        let config = FactorConfig::Password(hash);
        // The password is the one it was: it was set when it was set.
        let saved = self.security.compare_and_save_factor(
            asking.tenant,
            matched.user,
            matched.version,
            &config,
            matched.changed_at,
            along,
        );
        if let Write::Refused(refusal) = saved.await? {
            tracing::debug!(%refusal, "the password changed while its hash was upgraded; the newer one stays");
        }
        Ok(())
    }
}

fn whose(verified: Result<Matched, (Option<UserId>, Reason)>) -> Option<UserId> {
    match verified {
        Ok(matched) => Some(matched.user),
        Err((user, _)) => user,
    }
}

fn bounded(typed: &str) -> &str {
    let mut end = typed.len().min(IDENTIFIER_MAX_BYTES);
    while !typed.is_char_boundary(end) {
        end -= 1;
    }
    typed.get(..end).unwrap_or_default()
}

fn hex16(bytes: &[u8]) -> String {
    bytes
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
