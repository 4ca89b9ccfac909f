//! Roles: names that operators give to people, and that an application asks for.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::api_token::Scopes;
use crate::entity::SubjectState;

/// The most characters of a role's name.
pub const ROLE_MAX_CHARS: usize = 64;
/// The most roles of one person.
pub const ROLES_MAX: usize = 32;

/// Why a text is no role, or some roles are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RoleInputError {
    /// Not a name of the form that roles have.
    #[error(
        "a role has 1 to {ROLE_MAX_CHARS} characters: lower-case letters, digits and `_`, `-`, `.`, `:`, beginning with a letter"
    )]
    Name,
    /// More than one person may have.
    #[error("one person has at most {ROLES_MAX} roles")]
    Count,
}

/// The name of a role: 1 to 64 of `a-z`, `0-9`, `_`, `-`, `.` and `:`, beginning with a letter. Compared to the letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoleName(String);

impl RoleName {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RoleName {
    type Err = RoleInputError;

    fn from_str(text: &str) -> Result<Self, RoleInputError> {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-.:".contains(&b);
        let fits = text.len() <= ROLE_MAX_CHARS
            && text.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
            && text.bytes().all(inner);
        fits.then(|| Self(text.to_owned()))
            .ok_or(RoleInputError::Name)
    }
}

impl TryFrom<String> for RoleName {
    type Error = RoleInputError;

    fn try_from(text: String) -> Result<Self, RoleInputError> {
        text.parse()
    }
}

impl From<RoleName> for String {
    fn from(role: RoleName) -> Self {
        role.0
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The roles of one person: at most 32, without duplicates, in order. None is the rule, and costs no allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<RoleName>", into = "Vec<RoleName>")]
pub struct Roles(BTreeSet<RoleName>);

impl Roles {
    /// Collects roles, dropping duplicates.
    ///
    /// # Errors
    /// [`RoleInputError::Count`] for more than [`ROLES_MAX`].
    pub fn new(roles: impl IntoIterator<Item = RoleName>) -> Result<Self, RoleInputError> {
        let mut set = BTreeSet::new();
        for role in roles {
            set.insert(role);
            if set.len() > ROLES_MAX {
                return Err(RoleInputError::Count);
            }
        }
        Ok(Self(set))
    }

    /// Whether `role` is among them, to the letter.
    #[must_use]
    pub fn contains(&self, role: &str) -> bool {
        self.0.iter().any(|held| held.0 == role)
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = &RoleName> {
        self.0.iter()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl TryFrom<Vec<RoleName>> for Roles {
    type Error = RoleInputError;

    fn try_from(roles: Vec<RoleName>) -> Result<Self, RoleInputError> {
        Self::new(roles)
    }
}

impl From<Roles> for Vec<RoleName> {
    fn from(roles: Roles) -> Self {
        roles.0.into_iter().collect()
    }
}

impl SubjectState {
    /// The roles that a credential carries: its owner's, where it is not limited to scopes. A token that names what it
    /// may do has no more than that, however mighty its owner is.
    #[must_use]
    pub fn roles_within(&self, scopes: Option<&Scopes>) -> Roles {
        match scopes {
            None => self.roles.clone(),
            Some(_) => Roles::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_one_spelling() {
        for good in [
            "a",
            "admin",
            "billing:read",
            "eu-west.1_ops",
            &"r".repeat(64),
        ] {
            assert_eq!(good.parse::<RoleName>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "Admin",
            "1st",
            "-a",
            "a b",
            "a\n",
            "ä",
            "a/b",
            "a*",
            &"r".repeat(65),
        ] {
            assert_eq!(
                bad.parse::<RoleName>(),
                Err(RoleInputError::Name),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn nobody_has_more_roles_than_the_bound() {
        let role = |number: usize| format!("r{number}").parse::<RoleName>().unwrap();
        let most = Roles::new((0..ROLES_MAX).map(role)).unwrap();
        assert_eq!(most.iter().count(), ROLES_MAX);
        assert_eq!(
            Roles::new((0..=ROLES_MAX).map(role)),
            Err(RoleInputError::Count)
        );
        assert_eq!(
            Roles::new((0..99).map(|_| role(1))).unwrap().iter().count(),
            1
        );
        let text = serde_json::to_string(&most).unwrap();
        assert_eq!(serde_json::from_str::<Roles>(&text).unwrap(), most);
        assert!(serde_json::from_str::<Roles>("[\"Admin\"]").is_err());
    }
}
