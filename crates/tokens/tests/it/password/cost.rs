//! What a hash may cost, and how many may be made at once.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::secret::PasswordHash;
use portcullis_tokens::OsEntropy;
use portcullis_tokens::password::{
    Argon2Params, Argon2Pool, HashError, HashPoolConfig, ParamsError, PasswordHasher, PoolError,
};

use super::{password, pool};
use crate::support::keys;

// PW-10
#[test]
fn every_weaker_cost_is_refused() {
    let start = |params| {
        let config = HashPoolConfig {
            params,
            threads: 1,
            ..HashPoolConfig::default()
        };
        Argon2Pool::start(config, keys(1), Arc::new(OsEntropy)).map(drop)
    };
    let floors = [
        (47_104, 1),
        (19_456, 2),
        (12_288, 3),
        (9_216, 4),
        (7_168, 5),
    ];
    for (memory_kib, iterations) in floors {
        let floor = Argon2Params {
            memory_kib,
            iterations,
            parallelism: 1,
        };
        assert!(start(floor).is_ok());
        let weaker = [
            (memory_kib - 1, iterations, 1),
            (memory_kib, iterations - 1, 1),
            (memory_kib, iterations, 0),
            (0, iterations, 1),
        ];
        for (memory_kib, iterations, parallelism) in weaker {
            let params = Argon2Params {
                memory_kib,
                iterations,
                parallelism,
            };
            let refused = start(params).unwrap_err();
            assert!(
                matches!(refused, PoolError::Params(ParamsError::TooWeak { .. })),
                "{params:?}"
            );
        }
    }
    // One lower bound between two rows, and no memory makes up for no passes.
    for (memory_kib, iterations) in [(19_455, 2), (7_167, 16), (1_048_576, 0)] {
        let params = Argon2Params {
            memory_kib,
            iterations,
            parallelism: 1,
        };
        assert!(params.validate().is_err(), "{params:?}");
    }
}

// PW-10
#[test]
fn a_cost_above_the_ceiling_is_refused() {
    let default = Argon2Params::default();
    for params in [
        Argon2Params {
            memory_kib: 1_048_577,
            ..default
        },
        Argon2Params {
            iterations: 17,
            ..default
        },
        Argon2Params {
            parallelism: 17,
            ..default
        },
    ] {
        let refused = params.validate().unwrap_err();
        assert!(matches!(refused, ParamsError::TooCostly { .. }));
    }
}

// PW-10
#[tokio::test]
async fn the_stored_string_names_the_configured_cost() {
    let stored = pool(keys(1)).hash(&password("pass")).await.unwrap();
    let rest = stored.phc.strip_prefix("$argon2id$v=19$m=19456,t=2,p=1$");
    let (salt, tag) = rest.unwrap().split_once('$').unwrap();
    assert_eq!((salt.len(), tag.len()), (22, 43));
    assert_eq!(stored.pepper_version, 1);
}

// CC-05
#[tokio::test]
async fn a_stored_hash_above_the_ceiling_is_refused_unhashed() {
    let pool = pool(keys(1));
    let stored = pool.hash(&password("pass")).await.unwrap();
    for (from, to) in [
        ("m=19456", "m=4294967295"),
        ("t=2", "t=4294967295"),
        ("argon2id", "bcrypt"),
        ("$v=19", ""),
    ] {
        let stored = PasswordHash {
            phc: stored.phc.replace(from, to),
            pepper_version: 1,
        };
        let answer = pool.verify(&password("pass"), Some(&stored)).await;
        assert_eq!(answer, Err(HashError::Malformed), "{to}");
    }
    assert_eq!(pool.hashes_computed(), 1);
}

// CC-05
#[test]
fn a_pool_without_bounds_is_refused() {
    let start = |config| Argon2Pool::start(config, keys(1), Arc::new(OsEntropy)).unwrap_err();
    let good = HashPoolConfig::default();
    for threads in [0, 1025, usize::MAX] {
        let refused = start(HashPoolConfig { threads, ..good });
        assert!(matches!(refused, PoolError::Threads));
    }
    for queue in [0, 65_537, usize::MAX] {
        let refused = start(HashPoolConfig { queue, ..good });
        assert!(matches!(refused, PoolError::Queue));
    }
    let refused = start(HashPoolConfig {
        max_wait: Duration::ZERO,
        ..good
    });
    assert!(matches!(refused, PoolError::MaxWait));
}
