//! The key file: what is written, and all that is refused.

use std::fs;

use portcullis_core::entropy::SeededEntropy;
use portcullis_tokens::keys::{KEY_FILE_MAX_BYTES, KeyError, KeyRings, Purpose};
use tempfile::TempDir;

use crate::support::{NOW, keys};

/// The JSON of `keys(1)`.
fn json() -> String {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keys.json");
    keys(1).save_new(&path).unwrap();
    fs::read_to_string(path).unwrap()
}

/// The error that `keys(1)`, edited, gives.
fn refused(edit: impl FnOnce(&mut serde_json::Value)) -> KeyError {
    let mut document = serde_json::from_str(&json()).unwrap();
    edit(&mut document);
    KeyRings::from_json(&document.to_string()).unwrap_err()
}

#[test]
fn saved_keys_load_as_they_were() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keys.json");
    let saved = keys(1)
        .rotate(Purpose::Sealing, &SeededEntropy::new(2), NOW)
        .unwrap()
        .rotate(Purpose::Sealing, &SeededEntropy::new(3), NOW)
        .unwrap()
        .retire(Purpose::Sealing, 1, NOW)
        .unwrap();
    saved.save_new(&path).unwrap();
    let loaded = KeyRings::load(&path).unwrap();
    assert_eq!(loaded.marker(), saved.marker());
    for purpose in Purpose::ALL {
        let (loaded, saved) = (loaded.ring(purpose), saved.ring(purpose));
        assert_eq!(loaded.versions(), saved.versions());
    }
}

#[test]
fn keys_are_never_overwritten() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keys.json");
    fs::write(&path, "something else").unwrap();
    assert!(matches!(
        keys(1).save_new(&path),
        Err(KeyError::Exists { .. })
    ));
    assert_eq!(fs::read_to_string(&path).unwrap(), "something else");
}

#[cfg(unix)]
#[test]
fn a_key_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keys.json");
    keys(1).save_new(&path).unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for mode in [0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o644, 0o666] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert!(matches!(
            KeyRings::load(&path),
            Err(KeyError::TooOpen { mode: refused, .. }) if refused == mode
        ));
    }
    for mode in [0o600, 0o400] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert!(KeyRings::load(&path).is_ok());
    }
}

// PW-16
#[test]
fn without_a_key_file_there_are_no_keys() {
    let folder = TempDir::new().unwrap();
    let missing = KeyRings::load(folder.path().join("keys.json")).unwrap_err();
    assert!(matches!(missing, KeyError::Missing { .. }));
    assert!(missing.to_string().contains("portcullis keys init"));
    assert!(matches!(
        KeyRings::load(folder.path()),
        Err(KeyError::NotAFile { .. } | KeyError::TooOpen { .. } | KeyError::Io { .. })
    ));
}

#[test]
fn an_oversized_key_file_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keys.json");
    keys(1).save_new(&path).unwrap();
    let mut text = json();
    text.push_str(&" ".repeat(KEY_FILE_MAX_BYTES - text.len()));
    fs::write(&path, &text).unwrap();
    assert!(KeyRings::load(&path).is_ok());
    fs::write(&path, text + " ").unwrap();
    assert!(matches!(KeyRings::load(&path), Err(KeyError::TooLarge)));
}

#[test]
fn keys_that_a_load_would_refuse_are_not_saved() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keys.json");
    let entropy = SeededEntropy::new(4);
    let mut keys = keys(1);
    for _ in 0..600 {
        keys = keys.rotate(Purpose::Sealing, &entropy, NOW).unwrap();
    }
    assert!(matches!(keys.save_new(&path), Err(KeyError::TooLarge)));
    assert!(!path.exists());
}

#[test]
fn a_missing_ring_is_refused_by_name() {
    for purpose in Purpose::ALL {
        let error = refused(|document| {
            let rings = document["rings"].as_object_mut().unwrap();
            rings.remove(purpose.as_str());
        });
        assert!(matches!(error, KeyError::MissingRing { purpose: named } if named == purpose));
        let error = refused(|document| document["rings"][purpose.as_str()] = serde_json::json!([]));
        assert!(matches!(error, KeyError::MissingRing { purpose: named } if named == purpose));
    }
}

#[test]
fn anything_but_32_bytes_in_canonical_base64_is_refused() {
    let good = "3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs=";
    let with = |key: &str| {
        let mut document: serde_json::Value = serde_json::from_str(&json()).unwrap();
        document["rings"]["sealing"][0]["key"] = key.into();
        KeyRings::from_json(&document.to_string())
    };
    assert!(with(good).is_ok());
    for key in [
        "",
        "3q2+7w==",
        "3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGg==",
        "3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhsc",
        &good.repeat(10),
        good.trim_end_matches('='),
        &good.replace("hs=", "ht="),
        &good.replace('+', "-"),
        &good.replace('A', " "),
    ] {
        let error = with(key).unwrap_err();
        assert!(
            matches!(error, KeyError::NotAKey { version: 1, .. }),
            "{key}"
        );
    }
}

#[test]
fn a_placeholder_is_refused() {
    for byte in [0_u8, 1, 0xff] {
        use base64::Engine;
        let key = base64::engine::general_purpose::STANDARD.encode([byte; 32]);
        let error = refused(|document| document["rings"]["sealing"][0]["key"] = key.into());
        assert!(matches!(error, KeyError::Placeholder { .. }));
    }
}

#[test]
fn a_key_that_stands_twice_is_refused() {
    let error = refused(|document| {
        let key = document["rings"]["sealing"][0]["key"].clone();
        document["rings"]["form_token"][0]["key"] = key;
    });
    assert!(matches!(error, KeyError::Repeated { .. }));
}

#[test]
fn versions_are_distinct_and_in_range() {
    let error = refused(|document| {
        let mut other = document["rings"]["form_token"][0].clone();
        other["key"] = "3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs=".into();
        let ring = document["rings"]["sealing"].as_array_mut().unwrap();
        ring.push(other);
    });
    assert!(matches!(
        error,
        KeyError::DuplicateVersion { version: 1, .. }
    ));
    for version in [0_u32, 1_000_001, u32::MAX] {
        let error = refused(|document| document["rings"]["sealing"][0]["version"] = version.into());
        assert!(
            matches!(error, KeyError::VersionOutOfRange { version: named, .. } if named == version)
        );
    }
}

#[test]
fn a_ring_of_retired_keys_is_refused() {
    let error = refused(|document| document["rings"]["sealing"][0]["retired_at"] = 1.into());
    assert!(matches!(
        error,
        KeyError::AllRetired {
            purpose: Purpose::Sealing
        }
    ));
}

#[test]
fn unknown_content_is_refused() {
    let edits: [fn(&mut serde_json::Value); 4] = [
        |document| document["note"] = 1.into(),
        |document| document["rings"]["other"] = serde_json::json!([]),
        |document| document["rings"]["sealing"][0]["algorithm"] = "none".into(),
        |document| document["rings"]["sealing"][0]["version"] = "1".into(),
    ];
    for edit in edits {
        assert!(matches!(refused(edit), KeyError::Malformed { .. }));
    }
    assert!(matches!(
        refused(|document| document["format"] = 2.into()),
        KeyError::UnknownFormat { format: 2 }
    ));
    // A ring that stands twice: the second must not silently win.
    let twice = json().replacen("\"form_token\"", "\"form_token\": [], \"form_token\"", 1);
    assert!(matches!(
        KeyRings::from_json(&twice),
        Err(KeyError::Malformed { .. })
    ));
}

// CR-05
#[test]
fn an_error_never_quotes_the_file() {
    let document: serde_json::Value = serde_json::from_str(&json()).unwrap();
    let secret = document["rings"]["sealing"][0]["key"].as_str().unwrap();
    let errors = [
        refused(|document| document["format"] = secret.into()),
        refused(|document| document["rings"]["sealing"][0]["version"] = secret.into()),
        refused(|document| document["rings"]["sealing"][0][secret] = 1.into()),
        refused(|document| document["rings"][secret] = 1.into()),
    ];
    for error in errors {
        assert!(!format!("{error} {error:?}").contains(secret), "{error:?}");
    }
}
