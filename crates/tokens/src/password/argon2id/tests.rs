//! Published answers, and what the memory does between hashes.

use argon2::{AssociatedData, ParamsBuilder};
use serde::Deserialize;

use super::*;
use crate::password::phc::bytes_of_b64;

#[derive(Deserialize)]
struct Vectors {
    rfc: Rfc,
    reference: Reference,
}

#[derive(Deserialize)]
struct Rfc {
    source: String,
    tag: String,
}

#[derive(Deserialize)]
struct Reference {
    source: String,
    password: String,
    phc: Vec<String>,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../../tests/vectors/argon2id.json")).unwrap()
}

fn memory(params: Argon2Params) -> Memory {
    Memory::new(params, Arc::default())
}

#[test]
fn argon2id_gives_the_answer_of_rfc_9106() {
    let vectors = vectors();
    assert!(vectors.rfc.source.contains("RFC 9106 section 5.3"));
    // The vector has a secret and associated data, which our hashes have not: the crate, on our memory.
    let params = ParamsBuilder::new()
        .m_cost(32)
        .t_cost(3)
        .p_cost(4)
        .data(AssociatedData::new(&[4; 12]).unwrap())
        .build()
        .unwrap();
    let mut memory = memory(Argon2Params::default());
    let mut tag = [0; 32];
    let count = params.block_count();
    Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params)
        .unwrap()
        .hash_password_into_with_memory(&[1; 32], &[2; 16], &mut tag, memory.blocks(count).unwrap())
        .unwrap();
    let hex: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, vectors.rfc.tag);
}

#[test]
fn argon2id_gives_the_answers_of_the_reference_in_used_memory() {
    let Reference {
        source,
        password,
        phc,
    } = vectors().reference;
    assert!(source.contains("phc-winner-argon2"));
    let mut memory = memory(Argon2Params::default());
    for phc in phc {
        let fields: Vec<_> = phc.split(['$', ',', '=']).collect();
        let number = |at: usize| fields[at].parse().unwrap();
        let params = Argon2Params {
            memory_kib: number(5),
            iterations: number(7),
            parallelism: number(9),
        };
        let (salt, expected) = (bytes_of_b64(fields[10]), bytes_of_b64(fields[11]));
        let tag = tag(params, password.as_bytes(), &salt, &mut memory).unwrap();
        assert_eq!(tag.to_vec(), expected, "{phc}");
    }
}

// CC-05
#[test]
fn memory_grows_for_a_larger_hash_and_is_given_back() {
    let small = Argon2Params {
        memory_kib: 64,
        iterations: 1,
        parallelism: 1,
    };
    let large = Argon2Params {
        memory_kib: 128,
        ..small
    };
    let mut memory = memory(small);
    assert!(memory.blocks.is_empty());
    let first = tag(small, b"input", &[0; 16], &mut memory).unwrap();
    assert_eq!(memory.blocks.len(), 64);
    tag(large, b"input", &[0; 16], &mut memory).unwrap();
    assert!(memory.blocks.is_empty());
    assert_eq!(tag(small, b"input", &[0; 16], &mut memory), Ok(first));
    assert_eq!(memory.blocks.len(), 64);
    assert_eq!(memory.load.allocations.load(Ordering::Relaxed), 3);
}

#[test]
fn impossible_parameters_are_refused_without_memory() {
    for (memory_kib, iterations, parallelism) in [
        (u32::MAX, 1, 1),
        (1024, u32::MAX, 1),
        (1024, 1, u32::MAX),
        (7, 1, 1),
        (1024, 0, 1),
        (1024, 1, 0),
        (127, 1, 16),
    ] {
        let params = Argon2Params {
            memory_kib,
            iterations,
            parallelism,
        };
        let mut memory = memory(params);
        assert_eq!(
            tag(params, b"input", &[0; 16], &mut memory),
            Err(Failed::Params)
        );
        assert!(memory.blocks.is_empty());
    }
}
