//! The little of DER (X.690) that private keys in PKCS#8 (RFC 5208) need: what is the same in every key of a kind.

use zeroize::Zeroizing;

/// Up to the 32 bytes of an Ed25519 seed (RFC 8410 section 7).
const ED25519: &[u8] = &[
    0x30, 0x2e, // PrivateKeyInfo
    0x02, 0x01, 0x00, // version 0
    0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, // id-Ed25519
    0x04, 0x22, 0x04, 0x20, // the seed, as an octet string in an octet string
];

/// Up to the 32 bytes of a P-256 scalar (RFC 5915 section 3, without the public key).
const P256: &[u8] = &[
    0x30, 0x41, // PrivateKeyInfo
    0x02, 0x01, 0x00, // version 0
    0x30, 0x13, // algorithm
    0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, // id-ecPublicKey
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, // prime256v1
    0x04, 0x27, 0x30, 0x25, 0x02, 0x01, 0x01, // ECPrivateKey, version 1
    0x04, 0x20, // the scalar
];

/// Between the two lengths of an RSA key.
const RSA: &[u8] = &[
    0x02, 0x01, 0x00, // version 0
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
    0x01, // rsaEncryption
    0x05, 0x00, // no parameters
];

/// PKCS#8 of an Ed25519 seed.
pub(super) fn ed25519(seed: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    concat(ED25519, seed)
}

/// PKCS#8 of a P-256 scalar.
pub(super) fn p256(scalar: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    concat(P256, scalar)
}

fn concat(head: &[u8], key: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    // All the room at once: a buffer that grows leaves copies of its beginning behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(head.len() + key.len()));
    bytes.extend_from_slice(head);
    bytes.extend_from_slice(key);
    bytes
}

/// The `RSAPrivateKey` (RFC 8017 appendix A.1.2) in the PKCS#8 of an RSA key of 2048 bits or more.
pub(super) fn rsa_in_pkcs8(pkcs8: &[u8]) -> Option<&[u8]> {
    let inside = long(pkcs8, 0x30)?;
    long(inside.strip_prefix(RSA)?, 0x04)
}

/// The content of the only element: of this tag, and of 256 to 65,535 bytes.
fn long(der: &[u8], tag: u8) -> Option<&[u8]> {
    let ([first, 0x82, high, low], content) = der.split_first_chunk()? else {
        return None;
    };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    (*first == tag && length == content.len()).then_some(content)
}

/// Whether the bytes are one SEQUENCE, and nothing behind it, that begins as keys do: with an algorithm
/// (`SubjectPublicKeyInfo`) or an integer (RFC 8017, PKCS#8).
pub(super) fn is_key(bytes: &[u8]) -> bool {
    let content = match bytes {
        [0x30, length @ 0..=0x7f, content @ ..] if usize::from(*length) == content.len() => content,
        [0x30, 0x81, length, content @ ..] if usize::from(*length) == content.len() => content,
        _ => long(bytes, 0x30).unwrap_or_default(),
    };
    matches!(content.first(), Some(0x30 | 0x02))
}
