//! What every flow asks of a new password, with one answer for all of them (SECURITY PW-01, PW-07).

use portcullis_core::entity::User;
use portcullis_core::policy::TenantPolicy;
use portcullis_core::rule::password::{self, PasswordRejection};
use portcullis_core::secret::Password;
use serde_json::Value;

use crate::error::FlowError;
use crate::portcullis::Portcullis;

/// Where a profile says what somebody is called, as in OpenID Connect (Core 1.0 section 5.1).
const NAMES: [&str; 6] = [
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
];

impl Portcullis {
    /// Whether somebody may have this password. `address` is what they prove to be theirs; `user` is what the directory
    /// knows of them, where it does. Breaches are asked about last: whatever is refused here is nobody else's to see.
    pub(in crate::flow) async fn judge_password(
        &self,
        password: &Password,
        policy: &TenantPolicy,
        address: &str,
        user: Option<&User>,
    ) -> Result<Result<(), PasswordRejection>, FlowError> {
        match self.judge_by_rules(password, policy, address, user) {
            Ok(()) => self.judge_by_breaches(password, policy).await,
            refused => Ok(refused),
        }
    }

    /// The part of it that needs nothing but the password and what is known of its owner.
    pub(super) fn judge_by_rules(
        &self,
        password: &Password,
        policy: &TenantPolicy,
        address: &str,
        user: Option<&User>,
    ) -> Result<(), PasswordRejection> {
        let known = self.known_of(address, user);
        password::check(password, &policy.password, &known)
    }

    /// The part of it that somebody else is asked about.
    pub(super) async fn judge_by_breaches(
        &self,
        password: &Password,
        policy: &TenantPolicy,
    ) -> Result<Result<(), PasswordRejection>, FlowError> {
        let breached = self.0.breaches.knows(password, &policy.password).await?;
        Ok(if breached {
            Err(PasswordRejection::Breached)
        } else {
            Ok(())
        })
    }

    /// What a password must not be made of.
    fn known_of<'a>(&'a self, address: &'a str, user: Option<&'a User>) -> Vec<&'a str> {
        let mut known = vec![self.0.settings.app_name(), address];
        if let Some(user) = user {
            known.extend(user.identifiers.iter().map(|one| one.canonical.as_str()));
            let names = NAMES.iter().filter_map(|name| user.profile.get(name));
            known.extend(names.filter_map(Value::as_str));
        }
        // The part behind the last dot of a domain is in everybody's.
        known
            .into_iter()
            .map(|text| match text.rsplit_once('.') {
                Some((start, _)) if text.contains('@') => start,
                _ => text,
            })
            .collect()
    }
}
