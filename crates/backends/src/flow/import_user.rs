//! Brings somebody over from another system, with the password hash that it kept.
//!
//! Nobody is told: an import sends no mail. Whoever is there already stays as they are.

use portcullis_core::along::{Refusal, Write};
use portcullis_core::entity::{Enrolment, Tenant, TenantKey, User};
use portcullis_core::event::AuthEventType;
use portcullis_core::factor::FactorConfig;
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::identifier::{Identifier, IdentifierKind};
use portcullis_core::secret::PasswordHash;
use portcullis_core::state::EntityState;
use portcullis_core::time::Timestamp;
use portcullis_tokens::password::ForeignHash;
use serde_json::{Value, json};

use crate::error::FlowError;
use crate::portcullis::Portcullis;

/// The most bytes of a profile as JSON.
pub const PROFILE_MAX_BYTES: usize = 16 * 1024;

/// A person of another system.
#[derive(Clone, Debug)]
pub struct ImportUser {
    /// Their e-mail address, their user name, or both; one of a kind.
    pub identifiers: Vec<Identifier>,
    /// Whether the other system had proof that the address is theirs. Without, the account is a candidate and no
    /// password is taken over: its owner proves the address here and sets one, so that nobody who registered it elsewhere comes
    /// in. User names need no proof.
    pub verified: bool,
    /// The hash that the other system kept; `None` for somebody without a password.
    pub password: Option<ForeignHash>,
    /// What else is known: a JSON object.
    pub profile: Value,
    /// Since when the other system knew them; without it, from this moment on.
    pub created_at: Option<Timestamp>,
    /// How they arrive.
    pub state: ImportState,
}

/// How somebody arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImportState {
    /// In use, or a candidate where their address is not proved.
    #[default]
    Active,
    /// Switched off until an operator activates them.
    Suspended,
}

/// How an import ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportOutcome {
    /// They are here.
    Imported {
        /// Who they are from now on.
        user: UserId,
    },
    /// All their identifiers are somebody's already: an earlier import brought them, or they came by themselves.
    /// Nothing is changed.
    Exists {
        /// Who that is.
        user: UserId,
    },
    /// Some of their identifiers are somebody else's. Nothing is changed.
    Conflict,
    /// Nobody who could be imported.
    Refused(ImportRefusal),
}

/// Why somebody cannot be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportRefusal {
    /// No identifier, or two of one kind.
    #[error("one e-mail address, one user name, or both are needed")]
    Identifiers,
    /// The profile is no JSON object, or longer than [`PROFILE_MAX_BYTES`].
    #[error("the profile is not a JSON object of at most {PROFILE_MAX_BYTES} bytes")]
    Profile,
}

impl Portcullis {
    /// Imports one person: account, identifiers, factor and event are written together or not at all. The same person
    /// again is done already.
    ///
    /// # Errors
    /// [`FlowError::Unavailable`] where the store does not answer; [`FlowError::Internal`] for somebody with a password
    /// where the instance was built without the feature `foreign-hashes`, or with a hasher that adopts none.
    pub async fn import_user(
        &self,
        tenant: TenantId,
        import: ImportUser,
    ) -> Result<ImportOutcome, FlowError> {
        if let Err(refusal) = check(&import) {
            return Ok(ImportOutcome::Refused(refusal));
        }
        let now = self.now();
        let id = UserId::time_ordered(now, self.entropy())?;
        let proved = import.is_proved();
        let foreign = import.password.filter(|_| proved);
        let detail = json!({
            "import": true,
            "password": foreign.as_ref().map(ForeignHash::scheme),
        });
        let along = self.operator_event(tenant, id, AuthEventType::AccountOpened, detail)?;
        let factor = match foreign {
            Some(foreign) => Some(FactorConfig::Password(self.adopt(&foreign)?)),
            None => None,
        };
        let state = match import.state {
            ImportState::Suspended => EntityState::Suspended,
            ImportState::Active if proved => EntityState::Active,
            ImportState::Active => EntityState::Candidate,
        };
        let enrolment = Enrolment {
            handle: handle(&import.identifiers),
            user: User {
                id,
                tenant,
                identifiers: import.identifiers,
                profile: import.profile,
                created_at: import.created_at.unwrap_or(now),
            },
            state,
            verified: proved,
            factor,
            now,
        };
        match self.0.stores.crossing.enrol(&enrolment, along).await? {
            Write::Applied(()) => Ok(ImportOutcome::Imported { user: id }),
            Write::Refused(Refusal::IdentifierTaken) => {
                let found = self.who_has(tenant, &enrolment.user.identifiers).await?;
                // Whoever had it is gone meanwhile.
                found.ok_or_else(|| FlowError::Unavailable(Box::new(Refusal::Stale)))
            }
            Write::Refused(refusal) => Err(FlowError::internal(refusal)),
        }
    }

    /// What would keep [`Portcullis::import_user`] from importing somebody, at this moment; nothing is written.
    ///
    /// # Errors
    /// [`FlowError::Unavailable`] where the store does not answer.
    pub async fn check_import(
        &self,
        tenant: TenantId,
        import: &ImportUser,
    ) -> Result<Option<ImportOutcome>, FlowError> {
        match check(import) {
            Ok(()) => self.who_has(tenant, &import.identifiers).await,
            Err(refusal) => Ok(Some(ImportOutcome::Refused(refusal))),
        }
    }

    /// A tenant by id, slug or domain.
    ///
    /// # Errors
    /// [`FlowError::Unavailable`] where the store does not answer.
    pub async fn find_tenant(&self, key: TenantKey<'_>) -> Result<Option<Tenant>, FlowError> {
        Ok(self.0.stores.directory.tenant(key).await?)
    }

    async fn who_has(
        &self,
        tenant: TenantId,
        identifiers: &[Identifier],
    ) -> Result<Option<ImportOutcome>, FlowError> {
        let mut owners = Vec::with_capacity(identifiers.len());
        for identifier in identifiers {
            let found = self
                .0
                .stores
                .directory
                .find_user(tenant, identifier)
                .await?;
            owners.push(found.map(|user| user.id));
        }
        let same = |first: UserId| owners.iter().all(|owner| *owner == Some(first));
        Ok(match owners.iter().flatten().next() {
            None => None,
            Some(&user) if same(user) => Some(ImportOutcome::Exists { user }),
            Some(_) => Some(ImportOutcome::Conflict),
        })
    }

    fn adopt(&self, foreign: &ForeignHash) -> Result<PasswordHash, FlowError> {
        let adopts = self.0.adopts.as_ref().ok_or_else(|| {
            FlowError::internal(
                "built without the feature foreign-hashes, or with a hasher that adopts none",
            )
        })?;
        Ok(adopts.adopt(foreign)?)
    }
}

impl ImportUser {
    /// Whether they come in with what they have: their address is proved, or they have none.
    #[must_use]
    pub fn is_proved(&self) -> bool {
        let has_address = |known: &Identifier| known.kind == IdentifierKind::Email;
        self.verified || !self.identifiers.iter().any(has_address)
    }
}

fn check(import: &ImportUser) -> Result<(), ImportRefusal> {
    match import.identifiers.as_slice() {
        [_] => {}
        [one, other] if one.kind != other.kind => {}
        _ => return Err(ImportRefusal::Identifiers),
    }
    let length = import.profile.to_string().len();
    if !import.profile.is_object() || length > PROFILE_MAX_BYTES {
        return Err(ImportRefusal::Profile);
    }
    Ok(())
}

/// The address, and the user name of somebody without.
fn handle(identifiers: &[Identifier]) -> String {
    let address = |identifier: &&Identifier| identifier.kind == IdentifierKind::Email;
    let shown = identifiers.iter().find(address).or(identifiers.first());
    shown
        .map(|identifier| identifier.raw.clone())
        .unwrap_or_default()
}
