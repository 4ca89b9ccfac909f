//! Where somebody is sent after signing in: a path of this origin, or a page of an allowed one (SECURITY HT-07).

use std::fmt;

use portcullis_backends::Settings;
use url::Url;

use crate::csrf::AllowedOrigins;

/// The most bytes of a target.
const MAX_BYTES: usize = 2048;

/// An address that it is safe to send a browser to.
///
/// Either a path of the public origin that begins with one slash, or a URL whose origin is, to the letter, one that
/// [`RoutesConfig::allow_origin`](crate::RoutesConfig::allow_origin) names. Kept as the URL standard writes it, so that
/// no browser reads it differently than we did.
#[derive(Clone, PartialEq, Eq)]
pub struct ReturnTo(String);

/// A target that a browser might take for another site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a return address is a path that begins with one slash, or a URL of an allowed origin")]
pub struct ReturnToError;

impl ReturnTo {
    /// The root of the public origin.
    pub(crate) fn home() -> Self {
        Self("/".to_owned())
    }

    /// Reads a path of the public origin, such as `/inbox?page=2`.
    ///
    /// # Errors
    /// [`ReturnToError`] for anything else: other schemes and hosts, `//host`, backslashes, control characters and white
    /// space, encoded or not where a browser would decode it before it looks for the host, and more than 2,048 bytes.
    pub fn path(settings: &Settings, target: &str) -> Result<Self, ReturnToError> {
        Self::parse(settings, &AllowedOrigins::default(), target)
    }

    pub(crate) fn parse(
        settings: &Settings,
        allowed: &AllowedOrigins,
        target: &str,
    ) -> Result<Self, ReturnToError> {
        // Browsers drop tabs and newlines, take a backslash for a slash, and trim the rest.
        let plain = |c: char| !c.is_control() && !c.is_whitespace() && c != '\\';
        if target.len() > MAX_BYTES || !target.chars().all(plain) {
            return Err(ReturnToError);
        }
        let public = settings.public_url().origin();
        if target.starts_with('/') {
            let base = Url::parse(public).map_err(|_| ReturnToError)?;
            let url = base.join(target).map_err(|_| ReturnToError)?;
            let text = url.as_str().strip_prefix(public).unwrap_or_default();
            // `//host`, and whatever becomes that when dots are resolved.
            let stays = url.origin() == base.origin() && text.starts_with('/');
            if !stays || target.starts_with("//") || text.starts_with("//") {
                return Err(ReturnToError);
            }
            return Ok(Self(text.to_owned()));
        }
        let url = Url::parse(target).map_err(|_| ReturnToError)?;
        let origin = url.origin().ascii_serialization();
        let known = origin == public || allowed.contains(origin.as_bytes());
        // The text itself begins with the origin, then comes the path: no user, no other spelling of the host.
        let rest = target.strip_prefix(origin.as_str());
        let ends = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']));
        if !known || !ends || !url.username().is_empty() || url.password().is_some() {
            return Err(ReturnToError);
        }
        Ok(Self(url.into()))
    }

    /// What stands in `Location`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
