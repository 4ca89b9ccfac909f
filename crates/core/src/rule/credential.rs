//! Whether a credential still counts.

use std::net::IpAddr;

use crate::api_token::ResolvedApiToken;
use crate::entity::{Epoch, SubjectState};
use crate::event::Reason;
use crate::policy::IpPolicy;
use crate::refresh::ResolvedFamily;
use crate::rule::CLOCK_SKEW;
use crate::session::ResolvedSession;
use crate::state::EntityState;
use crate::time::Timestamp;

/// Whether something was made by a clock that ran ahead. Its deadlines are as far ahead, so it would outlive everything
/// that was made in time: it is over as soon as the clock is right again.
fn is_from_the_future(created_at: Timestamp, now: Timestamp) -> bool {
    created_at > now.plus(CLOCK_SKEW)
}

/// From where a credential comes, and what the system says about that.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The client's address, where it is known.
    pub ip: Option<IpAddr>,
    /// The policy that holds where the tenant sets none of its own.
    pub system: &'a IpPolicy,
}

/// Whether a person of this tenant may come from there. Nothing is allocated for it.
///
/// # Errors
/// [`Reason::AddressNotAllowed`].
pub fn arrive(subject: &SubjectState, from: Arrival<'_>) -> Result<(), Reason> {
    match from.system.admits_under(&subject.ip, from.ip) {
        true => Ok(()),
        false => Err(Reason::AddressNotAllowed),
    }
}

/// Whether a person may act at all: tenant and account are active, and the credential's epoch is the current one.
/// `None` stands for a credential that does not follow the epoch, such as an API token.
///
/// # Errors
/// The first [`Reason`] against it.
pub fn admit(subject: &SubjectState, epoch: Option<Epoch>, now: Timestamp) -> Result<(), Reason> {
    if subject.tenant_status.effective_at(now) != EntityState::Active {
        return Err(Reason::TenantInactive);
    }
    match subject.user_status.effective_at(now) {
        EntityState::Active => {}
        EntityState::Candidate | EntityState::Pending => return Err(Reason::Unverified),
        EntityState::Suspended => return Err(Reason::Suspended),
        EntityState::Terminated | EntityState::Archived => return Err(Reason::Terminated),
    }
    if epoch.is_some_and(|epoch| epoch != subject.epoch) {
        return Err(Reason::EpochMoved);
    }
    Ok(())
}

/// Whether a link in a mail may set a new password. It proves the address, so it also activates an account that has
/// proved nothing yet; it brings nobody back whom somebody switched off. `None` for a link that is still to be made.
///
/// # Errors
/// The first [`Reason`] against it.
pub fn reset(subject: &SubjectState, epoch: Option<Epoch>, now: Timestamp) -> Result<(), Reason> {
    match subject.user_status.effective_at(now) {
        EntityState::Candidate | EntityState::Pending => {
            let mut proved = subject.clone();
            proved.user_status.state = EntityState::Active;
            admit(&proved, epoch, now)
        }
        _ => admit(subject, epoch, now),
    }
}

/// Whether a session still counts, from there.
///
/// # Errors
/// The first [`Reason`] against it.
pub fn session(
    resolved: &ResolvedSession,
    from: Arrival<'_>,
    now: Timestamp,
) -> Result<(), Reason> {
    let session = &resolved.session;
    if session.revoked_at.is_some() {
        return Err(Reason::Revoked);
    }
    if !session.is_live(now) || is_from_the_future(session.created_at, now) {
        return Err(Reason::Expired);
    }
    arrive(&resolved.subject, from)?;
    admit(&resolved.subject, Some(session.epoch), now)
}

/// Whether a refresh family still counts, from there, and with it its access tokens.
///
/// # Errors
/// The first [`Reason`] against it.
pub fn family(resolved: &ResolvedFamily, from: Arrival<'_>, now: Timestamp) -> Result<(), Reason> {
    let family = &resolved.family;
    if family.ended_at.is_some() {
        return Err(Reason::Revoked);
    }
    if !family.is_live(now) || is_from_the_future(family.created_at, now) {
        return Err(Reason::Expired);
    }
    arrive(&resolved.subject, from)?;
    admit(&resolved.subject, Some(family.epoch), now)
}

/// Whether an API token still counts, from this address. It follows its owner's state, not the epoch: a password
/// change does not break a deployment pipeline, suspension does.
///
/// # Errors
/// The first [`Reason`] against it.
pub fn api_token(
    resolved: &ResolvedApiToken,
    from: Arrival<'_>,
    now: Timestamp,
) -> Result<(), Reason> {
    let token = &resolved.token;
    if token.revoked_at.is_some() {
        return Err(Reason::Revoked);
    }
    if !token.is_live(now) {
        return Err(Reason::Expired);
    }
    if !token.ip_allowlist.allows(from.ip) {
        return Err(Reason::AddressNotAllowed);
    }
    arrive(&resolved.subject, from)?;
    admit(&resolved.subject, None, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{TenantId, UserId};
    use crate::net::Networks;
    use crate::policy::IpOverrides;
    use crate::state::Status;

    fn subject(user: EntityState, tenant: EntityState) -> SubjectState {
        let now = Timestamp::from_secs(0);
        SubjectState {
            user: UserId::from_integer(1),
            tenant: TenantId::from_integer(1),
            handle: String::new(),
            user_status: Status::new(user, now),
            tenant_status: Status::new(tenant, now),
            epoch: Epoch(3),
            roles: Default::default(),
            ip: IpOverrides::default(),
        }
    }

    #[test]
    fn only_an_active_person_in_an_active_tenant_is_admitted() {
        let now = Timestamp::from_secs(1);
        for user in EntityState::ALL {
            for tenant in EntityState::ALL {
                let admitted = admit(&subject(user, tenant), None, now).is_ok();
                assert_eq!(
                    admitted,
                    user == EntityState::Active && tenant == EntityState::Active
                );
            }
        }
    }

    #[test]
    fn a_moved_epoch_ends_what_was_made_before() {
        let subject = subject(EntityState::Active, EntityState::Active);
        let now = Timestamp::from_secs(1);
        assert_eq!(
            admit(&subject, Some(Epoch(2)), now),
            Err(Reason::EpochMoved)
        );
        assert_eq!(admit(&subject, Some(Epoch(3)), now), Ok(()));
    }

    #[test]
    fn a_person_comes_from_where_their_tenant_says_or_else_the_system() {
        let system = IpPolicy {
            allow: Networks::parse(["192.0.2.0/24"]).unwrap(),
            ..IpPolicy::default()
        };
        let mut subject = subject(EntityState::Active, EntityState::Active);
        let mut from = Arrival {
            ip: Some([192, 0, 2, 1].into()),
            system: &system,
        };
        assert_eq!(arrive(&subject, from), Ok(()));
        subject.ip.deny = Some(Networks::parse(["192.0.2.1"]).unwrap());
        assert_eq!(arrive(&subject, from), Err(Reason::AddressNotAllowed));
        from.ip = None;
        assert_eq!(arrive(&subject, from), Err(Reason::AddressNotAllowed));
    }
}
