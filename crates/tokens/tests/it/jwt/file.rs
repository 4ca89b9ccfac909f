//! The key file: what is written, and all that is refused.

use std::fs;

use portcullis_tokens::OsEntropy;
use portcullis_tokens::jwt::{JwtAlgorithm, JwtKeyError, JwtKeys, SigningKey, SigningKeyError};
use portcullis_tokens::keys::{KEY_FILE_MAX_BYTES, KeyError};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::forge::*;
use crate::support::NOW;

/// A key of each algorithm, the oldest one retired.
fn keys() -> JwtKeys {
    let mut keys = JwtKeys::new(key(JwtAlgorithm::Hs256), NOW);
    for algorithm in [
        JwtAlgorithm::EdDsa,
        JwtAlgorithm::Es256,
        JwtAlgorithm::Rs256,
    ] {
        keys = keys.rotate(key(algorithm), NOW).unwrap();
    }
    let ps256 = SigningKey::generate(JwtAlgorithm::Ps256, &OsEntropy).unwrap();
    keys.rotate(ps256, NOW).unwrap().retire(1, NOW).unwrap()
}

fn json_of(keys: &JwtKeys) -> String {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("jwt-keys.json");
    keys.save_new(&path).unwrap();
    fs::read_to_string(path).unwrap()
}

/// One EdDSA key, as it is written.
fn document() -> Value {
    let keys = JwtKeys::new(key(JwtAlgorithm::EdDsa), NOW);
    serde_json::from_str(&json_of(&keys)).unwrap()
}

/// The error that the document, edited, gives.
fn refused(edit: impl FnOnce(&mut Value)) -> JwtKeyError {
    let mut document = document();
    edit(&mut document);
    JwtKeys::from_json(&document.to_string()).unwrap_err()
}

#[test]
fn saved_keys_load_as_they_were() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("jwt-keys.json");
    let saved = keys();
    saved.save_new(&path).unwrap();
    let loaded = JwtKeys::load(&path).unwrap();
    assert_eq!(loaded.versions(), saved.versions());
    assert_eq!(loaded.jwks(), saved.jwks());
    assert_eq!(loaded.newest().0, 5);
    // And sign as they did.
    let codec = |keys| portcullis_tokens::jwt::JwtCodec::new(config(), keys).unwrap();
    let token = codec(saved).sign(&claims()).unwrap();
    assert_eq!(codec(loaded).verify(token.expose(), NOW), Ok(claims()));
}

#[test]
fn keys_are_never_overwritten() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("jwt-keys.json");
    fs::write(&path, "something else").unwrap();
    assert!(matches!(
        keys().save_new(&path),
        Err(JwtKeyError::File(KeyError::Exists { .. }))
    ));
    assert_eq!(fs::read_to_string(&path).unwrap(), "something else");
}

#[cfg(unix)]
#[test]
fn a_key_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let folder = TempDir::new().unwrap();
    let path = folder.path().join("jwt-keys.json");
    keys().save_new(&path).unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for mode in [0o640, 0o604, 0o620, 0o666] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert!(matches!(
            JwtKeys::load(&path),
            Err(JwtKeyError::File(KeyError::TooOpen { mode: refused, .. })) if refused == mode
        ));
    }
}

// PW-16
#[test]
fn without_a_file_there_are_no_keys() {
    let folder = TempDir::new().unwrap();
    let missing = JwtKeys::load(folder.path().join("jwt-keys.json")).unwrap_err();
    assert!(matches!(
        missing,
        JwtKeyError::File(KeyError::Missing { .. })
    ));
    let long = " ".repeat(KEY_FILE_MAX_BYTES + 1);
    assert!(matches!(
        JwtKeys::from_json(&long),
        Err(JwtKeyError::File(KeyError::TooLarge))
    ));
}

#[test]
fn unknown_content_is_refused() {
    let edits: [fn(&mut Value); 8] = [
        |document| document["note"] = json!(1),
        |document| document["jwt_signing"][0]["kid"] = json!("x"),
        |document| document["jwt_signing"][0]["version"] = json!("1"),
        |document| document["jwt_signing"][0]["algorithm"] = json!("none"),
        |document| document["jwt_signing"][0]["algorithm"] = json!("HS512"),
        |document| document["jwt_signing"][0]["algorithm"] = json!("eddsa"),
        |document| document["jwt_signing"] = json!({}),
        |document| *document = json!([]),
    ];
    for edit in edits {
        let error = refused(edit);
        assert!(
            matches!(error, JwtKeyError::File(KeyError::Malformed { .. })),
            "{error:?}"
        );
    }
    assert!(matches!(
        refused(|document| document["format"] = json!(2)),
        JwtKeyError::File(KeyError::UnknownFormat { format: 2 })
    ));
    // A list that stands twice: the second must not silently win.
    let twice = document()
        .to_string()
        .replacen('{', "{\"jwt_signing\":[],", 1);
    assert!(matches!(
        JwtKeys::from_json(&twice),
        Err(JwtKeyError::File(KeyError::Malformed { .. }))
    ));
}

#[test]
fn a_key_that_its_algorithm_cannot_use_is_refused_by_version() {
    for algorithm in ["ES256", "RS256", "PS256"] {
        let error = refused(|document| document["jwt_signing"][0]["algorithm"] = json!(algorithm));
        assert!(matches!(
            error,
            JwtKeyError::Version {
                version: 1,
                source: SigningKeyError::NotAKey { .. }
            }
        ));
    }
    let error = refused(|document| document["jwt_signing"][0]["algorithm"] = json!("HS256"));
    assert!(matches!(
        error,
        JwtKeyError::Version {
            source: SigningKeyError::WeakSecret,
            ..
        }
    ));
    let good = document()["jwt_signing"][0]["key"].clone();
    let good = good.as_str().unwrap();
    for key in [
        "",
        "AAAA",
        &good[4..],
        &good[..good.len() - 4],
        &good.replace('/', "_"),
        &format!("{good}AAAA"),
        &format!(" {good}"),
    ] {
        if key == good {
            continue;
        }
        let error = refused(|document| document["jwt_signing"][0]["key"] = json!(key));
        assert!(
            matches!(error, JwtKeyError::Version { version: 1, .. }),
            "{key}"
        );
    }
}

#[test]
fn versions_are_distinct_in_range_and_one_in_use() {
    assert!(matches!(
        refused(|document| document["jwt_signing"] = json!([])),
        JwtKeyError::Empty
    ));
    assert!(matches!(
        refused(|document| document["jwt_signing"][0]["retired_at"] = json!(1)),
        JwtKeyError::AllRetired
    ));
    for version in [0, 1_000_001] {
        assert!(matches!(
            refused(|document| document["jwt_signing"][0]["version"] = json!(version)),
            JwtKeyError::VersionOutOfRange { version: named } if named == version
        ));
    }
    let second = |version: u32, key: Value| {
        refused(|document| {
            let mut other = document["jwt_signing"][0].clone();
            other["version"] = json!(version);
            other["key"] = key.clone();
            let keys = document["jwt_signing"].as_array_mut().unwrap();
            keys.push(other);
        })
    };
    let same = document()["jwt_signing"][0]["key"].clone();
    assert!(matches!(
        second(1, same.clone()),
        JwtKeyError::DuplicateVersion { version: 1 }
    ));
    assert!(matches!(second(2, same), JwtKeyError::Repeated { .. }));
}

// CR-05
#[test]
fn an_error_never_quotes_the_file() {
    let document = document();
    let secret = document["jwt_signing"][0]["key"].as_str().unwrap();
    let errors = [
        refused(|document| document["format"] = json!(secret)),
        refused(|document| document["jwt_signing"][0]["algorithm"] = json!(secret)),
        refused(|document| document["jwt_signing"][0][secret] = json!(1)),
        refused(|document| document["jwt_signing"][0]["algorithm"] = json!("HS256")),
    ];
    for error in errors {
        assert!(!format!("{error} {error:?}").contains(secret), "{error:?}");
    }
}
