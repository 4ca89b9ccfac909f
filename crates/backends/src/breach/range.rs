//! The range format of Pwned Passwords: of a SHA-1 digest in hex the first five characters go out, and the others of all
//! digests that begin with them come back, each with how often it was seen. Whoever answers learns one in a million
//! prefixes (k-anonymity), and the password is looked up here.

use std::error::Error;
use std::fmt::Write as _;

use async_trait::async_trait;
use portcullis_core::secret::Password;
use sha1_smol::Sha1;
use zeroize::Zeroizing;

use super::{BreachCheck, BreachError};

/// Hex characters that go out.
const PREFIX: usize = 5;

/// Hex characters of a SHA-1 digest.
const DIGEST: usize = 40;

/// The longest answer that is read; padded ones have about a sixth of it. A source stops reading there.
pub const RANGE_ANSWER_MAX_BYTES: usize = 256 * 1024;

/// Where ranges come from: an HTTP client of the application's choice, a mirror, a file.
#[async_trait]
pub trait RangeSource: Send + Sync + 'static {
    /// The range of a prefix, five upper-case hex characters: lines of the other 35 characters, a colon and a count.
    /// Lines with the count 0 are padding. Nothing at all is a range without a password in it.
    ///
    /// # Errors
    /// Whatever kept it from answering, also a status that is not 200; it is logged.
    async fn range(&self, prefix: &str) -> Result<String, Box<dyn Error + Send + Sync>>;
}

/// Looks passwords up in ranges.
#[derive(Clone, Debug)]
pub struct RangeBreachCheck<F> {
    source: F,
}

impl<F: RangeSource> RangeBreachCheck<F> {
    /// A check that asks this source.
    #[must_use]
    pub const fn new(source: F) -> Self {
        Self { source }
    }
}

#[async_trait]
impl<F: RangeSource> BreachCheck for RangeBreachCheck<F> {
    async fn is_breached(&self, password: &Password) -> Result<bool, BreachError> {
        let digest = hex(password);
        let Some((prefix, suffix)) = digest.split_at_checked(PREFIX) else {
            return Err(BreachError::Malformed);
        };
        let answer = self.source.range(prefix).await;
        let answer = answer.map_err(BreachError::Source)?;
        if answer.len() > RANGE_ANSWER_MAX_BYTES {
            return Err(BreachError::TooLong);
        }
        has(&answer, suffix).ok_or(BreachError::Malformed)
    }
}

/// The digest in upper-case hex, as the ranges have it.
fn hex(password: &Password) -> Zeroizing<String> {
    let digest = Zeroizing::new(Sha1::from(password.expose()).digest().bytes());
    let mut hex = Zeroizing::new(String::with_capacity(DIGEST));
    for byte in *digest {
        // Writing to a String cannot fail.
        let _written = write!(hex, "{byte:02X}");
    }
    hex
}

/// Whether a range has a suffix; `None` where it is no range.
fn has(range: &str, suffix: &str) -> Option<bool> {
    let mut found = false;
    for line in range.lines().filter(|line| !line.is_empty()) {
        let (other, count) = line.split_once(':')?;
        let is_suffix = other.len() == DIGEST - PREFIX
            && other.bytes().all(|byte| byte.is_ascii_hexdigit())
            && count.bytes().all(|byte| byte.is_ascii_digit());
        if !is_suffix {
            return None;
        }
        let seen = count.parse::<u64>().ok()? > 0;
        found |= seen && other.eq_ignore_ascii_case(suffix);
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    // SHA-1 of "password": 5BAA6 1E4C9B93F3F0682250B6CF8331B7EE68FD8.
    const SUFFIX: &str = "1E4C9B93F3F0682250B6CF8331B7EE68FD8";
    const OTHER: &str = "1D2DA4053E34E76F6576ED1DA63134B5E2A";

    #[test]
    fn a_digest_is_that_of_fips_180_in_upper_case() {
        let password = Password::new("password").unwrap();
        assert_eq!(*hex(&password), format!("5BAA6{SUFFIX}"));
    }

    #[test]
    fn a_range_has_what_stands_in_it_with_a_count() {
        let small = SUFFIX.to_lowercase();
        for (range, is_there) in [
            (format!("{OTHER}:2\r\n{SUFFIX}:9659365\r\n"), true),
            (format!("{OTHER}:2\n{small}:1"), true),
            (format!("{OTHER}:2\r\n{SUFFIX}:0\r\n"), false),
            (format!("{OTHER}:2"), false),
            (String::new(), false),
        ] {
            assert_eq!(has(&range, SUFFIX), Some(is_there), "{range}");
        }
    }

    #[test]
    fn what_is_no_range_is_not_read_as_one_without_the_password() {
        for range in [
            "<html>Sign in to the network</html>".to_owned(),
            "too many requests".to_owned(),
            SUFFIX.to_owned(),
            format!("{OTHER}:"),
            format!("{OTHER}:+1"),
            format!("{OTHER}:1 "),
            format!("{OTHER}:99999999999999999999999"),
            format!("5BAA6{OTHER}:1"),
            format!("{OTHER}:1\n{}:1", "Z".repeat(35)),
            // Cut off on the way, also behind what was looked for.
            format!("{SUFFIX}:3\n{}", &OTHER[..20]),
        ] {
            assert_eq!(has(&range, SUFFIX), None, "{range}");
        }
    }
}
