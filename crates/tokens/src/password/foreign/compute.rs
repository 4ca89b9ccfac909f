//! One foreign digest, on a worker.

use argon2::{Algorithm, Argon2, Params, Version};
use sha2::{Digest, Sha256, Sha512};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::recipe::{BCRYPT_DIGEST_BYTES, Cost, Recipe, Scheme};
use crate::password::argon2id::{Failed, Memory, Tag};

/// What bcrypt reads of a password.
const BCRYPT_PASSWORD_BYTES: usize = 72;

/// Everything that a digest is computed from.
pub(in crate::password) struct Ingredients {
    pub(in crate::password) recipe: Recipe,
    pub(in crate::password) password: Zeroizing<String>,
    pub(in crate::password) salt: Vec<u8>,
    pub(in crate::password) pepper: Option<Zeroizing<Vec<u8>>>,
}

/// The SHA-256 of a foreign digest: of one length, whatever the scheme's is.
pub(in crate::password) fn condensed(digest: &[u8]) -> Tag {
    Zeroizing::new(Sha256::digest(digest).into())
}

/// The condensed digest of a password.
pub(in crate::password) fn tag(of: &Ingredients, memory: &mut Memory) -> Result<Tag, Failed> {
    let mut digest = Zeroizing::new(vec![0; of.recipe.length]);
    let password = of.password.as_bytes();
    let sha512 = of.recipe.scheme == Scheme::Pbkdf2Sha512;
    match of.recipe.cost {
        Cost::Argon2 {
            version,
            memory_kib,
            passes,
            lanes,
        } => {
            let params = Params::new(memory_kib, passes, lanes, Some(digest.len()))
                .map_err(|_| Failed::Params)?;
            let algorithm = match of.recipe.scheme {
                Scheme::Argon2i => Algorithm::Argon2i,
                _ => Algorithm::Argon2id,
            };
            let version = Version::try_from(version).map_err(|_| Failed::Params)?;
            let count = params.block_count();
            let argon2 = match &of.pepper {
                Some(pepper) => Argon2::new_with_secret(pepper, algorithm, version, params)
                    .map_err(|_| Failed::Params)?,
                None => Argon2::new(algorithm, version, params),
            };
            let computed = memory.lend(count, |blocks| {
                argon2.hash_password_into_with_memory(password, &of.salt, &mut digest, blocks)
            })?;
            computed.map_err(|_| Failed::Params)?;
        }
        Cost::Bcrypt { log_rounds } => {
            let salt = of.salt.as_slice().try_into().map_err(|_| Failed::Params)?;
            let input = bcrypt_input(of);
            let computed = Zeroizing::new(bcrypt::bcrypt(log_rounds, salt, &input));
            let kept = computed.get(..BCRYPT_DIGEST_BYTES).ok_or(Failed::Params)?;
            digest = Zeroizing::new(kept.to_vec());
        }
        Cost::Scrypt { log_n, r, p } => {
            let log_n = u8::try_from(log_n).map_err(|_| Failed::Params)?;
            let params = scrypt::Params::new(log_n, r, p).map_err(|_| Failed::Params)?;
            let normal = Zeroizing::new(match of.recipe.scheme {
                Scheme::ScryptNfkc => of.password.nfkc().collect::<String>(),
                _ => of.password.as_str().to_owned(),
            });
            // Its memory is its own: it has it beside the worker's.
            let _only_one = memory.beside();
            scrypt::scrypt(normal.as_bytes(), &of.salt, &params, &mut digest)
                .map_err(|_| Failed::Params)?;
        }
        Cost::Pbkdf2 { rounds } if sha512 => {
            pbkdf2::pbkdf2_hmac::<Sha512>(password, &of.salt, rounds, &mut digest);
        }
        Cost::Pbkdf2 { rounds } => {
            pbkdf2::pbkdf2_hmac::<Sha256>(password, &of.salt, rounds, &mut digest);
        }
    }
    Ok(condensed(&digest))
}

/// The password with the pepper behind it, or its digest, and the NUL that ends a text in C; no more than bcrypt reads.
fn bcrypt_input(of: &Ingredients) -> Zeroizing<Vec<u8>> {
    let pepper = of
        .pepper
        .as_ref()
        .map_or(&[][..], |pepper| pepper.as_slice());
    let mut input = Zeroizing::new(Vec::with_capacity(of.password.len() + pepper.len() + 65));
    if of.recipe.scheme == Scheme::BcryptSha256 {
        let digest: Zeroizing<[u8; 32]> = condensed(of.password.as_bytes());
        for byte in digest.iter() {
            for nibble in [byte >> 4, byte & 0x0f] {
                input.push(match nibble {
                    0..=9 => b'0' + nibble,
                    _ => b'a' + (nibble - 10),
                });
            }
        }
    } else {
        input.extend_from_slice(of.password.as_bytes());
        input.extend_from_slice(pepper);
    }
    input.push(0);
    input.truncate(BCRYPT_PASSWORD_BYTES);
    input
}
