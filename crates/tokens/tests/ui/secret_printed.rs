//! Secrets have no text form.

use std::fmt::Display;

use portcullis_core::secret::SecretText;
use portcullis_tokens::keys::Key;
use portcullis_tokens::opaque::PresentedToken;

fn printed<T: Display>() {}

fn main() {
    printed::<SecretText>();
    printed::<Key>();
    printed::<PresentedToken>();
}
