//! What a new password must be: long enough, not one that many have, and not made of what is known about its owner. No
//! composition rules (SP 800-63B-4 section 3.1.1.2).

mod blocklist;
mod similar;

use std::time::Duration;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::policy::PasswordRules;
use crate::secret::Password;
use crate::time::Timestamp;

/// The least length that any policy may ask for, in code points.
const FLOOR: usize = 8;

/// Why a new password is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordRejection {
    /// Fewer code points than the tenant asks for.
    #[error("the password must have at least {least} characters")]
    TooShort {
        /// The least length.
        least: u32,
    },
    /// It is on the list of what guessing starts with.
    #[error("too many people have this password or one like it")]
    TooCommon,
    /// Little is left of it without its owner's address and name and the name of the service.
    #[error("the password is too much like your address, your name or the name of the service")]
    TooSimilar,
    /// It is known from a breach, by a check that the instance was given.
    #[error("the password is known from a data breach")]
    Breached,
    /// Its owner has it, or had it not long ago.
    #[error("the password is one that you have used before")]
    Reused,
}

impl PasswordRejection {
    /// The rule that it breaks, for programs; the spelling is stable.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::TooShort { .. } => "min_length",
            Self::TooCommon => "common",
            Self::TooSimilar => "similar",
            Self::Breached => "breached",
            Self::Reused => "reused",
        }
    }
}

/// Checks a new password. `known` is what is known about its owner: address, name, the name of the service.
///
/// # Errors
/// The first [`PasswordRejection`] that applies.
pub fn check(
    password: &Password,
    rules: &PasswordRules,
    known: &[&str],
) -> Result<(), PasswordRejection> {
    let least = usize::try_from(rules.min_length).unwrap_or(usize::MAX);
    if password.code_points() < least {
        return Err(PasswordRejection::TooShort {
            least: rules.min_length,
        });
    }
    if blocklist::is_common(password.expose()) {
        return Err(PasswordRejection::TooCommon);
    }
    if similar::is_similar(password.expose(), known) {
        return Err(PasswordRejection::TooSimilar);
    }
    Ok(())
}

/// How long it is until a password that was set at `changed_at` may be changed by its owner; `None` where it may be now.
///
/// Never longer than the wait itself, whatever the clock did since.
#[must_use]
pub fn wait_before_change(
    changed_at: Timestamp,
    rules: &PasswordRules,
    now: Timestamp,
) -> Option<Duration> {
    let wait = changed_at.plus(rules.change_cooldown).since(now);
    let wait = wait.min(rules.change_cooldown);
    (!wait.is_zero()).then_some(wait)
}

/// The form that passwords are compared in, and never hashed in: compatible forms as one (UAX #15), lower case.
fn fold(text: &str) -> Zeroizing<String> {
    let mut folded = Zeroizing::new(String::with_capacity(text.len() * 3));
    folded.extend(text.nfkc().flat_map(char::to_lowercase));
    folded
}

#[cfg(test)]
mod tests;
