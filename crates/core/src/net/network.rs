//! Networks in CIDR form, read strictly.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::canonical_ip;

/// The most networks of one list.
pub const NETWORKS_MAX: usize = 256;
/// More bytes than any address with a prefix length has.
const NETWORK_MAX_BYTES: usize = 64;
/// Where the IPv4 address begins in an IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2).
const MAPPED_PREFIX: u8 = 96;

/// Why a text is no list of networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// Neither an address nor a network.
    #[error("a network is an address, or one in CIDR form like 192.0.2.0/24 or 2001:db8::/32")]
    Network,
    /// Over the bound.
    #[error("there may be at most {NETWORKS_MAX} networks")]
    Count,
}

/// Reads an address or a network in CIDR form, strictly: no leading zeros, no prefix beyond its range. Bits behind the
/// prefix are dropped. IPv4-mapped IPv6 is IPv4: `::ffff:192.0.2.0/120` is `192.0.2.0/24`, and a prefix that cuts into
/// the mapping is refused.
pub(crate) fn network(text: &str) -> Result<IpNet, NetworkError> {
    if text.len() > NETWORK_MAX_BYTES {
        return Err(NetworkError::Network);
    }
    // The parser of networks takes leading zeros, which some read as octal; that of addresses does not.
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| NetworkError::Network)?;
    let net = match prefix {
        None => IpNet::from(address),
        Some(prefix) => {
            let digits = prefix.bytes().all(|b| b.is_ascii_digit());
            let is_plain = digits && (prefix == "0" || !prefix.starts_with('0'));
            let prefix = prefix.parse().ok().filter(|_| is_plain);
            prefix
                .and_then(|prefix| IpNet::new(address, prefix).ok())
                .ok_or(NetworkError::Network)?
        }
    };
    let IpNet::V6(v6) = net else {
        return Ok(net.trunc());
    };
    match v6.addr().to_ipv4_mapped() {
        None => Ok(net.trunc()),
        Some(v4) => net
            .prefix_len()
            .checked_sub(MAPPED_PREFIX)
            .and_then(|prefix| IpNet::new(IpAddr::V4(v4), prefix).ok())
            .map(|net| net.trunc())
            .ok_or(NetworkError::Network),
    }
}

/// Some networks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Reads addresses and networks in CIDR form.
    ///
    /// # Errors
    /// [`NetworkError`] for what is neither, and for more than [`NETWORKS_MAX`].
    pub fn parse<'a>(networks: impl IntoIterator<Item = &'a str>) -> Result<Self, NetworkError> {
        let mut read = Vec::new();
        for text in networks {
            if read.len() == NETWORKS_MAX {
                return Err(NetworkError::Count);
            }
            read.push(network(text)?);
        }
        Ok(Self(read))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an address is in one of them.
    #[must_use]
    pub fn contain(&self, ip: IpAddr) -> bool {
        let ip = canonical_ip(ip);
        self.0.iter().any(|net| net.contains(&ip))
    }
}

impl TryFrom<Vec<String>> for Networks {
    type Error = NetworkError;

    fn try_from(networks: Vec<String>) -> Result<Self, NetworkError> {
        Self::parse(networks.iter().map(String::as_str))
    }
}

impl From<Networks> for Vec<String> {
    fn from(networks: Networks) -> Self {
        networks.0.iter().map(IpNet::to_string).collect()
    }
}

#[cfg(test)]
mod tests;
