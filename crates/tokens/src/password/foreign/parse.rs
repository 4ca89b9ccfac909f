//! The texts of other systems, each read in its own form and no other.

use base64::Engine as _;
use base64::alphabet::{self, Alphabet};
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::recipe::{BCRYPT_DIGEST_BYTES, Scheme};
use super::{Cost, FOREIGN_HASH_MAX_BYTES, ForeignHash, ForeignRefusal, Recipe};

/// bcrypt's own base64. Some systems leave bits in the last character that stand for nothing.
const BCRYPT: GeneralPurpose = GeneralPurpose::new(&alphabet::BCRYPT, LENIENT_END);
const LENIENT_END: GeneralPurposeConfig =
    base64::engine::general_purpose::NO_PAD.with_decode_allow_trailing_bits(true);

/// Forms that are known by their beginning, and not verified here.
const UNSUPPORTED: &[(&str, &str)] = &[
    ("$1$", "md5-crypt"),
    ("$apr1$", "apr1"),
    ("$5$", "sha256-crypt"),
    ("$6$", "sha512-crypt"),
    ("$7$", "scrypt-crypt"),
    ("$y$", "yescrypt"),
    ("$gy$", "gost-yescrypt"),
    ("$2x$", "bcrypt-2x"),
    ("$2$", "bcrypt-2"),
    ("$P$", "phpass"),
    ("$H$", "phpass"),
    ("$wp$", "wordpress"),
    ("$argon2d$", "argon2d"),
    ("$bcrypt-sha256$", "passlib-bcrypt-sha256"),
    ("$pbkdf2$", "pbkdf2-sha1"),
    ("$pbkdf2-sha1$", "pbkdf2-sha1"),
    ("pbkdf2_sha1$", "pbkdf2-sha1"),
    ("pbkdf2:sha1:", "pbkdf2-sha1"),
    ("md5$", "md5"),
    ("sha1$", "sha1"),
    ("unsalted_md5$", "md5"),
    ("unsalted_sha1$", "sha1"),
    ("{SSHA}", "ssha"),
    ("{SHA}", "sha1"),
    ("{CRYPT}", "ldap-crypt"),
];

pub(super) fn read(text: &str) -> Result<ForeignHash, ForeignRefusal> {
    if text.len() > FOREIGN_HASH_MAX_BYTES {
        return Err(ForeignRefusal::Unknown);
    }
    if let Some((_, scheme)) = UNSUPPORTED
        .iter()
        .find(|(start, _)| text.starts_with(start))
    {
        return Err(ForeignRefusal::Unsupported { scheme });
    }
    if text.starts_with('{') {
        return keycloak(text);
    }
    if let Some(rest) = text.strip_prefix("pbkdf2_sha256$") {
        return or_malformed(Scheme::Pbkdf2Sha256, django_pbkdf2(rest));
    }
    if let Some(rest) = text.strip_prefix("bcrypt_sha256$") {
        return or_malformed(Scheme::BcryptSha256, bcrypt(Scheme::BcryptSha256, rest));
    }
    if let Some(rest) = text.strip_prefix("bcrypt$") {
        return or_malformed(Scheme::Bcrypt, bcrypt(Scheme::Bcrypt, rest));
    }
    if let Some(rest) = text.strip_prefix("scrypt$") {
        return or_malformed(Scheme::Scrypt, django_scrypt(rest));
    }
    if let Some(rest) = text.strip_prefix("scrypt:") {
        return or_malformed(Scheme::Scrypt, werkzeug_scrypt(rest));
    }
    for (start, scheme) in [
        ("pbkdf2:sha256:", Scheme::Pbkdf2Sha256),
        ("pbkdf2:sha512:", Scheme::Pbkdf2Sha512),
    ] {
        if let Some(rest) = text.strip_prefix(start) {
            return or_malformed(scheme, werkzeug_pbkdf2(scheme, rest));
        }
    }
    modular(
        text.strip_prefix("argon2")
            .filter(|rest| rest.starts_with("$argon2"))
            .unwrap_or(text),
    )
    .unwrap_or_else(|| better_auth(text))
}

/// The forms that begin with `$`.
fn modular(text: &str) -> Option<Result<ForeignHash, ForeignRefusal>> {
    if ["$2a$", "$2b$", "$2y$"]
        .iter()
        .any(|start| text.starts_with(start))
    {
        return Some(or_malformed(Scheme::Bcrypt, bcrypt(Scheme::Bcrypt, text)));
    }
    let (scheme, rest) = text.strip_prefix('$')?.split_once('$')?;
    let (scheme, read): (_, fn(Scheme, &str) -> Option<ForeignHash>) = match scheme {
        "argon2i" => (Scheme::Argon2i, argon2),
        "argon2id" => (Scheme::Argon2id, argon2),
        "scrypt" => (Scheme::Scrypt, phc_scrypt),
        "pbkdf2-sha256" => (Scheme::Pbkdf2Sha256, modular_pbkdf2),
        "pbkdf2-sha512" => (Scheme::Pbkdf2Sha512, modular_pbkdf2),
        _ => return None,
    };
    Some(or_malformed(scheme, read(scheme, rest)))
}

fn or_malformed(scheme: Scheme, read: Option<ForeignHash>) -> Result<ForeignHash, ForeignRefusal> {
    let scheme = scheme.as_str();
    let foreign = read.ok_or(ForeignRefusal::Malformed { scheme })?;
    foreign.recipe.check(&foreign.salt)?;
    Ok(foreign)
}

fn hash(scheme: Scheme, cost: Cost, salt: Vec<u8>, digest: Vec<u8>) -> ForeignHash {
    let length = digest.len();
    ForeignHash {
        recipe: Recipe {
            scheme,
            cost,
            length,
        },
        salt,
        digest: Zeroizing::new(digest),
        pepper: None,
    }
}

/// `v=19$m=65536,t=3,p=4$salt$digest`; without a version it is 0x10 (the reference implementation before 1.3).
fn argon2(scheme: Scheme, text: &str) -> Option<ForeignHash> {
    let (version, text) = match text.strip_prefix("v=") {
        Some(text) => {
            let (version, text) = text.split_once('$')?;
            (number(version)?, text)
        }
        None => (16, text),
    };
    let [params, salt, digest] = fields(text, '$')?;
    let [memory, passes, lanes] = fields(params, ',')?;
    let cost = Cost::Argon2 {
        version,
        memory_kib: number(memory.strip_prefix("m=")?)?,
        passes: number(passes.strip_prefix("t=")?)?,
        lanes: number(lanes.strip_prefix("p=")?)?,
    };
    Some(hash(scheme, cost, b64(salt)?, b64(digest)?))
}

/// `$2b$12$` with 22 characters of salt and 31 of digest. The letters of the minor version differ in how they treat
/// passwords that no system here takes.
fn bcrypt(scheme: Scheme, text: &str) -> Option<ForeignHash> {
    let rest = ["$2a$", "$2b$", "$2y$"]
        .iter()
        .find_map(|start| text.strip_prefix(start))?;
    let (cost, rest) = rest.split_once('$')?;
    if cost.len() != 2 || rest.len() != 53 {
        return None;
    }
    let cost = Cost::Bcrypt {
        log_rounds: number(cost.strip_prefix('0').unwrap_or(cost))?,
    };
    let (salt, digest) = rest.split_at_checked(22)?;
    let (salt, digest) = (BCRYPT.decode(salt).ok()?, BCRYPT.decode(digest).ok()?);
    (digest.len() == BCRYPT_DIGEST_BYTES).then(|| hash(scheme, cost, salt, digest))
}

/// `ln=16,r=8,p=1$salt$digest`.
fn phc_scrypt(scheme: Scheme, text: &str) -> Option<ForeignHash> {
    let [params, salt, digest] = fields(text, '$')?;
    let [log_n, r, p] = fields(params, ',')?;
    let cost = Cost::Scrypt {
        log_n: number(log_n.strip_prefix("ln=")?)?,
        r: number(r.strip_prefix("r=")?)?,
        p: number(p.strip_prefix("p=")?)?,
    };
    Some(hash(scheme, cost, b64(salt)?, b64(digest)?))
}

/// `i=600000,l=32$salt$digest` of PHC, or `29000$salt$digest` of passlib, with `.` in place of `+`.
fn modular_pbkdf2(scheme: Scheme, text: &str) -> Option<ForeignHash> {
    let [params, salt, digest] = fields(text, '$')?;
    let Some(params) = params.strip_prefix("i=") else {
        let rounds = number(params)?;
        let (salt, digest) = (adapted(salt)?, adapted(digest)?);
        return Some(hash(scheme, Cost::Pbkdf2 { rounds }, salt, digest));
    };
    let (rounds, length) = match params.split_once(',') {
        Some((rounds, length)) => (rounds, Some(number(length.strip_prefix("l=")?)?)),
        None => (params, None),
    };
    let (rounds, digest) = (number(rounds)?, b64(digest)?);
    let agrees = length.is_none_or(|length| usize::try_from(length) == Ok(digest.len()));
    agrees.then_some(())?;
    Some(hash(scheme, Cost::Pbkdf2 { rounds }, b64(salt)?, digest))
}

/// `600000$salt$digest`: the salt as it stands, the digest in base64 with padding.
fn django_pbkdf2(text: &str) -> Option<ForeignHash> {
    let [rounds, salt, digest] = fields(text, '$')?;
    let rounds = number(rounds)?;
    let digest = STANDARD.decode(digest).ok()?;
    let (scheme, cost) = (Scheme::Pbkdf2Sha256, Cost::Pbkdf2 { rounds });
    Some(hash(scheme, cost, salt.into(), digest))
}

/// `16384$salt$8$1$digest`.
fn django_scrypt(text: &str) -> Option<ForeignHash> {
    let [n, salt, r, p, digest] = fields(text, '$')?;
    let cost = scrypt_cost(n, r, p)?;
    let digest = STANDARD.decode(digest).ok()?;
    Some(hash(Scheme::Scrypt, cost, salt.into(), digest))
}

/// `32768:8:1$salt$digest`: the salt as it stands, the digest in hexadecimal digits.
fn werkzeug_scrypt(text: &str) -> Option<ForeignHash> {
    let [params, salt, digest] = fields(text, '$')?;
    let [n, r, p] = fields(params, ':')?;
    let cost = scrypt_cost(n, r, p)?;
    Some(hash(Scheme::Scrypt, cost, salt.into(), hex(digest)?))
}

/// `600000$salt$digest`, likewise.
fn werkzeug_pbkdf2(scheme: Scheme, text: &str) -> Option<ForeignHash> {
    let [rounds, salt, digest] = fields(text, '$')?;
    let rounds = number(rounds)?;
    Some(hash(
        scheme,
        Cost::Pbkdf2 { rounds },
        salt.into(),
        hex(digest)?,
    ))
}

/// 32 and 128 hexadecimal digits. The first are the salt as they stand; the cost is better-auth's own.
fn better_auth(text: &str) -> Result<ForeignHash, ForeignRefusal> {
    let read = || {
        let [salt, key] = fields(text, ':')?;
        let fits = salt.len() == 32 && key.len() == 128 && hex(salt).is_some();
        let cost = Cost::Scrypt {
            log_n: 14,
            r: 16,
            p: 1,
        };
        fits.then_some(())?;
        Some(hash(Scheme::ScryptNfkc, cost, salt.into(), hex(key)?))
    };
    let foreign = read().ok_or(ForeignRefusal::Unknown)?;
    foreign.recipe.check(&foreign.salt)?;
    Ok(foreign)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeycloakCredential {
    #[serde(rename = "type")]
    kind: String,
    secret_data: String,
    credential_data: String,
}

#[derive(Deserialize)]
struct KeycloakSecret {
    value: String,
    salt: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeycloakParams {
    hash_iterations: u32,
    algorithm: String,
}

/// One of the `credentials` of a person in a realm's export; the two inner texts are JSON themselves.
fn keycloak(text: &str) -> Result<ForeignHash, ForeignRefusal> {
    let malformed = ForeignRefusal::Malformed { scheme: "keycloak" };
    let outer: KeycloakCredential = serde_json::from_str(text).map_err(|_| malformed)?;
    let secret: KeycloakSecret = serde_json::from_str(&outer.secret_data).map_err(|_| malformed)?;
    let params: KeycloakParams =
        serde_json::from_str(&outer.credential_data).map_err(|_| malformed)?;
    if outer.kind != "password" {
        return Err(malformed);
    }
    let scheme = match params.algorithm.as_str() {
        "pbkdf2-sha256" => Scheme::Pbkdf2Sha256,
        "pbkdf2-sha512" => Scheme::Pbkdf2Sha512,
        _ => {
            return Err(ForeignRefusal::Unsupported {
                scheme: "keycloak's other",
            });
        }
    };
    let rounds = params.hash_iterations;
    let decoded = || {
        Some((
            STANDARD.decode(secret.salt).ok()?,
            STANDARD.decode(secret.value).ok()?,
        ))
    };
    let read = decoded().map(|(salt, digest)| hash(scheme, Cost::Pbkdf2 { rounds }, salt, digest));
    or_malformed(scheme, read)
}

fn scrypt_cost(n: &str, r: &str, p: &str) -> Option<Cost> {
    let n = number(n)?;
    n.is_power_of_two().then(|| n.ilog2()).and_then(|log_n| {
        Some(Cost::Scrypt {
            log_n,
            r: number(r)?,
            p: number(p)?,
        })
    })
}

/// Exactly `N` fields.
fn fields<const N: usize>(text: &str, separator: char) -> Option<[&str; N]> {
    let mut parts = text.split(separator);
    let mut fields = [""; N];
    for field in &mut fields {
        *field = parts.next()?;
    }
    parts.next().is_none().then_some(fields)
}

/// A number as a program writes it: digits alone, no zero before others.
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = digits && (text.len() == 1 || !text.starts_with('0'));
    plain.then(|| text.parse().ok())?
}

fn b64(text: &str) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(text).ok()
}

/// passlib's base64.
fn adapted(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: Option<Alphabet> =
        match Alphabet::new("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./") {
            Ok(alphabet) => Some(alphabet),
            Err(_) => None,
        };
    let engine = GeneralPurpose::new(&ALPHABET?, base64::engine::general_purpose::NO_PAD);
    engine.decode(text).ok()
}

/// Lower-case hexadecimal digits, two a byte.
fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    rest.is_empty().then_some(())?;
    let byte = |[high, low]: &[u8; 2]| Some(digit(high)? << 4 | digit(low)?);
    pairs.iter().map(byte).collect()
}
