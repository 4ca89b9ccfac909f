//! API tokens: long-lived credentials of programs that act for a person.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::entity::SubjectState;
use crate::id::{ApiTokenId, TenantId, UserId};
use crate::net::{canonical_ip, network};
use crate::secret::TokenDigest;
use crate::text::is_deceptive;
use crate::time::Timestamp;

/// The most characters of a token's name.
pub const NAME_MAX_CHARS: usize = 100;
/// The most characters of a scope.
pub const SCOPE_MAX_CHARS: usize = 64;
/// The most scopes of a token.
pub const SCOPES_MAX: usize = 32;
/// The most networks in a token's allowlist.
pub const ALLOWLIST_MAX: usize = 32;

/// Why a description is no API token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiTokenInputError {
    /// The name is empty, over its bound, or has control characters.
    #[error("name must have 1 to {NAME_MAX_CHARS} printable characters")]
    Name,
    /// A scope is empty, over its bound, or has white space or control characters.
    #[error("a scope must have 1 to {SCOPE_MAX_CHARS} printable ASCII characters without spaces")]
    Scope,
    /// No scopes, or too many.
    #[error("there must be 1 to {SCOPES_MAX} scopes")]
    ScopeCount,
    /// Not an address or network, or too many.
    #[error("ip_allowlist must have at most {ALLOWLIST_MAX} addresses or networks in CIDR form")]
    Allowlist,
    /// The lifetime is missing where one is required, zero, or over the policy's bound.
    #[error(
        "expires_in_secs must be from 60 to the longest lifetime that the policy allows, and may be required"
    )]
    Lifetime,
}

/// One scope (RFC 6749 section 3.3): printable ASCII without space, quote or backslash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope(String);

impl Scope {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Scope {
    type Err = ApiTokenInputError;

    fn from_str(text: &str) -> Result<Self, ApiTokenInputError> {
        let fits = (1..=SCOPE_MAX_CHARS).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\');
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(ApiTokenInputError::Scope)
        }
    }
}

impl TryFrom<String> for Scope {
    type Error = ApiTokenInputError;

    fn try_from(text: String) -> Result<Self, ApiTokenInputError> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The scopes of a token: 1..=32 of them, without duplicates, sorted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Scope>", into = "Vec<Scope>")]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Collects scopes, dropping duplicates.
    ///
    /// # Errors
    /// [`ApiTokenInputError::ScopeCount`] for none or more than [`SCOPES_MAX`].
    pub fn new(scopes: impl IntoIterator<Item = Scope>) -> Result<Self, ApiTokenInputError> {
        let mut set = BTreeSet::new();
        for scope in scopes {
            set.insert(scope);
            if set.len() > SCOPES_MAX {
                return Err(ApiTokenInputError::ScopeCount);
            }
        }
        if set.is_empty() {
            Err(ApiTokenInputError::ScopeCount)
        } else {
            Ok(Self(set))
        }
    }

    /// Whether `scope` is among them, to the letter.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|held| held.0 == scope)
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }
}

impl TryFrom<Vec<Scope>> for Scopes {
    type Error = ApiTokenInputError;

    fn try_from(scopes: Vec<Scope>) -> Result<Self, ApiTokenInputError> {
        Self::new(scopes)
    }
}

impl From<Scopes> for Vec<Scope> {
    fn from(scopes: Scopes) -> Self {
        scopes.0.into_iter().collect()
    }
}

/// Networks that a token may be used from; empty allows all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IpAllowlist(Vec<IpNet>);

impl IpAllowlist {
    /// Reads addresses and networks in CIDR form, strictly: no leading zeros, no host bits beyond the prefix length's
    /// range; IPv4-mapped IPv6 folds to IPv4.
    ///
    /// # Errors
    /// [`ApiTokenInputError::Allowlist`] for anything else, and for more than [`ALLOWLIST_MAX`].
    pub fn parse<'a>(
        entries: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, ApiTokenInputError> {
        let mut nets = Vec::new();
        for entry in entries {
            if nets.len() == ALLOWLIST_MAX {
                return Err(ApiTokenInputError::Allowlist);
            }
            nets.push(network(entry).map_err(|_| ApiTokenInputError::Allowlist)?);
        }
        Ok(Self(nets))
    }

    /// Whether `ip` may use the token. An unknown address may not, once there is a list.
    #[must_use]
    pub fn allows(&self, ip: Option<IpAddr>) -> bool {
        self.0.is_empty()
            || ip
                .map(canonical_ip)
                .is_some_and(|ip| self.0.iter().any(|net| net.contains(&ip)))
    }

    /// As entered, networks truncated to their prefix.
    pub fn iter(&self) -> impl Iterator<Item = &IpNet> {
        self.0.iter()
    }
}

/// A token's name: trimmed, 1..=100 printable characters.
///
/// # Errors
/// [`ApiTokenInputError::Name`] for anything else.
pub fn parse_name(text: &str) -> Result<String, ApiTokenInputError> {
    if text.len() > NAME_MAX_CHARS * 8 {
        return Err(ApiTokenInputError::Name);
    }
    let name = text.trim();
    let fits =
        (1..=NAME_MAX_CHARS).contains(&name.chars().count()) && !name.chars().any(is_deceptive);
    if fits {
        Ok(name.to_owned())
    } else {
        Err(ApiTokenInputError::Name)
    }
}

/// An API token as stored. The secret itself was shown once.
#[derive(Clone, Debug)]
pub struct ApiToken {
    /// Its id, the public half of the token.
    pub id: ApiTokenId,
    /// In which tenant.
    pub tenant: TenantId,
    /// Whom it acts for.
    pub owner: UserId,
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// Where it may be used from.
    pub ip_allowlist: IpAllowlist,
    /// Keyed hash of the token.
    pub digest: TokenDigest,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; `None` for never, where the policy allows that.
    pub expires_at: Option<Timestamp>,
    /// Last use, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl ApiToken {
    /// Whether it is neither revoked nor past its end at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// A token with the state of its owner, from one read.
#[derive(Clone, Debug)]
pub struct ResolvedApiToken {
    /// The token.
    pub token: ApiToken,
    /// Its owner's state.
    pub subject: SubjectState,
}

#[cfg(test)]
mod tests {
    use super::*;

    // AK-06
    #[test]
    fn an_allowlist_is_read_strictly() {
        for entry in [
            "1.2.3.4/33",
            "010.0.0.1",
            "010.0.0.0/8",
            "1.2.3",
            "::1/129",
            "",
            "1.2.3.4/",
            "example.com",
            "1.2.3.4/-1",
        ] {
            assert!(IpAllowlist::parse([entry]).is_err(), "{entry}");
        }
        let list = IpAllowlist::parse(["192.0.2.7/24", "2001:db8::/32", "::ffff:198.51.100.0/120"])
            .unwrap();
        for (ip, allowed) in [
            ("192.0.2.200", true),
            ("192.0.3.1", false),
            ("::ffff:192.0.2.1", true),
            ("2001:db8::1", true),
            ("2001:db9::1", false),
            ("198.51.100.9", true),
        ] {
            assert_eq!(list.allows(Some(ip.parse().unwrap())), allowed, "{ip}");
        }
        assert!(!list.allows(None));
        assert!(IpAllowlist::default().allows(None));
    }

    #[test]
    fn scopes_are_bounded_and_deduplicated() {
        let scope = |text: &str| text.parse::<Scope>();
        assert!(scope("deploy:write").is_ok());
        for bad in ["", "a b", "é", "a\"b", &"x".repeat(65)] {
            assert_eq!(scope(bad), Err(ApiTokenInputError::Scope), "{bad}");
        }
        let many = (0..33).map(|n| scope(&format!("s{n}")).unwrap());
        assert_eq!(Scopes::new(many), Err(ApiTokenInputError::ScopeCount));
        assert_eq!(Scopes::new([]), Err(ApiTokenInputError::ScopeCount));
        let twice = Scopes::new([scope("a").unwrap(), scope("a").unwrap()]).unwrap();
        assert_eq!(serde_json::to_string(&twice).unwrap(), "[\"a\"]");
        assert!(!twice.contains("A"));
    }

    #[test]
    fn a_name_is_trimmed_and_bounded() {
        assert_eq!(parse_name("  ci  ").unwrap(), "ci");
        for bad in ["", "   ", "a\nb", &"x".repeat(101)] {
            assert_eq!(parse_name(bad), Err(ApiTokenInputError::Name));
        }
    }
}
