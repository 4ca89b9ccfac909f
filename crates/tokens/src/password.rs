//! Password hashing: argon2id (RFC 9106) on threads of its own, peppered, in PHC strings.
//!
//! [`PasswordHasher`] is what flows see; [`Argon2Pool`] is the implementation.
//!
//! What goes into argon2 is not the password but HMAC-SHA256 of it under the password pepper, a key that is never in
//! the database: a stolen database alone lets nobody test even a right guess (PW-13), and the input of the expensive
//! function has 32 bytes however long the password is. The 256 bits of the digest lose nothing a password could have.

mod argon2id;
mod foreign;
mod load;
mod params;
mod phc;
mod pool;
mod queue;
mod worker;

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use portcullis_core::entropy::EntropyError;
use portcullis_core::secret::{Password, PasswordHash};

pub use foreign::{
    AdoptHashes, FOREIGN_HASH_MAX_BYTES, FOREIGN_PEPPER_MAX_BYTES, ForeignHash, ForeignRefusal,
};
pub use load::{HASH_TIMES, HashLoad};
pub use params::{Argon2Params, ParamsError};
pub use pool::{Argon2Pool, HashPoolConfig, PoolError};

/// Hashes and verifies passwords without holding up the async threads.
#[async_trait]
pub trait PasswordHasher: Debug + Send + Sync + 'static {
    /// Hashes a password with the current parameters, pepper and a fresh salt.
    ///
    /// # Errors
    /// [`HashError::Busy`], [`HashError::Entropy`] and [`HashError::Stopped`].
    async fn hash(&self, password: &Password) -> Result<PasswordHash, HashError>;

    /// Compares a password with a stored hash, in constant time, at the cost of the stored hash's own parameters.
    ///
    /// Where nothing is stored (`None`: no such person, or no password) it does the work of a hash with the current
    /// parameters and never matches, so that an unknown name costs what a wrong password costs. A hash whose pepper is
    /// retired is worth nothing, and treated the same.
    ///
    /// # Errors
    /// Any [`HashError`] but [`HashError::Entropy`]. An error is not a "no".
    async fn verify(
        &self,
        password: &Password,
        stored: Option<&PasswordHash>,
    ) -> Result<Verification, HashError>;

    /// What it has done and what waits, for whoever watches; `None` where it does not count.
    fn load(&self) -> Option<HashLoad> {
        None
    }
}

/// The answer to [`PasswordHasher::verify`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Whether the password is the stored one.
    pub matches: bool,
    /// It matches, but was hashed with other parameters or another pepper than the current ones: hash it anew while it
    /// is at hand (ASVS 11.2.2). Never set without a match.
    pub outdated: bool,
}

/// A password could not be hashed or compared; whether it is right stays unknown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// More work is waiting than may, or this piece waited longer than it may.
    #[error("too many passwords are being hashed")]
    Busy {
        /// How long the work that is waiting now will take.
        retry_after: Duration,
    },
    /// The stored hash is not one this hasher writes, or asks for more work than the ceiling allows.
    #[error("the stored password hash is unreadable or above the cost ceiling")]
    Malformed,
    /// The pepper of the stored hash is missing; a retired one is not.
    #[error("the password was hashed with version {version} of the pepper, which is missing")]
    UnknownPepper {
        /// The version.
        version: u32,
    },
    /// No salt could be drawn.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The hasher was shut down, or failed in the middle of this piece of work.
    #[error("the password hasher stopped before it had an answer")]
    Stopped,
}
