//! The cost of a password hash, between a floor and a ceiling.

/// The least memory in KiB for a number of iterations; any row is enough (OWASP Password Storage Cheat Sheet, PW-10).
const FLOORS: [(u32, u32); 5] = [
    (47_104, 1),
    (19_456, 2),
    (12_288, 3),
    (9_216, 4),
    (7_168, 5),
];

/// 1 GiB. A stored hash decides what its verification costs; above this it is refused, not computed.
const MEMORY_KIB_MAX: u32 = 1024 * 1024;
const ITERATIONS_MAX: u32 = 16;
const PARALLELISM_MAX: u32 = 16;

/// Cost parameters of argon2id (RFC 9106 section 3.1). The default is 19 MiB, two iterations, one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Params {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes. They are computed one after the other, so more of them save no time here.
    pub parallelism: u32,
}

impl Default for Argon2Params {
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            iterations: 2,
            parallelism: 1,
        }
    }
}

/// Parameters that new hashes may not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// Too cheap to attack.
    #[error(
        "m={memory_kib} KiB, t={iterations}, p={parallelism} is below the floor: \
         at least 47104/1, 19456/2, 12288/3, 9216/4 or 7168/5, and p at least 1"
    )]
    TooWeak {
        /// Memory in KiB.
        memory_kib: u32,
        /// Passes.
        iterations: u32,
        /// Lanes.
        parallelism: u32,
    },
    /// Dear enough to be an attack on this server.
    #[error(
        "m={memory_kib} KiB, t={iterations}, p={parallelism} is above the ceiling: m 1 GiB, t 16, p 16"
    )]
    TooCostly {
        /// Memory in KiB.
        memory_kib: u32,
        /// Passes.
        iterations: u32,
        /// Lanes.
        parallelism: u32,
    },
}

impl Argon2Params {
    /// Checks that new hashes may be made with these parameters.
    ///
    /// # Errors
    /// [`ParamsError`] below every row of 47104 KiB/1, 19456/2, 12288/3, 9216/4, 7168/5 or without a lane, and above
    /// 1 GiB, 16 iterations or 16 lanes.
    pub fn validate(&self) -> Result<(), ParamsError> {
        let Self {
            memory_kib,
            iterations,
            parallelism,
        } = *self;
        if self.exceeds_ceiling() {
            return Err(ParamsError::TooCostly {
                memory_kib,
                iterations,
                parallelism,
            });
        }
        let enough = |&(memory, passes): &_| memory_kib >= memory && iterations >= passes;
        if parallelism >= 1 && FLOORS.iter().any(enough) {
            Ok(())
        } else {
            Err(ParamsError::TooWeak {
                memory_kib,
                iterations,
                parallelism,
            })
        }
    }

    pub(super) const fn exceeds_ceiling(&self) -> bool {
        self.memory_kib > MEMORY_KIB_MAX
            || self.iterations > ITERATIONS_MAX
            || self.parallelism > PARALLELISM_MAX
    }
}
