//! Client addresses: one canonical form, and the prefix that limits count by.

mod network;

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::language::Languages;
use crate::text::printable;

pub(crate) use network::network;
pub use network::{NETWORKS_MAX, NetworkError, Networks};

/// The canonical form of an address: an IPv4-mapped IPv6 address is the IPv4 address.
#[must_use]
pub const fn canonical_ip(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

/// The address that limits count by: IPv4 whole, IPv6 by its /64, which one subscriber holds.
#[must_use]
pub fn limit_prefix(ip: IpAddr) -> IpAddr {
    match canonical_ip(ip) {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
    }
}

/// The most bytes kept of a `User-Agent` header.
pub const USER_AGENT_MAX_BYTES: usize = 512;

/// What a browser shows of earlier sign-ins, as its cookie holds it. It is no credential: it lets nobody in.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct DeviceMark(String);

/// The most bytes of a mark.
const DEVICE_MARK_MAX_BYTES: usize = 512;

impl DeviceMark {
    /// A mark as it came; one that is too long is none.
    #[must_use]
    pub fn new(text: &str) -> Self {
        if text.len() > DEVICE_MARK_MAX_BYTES {
            return Self::default();
        }
        Self(text.to_owned())
    }

    /// For the cookie; empty for none.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DeviceMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceMark([redacted])")
    }
}

/// What is known of the request that a flow runs for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientInfo {
    /// The client's address in canonical form, from the peer or a configured trusted proxy.
    pub ip: Option<IpAddr>,
    /// The `User-Agent`, cleaned and bounded.
    pub user_agent: Option<String>,
    /// The id that ties answer, log and audit together; at most 64 bytes.
    pub request_id: Option<String>,
    /// The languages the client asks for. They choose the language of mail and are no part of an event.
    #[serde(skip)]
    pub languages: Languages,
    /// What the client's browser shows of earlier sign-ins. It is no part of an event either.
    #[serde(skip)]
    pub device: DeviceMark,
}

impl ClientInfo {
    /// Canonicalises the address and cleans and bounds the texts.
    #[must_use]
    pub fn new(ip: Option<IpAddr>, user_agent: Option<&str>, request_id: Option<&str>) -> Self {
        Self {
            ip: ip.map(canonical_ip),
            user_agent: user_agent.map(|text| printable(text, USER_AGENT_MAX_BYTES)),
            request_id: request_id.map(|text| printable(text, 64)),
            languages: Languages::default(),
            device: DeviceMark::default(),
        }
    }

    /// The same for a browser that shows this of earlier sign-ins.
    #[must_use]
    pub fn showing(mut self, device: DeviceMark) -> Self {
        self.device = device;
        self
    }

    /// The same for a client that sent this `Accept-Language`.
    #[must_use]
    pub fn accepting(mut self, header: Option<&str>) -> Self {
        self.languages = header.map(Languages::of_header).unwrap_or_default();
        self
    }

    /// What an event keeps of it.
    #[must_use]
    pub fn for_event(&self) -> Self {
        Self {
            languages: Languages::default(),
            device: DeviceMark::default(),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // TH-07
    #[test]
    fn eight_spellings_of_one_address_share_a_limit() {
        let spellings = [
            "2001:db8:0:1::1",
            "2001:DB8:0:1::1",
            "2001:db8:0:1:0:0:0:1",
            "2001:0db8:0000:0001:0000:0000:0000:0001",
            "2001:db8:0:1::0:1",
            "2001:db8::1:0:0:0:1",
            "2001:db8:0:1::0.0.0.1",
            "2001:db8:0:1:ffff:ffff:ffff:ffff",
        ];
        for spelling in spellings {
            let ip: IpAddr = spelling.parse().unwrap();
            assert_eq!(
                limit_prefix(ip),
                "2001:db8:0:1::".parse::<IpAddr>().unwrap(),
                "{spelling}"
            );
        }
        assert_eq!(
            limit_prefix("::ffff:192.0.2.1".parse().unwrap()),
            "192.0.2.1".parse::<IpAddr>().unwrap()
        );
    }

    // TH-07
    #[test]
    fn every_address_of_one_64_shares_a_limit() {
        let base = "2001:db8:0:1::".parse::<Ipv6Addr>().unwrap().to_bits();
        for low in 0..=u128::from(u16::MAX) {
            let ip = IpAddr::V6(Ipv6Addr::from_bits(base | (low << 40) | low));
            assert_eq!(limit_prefix(ip), IpAddr::V6(Ipv6Addr::from_bits(base)));
        }
    }
}
