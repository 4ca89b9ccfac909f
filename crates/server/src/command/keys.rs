//! `keys`: what the key files hold, and changing it. None of it needs the database or a service that stands still.

mod view;

use portcullis_core::clock::{Clock as _, SystemClock};
use portcullis_tokens::OsEntropy;
use portcullis_tokens::jwt::{JwtKeyError, JwtKeys, SigningKey};
use portcullis_tokens::keys::{KeyError, KeyRings, Purpose};
use serde_json::json;

use self::view::KeyView;
use crate::cli::{Keys, Ring};
use crate::config::Config;
use crate::failure::Failure;
use crate::folder;
use crate::output::{self, Format};

const TAKEN_UP: &str =
    "Running services take the new keys up within seconds, or at once on SIGHUP.";

pub(super) fn run(asked: &Keys, config: &Config, format: Format) -> Result<(), Failure> {
    match asked {
        Keys::Init => init(config, format),
        Keys::List => format.print_all(&list(config)?, KeyView::line),
        Keys::Rotate { purpose } => rotate(*purpose, config, format),
        Keys::Retire { purpose, version } => retire(*purpose, *version, config, format),
    }
}

fn init(config: &Config, format: Format) -> Result<(), Failure> {
    folder::make_keys(config)?;
    let access = folder::access_keys(config)?.map(|_| &config.access_tokens.keys);
    let made = json!({ "keys": config.keys, "access_tokens_keys": access });
    format.print(&made, |_| {
        let file = config.keys.display();
        let mut text = format!("{file} was made; keep a copy of it apart from the database");
        if let Some(file) = access {
            let file = file.display();
            text.push_str(&format!("\n{file} signs access tokens; it needs no copy"));
        }
        text
    })
}

/// All keys of both files, by purpose and version.
fn list(config: &Config) -> Result<Vec<KeyView>, Failure> {
    let mut views = of_rings(&folder::load_keys(config)?);
    if has_access_keys(config)? {
        let keys = JwtKeys::load(&config.access_tokens.keys);
        views.extend(of_access(
            &keys.map_err(|error| folder::access_refused(&error))?,
        ));
    }
    Ok(views)
}

fn of_rings(rings: &KeyRings) -> Vec<KeyView> {
    let ring = |purpose| {
        let ring = rings.ring(purpose);
        let view = |info| KeyView::of_ring(purpose, ring.newest().0, info);
        ring.versions().into_iter().map(view).collect::<Vec<_>>()
    };
    Purpose::ALL.into_iter().flat_map(ring).collect()
}

fn of_access(keys: &JwtKeys) -> Vec<KeyView> {
    let newest = keys.newest().0;
    let versions = keys.versions().into_iter();
    versions
        .map(|info| KeyView::of_access(newest, info))
        .collect()
}

fn has_access_keys(config: &Config) -> Result<bool, Failure> {
    Ok(config.access_tokens.enabled && folder::exists(&config.access_tokens.keys)?)
}

/// Without a purpose, all of a file in one change.
fn rotate(asked: Option<Ring>, config: &Config, format: Format) -> Result<(), Failure> {
    let purposes = match asked {
        Some(Ring::AccessTokens) => Vec::new(),
        Some(ring) => purpose_of(ring).into_iter().collect(),
        None => Purpose::ALL.to_vec(),
    };
    let mut made = Vec::new();
    if !purposes.is_empty() {
        let rings = change_rings(config, |rings| {
            purposes.iter().try_fold(rings.clone(), |rings, purpose| {
                rings.rotate(*purpose, &OsEntropy, SystemClock.now())
            })
        })?;
        let is_new = |view: &KeyView| purposes.iter().any(|one| view.is_newest_of(one.as_str()));
        made.extend(of_rings(&rings).into_iter().filter(is_new));
    }
    let access = match asked {
        Some(ring) => ring == Ring::AccessTokens,
        None => has_access_keys(config)?,
    };
    if access {
        let keys = change_access(config, |keys| {
            let key = SigningKey::generate(config.access_tokens.algorithm, &OsEntropy)?;
            keys.rotate(key, SystemClock.now())
        })?;
        let is_new = |view: &KeyView| view.is_newest_of(view::ACCESS_TOKENS);
        made.extend(of_access(&keys).into_iter().filter(is_new));
    }
    format.print_all(&made, KeyView::line)?;
    output::note(TAKEN_UP);
    Ok(())
}

fn retire(ring: Ring, version: u32, config: &Config, format: Format) -> Result<(), Failure> {
    let now = SystemClock.now();
    let views = match purpose_of(ring) {
        Some(purpose) => of_rings(&change_rings(config, |rings| {
            rings.retire(purpose, version, now)
        })?),
        None => of_access(&change_access(config, |keys| keys.retire(version, now))?),
    };
    let name = purpose_of(ring).map_or(view::ACCESS_TOKENS, Purpose::as_str);
    let retired = views.into_iter().find(|view| view.is(name, version));
    match retired {
        Some(retired) => format.print(&retired, KeyView::line),
        None => Ok(()),
    }
}

fn change_rings(
    config: &Config,
    edit: impl FnOnce(&KeyRings) -> Result<KeyRings, KeyError>,
) -> Result<KeyRings, Failure> {
    KeyRings::change_file(&config.keys, edit).map_err(|error| folder::refused(&error))
}

fn change_access(
    config: &Config,
    edit: impl FnOnce(&JwtKeys) -> Result<JwtKeys, JwtKeyError>,
) -> Result<JwtKeys, Failure> {
    let changed = JwtKeys::change_file(&config.access_tokens.keys, edit);
    changed.map_err(|error| folder::access_refused(&error))
}

/// `None` for the keys that have a file of their own.
const fn purpose_of(ring: Ring) -> Option<Purpose> {
    match ring {
        Ring::TokenPepper => Some(Purpose::TokenPepper),
        Ring::PasswordPepper => Some(Purpose::PasswordPepper),
        Ring::Sealing => Some(Purpose::Sealing),
        Ring::FormToken => Some(Purpose::FormToken),
        Ring::AccessTokens => None,
    }
}
