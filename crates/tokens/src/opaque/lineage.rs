//! Tokens that prove by themselves that we made them.
//!
//! A refresh family is one row: of its tokens it knows the current one and the one before. Yet a token from further back
//! must end the family, and one that somebody made up must not, since the family's id is no secret (access tokens name
//! it). So half of such a token's secret is random and half is a keyed hash of the rest: 128 bits to guess, 128 bits of
//! proof, and nothing to store.

use portcullis_core::entropy::{Entropy, EntropyError, random_bytes};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use super::{Minted, PresentedToken, TokenClass, Tokens};
use crate::keys::Purpose;

/// What the proof is a keyed hash for.
const DOMAIN: &str = "token lineage";
const HALF: usize = 16;

impl Tokens {
    /// A new token for the row `id` that proves it was made here: 128 random bits and 128 bits of proof.
    ///
    /// # Errors
    /// [`EntropyError`] where the source of randomness fails; nothing is minted then.
    pub fn mint_proven(
        &self,
        class: TokenClass,
        id: [u8; 16],
        entropy: &dyn Entropy,
    ) -> Result<Minted, EntropyError> {
        let random = Zeroizing::new(random_bytes::<HALF>(entropy)?);
        let proof = self
            .keys()
            .ring(Purpose::TokenPepper)
            .mac(DOMAIN, &[class.code().as_bytes(), &id, &*random]);
        let mut secret = Zeroizing::new([0_u8; 2 * HALF]);
        for (to, from) in secret.iter_mut().zip(random.iter().chain(&proof.bytes)) {
            *to = *from;
        }
        Ok(self.mint_with(class, id, &secret))
    }

    /// Whether [`Tokens::mint_proven`] made this token under a key that is not retired, in constant time for the number
    /// of keys. It may have been spent long ago.
    #[must_use]
    pub fn is_proven(&self, presented: &PresentedToken) -> bool {
        let Some(secret) = self.format().secret_of(presented) else {
            return false;
        };
        let (random, proof) = secret.split_at(HALF);
        let (class, id) = (presented.class().code().as_bytes(), presented.id());
        let keys = self.keys();
        let ring = keys.ring(Purpose::TokenPepper);
        let mut proven = Choice::from(0);
        for version in ring.versions() {
            self.count();
            if let Some(digest) = ring.mac_with(version.version, DOMAIN, &[class, &id, random]) {
                let (half, _) = digest.bytes.split_at(HALF);
                proven |= half.ct_eq(proof);
            }
        }
        proven.into()
    }
}

#[cfg(test)]
mod tests {
    use portcullis_core::entropy::SeededEntropy;
    use portcullis_core::time::Timestamp;

    use super::*;
    use crate::keys::KeyRings;
    use crate::opaque::TokenFormat;

    fn tokens(keys: &KeyRings) -> Tokens {
        Tokens::new(TokenFormat::default(), keys.clone())
    }

    fn keys() -> KeyRings {
        KeyRings::generate(&SeededEntropy::new(1), Timestamp::UNIX_EPOCH).unwrap()
    }

    // RT-01
    #[test]
    fn a_proven_token_is_known_for_ours_without_a_row_and_a_made_up_one_is_not() {
        let (tokens, entropy) = (tokens(&keys()), SeededEntropy::new(7));
        let minted = tokens
            .mint_proven(TokenClass::Refresh, [9; 16], &entropy)
            .unwrap();
        let ours = tokens
            .parse(TokenClass::Refresh, minted.plaintext.expose())
            .unwrap();
        assert!(tokens.is_proven(&ours) && tokens.verify(&ours, &minted.digest));
        let made_up = tokens.mint(TokenClass::Refresh, [9; 16], &entropy).unwrap();
        let made_up = tokens
            .parse(TokenClass::Refresh, made_up.plaintext.expose())
            .unwrap();
        assert!(!tokens.is_proven(&made_up));
    }

    #[test]
    fn a_proof_is_for_its_row_only() {
        let (tokens, entropy) = (tokens(&keys()), SeededEntropy::new(7));
        let minted = tokens
            .mint_proven(TokenClass::Refresh, [9; 16], &entropy)
            .unwrap();
        let ours = tokens
            .parse(TokenClass::Refresh, minted.plaintext.expose())
            .unwrap();
        let secret = tokens.format().secret_of(&ours).unwrap();
        let moved = tokens
            .format()
            .encode(TokenClass::Refresh, [8; 16], &secret);
        let moved = tokens.parse(TokenClass::Refresh, moved.expose()).unwrap();
        assert!(!tokens.is_proven(&moved));
    }

    #[test]
    fn a_proof_outlives_a_rotation_of_the_pepper() {
        let (keys, entropy) = (keys(), SeededEntropy::new(7));
        let minted = tokens(&keys)
            .mint_proven(TokenClass::Refresh, [9; 16], &entropy)
            .unwrap();
        let rotated = keys
            .rotate(Purpose::TokenPepper, &entropy, Timestamp::from_secs(1))
            .unwrap();
        let tokens = tokens(&rotated);
        let ours = tokens
            .parse(TokenClass::Refresh, minted.plaintext.expose())
            .unwrap();
        assert!(tokens.is_proven(&ours));
    }
}
