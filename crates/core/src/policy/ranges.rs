//! The range of every value.

use std::time::Duration;

use super::{DAY, HOUR, MINUTE, SignUpMode, TenantPolicy};

/// A policy value outside its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("policy: {field} must be {range}")]
pub struct PolicyError {
    /// The field as configuration spells it.
    pub field: &'static str,
    /// The allowed range in words.
    pub range: &'static str,
}

impl TenantPolicy {
    /// Checks every range.
    ///
    /// # Errors
    /// [`PolicyError`] naming the first field outside its range.
    pub fn validate(&self) -> Result<(), PolicyError> {
        let within = |value: Duration, least: u64, most: u64| {
            value >= Duration::from_secs(least) && value <= Duration::from_secs(most)
        };
        let checks = [
            (
                (1..=100).contains(&self.lockout.free_attempts),
                "lockout_free_attempts",
                "1..=100",
            ),
            (
                within(self.lockout.base_delay, 1, HOUR),
                "lockout_base_delay_secs",
                "1..=3600",
            ),
            (
                within(self.lockout.max_delay, 1, DAY),
                "lockout_max_delay_secs",
                "1..=86400",
            ),
            (
                self.lockout.base_delay <= self.lockout.max_delay,
                "lockout_base_delay_secs",
                "at most lockout_max_delay_secs",
            ),
            (
                (8..=128).contains(&self.password.min_length),
                "password_min_length",
                "8..=128",
            ),
            (
                within(self.password.change_cooldown, 0, DAY),
                "password_change_cooldown_secs",
                "0..=86400",
            ),
            (self.password.history <= 24, "password_history", "0..=24"),
            (
                within(self.session.idle, MINUTE, 400 * DAY),
                "session_idle_secs",
                "60 s to 400 days",
            ),
            (
                within(self.session.absolute, MINUTE, 400 * DAY),
                "session_absolute_secs",
                "60 s to 400 days",
            ),
            (
                (1..=1000).contains(&self.session.max_per_user),
                "session_max_per_user",
                "1..=1000",
            ),
            (
                within(self.session.fresh_within, 10, HOUR),
                "session_fresh_within_secs",
                "10..=3600",
            ),
            (
                self.api_token.max_per_user <= 1000,
                "api_token_max_per_user",
                "0..=1000",
            ),
            (
                within(self.api_token.max_lifetime, MINUTE, 3653 * DAY),
                "api_token_max_lifetime_secs",
                "60 s to 10 years",
            ),
            (
                within(self.token.access, MINUTE, DAY),
                "token_access_secs",
                "60..=86400",
            ),
            (
                within(self.token.refresh_idle, MINUTE, 400 * DAY),
                "token_refresh_idle_secs",
                "60 s to 400 days",
            ),
            (
                within(self.token.refresh_absolute, MINUTE, 400 * DAY),
                "token_refresh_absolute_secs",
                "60 s to 400 days",
            ),
            (
                within(self.token.refresh_grace, 0, 60),
                "token_refresh_grace_secs",
                "0..=60",
            ),
            (
                (1..=1000).contains(&self.token.refresh_max_per_user),
                "token_refresh_max_per_user",
                "1..=1000",
            ),
            (
                within(self.link.email_verification, MINUTE, 7 * DAY),
                "link_email_verification_secs",
                "60..=604800",
            ),
            (
                within(self.link.magic_link, MINUTE, 15 * MINUTE),
                "link_magic_link_secs",
                "60..=900",
            ),
            (
                within(self.link.email_change, MINUTE, DAY),
                "link_email_change_secs",
                "60..=86400",
            ),
            (
                within(self.link.password_reset, MINUTE, HOUR),
                "link_password_reset_secs",
                "60..=3600",
            ),
            (
                self.sign_up.mode != SignUpMode::Domains || !self.sign_up.domains.is_empty(),
                "sign_up_domains",
                "one domain at least where sign_up is domains",
            ),
            (
                within(self.sign_in.email_code_life, MINUTE, 10 * MINUTE),
                "email_code_life_secs",
                "60..=600",
            ),
            (
                within(self.account.erase_after, 0, 365 * DAY),
                "account_erase_after_secs",
                "at most 365 days",
            ),
            (
                within(self.account.unproved, 0, 365 * DAY),
                "account_unproved_secs",
                "at most 365 days",
            ),
            (
                self.account.unproved >= self.link.email_verification,
                "account_unproved_secs",
                "at least link_email_verification_secs",
            ),
        ];
        match checks.into_iter().find(|(holds, ..)| !holds) {
            Some((_, field, range)) => Err(PolicyError { field, range }),
            None => Ok(()),
        }
    }
}
