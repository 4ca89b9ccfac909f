//! Rules and keys, without a server, a database or a runtime.

use portcullis_core::clock::Clock;
use portcullis_core::identifier::Identifier;
use portcullis_tokens::OsEntropy;
use portcullis_tokens::keys::KeyRings;

pub fn is_ada(typed: &str) -> bool {
    Identifier::email("ada@example.com")
        .is_ok_and(|ada| Identifier::parse(typed).is_ok_and(|typed| typed.is_same(&ada)))
}

pub fn keys(clock: &dyn Clock) -> Option<KeyRings> {
    KeyRings::generate(&OsEntropy, clock.now()).ok()
}
