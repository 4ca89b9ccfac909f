//! Tokens that `JwtCodec::sign` would never make, signed all the same with keys that it trusts.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, EncodingKey};
use portcullis_core::entity::Epoch;
use portcullis_core::entropy::{Entropy, SeededEntropy};
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::time::Timestamp;
use portcullis_tokens::jwt::{
    AccessClaims, JwtAlgorithm, JwtCodec, JwtConfig, JwtKeys, JwtRejection, SigningKey,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::support::NOW;

pub(super) const ISSUER: &str = "https://auth.example.com";
pub(super) const AUDIENCE: &str = "https://api.example.com";

pub(super) fn config() -> JwtConfig {
    JwtConfig::new(ISSUER, AUDIENCE)
}

/// The same random secret each time.
pub(super) fn secret() -> [u8; 32] {
    let mut secret = [0; 32];
    SeededEntropy::new(7).fill(&mut secret).unwrap();
    secret
}

/// A codec under the secret above.
pub(super) fn codec() -> JwtCodec {
    JwtCodec::new(config(), JwtKeys::hs256(&secret()).unwrap()).unwrap()
}

pub(super) fn kid(codec: &JwtCodec) -> String {
    codec.keys().newest().1.kid().to_owned()
}

/// Claims that are good at `NOW`.
pub(super) fn claims() -> AccessClaims {
    AccessClaims {
        issuer: ISSUER.into(),
        audience: AUDIENCE.into(),
        subject: UserId::from_integer(42),
        tenant: TenantId::from_integer(7),
        epoch: Epoch(3),
        family: Some([9; 16]),
        scopes: None,
        issued_at: NOW,
        not_before: NOW,
        expires_at: NOW.plus(Duration::from_secs(900)),
        id: [5; 16],
        extra: Map::new(),
    }
}

/// The header that the codec writes.
pub(super) fn header() -> Value {
    json!({ "alg": "HS256", "kid": kid(&codec()), "typ": "at+jwt" })
}

/// The payload of the claims above, as the codec writes it.
pub(super) fn payload() -> Value {
    let token = codec().sign(&claims()).unwrap();
    let payload = token.expose().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// `value` with one member set, or removed where it is `null`.
pub(super) fn with(mut value: Value, name: &str, member: Value) -> Value {
    let object = value.as_object_mut().unwrap();
    match member {
        Value::Null => object.remove(name),
        member => object.insert(name.to_owned(), member),
    };
    value
}

/// Any two texts as header and payload, under the codec's own secret.
pub(super) fn forge(header: &str, payload: &str) -> String {
    sign(
        Algorithm::HS256,
        &EncodingKey::from_secret(&secret()),
        header,
        payload,
    )
}

/// Any two texts as header and payload, under any key.
pub(super) fn sign(algorithm: Algorithm, key: &EncodingKey, header: &str, payload: &str) -> String {
    signed(algorithm, key, &message(header, payload))
}

/// Any message with its signature.
pub(super) fn signed(algorithm: Algorithm, key: &EncodingKey, message: &str) -> String {
    let signer = (DEFAULT_PROVIDER.signer_factory)(&algorithm, key).unwrap();
    let signature = signer.try_sign(message.as_bytes()).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

pub(super) fn message(header: &str, payload: &str) -> String {
    let (header, payload) = (
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload),
    );
    format!("{header}.{payload}")
}

/// What the codec says at `NOW` to the good payload under this header.
pub(super) fn with_header(header: &Value) -> Result<AccessClaims, JwtRejection> {
    codec().verify(&forge(&header.to_string(), &payload().to_string()), NOW)
}

/// What the codec says at `NOW` to this payload under the good header.
pub(super) fn with_payload(payload: &Value) -> Result<AccessClaims, JwtRejection> {
    at(NOW, payload)
}

/// What the codec says at a moment to this payload under the good header.
pub(super) fn at(now: Timestamp, payload: &Value) -> Result<AccessClaims, JwtRejection> {
    codec().verify(&forge(&header().to_string(), &payload.to_string()), now)
}

/// Published keys, and keys that must be refused.
#[derive(Deserialize)]
pub(super) struct Vectors {
    pub(super) cases: Vec<Case>,
    pub(super) refused: HashMap<String, Refused>,
    pub(super) public: HashMap<String, String>,
}

#[derive(Deserialize)]
pub(super) struct Case {
    pub(super) algorithm: JwtAlgorithm,
    pub(super) key: String,
}

#[derive(Deserialize)]
pub(super) struct Refused {
    pub(super) algorithm: JwtAlgorithm,
    pub(super) pem: String,
}

pub(super) fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../vectors/jws.json")).unwrap()
}

/// The published private key of an algorithm, in PEM. PS256 has RS256's.
pub(super) fn pem(algorithm: JwtAlgorithm) -> String {
    let published = match algorithm {
        JwtAlgorithm::Ps256 => JwtAlgorithm::Rs256,
        other => other,
    };
    let cases = vectors().cases.into_iter();
    let mut keys = cases.filter(|case| case.algorithm == published);
    keys.next().unwrap().key
}

/// A key for an algorithm, the same each time.
pub(super) fn key(algorithm: JwtAlgorithm) -> SigningKey {
    match algorithm {
        JwtAlgorithm::Hs256 => SigningKey::hs256(&secret()).unwrap(),
        _ => SigningKey::from_pem(algorithm, &pem(algorithm)).unwrap(),
    }
}

/// A codec with that key alone.
pub(super) fn codec_for(algorithm: JwtAlgorithm) -> JwtCodec {
    JwtCodec::new(config(), JwtKeys::new(key(algorithm), NOW)).unwrap()
}
