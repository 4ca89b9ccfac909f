//! What a new password must be. Length only: no composition rules (SP 800-63B-4 section 3.1.1.2).

use crate::policy::PasswordRules;
use crate::secret::Password;

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
}

/// Checks a new password.
///
/// # Errors
/// The first [`PasswordRejection`] that applies.
pub fn check(password: &Password, rules: &PasswordRules) -> Result<(), PasswordRejection> {
    let least = usize::try_from(rules.min_length).unwrap_or(usize::MAX);
    if password.code_points() < least {
        return Err(PasswordRejection::TooShort {
            least: rules.min_length,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_counts_code_points() {
        let rules = PasswordRules { min_length: 15 };
        for (text, fits) in [
            ("x".repeat(14), false),
            ("x".repeat(15), true),
            ("🦀".repeat(14), false),
            ("🦀".repeat(15), true),
        ] {
            assert_eq!(check(&Password::new(text).unwrap(), &rules).is_ok(), fits);
        }
    }

    // PW-05
    #[test]
    fn no_composition_is_asked_for() {
        let rules = PasswordRules { min_length: 15 };
        for text in [
            "aaaaaaaaaaaaaaa",
            "               ",
            "correct horse battery",
            "密码密码密码密码密码密码密码密",
        ] {
            check(&Password::new(text).unwrap(), &rules).unwrap();
        }
    }
}
