//! What secrets cannot do, held against the compiler's own answer: each line is ambiguous, and does not compile, once
//! the type has the trait.

use std::fmt::Display;

use portcullis_core::secret::{SecretText, TokenDigest};
use portcullis_tokens::keys::{Key, KeyRings};
use portcullis_tokens::opaque::PresentedToken;
use serde::Serialize;

/// Two candidates for `holds` where the type has the trait, one where it has not.
macro_rules! never {
    ($trait:path: $($type:ty),+) => {{
        trait Never<Which> {
            fn holds() {}
        }
        impl<T: ?Sized> Never<()> for T {}
        struct Has;
        impl<T: ?Sized + $trait> Never<Has> for T {}
        $(<$type as Never<_>>::holds();)+
    }};
}

// CR-02
#[test]
fn secrets_have_no_way_out_but_the_named_ones() {
    never!(Display: SecretText, Key, KeyRings, PresentedToken);
    never!(Serialize: SecretText, Key, KeyRings, PresentedToken);
    never!(PartialEq: SecretText, Key, KeyRings, PresentedToken, TokenDigest);
}

// CR-02
#[cfg(feature = "jwt")]
#[test]
fn signing_keys_have_no_way_out_but_the_key_file() {
    use portcullis_tokens::jwt::{JwtCodec, JwtKeys, SigningKey};

    never!(Display: SigningKey, JwtKeys, JwtCodec);
    never!(Serialize: SigningKey, JwtKeys, JwtCodec);
    never!(PartialEq: SigningKey, JwtKeys, JwtCodec);
}
