//! The algorithms that tokens are signed with.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A signature algorithm (RFC 7518 section 3.1, RFC 8037 section 3.1). Each key has one, and is used with no other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum JwtAlgorithm {
    /// Ed25519: small, fast and deterministic. The choice where nothing speaks against it.
    #[default]
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, for verifiers that know nothing else.
    #[serde(rename = "RS256")]
    Rs256,
    /// RSASSA-PSS with SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
    /// HMAC-SHA256: whoever verifies can also sign, so only for one party.
    #[serde(rename = "HS256")]
    Hs256,
}

impl JwtAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 5] = [
        Self::EdDsa,
        Self::Es256,
        Self::Rs256,
        Self::Ps256,
        Self::Hs256,
    ];

    /// The name in a token's `alg`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Hs256 => "HS256",
        }
    }
}

impl fmt::Display for JwtAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
