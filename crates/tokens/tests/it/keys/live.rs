//! Keys that change while they are in use.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use portcullis_core::entropy::SeededEntropy;
use portcullis_core::secret::Password;
use portcullis_tokens::OsEntropy;
use portcullis_tokens::keys::{KeyError, KeyRings, Live, LiveKeys, Purpose};
use portcullis_tokens::opaque::{TokenClass, TokenFormat, Tokens};
use portcullis_tokens::password::{Argon2Params, Argon2Pool, HashPoolConfig, PasswordHasher as _};
use portcullis_tokens::seal::{SealError, Sealer};
use tempfile::TempDir;

use crate::support::{NOW, keys};

struct File {
    _folder: TempDir,
    path: PathBuf,
}

impl File {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("keys.json");
        keys(1).save_new(&path).unwrap();
        Self {
            _folder: folder,
            path,
        }
    }

    fn watch(&self) -> LiveKeys {
        Live::watch(&self.path).unwrap()
    }

    fn rotate(&self, purpose: Purpose) {
        KeyRings::change_file(&self.path, |rings| rings.rotate(purpose, &OsEntropy, NOW)).unwrap();
    }

    fn retire(&self, purpose: Purpose, version: u32) {
        KeyRings::change_file(&self.path, |rings| rings.retire(purpose, version, NOW)).unwrap();
    }
}

fn take_up(live: &LiveKeys) -> bool {
    let fresh = live.read_again().unwrap();
    let any = fresh.is_some();
    if let Some(fresh) = fresh {
        live.take_up(fresh);
    }
    any
}

fn tokens(live: &LiveKeys) -> Tokens {
    Tokens::new(TokenFormat::default(), live.clone())
}

// FT-30, CR-04
#[test]
fn tokens_are_made_under_the_new_key_and_old_ones_hold_until_theirs_is_retired() {
    let file = File::new();
    let live = file.watch();
    let tokens = tokens(&live);
    let mint = || {
        let minted = tokens
            .mint(TokenClass::Session, [7; 16], &OsEntropy)
            .unwrap();
        let text = minted.plaintext.expose().to_owned();
        let presented = tokens.parse(TokenClass::Session, &text).unwrap();
        (presented, minted.digest)
    };
    let (old, stored_old) = mint();
    assert!(!take_up(&live), "the file is as it was");
    file.rotate(Purpose::TokenPepper);
    assert!(take_up(&live));
    let (new, stored_new) = mint();
    assert_eq!((stored_old.key_version, stored_new.key_version), (1, 2));
    assert!(tokens.verify(&old, &stored_old) && tokens.verify(&new, &stored_new));
    file.retire(Purpose::TokenPepper, 1);
    assert!(take_up(&live));
    assert!(!tokens.verify(&old, &stored_old));
    assert!(tokens.verify(&new, &stored_new));
}

// FT-30
#[tokio::test]
async fn whoever_has_not_seen_a_new_key_sees_it_when_it_is_needed() {
    let file = File::new();
    let (first, second) = (file.watch(), file.watch());
    let config = HashPoolConfig {
        params: Argon2Params::default(),
        threads: 1,
        ..HashPoolConfig::default()
    };
    let pool = |live: &LiveKeys| Argon2Pool::start(config, live.clone(), Arc::new(OsEntropy));
    let (hasher, other_hasher) = (pool(&first).unwrap(), pool(&second).unwrap());
    for purpose in [
        Purpose::TokenPepper,
        Purpose::Sealing,
        Purpose::PasswordPepper,
    ] {
        file.rotate(purpose);
        assert!(take_up(&first));
        // The second has looked at nothing yet.
        let before = second.generation();
        match purpose {
            Purpose::TokenPepper => {
                let keyed = tokens(&first).keyed("test", &[b"value"]);
                assert_eq!(keyed.key_version, 2);
                assert!(tokens(&second).verify_keyed("test", &[b"value"], &keyed));
            }
            Purpose::Sealing => {
                let sealed = Sealer::new(first.clone())
                    .seal(&[b"row"], b"secret", &OsEntropy)
                    .unwrap();
                assert_eq!(sealed.key_version, 2);
                let opened = Sealer::new(second.clone()).open(&[b"row"], &sealed);
                assert_eq!(*opened.unwrap(), b"secret");
            }
            _ => {
                let password = Password::new("correct horse").unwrap();
                let stored = hasher.hash(&password).await.unwrap();
                assert_eq!(stored.pepper_version, 2);
                let answer = other_hasher.verify(&password, Some(&stored)).await.unwrap();
                assert!(answer.matches && !answer.outdated);
            }
        }
        assert_eq!(second.generation(), before + 1);
    }
}

// FT-30
#[test]
fn a_file_that_cannot_be_used_changes_nothing() {
    let file = File::new();
    let live = file.watch();
    let sealed = {
        let foreign = keys(1)
            .rotate(Purpose::Sealing, &SeededEntropy::new(9), NOW)
            .unwrap();
        Sealer::new(foreign)
            .seal(&[b"row"], b"secret", &OsEntropy)
            .unwrap()
    };
    let unchanged = |because: &str| {
        assert_eq!(live.current().marker(), keys(1).marker(), "{because}");
        assert_eq!(
            Sealer::new(live.clone()).open(&[b"row"], &sealed),
            Err(SealError::UnknownKey { version: 2 })
        );
        assert_eq!(live.generation(), 0, "{because}");
    };
    fs::remove_file(&file.path).unwrap();
    assert!(matches!(live.read_again(), Err(KeyError::Missing { .. })));
    unchanged("gone");
    keys(2).save_new(&file.path).unwrap();
    assert!(matches!(live.read_again(), Err(KeyError::OtherKeys(_))));
    unchanged("another instance's");
    fs::write(&file.path, "{").unwrap();
    assert!(matches!(live.read_again(), Err(KeyError::Malformed { .. })));
    unchanged("half a file");
    // It is tried again until it can be used.
    assert!(live.read_again().is_err());
    fs::remove_file(&file.path).unwrap();
    keys(1).save_new(&file.path).unwrap();
    assert!(take_up(&live));
    assert_eq!(live.current().marker(), keys(1).marker());
}

#[test]
fn keys_of_another_instance_never_take_the_place_of_live_ones() {
    let live = LiveKeys::from(keys(1));
    assert!(matches!(live.replace(keys(2)), Err(KeyError::OtherKeys(_))));
    let rotated = keys(1)
        .rotate(Purpose::Sealing, &SeededEntropy::new(2), NOW)
        .unwrap();
    live.replace(rotated.clone()).unwrap();
    assert!(matches!(live.replace(keys(1)), Err(KeyError::OtherKeys(_))));
    assert_eq!(live.current().marker(), rotated.marker());
}
