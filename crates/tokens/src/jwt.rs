//! JWT access tokens (RFC 7519, the RFC 9068 profile): signed, and read by one strict decoder.
//!
//! A [`JwtCodec`] signs with the newest of its [`JwtKeys`] and verifies under every key that is not retired. The key is
//! found by the token's `kid` in a fixed map, and fixes the algorithm: what the token says of itself is compared, never
//! followed. `jsonwebtoken` contributes the signatures, through its AWS-LC provider by name, so that nothing depends on
//! which provider an application installs for the process; its decoder and its validation are not used.
//!
//! What [`JwtCodec::verify`] accepts is what [`JwtCodec::sign`] writes, and nothing else:
//!
//! | part | rule |
//! |---|---|
//! | text | at most [`JWT_MAX_BYTES`], three segments of base64url in canonical form without padding |
//! | JSON | one object, no member twice at any depth (RFC 8725 section 2.4) |
//! | header | exactly `alg`, `kid` and `typ`; so no `crit`, `jku`, `jwk`, `x5u`, `x5c`, `zip`, `b64` |
//! | `typ` | `at+jwt` or `application/at+jwt`, in any case (RFC 9068 section 4) |
//! | `iss`, `aud` | single strings, equal to the configured ones to the letter |
//! | `exp`, `iat`, `nbf` | whole seconds; `iat < exp`, at most the configured lifetime apart |
//! | `sub`, `tenant`, `jti`, `epoch` | required, in the one spelling that is written |
//! | `family`, `scope` | optional, likewise |
//! | `cnf`, `act` | refused: a holder or an actor that nobody checks must not be ignored (RFC 7800, RFC 8693) |
//!
//! All other members are [`AccessClaims::extra`]. Times are compared with the `now` that the caller passes, in integers.
//!
//! A verified token says who it was made for, not that they may still come in: the caller compares
//! [`AccessClaims::epoch`] and [`AccessClaims::family`] with the store, also for tokens that [`VerifiedMemory`] knows.

mod algorithm;
mod claims;
mod codec;
mod config;
mod crypto;
mod decode;
mod der;
mod file;
mod json;
mod jwk;
mod keys;
mod memory;
mod pem;
mod rejection;
mod secret;
mod signing_key;
#[cfg(test)]
mod vectors;

pub use algorithm::JwtAlgorithm;
pub use claims::{AccessClaims, EXTRA_MEMBERS_MAX, EXTRA_NAME_MAX_BYTES};
pub use codec::{JwtCodec, JwtSignError};
pub use config::{JwtConfig, JwtConfigError, LEEWAY_MAX, LIFETIME_MAX};
pub use decode::{JWT_MAX_BYTES, looks_like_jwt};
pub use keys::{JwtKeyError, JwtKeyInfo, JwtKeys, LiveJwtKeys};
pub use memory::VerifiedMemory;
pub use rejection::JwtRejection;
pub use signing_key::{SigningKey, SigningKeyError};
