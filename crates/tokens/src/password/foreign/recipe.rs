//! How a foreign digest is computed, and what that may cost.

use super::ForeignRefusal;

/// The memory of one computation. More than a worker keeps is used by one of them at a time.
const MEMORY_MAX: u64 = 256 << 20;
/// Memory times passes: about a second of argon2 or scrypt.
const WORK_MAX: u64 = 1 << 30;
/// About a second; each step doubles it.
const BCRYPT_COST_MAX: u32 = 14;
/// Rounds times blocks of output: about a second.
const ROUNDS_MAX: u64 = 2_000_000;
const LANES_MAX: u32 = 16;

pub(super) const SALT_MAX_BYTES: usize = 64;
const DIGEST_BYTES: std::ops::RangeInclusive<usize> = 16..=64;
/// Of the 24 bytes that bcrypt computes, its text form keeps 23.
pub(super) const BCRYPT_DIGEST_BYTES: usize = 23;

/// Which function, over which form of the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::password) enum Scheme {
    Argon2i,
    Argon2id,
    Bcrypt,
    /// Bcrypt of the SHA-256 digest in hexadecimal digits, as Django has it.
    BcryptSha256,
    Scrypt,
    /// Scrypt of the password in NFKC, as better-auth has it.
    ScryptNfkc,
    Pbkdf2Sha256,
    Pbkdf2Sha512,
}

impl Scheme {
    #[cfg(feature = "foreign-hashes")]
    pub(super) const ALL: [Self; 8] = [
        Self::Argon2i,
        Self::Argon2id,
        Self::Bcrypt,
        Self::BcryptSha256,
        Self::Scrypt,
        Self::ScryptNfkc,
        Self::Pbkdf2Sha256,
        Self::Pbkdf2Sha512,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Argon2i => "argon2i",
            Self::Argon2id => "argon2id",
            Self::Bcrypt => "bcrypt",
            Self::BcryptSha256 => "bcrypt-sha256",
            Self::Scrypt => "scrypt",
            Self::ScryptNfkc => "scrypt-nfkc",
            Self::Pbkdf2Sha256 => "pbkdf2-sha256",
            Self::Pbkdf2Sha512 => "pbkdf2-sha512",
        }
    }

    /// The bytes that one block of PBKDF2 gives.
    const fn block(self) -> u64 {
        match self {
            Self::Pbkdf2Sha512 => 64,
            _ => 32,
        }
    }
}

/// What one computation costs, in the words of its function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::password) enum Cost {
    Argon2 {
        /// 16 or 19: 0x10 or 0x13.
        version: u32,
        memory_kib: u32,
        passes: u32,
        lanes: u32,
    },
    Bcrypt {
        log_rounds: u32,
    },
    Scrypt {
        log_n: u32,
        r: u32,
        p: u32,
    },
    Pbkdf2 {
        rounds: u32,
    },
}

/// A scheme with its cost and the bytes of its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::password) struct Recipe {
    pub(in crate::password) scheme: Scheme,
    pub(in crate::password) cost: Cost,
    pub(in crate::password) length: usize,
}

impl Recipe {
    /// Checks everything that decides what a computation costs, and that there can be one.
    pub(super) fn check(&self, salt: &[u8]) -> Result<(), ForeignRefusal> {
        let scheme = self.scheme.as_str();
        let malformed = Err(ForeignRefusal::Malformed { scheme });
        let above = |what| Err(ForeignRefusal::AboveCeiling { scheme, what });
        if salt.len() > SALT_MAX_BYTES {
            return above("salt");
        }
        if self.length > *DIGEST_BYTES.end() {
            return above("length");
        }
        if salt.is_empty() || self.length < *DIGEST_BYTES.start() {
            return malformed;
        }
        match self.cost {
            Cost::Argon2 {
                version,
                memory_kib,
                passes,
                lanes,
            } => {
                let memory = self.memory();
                if memory > MEMORY_MAX {
                    return above("memory");
                }
                if lanes > LANES_MAX {
                    return above("parallelism");
                }
                if memory.saturating_mul(passes.into()) > WORK_MAX {
                    return above("work");
                }
                let least = u64::from(lanes) * 8;
                if ![16, 19].contains(&version)
                    || lanes == 0
                    || passes == 0
                    || u64::from(memory_kib) < least
                    || salt.len() < 8
                {
                    return malformed;
                }
            }
            Cost::Bcrypt { log_rounds } => {
                if log_rounds > BCRYPT_COST_MAX {
                    return above("cost");
                }
                if log_rounds < 4 || salt.len() != 16 || self.length != BCRYPT_DIGEST_BYTES {
                    return malformed;
                }
            }
            Cost::Scrypt { log_n, r, p } => {
                let memory = self.memory();
                if memory > MEMORY_MAX {
                    return above("memory");
                }
                // The blocks of all lanes are made before the first is mixed.
                let lanes = u64::from(r).saturating_mul(u64::from(p) * 128);
                if p > LANES_MAX || lanes > MEMORY_MAX / 16 {
                    return above("parallelism");
                }
                if memory.saturating_mul(p.into()) > WORK_MAX {
                    return above("work");
                }
                if log_n == 0 || r == 0 || p == 0 {
                    return malformed;
                }
            }
            Cost::Pbkdf2 { rounds } => {
                let length = u64::try_from(self.length).unwrap_or(u64::MAX);
                let blocks = length.div_ceil(self.scheme.block());
                if u64::from(rounds).saturating_mul(blocks) > ROUNDS_MAX {
                    return above("rounds");
                }
                if rounds == 0 {
                    return malformed;
                }
            }
        }
        Ok(())
    }

    /// In bytes; bcrypt's four KiB and PBKDF2's few bytes are the thread's own.
    pub(super) fn memory(&self) -> u64 {
        match self.cost {
            Cost::Argon2 { memory_kib, .. } => u64::from(memory_kib) << 10,
            Cost::Scrypt { log_n, r, .. } => {
                let n = 1_u64.checked_shl(log_n).unwrap_or(u64::MAX);
                n.saturating_mul(u64::from(r).saturating_mul(128))
            }
            Cost::Bcrypt { .. } | Cost::Pbkdf2 { .. } => 0,
        }
    }

    /// Whether the systems that use the scheme know a pepper.
    pub(super) const fn takes_pepper(&self) -> bool {
        matches!(
            self.scheme,
            Scheme::Argon2i | Scheme::Argon2id | Scheme::Bcrypt
        )
    }

    /// Whether a password can be one of the scheme's at all; see the docs of the module.
    #[cfg(feature = "foreign-hashes")]
    pub(in crate::password) fn knows(&self, password: &str) -> bool {
        self.scheme != Scheme::Bcrypt || !password.contains('\0')
    }
}
