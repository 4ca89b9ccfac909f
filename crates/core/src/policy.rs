//! What a tenant asks of its people, inherited from the system field by field.

mod ip;
mod parts;
mod ranges;
mod sign_up;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::net::Networks;

pub use ip::{IpOverrides, IpPolicy};
pub use parts::{
    AccountPolicy, ApiTokenPolicy, LinkPolicy, LockoutPolicy, PasswordRules, SessionPolicy,
    SignInPolicy, TokenPolicy,
};
pub use ranges::PolicyError;
pub use sign_up::{EMAIL_DOMAINS_MAX, EmailDomainError, EmailDomains, SignUpMode, SignUpPolicy};

/// Everything a tenant's policy says, resolved.
///
/// | field | default |
/// |---|---|
/// | lockout | 5 free attempts, then 1 s doubling to 15 min, forgotten after 24 h |
/// | password | at least 15 code points, no wait between changes, earlier ones may be used again |
/// | session | idle 14 days, absolute 90 days, 50 a person, fresh for 5 min |
/// | api_token | 50 a person, at most 366 days, end optional |
/// | token | access 15 min; refresh idle 30 days, absolute 90 days, grace 10 s, 50 a person |
/// | link | e-mail verification 24 h, password reset 30 min, magic link 15 min, change of address 24 h |
/// | sign_in | a magic link signs in and makes no account; no code by mail, and where there is one, for 10 min |
/// | sign_up | open to everybody |
/// | account | erased 30 days after it was closed; removed after 7 days without a proof |
/// | ip | from everywhere |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantPolicy {
    /// Delays after failures.
    pub lockout: LockoutPolicy,
    /// Password rules.
    pub password: PasswordRules,
    /// Session lifetimes.
    pub session: SessionPolicy,
    /// API token limits.
    pub api_token: ApiTokenPolicy,
    /// Access and refresh tokens.
    pub token: TokenPolicy,
    /// Lifetimes of one-time links.
    pub link: LinkPolicy,
    /// Ways to sign in.
    pub sign_in: SignInPolicy,
    /// Who may sign up by themselves.
    pub sign_up: SignUpPolicy,
    /// Closed and unproved accounts.
    pub account: AccountPolicy,
    /// From where people may come.
    pub ip: IpPolicy,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

impl Default for TenantPolicy {
    fn default() -> Self {
        Self {
            lockout: LockoutPolicy {
                free_attempts: 5,
                base_delay: Duration::from_secs(1),
                max_delay: Duration::from_secs(15 * MINUTE),
                window: Duration::from_secs(DAY),
            },
            password: PasswordRules {
                min_length: 15,
                breach_check_required: false,
                change_cooldown: Duration::ZERO,
                history: 0,
            },
            session: SessionPolicy {
                idle: Duration::from_secs(14 * DAY),
                absolute: Duration::from_secs(90 * DAY),
                max_per_user: 50,
                fresh_within: Duration::from_secs(5 * MINUTE),
            },
            api_token: ApiTokenPolicy {
                max_per_user: 50,
                max_lifetime: Duration::from_secs(366 * DAY),
                expiry_required: false,
            },
            token: TokenPolicy {
                access: Duration::from_secs(15 * MINUTE),
                refresh_idle: Duration::from_secs(30 * DAY),
                refresh_absolute: Duration::from_secs(90 * DAY),
                refresh_grace: Duration::from_secs(10),
                refresh_max_per_user: 50,
            },
            link: LinkPolicy {
                email_verification: Duration::from_secs(DAY),
                password_reset: Duration::from_secs(30 * MINUTE),
                magic_link: Duration::from_secs(15 * MINUTE),
                email_change: Duration::from_secs(DAY),
            },
            sign_in: SignInPolicy {
                magic_link: true,
                magic_link_sign_up: false,
                email_code: false,
                email_code_life: Duration::from_secs(10 * MINUTE),
            },
            sign_up: SignUpPolicy::default(),
            account: AccountPolicy {
                erase_after: Duration::from_secs(30 * DAY),
                unproved: Duration::from_secs(7 * DAY),
            },
            ip: IpPolicy::default(),
        }
    }
}

macro_rules! overrides {
    ($($(#[$doc:meta])* $name:ident: $kind:ty => $($path:ident).+, $apply:expr;)+) => {
        /// The fields of [`TenantPolicy`] that one level sets; what it leaves out is inherited.
        ///
        /// Durations are whole seconds. Unknown fields are refused.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct PolicyOverrides {
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $name: Option<$kind>,)+
        }

        impl TenantPolicy {
            /// This policy with what `level` sets put over it.
            #[must_use]
            pub fn overlaid(mut self, level: &PolicyOverrides) -> Self {
                $(if let Some(value) = level.$name.clone() {
                    let apply: fn($kind) -> _ = $apply;
                    self.$($path).+ = apply(value);
                })+
                self
            }
        }
    };
}

fn same<T>(value: T) -> T {
    value
}

fn secs(value: u32) -> Duration {
    Duration::from_secs(u64::from(value))
}

overrides! {
    /// Failures in a row before the first delay (1..=100).
    lockout_free_attempts: u32 => lockout.free_attempts, same;
    /// The first delay, in seconds (1..=3600).
    lockout_base_delay_secs: u32 => lockout.base_delay, secs;
    /// The longest delay, in seconds (1..=86400).
    lockout_max_delay_secs: u32 => lockout.max_delay, secs;
    /// Least password length in code points (8..=128).
    password_min_length: u32 => password.min_length, same;
    /// How many of the latest passwords may not be set again, the one that holds now among them (0..=24).
    password_history: u32 => password.history, same;
    /// Whether a new password is taken only where it is known not to be from a breach.
    password_breach_check_required: bool => password.breach_check_required, same;
    /// How long a new password holds before its owner may change it again, in seconds (0..=86400).
    password_change_cooldown_secs: u32 => password.change_cooldown, secs;
    /// Idle end of a session, in seconds.
    session_idle_secs: u32 => session.idle, secs;
    /// Absolute end of a session, in seconds (at most 400 days).
    session_absolute_secs: u32 => session.absolute, secs;
    /// The most live sessions a person has (1..=1000).
    session_max_per_user: u32 => session.max_per_user, same;
    /// How recent the sign-in behind a sensitive change must be, in seconds (at most 3600).
    session_fresh_within_secs: u32 => session.fresh_within, secs;
    /// The most live API tokens a person has (0..=1000).
    api_token_max_per_user: u32 => api_token.max_per_user, same;
    /// The longest life of an API token, in seconds (at most 10 years).
    api_token_max_lifetime_secs: u32 => api_token.max_lifetime, secs;
    /// Whether an API token must name its end.
    api_token_expiry_required: bool => api_token.expiry_required, same;
    /// Life of an access token, in seconds (60..=86400).
    token_access_secs: u32 => token.access, secs;
    /// Idle end of a refresh token, in seconds (at most 400 days).
    token_refresh_idle_secs: u32 => token.refresh_idle, secs;
    /// Absolute end of a refresh family, in seconds (at most 400 days).
    token_refresh_absolute_secs: u32 => token.refresh_absolute, secs;
    /// Grace for a spent refresh token, in seconds (0..=60).
    token_refresh_grace_secs: u32 => token.refresh_grace, secs;
    /// The most live refresh families a person has (1..=1000).
    token_refresh_max_per_user: u32 => token.refresh_max_per_user, same;
    /// Life of an e-mail verification link, in seconds (60..=604800).
    link_email_verification_secs: u32 => link.email_verification, secs;
    /// Life of a magic link, in seconds (60..=900).
    link_magic_link_secs: u32 => link.magic_link, secs;
    /// Life of a link that changes the address, in seconds (60..=86400).
    link_email_change_secs: u32 => link.email_change, secs;
    /// Whether a link in a mail signs in.
    magic_link: bool => sign_in.magic_link, same;
    /// Whether a magic link makes the account where the address has none.
    magic_link_sign_up: bool => sign_in.magic_link_sign_up, same;
    /// Whether a code in a mail signs in.
    email_code: bool => sign_in.email_code, same;
    /// Life of a code in a mail, in seconds (60..=600).
    email_code_life_secs: u32 => sign_in.email_code_life, secs;
    /// Life of a password reset link, in seconds (60..=3600).
    link_password_reset_secs: u32 => link.password_reset, secs;
    /// Who may sign up by themselves: `open`, `domains`, `invite_only` or `closed`.
    sign_up: SignUpMode => sign_up.mode, same;
    /// The domains of addresses that may, such as `example.com` and `*.example.com` (at most 256).
    sign_up_domains: EmailDomains => sign_up.domains, same;
    /// How long after an account was closed its owner is erased, in seconds (at most 365 days).
    account_erase_after_secs: u32 => account.erase_after, secs;
    /// How long a sign-up may stay without a proof, in seconds (at least link_email_verification_secs, at most 365 days).
    account_unproved_secs: u32 => account.unproved, secs;
    /// Networks that people may come from, all others not; empty for everywhere (at most 256).
    ip_allow: Networks => ip.allow, same;
    /// Networks that people may not come from, also where `ip_allow` has them (at most 256).
    ip_deny: Networks => ip.deny, same;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_inherits_what_it_does_not_set() {
        let system = PolicyOverrides {
            password_min_length: Some(20),
            session_idle_secs: Some(60),
            ..Default::default()
        };
        let tenant = PolicyOverrides {
            session_idle_secs: Some(120),
            ..Default::default()
        };
        let policy = TenantPolicy::default().overlaid(&system).overlaid(&tenant);
        assert_eq!(policy.password.min_length, 20);
        assert_eq!(policy.session.idle, Duration::from_secs(120));
        assert_eq!(
            policy.session.absolute,
            TenantPolicy::default().session.absolute
        );
    }

    #[test]
    fn a_value_outside_its_range_is_refused_by_name() {
        let weak = PolicyOverrides {
            password_min_length: Some(7),
            ..Default::default()
        };
        let error = TenantPolicy::default()
            .overlaid(&weak)
            .validate()
            .unwrap_err();
        assert_eq!(error.field, "password_min_length");
        TenantPolicy::default().validate().unwrap();
    }
}
