//! Secrets go into no JSON: keys leave through `save_new`, plaintexts through `expose`.

use portcullis_core::secret::SecretText;
use portcullis_tokens::keys::KeyRings;

fn serialised<T: serde::Serialize>() {}

fn main() {
    serialised::<SecretText>();
    serialised::<KeyRings>();
}
