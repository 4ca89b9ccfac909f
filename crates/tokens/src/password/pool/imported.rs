//! Hashes that other systems made, in the same bounded pool.

use portcullis_core::entropy::EntropyError;
use portcullis_core::secret::{Password, PasswordHash, SecretText};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::Argon2Pool;
use crate::keys::Purpose;
use crate::password::foreign::compute::{Ingredients, condensed};
use crate::password::foreign::stored::{Imported, head};
use crate::password::foreign::{AdoptHashes, ForeignHash};
use crate::password::worker::Work;
use crate::password::{HashError, Verification};
use crate::seal::{SealError, Sealer};

/// Keyed-hash domain of adopted digests.
const DOMAIN: &str = "imported password hash";
/// What another system's pepper is sealed for, with the head of the hash it belongs to.
const PEPPER_CONTEXT: &[u8] = b"imported password pepper";

impl AdoptHashes for Argon2Pool {
    fn adopt(&self, foreign: &ForeignHash) -> Result<PasswordHash, EntropyError> {
        let head = head(&foreign.recipe, &foreign.salt);
        let digest = condensed(&foreign.digest);
        let keys = self.keys.current();
        let peppers = keys.ring(Purpose::PasswordPepper);
        let keyed = peppers.mac(DOMAIN, &[head.as_bytes(), &*digest]);
        let seal = |pepper: &SecretText| {
            let context = [PEPPER_CONTEXT, head.as_bytes()];
            self.sealer()
                .seal(&context, pepper.expose().as_bytes(), &*self.entropy)
        };
        let imported = Imported {
            recipe: foreign.recipe,
            salt: foreign.salt.clone(),
            keyed: keyed.bytes,
            pepper: foreign.pepper.as_ref().map(seal).transpose()?,
        };
        Ok(PasswordHash {
            phc: imported.write(),
            pepper_version: keyed.key_version,
        })
    }
}

impl Argon2Pool {
    /// One computation, as for a hash of our own; whatever matches is outdated.
    pub(super) async fn verify_imported(
        &self,
        password: &Password,
        stored: &PasswordHash,
    ) -> Result<Verification, HashError> {
        let version = stored.pepper_version;
        let unknown = HashError::UnknownPepper { version };
        let keys = self.keys.with_version(Purpose::PasswordPepper, version);
        let peppers = keys.ring(Purpose::PasswordPepper);
        if peppers.get(version).is_none() {
            return match peppers.knows(version) {
                true => self.miss_retired(password, version).await,
                false => Err(unknown),
            };
        }
        let imported = Imported::parse(&stored.phc).ok_or(HashError::Malformed)?;
        let head = head(&imported.recipe, &imported.salt);
        let pepper = match &imported.pepper {
            Some(sealed) => {
                let context = [PEPPER_CONTEXT, head.as_bytes()];
                match self.sealer().open(&context, sealed) {
                    Ok(pepper) => Some(pepper),
                    Err(SealError::RetiredKey { version }) => {
                        return self.miss_retired(password, version).await;
                    }
                    Err(SealError::UnknownKey { version }) => {
                        return Err(HashError::UnknownPepper { version });
                    }
                    Err(SealError::Tampered) => return Err(HashError::Malformed),
                }
            }
            None => None,
        };
        let known = imported.recipe.knows(password.expose());
        let digest = self
            .compute(Work::Foreign(Ingredients {
                recipe: imported.recipe,
                password: Zeroizing::new(password.expose().to_owned()),
                salt: imported.salt,
                pepper,
            }))
            .await?;
        let keyed = peppers
            .mac_with(version, DOMAIN, &[head.as_bytes(), &*digest])
            .ok_or(unknown)?;
        let matches = known && bool::from(keyed.bytes.ct_eq(&imported.keyed));
        Ok(Verification {
            matches,
            outdated: matches,
        })
    }

    fn sealer(&self) -> Sealer {
        Sealer::new(self.keys.clone())
    }
}
