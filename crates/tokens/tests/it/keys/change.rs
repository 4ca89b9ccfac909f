//! Changing a key file in place.

use std::fs;
use std::path::PathBuf;
use std::sync::Barrier;
use std::thread;

use portcullis_core::entropy::SeededEntropy;
use portcullis_tokens::keys::{KeyError, KeyRings, Purpose};
use tempfile::TempDir;

use crate::support::{NOW, keys};

const PEPPER: Purpose = Purpose::TokenPepper;

fn saved() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keys.json");
    keys(1).save_new(&path).unwrap();
    (folder, path)
}

fn rotate(path: &PathBuf, seed: u64) -> Result<KeyRings, KeyError> {
    KeyRings::change_file(path, |rings| {
        rings.rotate(PEPPER, &SeededEntropy::new(seed), NOW)
    })
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

// CR-04
#[test]
fn a_changed_file_has_the_keys_before_and_the_new_one() {
    let (folder, path) = saved();
    let changed = rotate(&path, 2).unwrap();
    let read = KeyRings::load(&path).unwrap();
    assert_eq!(read.marker(), changed.marker());
    assert_eq!(keys(1).marker().accepts(&read.marker()), Ok(true));
    assert_eq!(names(&folder), ["keys.json"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_refused_change_leaves_the_file_and_nothing_beside_it() {
    let (folder, path) = saved();
    let before = fs::read(&path).unwrap();
    let refused = KeyRings::change_file(&path, |rings| rings.retire(PEPPER, 1, NOW));
    assert!(matches!(refused, Err(KeyError::NotRetirable { .. })));
    // Past what a file may hold: it would never be read again.
    let too_much = KeyRings::change_file(&path, |rings| {
        (2..500).try_fold(rings.clone(), |rings, seed| {
            rings.rotate(PEPPER, &SeededEntropy::new(seed), NOW)
        })
    });
    assert!(matches!(too_much, Err(KeyError::TooLarge)));
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(names(&folder), ["keys.json"]);
}

#[test]
fn a_change_that_was_cut_off_is_explained_and_stops_the_next_one() {
    let (folder, path) = saved();
    let lock = folder.path().join("keys.json.new");
    fs::write(&lock, "{").unwrap();
    let refused = rotate(&path, 2).unwrap_err();
    assert!(matches!(refused, KeyError::BeingChanged { .. }));
    let said = refused.to_string();
    assert!(
        said.contains(&lock.display().to_string()) && said.contains("delete it"),
        "{said}"
    );
    assert_eq!(
        KeyRings::load(&path).unwrap().marker(),
        keys(1).marker(),
        "readers are not disturbed"
    );
    fs::remove_file(lock).unwrap();
    rotate(&path, 2).unwrap();
}

#[test]
fn of_many_changes_at_once_none_is_lost() {
    const CALLERS: u64 = 8;
    let (folder, path) = saved();
    let start = Barrier::new(8);
    let done: u32 = thread::scope(|scope| {
        let (path, start) = (&path, &start);
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                scope.spawn(move || {
                    start.wait();
                    match rotate(path, 100 + caller) {
                        Ok(_) => 1,
                        Err(KeyError::BeingChanged { .. }) => 0,
                        Err(error) => panic!("{error}"),
                    }
                })
            })
            .collect();
        callers.into_iter().map(|one| one.join().unwrap()).sum()
    });
    let (newest, _) = KeyRings::load(&path)
        .map(|rings| (rings.ring(PEPPER).newest().0, rings))
        .unwrap();
    assert!(done >= 1);
    assert_eq!(newest, 1 + done);
    assert_eq!(names(&folder), ["keys.json"]);
}

#[cfg(unix)]
#[test]
fn a_file_that_is_open_to_others_or_a_link_is_not_changed() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let (folder, path) = saved();
    let link = folder.path().join("link.json");
    symlink(&path, &link).unwrap();
    assert!(matches!(rotate(&link, 2), Err(KeyError::NotAFile { .. })));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(
        rotate(&path, 2),
        Err(KeyError::TooOpen { mode: 0o640, .. })
    ));
    let missing = folder.path().join("none.json");
    assert!(matches!(rotate(&missing, 2), Err(KeyError::Missing { .. })));
    fs::remove_file(link).unwrap();
    assert_eq!(names(&folder), ["keys.json"]);
}

/// Only a superuser can give a file away.
#[cfg(unix)]
#[test]
fn another_users_file_is_not_changed() {
    let (_folder, path) = saved();
    if std::os::unix::fs::chown(&path, Some(12_345), None).is_ok() {
        let refused = rotate(&path, 2);
        assert!(matches!(
            refused,
            Err(KeyError::NotOurs { owner: 12_345, .. })
        ));
    }
}
