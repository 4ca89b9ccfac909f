//! Public keys as the world sees them: JWK (RFC 7517), and the thumbprint that names them (RFC 7638).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::JwtAlgorithm;

/// The public half of a key, as unsigned big-endian integers or as the standard's own bytes.
#[derive(Clone, Debug)]
pub(super) enum PublicKey {
    Ed25519 { x: Vec<u8> },
    P256 { x: Vec<u8>, y: Vec<u8> },
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

impl PublicKey {
    /// RFC 7638 with SHA-256: 43 characters of base64url.
    pub(super) fn thumbprint(&self) -> String {
        // Required members only, in lexicographic order, without white space (section 3.2). All values are base64url or
        // names of ours, so none needs escaping.
        let mut members = self.members();
        members.sort_unstable_by_key(|(name, _)| *name);
        let mut json = String::from("{");
        for (index, (name, value)) in members.iter().enumerate() {
            if index > 0 {
                json.push(',');
            }
            json.push_str(&format!("\"{name}\":\"{value}\""));
        }
        json.push('}');
        URL_SAFE_NO_PAD.encode(Sha256::digest(json))
    }

    /// The JWK, for signatures of `algorithm` alone.
    pub(super) fn jwk(&self, algorithm: JwtAlgorithm, kid: &str) -> Value {
        let mut jwk: Map<String, Value> = self
            .members()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        jwk.insert("use".to_owned(), "sig".into());
        jwk.insert("alg".to_owned(), algorithm.as_str().into());
        jwk.insert("kid".to_owned(), kid.into());
        Value::Object(jwk)
    }

    /// The members that make the key (RFC 7518 sections 6.2.1 and 6.3.1, RFC 8037 section 2).
    fn members(&self) -> Vec<(&'static str, String)> {
        let kty = |kind: &str| ("kty", kind.to_owned());
        let crv = |curve: &str| ("crv", curve.to_owned());
        let bytes = |name, bytes: &[u8]| (name, URL_SAFE_NO_PAD.encode(bytes));
        match self {
            Self::Ed25519 { x } => vec![kty("OKP"), crv("Ed25519"), bytes("x", x)],
            Self::P256 { x, y } => vec![kty("EC"), crv("P-256"), bytes("x", x), bytes("y", y)],
            Self::Rsa { n, e } => vec![kty("RSA"), bytes("n", n), bytes("e", e)],
        }
    }
}
