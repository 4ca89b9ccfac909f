//! From where people may come.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::PolicyOverrides;
use crate::net::Networks;

/// From where people may come: empty lists let in everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IpPolicy {
    /// Only from here, where it is not empty.
    pub allow: Networks,
    /// Not from here, even where `allow` has it.
    pub deny: Networks,
}

impl IpPolicy {
    /// Whether somebody may come from an address. Once there is a list, an unknown address may not.
    #[must_use]
    pub fn admits(&self, ip: Option<IpAddr>) -> bool {
        admits(&self.allow, &self.deny, ip)
    }

    /// The same for a tenant that sets some of it itself, without putting the two together first.
    #[must_use]
    pub fn admits_under(&self, own: &IpOverrides, ip: Option<IpAddr>) -> bool {
        let allow = own.allow.as_ref().unwrap_or(&self.allow);
        let deny = own.deny.as_ref().unwrap_or(&self.deny);
        admits(allow, deny, ip)
    }
}

fn admits(allow: &Networks, deny: &Networks, ip: Option<IpAddr>) -> bool {
    if allow.is_empty() && deny.is_empty() {
        return true;
    }
    ip.is_some_and(|ip| !deny.contain(ip) && (allow.is_empty() || allow.contain(ip)))
}

/// What one level sets of [`IpPolicy`]. A store keeps it where it is read together with a person's state: nothing for a
/// tenant that sets nothing, which is most of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IpOverrides {
    /// Only from here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<Networks>,
    /// Not from here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deny: Option<Networks>,
}

impl IpOverrides {
    /// Whether nothing is set.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.allow.is_none() && self.deny.is_none()
    }
}

impl PolicyOverrides {
    /// What this level sets of the IP policy.
    #[must_use]
    pub fn ip(&self) -> IpOverrides {
        IpOverrides {
            allow: self.ip_allow.clone(),
            deny: self.ip_deny.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nets(texts: &[&str]) -> Networks {
        Networks::parse(texts.iter().copied()).unwrap()
    }

    fn admitted(allow: &[&str], deny: &[&str], ip: &str) -> bool {
        let (allow, deny) = (nets(allow), nets(deny));
        IpPolicy { allow, deny }.admits(ip.parse().ok())
    }

    #[test]
    fn empty_lists_let_everybody_in_and_others_only_who_is_known() {
        assert!(admitted(&[], &[], "192.0.2.1"));
        assert!(admitted(&[], &[], "unknown"));
        assert!(!admitted(&["192.0.2.0/24"], &[], "unknown"));
        assert!(!admitted(&[], &["192.0.2.0/24"], "unknown"));
    }

    // TH-07
    #[test]
    fn what_is_denied_is_denied_though_it_is_allowed() {
        let (allow, deny) = (["192.0.2.0/24", "2001:db8::/32"], ["192.0.2.7"]);
        for (ip, is_admitted) in [
            ("192.0.2.1", true),
            ("::ffff:192.0.2.1", true),
            ("192.0.2.7", false),
            ("::ffff:192.0.2.7", false),
            ("198.51.100.1", false),
            ("2001:db8::1", true),
            ("2001:db9::1", false),
        ] {
            assert_eq!(admitted(&allow, &deny, ip), is_admitted, "{ip}");
        }
        assert!(admitted(&[], &deny, "198.51.100.1"));
    }

    #[test]
    fn a_tenants_own_list_takes_the_place_of_the_systems() {
        let system = IpPolicy {
            allow: nets(&["192.0.2.0/24"]),
            deny: nets(&["192.0.2.7"]),
        };
        let admits =
            |own: &IpOverrides, ip: &str| system.admits_under(own, Some(ip.parse().unwrap()));
        let nothing = IpOverrides::default();
        assert!(admits(&nothing, "192.0.2.1") && !admits(&nothing, "192.0.2.7"));
        let own = IpOverrides {
            allow: Some(nets(&["198.51.100.0/24"])),
            deny: None,
        };
        assert!(admits(&own, "198.51.100.1") && !admits(&own, "192.0.2.1"));
        let open = IpOverrides {
            allow: Some(Networks::default()),
            deny: Some(Networks::default()),
        };
        assert!(admits(&open, "203.0.113.1") && admits(&open, "192.0.2.7"));
    }
}
