//! Signatures. The one file that names `jsonwebtoken` and AWS-LC.
//!
//! The provider is named, not looked up: the process-wide one depends on the features that any crate in the tree turns
//! on, and panics where it cannot be decided.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::KeySize;
use jsonwebtoken::crypto::CryptoProvider;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::jwk::EllipticCurve;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use zeroize::Zeroizing;

use super::JwtAlgorithm;
use super::der;
use super::jwk::PublicKey;

static AWS_LC: &CryptoProvider = &DEFAULT_PROVIDER;

/// A private key or secret with what verifies its signatures. Both halves are wiped when dropped, and print redacted.
#[derive(Clone, Debug)]
pub(super) struct KeyPair {
    algorithm: Algorithm,
    signs: EncodingKey,
    verifies: DecodingKey,
}

impl KeyPair {
    /// From a secret, from PKCS#8 (Ed25519, P-256), or from `RSAPrivateKey`; with its public half, which a secret has
    /// none of. `None` for what the algorithm cannot use.
    pub(super) fn new(algorithm: JwtAlgorithm, key: &[u8]) -> Option<(Self, Option<PublicKey>)> {
        let utils = &AWS_LC.key_utils;
        let (algorithm, signs, verifies, public) = match algorithm {
            JwtAlgorithm::Hs256 => (
                Algorithm::HS256,
                EncodingKey::from_secret(key),
                DecodingKey::from_secret(key),
                None,
            ),
            JwtAlgorithm::EdDsa => {
                let curve = &EllipticCurve::Ed25519;
                let x = (utils.ed_pub_components_from_private_key)(key, curve).ok()?;
                (
                    Algorithm::EdDSA,
                    EncodingKey::from_ed_der(key),
                    DecodingKey::from_ed_der(&x),
                    Some(PublicKey::Ed25519 { x }),
                )
            }
            JwtAlgorithm::Es256 => {
                let algorithm = Algorithm::ES256;
                let (_, x, y) = (utils.ec_pub_components_from_private_key)(key, algorithm).ok()?;
                // An uncompressed point (SEC 1 section 2.3.3).
                let point = [&[0x04][..], &x, &y].concat();
                (
                    algorithm,
                    EncodingKey::from_ec_der(key),
                    DecodingKey::from_ec_der(&point),
                    Some(PublicKey::P256 { x, y }),
                )
            }
            JwtAlgorithm::Rs256 | JwtAlgorithm::Ps256 => {
                let (n, e) = (utils.rsa_pub_components_from_private_key)(key).ok()?;
                (
                    if algorithm == JwtAlgorithm::Rs256 {
                        Algorithm::RS256
                    } else {
                        Algorithm::PS256
                    },
                    EncodingKey::from_rsa_der(key),
                    DecodingKey::from_rsa_raw_components(&n, &e),
                    Some(PublicKey::Rsa { n, e }),
                )
            }
        };
        let pair = Self {
            algorithm,
            signs,
            verifies,
        };
        // The halves must fit, and the key be one that both sides take (RSA of 2048 to 8192 bits): known now, not at the
        // first request.
        let probe = pair.sign(b"probe")?;
        pair.verifies(b"probe", &probe).then_some((pair, public))
    }

    /// `None` where the library fails, as without randomness for ES256 and PS256.
    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let signer = (AWS_LC.signer_factory)(&self.algorithm, &self.signs).ok()?;
        signer.try_sign(message).ok()
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &Vec<u8>) -> bool {
        (AWS_LC.verifier_factory)(&self.algorithm, &self.verifies)
            .is_ok_and(|verifier| verifier.verify(message, signature).is_ok())
    }

    /// What [`KeyPair::new`] was given.
    pub(super) fn secret(&self) -> &[u8] {
        self.signs.as_bytes()
    }
}

/// A new RSA key of 3072 bits (ASVS 11.2.3), its primes from AWS-LC's own generator, which the operating system seeds.
pub(super) fn new_rsa() -> Option<Zeroizing<Vec<u8>>> {
    let pair = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa3072).ok()?;
    let pkcs8 = pair.as_der().ok()?;
    let key = der::rsa_in_pkcs8(pkcs8.as_ref())?;
    Some(Zeroizing::new(key.to_vec()))
}
