//! What a database keeps to recognise its keys by.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use super::{KeyRings, Purpose};
use crate::mac::{self, Label};

const HEADER: &str = "v1";
/// Far above what the largest key file gives.
const MAX_BYTES: usize = 64 * 1024;

/// A fingerprint of every key, by purpose and version: 16 bytes of HMAC-SHA256 under the key itself, so it reveals
/// nothing of it.
///
/// The database keeps its text form; opening that database with other keys is refused (DESIGN law 11), because every
/// token and password in it would silently stop working.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyMarker(Vec<Mark>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    purpose: Purpose,
    version: u32,
    fingerprint: String,
}

/// The keys at hand are not the ones the database was written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MarkerMismatch {
    /// The same version is another key.
    #[error(
        "version {version} of the {purpose} ring is not the key this database was written with"
    )]
    Changed {
        /// The ring.
        purpose: Purpose,
        /// The version.
        version: u32,
    },
    /// A key the database knows is not at hand.
    #[error(
        "this database was written with version {version} of the {purpose} ring, which is missing"
    )]
    Missing {
        /// The ring.
        purpose: Purpose,
        /// The version.
        version: u32,
    },
}

/// The text is not a marker as [`KeyMarker`] prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a key marker")]
pub struct ParseMarkerError;

impl KeyMarker {
    pub(super) fn of(keys: &KeyRings) -> Self {
        let mut marks = Vec::new();
        for purpose in Purpose::ALL {
            let mut ring: Vec<_> = keys.ring(purpose).entries().collect();
            ring.sort_by_key(|entry| entry.info.version);
            for entry in ring {
                let version = entry.info.version;
                let mac = mac::framed(
                    entry.key.bytes(),
                    Label::KeyMarker,
                    &[purpose.as_str().as_bytes(), &version.to_be_bytes()],
                );
                let mut fingerprint = String::with_capacity(32);
                for byte in mac.iter().take(16) {
                    let _infallible = write!(fingerprint, "{byte:02x}");
                }
                marks.push(Mark {
                    purpose,
                    version,
                    fingerprint,
                });
            }
        }
        Self(marks)
    }

    /// Whether a database with this stored marker may be opened with keys whose marker is `current`; `true` where
    /// `current` has keys that are new, so that it should be stored in this one's place.
    ///
    /// # Errors
    /// [`MarkerMismatch`] where a key stored here is another one in `current`, or is missing there.
    pub fn accepts(&self, current: &Self) -> Result<bool, MarkerMismatch> {
        for stored in &self.0 {
            let (purpose, version) = (stored.purpose, stored.version);
            match current.find(purpose, version) {
                None => return Err(MarkerMismatch::Missing { purpose, version }),
                Some(mark) if mark.fingerprint != stored.fingerprint => {
                    return Err(MarkerMismatch::Changed { purpose, version });
                }
                Some(_) => {}
            }
        }
        // Versions are distinct within a marker, so more marks means new ones.
        Ok(current.0.len() > self.0.len())
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// [`ParseMarkerError`] for anything but what [`KeyMarker`] prints.
    pub fn parse(text: &str) -> Result<Self, ParseMarkerError> {
        if text.len() > MAX_BYTES {
            return Err(ParseMarkerError);
        }
        let mut words = text.split(' ');
        if words.next() != Some(HEADER) {
            return Err(ParseMarkerError);
        }
        let mut marker = Self(Vec::new());
        for word in words {
            let mark = Mark::parse(word).ok_or(ParseMarkerError)?;
            if marker.find(mark.purpose, mark.version).is_some() {
                return Err(ParseMarkerError);
            }
            marker.0.push(mark);
        }
        // Printing again catches every other spelling of a number.
        if marker.to_string() == text {
            Ok(marker)
        } else {
            Err(ParseMarkerError)
        }
    }

    fn find(&self, purpose: Purpose, version: u32) -> Option<&Mark> {
        self.0
            .iter()
            .find(|mark| mark.purpose == purpose && mark.version == version)
    }
}

impl Mark {
    fn parse(word: &str) -> Option<Self> {
        let (purpose, rest) = word.split_once(':')?;
        let (version, fingerprint) = rest.split_once('=')?;
        let lower_hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
        if fingerprint.len() != 32 || !fingerprint.chars().all(lower_hex) {
            return None;
        }
        Some(Self {
            purpose: *Purpose::ALL.iter().find(|one| one.as_str() == purpose)?,
            version: version.parse().ok()?,
            fingerprint: fingerprint.to_owned(),
        })
    }
}

/// `v1` and a word for each key, `token_pepper:1=` and 32 hexadecimal digits, separated by single spaces.
impl fmt::Display for KeyMarker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEADER)?;
        for mark in &self.0 {
            write!(f, " {}:{}={}", mark.purpose, mark.version, mark.fingerprint)?;
        }
        Ok(())
    }
}

impl FromStr for KeyMarker {
    type Err = ParseMarkerError;

    fn from_str(text: &str) -> Result<Self, ParseMarkerError> {
        Self::parse(text)
    }
}
