//! What is refused before anything is computed.

use portcullis_core::secret::PasswordHash;
use portcullis_tokens::password::{
    AdoptHashes, FOREIGN_HASH_MAX_BYTES, ForeignHash, ForeignRefusal, HashError, PasswordHasher,
};
use proptest::prelude::*;

use super::{cases, password, pool};
use crate::support::keys;

fn refused(text: &str) -> String {
    match ForeignHash::parse(text) {
        Ok(foreign) => panic!("{text} is {foreign:?}"),
        Err(refusal) => refusal.to_string(),
    }
}

const SALT: &str = "c29tZXNhbHQ";
const DIGEST: &str = "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
const BCRYPT: &str = "abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS";

// PW-10
#[test]
fn a_foreign_cost_above_the_ceiling_is_refused_by_name() {
    let long = "A".repeat(88);
    for (text, what) in [
        (
            format!("$argon2id$v=19$m=262145,t=1,p=1${SALT}${DIGEST}"),
            "memory of this argon2id",
        ),
        (
            format!("$argon2id$v=19$m=4294967295,t=1,p=1${SALT}${DIGEST}"),
            "memory of this argon2id",
        ),
        (
            format!("$argon2i$v=19$m=262144,t=5,p=1${SALT}${DIGEST}"),
            "work of this argon2i",
        ),
        (
            format!("$argon2id$v=19$m=1024,t=4294967295,p=1${SALT}${DIGEST}"),
            "work of this argon2id",
        ),
        (
            format!("$argon2id$v=19$m=4096,t=1,p=17${SALT}${DIGEST}"),
            "parallelism of this argon2id",
        ),
        (
            format!("$argon2id$v=19$m=4096,t=1,p=1${SALT}${long}"),
            "length of this argon2id",
        ),
        (
            format!("$argon2id$v=19$m=4096,t=1,p=1${long}${DIGEST}"),
            "salt of this argon2id",
        ),
        (format!("$2b$15${BCRYPT}"), "cost of this bcrypt"),
        (
            format!("bcrypt_sha256$$2b$31${BCRYPT}"),
            "cost of this bcrypt-sha256",
        ),
        (
            format!("$scrypt$ln=19,r=8,p=1${SALT}${DIGEST}"),
            "memory of this scrypt",
        ),
        (
            format!("$scrypt$ln=4294967295,r=8,p=1${SALT}${DIGEST}"),
            "memory of this scrypt",
        ),
        (
            format!("$scrypt$ln=1,r=4294967295,p=1${SALT}${DIGEST}"),
            "memory of this scrypt",
        ),
        (
            format!("$scrypt$ln=18,r=8,p=5${SALT}${DIGEST}"),
            "work of this scrypt",
        ),
        (
            format!("$scrypt$ln=4,r=8,p=17${SALT}${DIGEST}"),
            "parallelism of this scrypt",
        ),
        (
            format!("$scrypt$ln=1,r=1048576,p=1${SALT}${DIGEST}"),
            "parallelism of this scrypt",
        ),
        (
            format!("$pbkdf2-sha256$i=2000001,l=32${SALT}${DIGEST}"),
            "rounds of this pbkdf2-sha256",
        ),
        (
            format!("$pbkdf2-sha512$4294967295${SALT}${DIGEST}"),
            "rounds of this pbkdf2-sha512",
        ),
    ] {
        assert!(
            refused(&text).contains(&format!("the {what} hash")),
            "{text}: {}",
            refused(&text)
        );
    }
    // At the ceiling.
    for text in [
        format!("$argon2id$v=19$m=262144,t=4,p=16${SALT}${DIGEST}"),
        format!("$2b$14${BCRYPT}"),
        format!("$scrypt$ln=18,r=8,p=4${SALT}${DIGEST}"),
        format!("$pbkdf2-sha256$i=2000000,l=32${SALT}${DIGEST}"),
    ] {
        assert!(ForeignHash::parse(&text).is_ok(), "{text}");
    }
}

// PW-12
#[test]
fn a_scheme_that_is_not_verified_is_refused_by_name() {
    for (text, name) in [
        ("$1$salt$qJH7.N4xYta3aEG/dfqo/0", "md5-crypt"),
        ("$5$salt$digest", "sha256-crypt"),
        ("$6$salt$digest", "sha512-crypt"),
        ("$y$j9T$salt$digest", "yescrypt"),
        ("$P$B55D6LjfHDkINU5wF.v2BuuzO0/XPk/", "phpass"),
        (
            "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "bcrypt-2x",
        ),
        ("$argon2d$v=19$m=64,t=1,p=1$c29tZXNhbHQ$x", "argon2d"),
        ("pbkdf2:sha1:1000$salt$00", "pbkdf2-sha1"),
        ("pbkdf2_sha1$1000$salt$AA==", "pbkdf2-sha1"),
        ("md5$salt$digest", "md5"),
        ("{SSHA}digest", "ssha"),
    ] {
        let expected = ForeignRefusal::Unsupported { scheme: name };
        assert_eq!(ForeignHash::parse(text).unwrap_err(), expected, "{text}");
    }
    // What may be a password in clear text is not repeated.
    for text in [
        "",
        "correct horse",
        "$correct$horse$battery",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "a:b",
    ] {
        assert_eq!(
            refused(text),
            "not a password hash of a known form",
            "{text}"
        );
    }
    assert_eq!(
        refused(&"$2b$".repeat(FOREIGN_HASH_MAX_BYTES)),
        "not a password hash of a known form"
    );
}

#[test]
fn another_spelling_is_malformed() {
    for text in [
        format!("$argon2id$v=19$m=+64,t=1,p=1${SALT}${DIGEST}"),
        format!("$argon2id$v=19$m=064,t=1,p=1${SALT}${DIGEST}"),
        format!("$argon2id$v=19$t=1,m=64,p=1${SALT}${DIGEST}"),
        format!("$argon2id$v=19$m=64,t=1,p=1,data=AA${SALT}${DIGEST}"),
        format!("$argon2id$v=18$m=64,t=1,p=1${SALT}${DIGEST}"),
        format!("$argon2id$v=19$m=64,t=0,p=1${SALT}${DIGEST}"),
        format!("$argon2id$v=19$m=7,t=1,p=1${SALT}${DIGEST}"),
        format!("$argon2id$v=19$m=64,t=1,p=0${SALT}${DIGEST}"),
        format!("$argon2id$v=19$m=64,t=1,p=1${SALT}${DIGEST}="),
        format!("$argon2id$v=19$m=64,t=1,p=1${SALT}${DIGEST}$"),
        format!("$argon2id$v=19$m=64,t=1,p=1$c2FsdA${DIGEST}"),
        format!("$2b$5${BCRYPT}"),
        format!("$2b$03${BCRYPT}"),
        format!("$2b$05${BCRYPT}x"),
        format!("$2b$05${}", &BCRYPT[1..]),
        format!("bcrypt$2b$05${BCRYPT}"),
        format!("$scrypt$ln=0,r=8,p=1${SALT}${DIGEST}"),
        format!("$pbkdf2-sha256$i=1000,l=31${SALT}${DIGEST}"),
        format!("$pbkdf2-sha256$i=0,l=32${SALT}${DIGEST}"),
        "scrypt:1000:8:1$salt$00".to_owned(),
        "scrypt:1024:8:1$salt$FF".to_owned(),
        "scrypt:1024:8:1$salt$00".to_owned(),
        "pbkdf2_sha256$1000$$AAAAAAAAAAAAAAAAAAAAAA==".to_owned(),
        r#"{"type":"password"}"#.to_owned(),
        r#"{"type":"otp","secretData":"{}","credentialData":"{}"}"#.to_owned(),
    ] {
        assert!(
            refused(&text).starts_with("a malformed "),
            "{text}: {}",
            refused(&text)
        );
    }
}

// CC-05
#[tokio::test]
async fn a_stored_foreign_hash_above_the_ceiling_is_refused_unhashed() {
    let pool = pool(keys(1));
    let right = password("correct horse battery staple");
    for (system, from, to) in [
        ("argon2-cffi", "$19,1024,", "$19,4294967295,"),
        ("argon2-cffi", "argon2id", "argon2d"),
        ("libxcrypt 2b", "$5,23$", "$31,23$"),
        ("libxcrypt 2b", "$5,23$", "$05,23$"),
        ("Werkzeug scrypt", "$10,8,1,", "$30,8,1,"),
        ("Django pbkdf2_sha256", "$2000,", "$4294967295,"),
        ("Django pbkdf2_sha256", "v=1", "v=2"),
        ("Django pbkdf2_sha256", ",32$", ",32$$"),
    ] {
        let stored = pool.adopt(&super::find(system).read()).unwrap();
        let changed = PasswordHash {
            phc: stored.phc.replace(from, to),
            pepper_version: 1,
        };
        assert_ne!(changed.phc, stored.phc, "{from}");
        let answer = pool.verify(&right, Some(&changed)).await;
        assert_eq!(answer, Err(HashError::Malformed), "{to}");
    }
    assert_eq!(pool.hashes_computed(), 0);
}

/// Some case's hash with some of its characters changed, or any text.
fn texts() -> impl Strategy<Value = String> {
    let hashes: Vec<String> = cases().into_iter().map(|case| case.hash).collect();
    let changed = (
        prop::sample::select(hashes),
        prop::collection::vec((any::<prop::sample::Index>(), "[0-9$,:=a-z{}]{0,3}"), 0..4),
    )
        .prop_map(|(mut text, changes)| {
            for (at, with) in changes {
                let at = at.index(text.len().max(1));
                if text.get(at..=at).is_some() {
                    text.replace_range(at..=at, &with);
                }
            }
            text
        });
    prop_oneof![4 => changed, 1 => any::<String>()]
}

proptest! {
    // PW-10
    #[test]
    fn reading_never_panics_and_what_is_read_is_bounded(text in texts()) {
        if let Ok(foreign) = ForeignHash::parse(&text) {
            // Kept and read again under the same ceilings, or the pool would refuse what it adopted.
            prop_assert!(foreign.memory_bytes() <= 256 << 20);
        }
    }
}
