//! Why an instance cannot start, in sentences that say what to do.

use ipnet::IpNet;
use portcullis_core::entropy::EntropyError;
use portcullis_core::error::StoreError;
use portcullis_core::policy::PolicyError;
use portcullis_tokens::keys::{MarkerMismatch, ParseMarkerError};
use portcullis_tokens::password::PoolError;

use crate::mail::TemplateError;
use crate::settings::PublicUrlError;

/// Why an instance cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// No keys.
    #[error(
        "there are no keys: pass .keys(KeyRings::load(path)?), and make the file once with `portcullis keys init`"
    )]
    NoKeys,
    /// Keys for one run where there is something to lose.
    #[error(
        "keys for this run alone are for an empty store on loopback: pass .keys(KeyRings::load(path)?) instead"
    )]
    EphemeralKeys,
    /// The store belongs to other keys.
    #[error(
        "these are not the keys of this database: {0}; start with the key file that was made with it"
    )]
    OtherKeys(#[source] MarkerMismatch),
    /// The stored marker cannot be read.
    #[error("the key marker in the database is damaged")]
    Marker(#[source] ParseMarkerError),
    /// No public URL, or a bad one.
    #[error("{0}: pass it with .public_url(\"https://auth.example.com\")")]
    PublicUrl(#[source] PublicUrlError),
    /// No mailer.
    #[error(
        "there is no mailer, so no link would ever arrive: pass .mailer(..), such as EmlFolder or LogMailer"
    )]
    NoMailer,
    /// A mail template that would not work.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A mount path that is none.
    #[error(
        "the mount path must start with / and have only letters, digits, - and _ between slashes, like /auth"
    )]
    MountPath,
    /// A sign-in page that is no path.
    #[error(
        "the sign-in page must be a path of this origin, with only letters, digits, - and _ between slashes, like /sign-in"
    )]
    SignInPage,
    /// An order that names a backend there is none of.
    #[error(
        "backend_order names `{0}`, which is no backend of this instance: enable it or leave it out"
    )]
    UnknownBackend(String),
    /// Access tokens cannot be made with these settings.
    #[error("access tokens cannot be made: {0}")]
    AccessTokens(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A policy value outside its range.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The policy forbids earlier passwords, and nobody keeps them.
    #[error(
        "password_history forbids earlier passwords, and nobody keeps them: add .with_password_history(), or leave it 0"
    )]
    NoPasswordHistory,
    /// The policy requires new passwords to be checked against breaches, and nobody can be asked.
    #[error(
        "password_breach_check_required asks about new passwords, and there is nobody to ask: add .breach_check(..), or leave \
         it false"
    )]
    NoBreachCheck,
    /// A proxy list that trusts everybody.
    #[error(
        "trusted_proxies must not contain {0}: it would let every client choose its own address"
    )]
    TrustsEverybody(IpNet),
    /// The hash pool refuses its settings or cannot start.
    #[error("password hashing cannot start")]
    Hashing(#[from] PoolError),
    /// The store does not answer.
    #[error("the store does not answer")]
    Store(#[from] StoreError),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}
