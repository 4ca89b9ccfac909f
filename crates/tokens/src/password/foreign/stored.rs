//! The form in which an adopted hash is stored:
//! `$imported$v=1$<scheme>$<cost>$<salt>$<keyed hash>`, and `$<version>.<sealed pepper>` where there is one.
//!
//! The keyed hash is HMAC-SHA256 under the password pepper, over everything before it and the foreign digest. The digest
//! itself is nowhere.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use portcullis_core::secret::Sealed;

use super::recipe::{Cost, Recipe, Scheme};

const PREFIX: &str = "$imported$v=1$";

/// A pepper of 256 bytes makes it the longest.
const MAX_BYTES: usize = 1024;

/// An adopted hash, taken apart.
pub(in crate::password) struct Imported {
    pub(in crate::password) recipe: Recipe,
    pub(in crate::password) salt: Vec<u8>,
    pub(in crate::password) keyed: [u8; 32],
    pub(in crate::password) pepper: Option<Sealed>,
}

/// Whether a stored hash is an adopted one, by its beginning.
pub(in crate::password) fn is_imported(phc: &str) -> bool {
    phc.starts_with(PREFIX)
}

/// What stands before the keyed hash, and goes into it.
pub(in crate::password) fn head(recipe: &Recipe, salt: &[u8]) -> String {
    let mut head = format!("{PREFIX}{}$", recipe.scheme.as_str());
    // Writing to a String cannot fail.
    let _written = match recipe.cost {
        Cost::Argon2 {
            version,
            memory_kib,
            passes,
            lanes,
        } => write!(head, "{version},{memory_kib},{passes},{lanes}"),
        Cost::Bcrypt { log_rounds } => write!(head, "{log_rounds}"),
        Cost::Scrypt { log_n, r, p } => write!(head, "{log_n},{r},{p}"),
        Cost::Pbkdf2 { rounds } => write!(head, "{rounds}"),
    };
    let _written = write!(head, ",{}$", recipe.length);
    head.push_str(&STANDARD_NO_PAD.encode(salt));
    head
}

impl Imported {
    /// Reads exactly what [`Imported::write`] writes, of any cost up to the ceiling.
    pub(in crate::password) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let imported = Self::read(text.strip_prefix(PREFIX)?)?;
        imported.recipe.check(&imported.salt).ok()?;
        // Writing it again catches every other spelling.
        (imported.write() == text).then_some(imported)
    }

    fn read(text: &str) -> Option<Self> {
        let mut fields = text.split('$');
        let scheme = fields.next()?;
        let numbers: Vec<u32> = fields
            .next()?
            .split(',')
            .map(|number| number.parse().ok())
            .collect::<Option<_>>()?;
        let salt = STANDARD_NO_PAD.decode(fields.next()?).ok()?;
        let keyed = STANDARD_NO_PAD.decode(fields.next()?).ok()?;
        let pepper = match fields.next() {
            None => None,
            Some(sealed) => {
                let (key_version, bytes) = sealed.split_once('.')?;
                Some(Sealed {
                    key_version: key_version.parse().ok()?,
                    bytes: STANDARD_NO_PAD.decode(bytes).ok()?,
                })
            }
        };
        let recipe = recipe(scheme, &numbers)?;
        let agrees = fields.next().is_none() && (pepper.is_none() || recipe.takes_pepper());
        agrees.then_some(Self {
            recipe,
            salt,
            keyed: keyed.as_slice().try_into().ok()?,
            pepper,
        })
    }

    pub(in crate::password) fn write(&self) -> String {
        let mut text = head(&self.recipe, &self.salt);
        text.push('$');
        text.push_str(&STANDARD_NO_PAD.encode(self.keyed));
        if let Some(Sealed { key_version, bytes }) = &self.pepper {
            let _written = write!(text, "${key_version}.{}", STANDARD_NO_PAD.encode(bytes));
        }
        text
    }
}

fn recipe(scheme: &str, numbers: &[u32]) -> Option<Recipe> {
    let scheme = Scheme::ALL
        .into_iter()
        .find(|known| known.as_str() == scheme)?;
    let (&length, numbers) = numbers.split_last()?;
    let cost = match (scheme, numbers) {
        (Scheme::Argon2i | Scheme::Argon2id, &[version, memory_kib, passes, lanes]) => {
            Cost::Argon2 {
                version,
                memory_kib,
                passes,
                lanes,
            }
        }
        (Scheme::Bcrypt | Scheme::BcryptSha256, &[log_rounds]) => Cost::Bcrypt { log_rounds },
        (Scheme::Scrypt | Scheme::ScryptNfkc, &[log_n, r, p]) => Cost::Scrypt { log_n, r, p },
        (Scheme::Pbkdf2Sha256 | Scheme::Pbkdf2Sha512, &[rounds]) => Cost::Pbkdf2 { rounds },
        _ => return None,
    };
    Some(Recipe {
        scheme,
        cost,
        length: usize::try_from(length).ok()?,
    })
}
