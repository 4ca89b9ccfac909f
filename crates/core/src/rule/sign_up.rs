//! Who may sign up by themselves.

use crate::policy::{SignUpMode, SignUpPolicy};

/// Why an address may not sign up. It depends on the tenant's policy and the address alone, never on who has it: it may
/// be said to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignUpRefusal {
    /// Nobody signs up here.
    #[error("sign-up is closed")]
    Closed,
    /// Accounts come by invitation, or from the operator.
    #[error("sign-up is by invitation only")]
    InviteOnly,
    /// The address is in none of the domains that may sign up.
    #[error("addresses of this domain are not taken")]
    Domain,
}

/// Whether somebody with an address may get an account by their own doing. Asked at every step of it, also when a link
/// comes back: the policy may have changed since it was sent.
///
/// # Errors
/// [`SignUpRefusal`] where they may not.
pub fn may_sign_up(policy: &SignUpPolicy, canonical_email: &str) -> Result<(), SignUpRefusal> {
    match policy.mode {
        SignUpMode::Open => Ok(()),
        SignUpMode::Domains => may_use(policy, canonical_email),
        SignUpMode::InviteOnly => Err(SignUpRefusal::InviteOnly),
        SignUpMode::Closed => Err(SignUpRefusal::Closed),
    }
}

/// Whether somebody who has an account may put this address in the place of theirs: one that could not have signed up
/// for its domain is not taken by a detour.
///
/// # Errors
/// [`SignUpRefusal::Domain`] where they may not.
pub fn may_use(policy: &SignUpPolicy, canonical_email: &str) -> Result<(), SignUpRefusal> {
    if policy.mode != SignUpMode::Domains {
        return Ok(());
    }
    let domain = canonical_email.rsplit_once('@').map(|(_, domain)| domain);
    match domain.is_some_and(|domain| policy.domains.have(domain)) {
        true => Ok(()),
        false => Err(SignUpRefusal::Domain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::EmailDomains;

    fn policy(mode: SignUpMode) -> SignUpPolicy {
        SignUpPolicy {
            mode,
            domains: EmailDomains::parse(["example.com"]).unwrap(),
        }
    }

    #[test]
    fn each_mode_lets_in_whom_it_says() {
        let asked = |mode, email| may_sign_up(&policy(mode), email);
        for email in ["ada@example.com", "eve@example.org"] {
            assert_eq!(asked(SignUpMode::Open, email), Ok(()));
            assert_eq!(
                asked(SignUpMode::InviteOnly, email),
                Err(SignUpRefusal::InviteOnly)
            );
            assert_eq!(asked(SignUpMode::Closed, email), Err(SignUpRefusal::Closed));
        }
        assert_eq!(asked(SignUpMode::Domains, "ada@example.com"), Ok(()));
        for other in ["eve@example.org", "eve@notexample.com", "eve", "eve@"] {
            assert_eq!(
                asked(SignUpMode::Domains, other),
                Err(SignUpRefusal::Domain),
                "{other}"
            );
        }
    }

    #[test]
    fn an_account_changes_to_an_address_of_another_domain_only_where_no_domains_are_named() {
        for mode in SignUpMode::ALL {
            let outside = may_use(&policy(mode), "ada@example.org");
            assert_eq!(outside.is_err(), mode == SignUpMode::Domains, "{mode:?}");
            assert_eq!(may_use(&policy(mode), "ada@example.com"), Ok(()));
        }
    }
}
