//! Who may sign up by themselves.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The most domains of a policy.
pub const EMAIL_DOMAINS_MAX: usize = 256;
/// The most bytes of a domain as it is written (RFC 1035 section 2.3.4 in its ASCII form; letters of others take more).
const DOMAIN_MAX_BYTES: usize = 253 * 4;
/// What stands before a domain whose subdomains are meant.
const BELOW: &str = "*.";

/// How open a tenant is to people who come by themselves. Whatever it says, the operator's `user create` and
/// `user import` work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignUpMode {
    /// Everybody may sign up.
    #[default]
    Open,
    /// Whoever has an address in one of [`SignUpPolicy::domains`]. Changing one's address stays within them too.
    Domains,
    /// Whoever is invited. There are no invitations yet, so nobody signs up by themselves.
    InviteOnly,
    /// Nobody.
    Closed,
}

impl SignUpMode {
    /// Every mode.
    pub const ALL: [Self; 4] = [Self::Open, Self::Domains, Self::InviteOnly, Self::Closed];

    /// The spelling in settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Domains => "domains",
            Self::InviteOnly => "invite_only",
            Self::Closed => "closed",
        }
    }
}

impl fmt::Display for SignUpMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who may sign up by themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignUpPolicy {
    /// How open the tenant is.
    pub mode: SignUpMode,
    /// Whose addresses may sign up, where the mode is [`SignUpMode::Domains`].
    pub domains: EmailDomains,
}

/// A text is no domain of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmailDomainError {
    /// No host name, or one with a pattern elsewhere than in front.
    #[error("a domain is a host name like example.com, or *.example.com for what is below it")]
    Domain,
    /// Over the bound.
    #[error("there may be at most {EMAIL_DOMAINS_MAX} domains")]
    Count,
}

/// One domain of addresses, in the ASCII form that addresses are compared in (IDNA, UTS 46).
#[derive(Clone, Debug, PartialEq, Eq)]
struct EmailDomain {
    ascii: String,
    /// `*.` stands before it: what is below it, at any depth, and not it itself.
    is_below: bool,
}

impl EmailDomain {
    fn has(&self, domain: &str) -> bool {
        if self.is_below {
            let above = domain.strip_suffix(&self.ascii);
            above
                .and_then(|above| above.strip_suffix('.'))
                .is_some_and(|label| !label.is_empty())
        } else {
            domain == self.ascii
        }
    }
}

impl FromStr for EmailDomain {
    type Err = EmailDomainError;

    fn from_str(text: &str) -> Result<Self, EmailDomainError> {
        let (is_below, name) = match text.strip_prefix(BELOW) {
            Some(name) => (true, name),
            None => (false, text),
        };
        if name.is_empty() || name.len() > DOMAIN_MAX_BYTES {
            return Err(EmailDomainError::Domain);
        }
        let ascii = idna::domain_to_ascii_strict(name).map_err(|_| EmailDomainError::Domain)?;
        Ok(Self { ascii, is_below })
    }
}

impl fmt::Display for EmailDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let below = if self.is_below { BELOW } else { "" };
        write!(f, "{below}{}", self.ascii)
    }
}

/// The domains whose addresses may sign up: each to the letter, or with `*.` before it what is below it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct EmailDomains(Vec<EmailDomain>);

impl EmailDomains {
    /// Reads domains, in any case and with letters of any script.
    ///
    /// # Errors
    /// [`EmailDomainError`] for what is none, and for more than [`EMAIL_DOMAINS_MAX`].
    pub fn parse<'a>(domains: impl IntoIterator<Item = &'a str>) -> Result<Self, EmailDomainError> {
        let mut read = Vec::new();
        for domain in domains {
            if read.len() == EMAIL_DOMAINS_MAX {
                return Err(EmailDomainError::Count);
            }
            read.push(domain.parse()?);
        }
        Ok(Self(read))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the domain of a canonical address is one of them.
    #[must_use]
    pub fn have(&self, domain: &str) -> bool {
        self.0.iter().any(|known| known.has(domain))
    }
}

impl TryFrom<Vec<String>> for EmailDomains {
    type Error = EmailDomainError;

    fn try_from(domains: Vec<String>) -> Result<Self, EmailDomainError> {
        Self::parse(domains.iter().map(String::as_str))
    }
}

impl From<EmailDomains> for Vec<String> {
    fn from(domains: EmailDomains) -> Self {
        domains.0.iter().map(EmailDomain::to_string).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn have(pattern: &str, domain: &str) -> bool {
        EmailDomains::parse([pattern]).unwrap().have(domain)
    }

    #[test]
    fn a_domain_is_compared_to_the_letter_in_its_ascii_form() {
        for same in ["bücher.example", "BÜCHER.example", "xn--bcher-kva.example"] {
            assert!(have(same, "xn--bcher-kva.example"), "{same}");
        }
        for other in [
            "mail.example.com",
            "notexample.com",
            "example.com.evil.example",
            "example.co",
            "",
        ] {
            assert!(!have("example.com", other), "{other}");
        }
    }

    #[test]
    fn a_star_means_what_is_below_and_nothing_else() {
        for below in ["a.example.com", "a.b.example.com"] {
            assert!(have("*.example.com", below), "{below}");
        }
        for other in [
            "example.com",
            ".example.com",
            "aexample.com",
            "a.example.com.evil.example",
        ] {
            assert!(!have("*.example.com", other), "{other}");
        }
    }

    #[test]
    fn what_is_no_domain_is_refused() {
        for text in [
            "",
            "*",
            "*.",
            "*.*.example.com",
            "a.*.example.com",
            "*example.com",
            "ada@example.com",
            "example.com.",
            "exa mple.com",
            "-.com",
            "https://example.com",
            &"a".repeat(2000),
        ] {
            assert_eq!(
                EmailDomains::parse([text]),
                Err(EmailDomainError::Domain),
                "{text}"
            );
        }
        let many = vec!["example.com"; EMAIL_DOMAINS_MAX];
        assert!(EmailDomains::parse(many.iter().copied()).is_ok());
        let too_many = many.into_iter().chain(["example.org"]);
        assert_eq!(EmailDomains::parse(too_many), Err(EmailDomainError::Count));
    }

    #[test]
    fn domains_are_stored_as_they_are_compared() {
        let read: EmailDomains =
            serde_json::from_str("[\"Example.COM\", \"*.bücher.example\"]").unwrap();
        assert_eq!(
            serde_json::to_string(&read).unwrap(),
            "[\"example.com\",\"*.xn--bcher-kva.example\"]"
        );
        assert!(serde_json::from_str::<EmailDomains>("[\"*\"]").is_err());
    }
}
