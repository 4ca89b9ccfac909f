//! What is on disk: the database and the keys that belong to it, both or neither.
//!
//! Keys are made by `keys init` and by a first start where there is neither keys nor database, and nowhere else. A
//! database whose keys are gone, and keys whose database is gone, are refused: making the missing half anew would lock
//! everybody out, or open an empty service under the name of a full one.
//!
//! The keys of access tokens are not tied to the database: where they are missing they are made, and all that ends is
//! the access tokens of the ones before, which live for minutes.

use std::fs;
use std::io;
use std::path::Path;

use portcullis_core::clock::{Clock as _, SystemClock};
use portcullis_tokens::OsEntropy;
use portcullis_tokens::jwt::{JwtKeyError, JwtKeys, LiveJwtKeys};
use portcullis_tokens::keys::{KeyError, KeyRings, Live, LiveKeys};

use crate::config::Config;
use crate::failure::{Exit, Failure};

/// Whether this is the first start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Neither keys nor database.
    Empty,
    /// Both.
    Ready,
}

impl Condition {
    /// Refuses one without the other.
    pub(crate) fn of(there: bool, config: &Config) -> Result<Self, Failure> {
        let (database, keys) = (&config.database, &config.keys);
        match (there, exists(keys)?) {
            (false, false) => Ok(Self::Empty),
            (true, true) => Ok(Self::Ready),
            (true, false) => Err(Failure::new(
                Exit::Failure,
                format!(
                    "the database {database} has no keys at {}: put its key file back there; only for a database \
                     that was never served, make one with `portcullis keys init`",
                    keys.display()
                ),
            )),
            (false, true) => Err(Failure::new(
                Exit::Unavailable,
                format!(
                    "there are keys at {} but no database at {database}: put the database back there, or make an \
                     empty one with `portcullis migrate`",
                    keys.display()
                ),
            )),
        }
    }

    /// For commands that need both and make neither.
    pub(crate) fn require_ready<P>(there: Option<P>, config: &Config) -> Result<P, Failure> {
        Self::of(there.is_some(), config)?;
        there.ok_or_else(|| {
            Failure::new(
                Exit::Unavailable,
                format!(
                    "there is no database at {}: start `portcullis serve` once, or name another with --data-dir or \
                     --database",
                    config.database
                ),
            )
        })
    }
}

/// Makes a folder that only its owner may enter; one that is there stays as it is.
pub(crate) fn make(folder: &Path) -> Result<(), Failure> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| {
        let what = format!("the folder {} cannot be made", folder.display());
        Failure::caused(Exit::Failure, what, &error)
    })
}

/// The folder that a file stands in, made where it is missing.
pub(crate) fn make_for(file: &Path) -> Result<(), Failure> {
    file.parent().map_or(Ok(()), make)
}

/// Fresh keys in a file of their own; an existing file is never touched.
pub(crate) fn make_keys(config: &Config) -> Result<KeyRings, Failure> {
    make_for(&config.keys)?;
    let keys = KeyRings::generate(&OsEntropy, SystemClock.now())
        .map_err(|error| Failure::caused(Exit::Failure, "no keys were made", &error))?;
    keys.save_new(&config.keys)
        .map_err(|error| refused(&error))?;
    Ok(keys)
}

/// The keys that are there, followed where their file changes.
pub(crate) fn watch_keys(config: &Config) -> Result<LiveKeys, Failure> {
    Live::watch(&config.keys).map_err(|error| refused(&error))
}

/// The keys that are there.
pub(crate) fn load_keys(config: &Config) -> Result<KeyRings, Failure> {
    KeyRings::load(&config.keys).map_err(|error| refused(&error))
}

/// The keys of access tokens, made where they are missing and followed where their file changes; `None` where there are
/// no access tokens.
pub(crate) fn access_keys(config: &Config) -> Result<Option<LiveJwtKeys>, Failure> {
    let access = &config.access_tokens;
    if !access.enabled {
        return Ok(None);
    }
    if !exists(&access.keys)? {
        make_access_keys(config)?;
    }
    let keys = Live::watch(&access.keys);
    keys.map(Some).map_err(|error| access_refused(&error))
}

fn make_access_keys(config: &Config) -> Result<(), Failure> {
    let access = &config.access_tokens;
    make_for(&access.keys)?;
    let keys = JwtKeys::generate(access.algorithm, &OsEntropy, SystemClock.now())
        .map_err(|error| Failure::caused(Exit::Failure, "no keys were made", &error))?;
    let saved = keys.save_new(&access.keys);
    saved.map_err(|error| access_refused(&error))?;
    tracing::info!(file = %access.keys.display(), "keys of access tokens made");
    Ok(())
}

/// Says so where others may look into the folder: mail in it holds usable links.
#[cfg(unix)]
pub(crate) fn warn_if_open(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;

    if let Ok(metadata) = fs::metadata(folder)
        && metadata.permissions().mode() & 0o077 != 0
    {
        tracing::warn!(folder = %folder.display(), "others may look into this folder: `chmod 700` it");
    }
}

/// Other systems guard folders by access lists that the standard library does not show.
#[cfg(not(unix))]
pub(crate) fn warn_if_open(_folder: &Path) {}

pub(crate) fn refused(error: &KeyError) -> Failure {
    let exit = match error {
        KeyError::Exists { .. } | KeyError::NotRetirable { .. } | KeyError::BeingChanged { .. } => {
            Exit::Refused
        }
        _ => Exit::Failure,
    };
    Failure::new(exit, crate::failure::chain(error))
}

pub(crate) fn access_refused(error: &JwtKeyError) -> Failure {
    match error {
        JwtKeyError::File(error) => refused(error),
        JwtKeyError::NotRetirable { .. } => {
            Failure::new(Exit::Refused, crate::failure::chain(error))
        }
        error => Failure::new(Exit::Failure, crate::failure::chain(error)),
    }
}

/// A file that cannot be looked at is not one that is missing.
pub(crate) fn exists(file: &Path) -> Result<bool, Failure> {
    match fs::symlink_metadata(file) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => {
            let what = format!("{} cannot be looked at", file.display());
            Err(Failure::caused(Exit::Failure, what, &error))
        }
    }
}
