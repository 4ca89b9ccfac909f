//! Languages that a person reads, for mail.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest tag kept (RFC 5646 section 4.4.1 asks for at least 35).
const TAG_MAX_BYTES: usize = 35;
/// The most languages kept of one header.
const LANGUAGES_MAX: usize = 8;
/// The most bytes read of one header.
const HEADER_MAX_BYTES: usize = 512;

/// A language tag (RFC 5646) in lower case: subtags of 1..=8 letters and digits, the first of letters, at most 35 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LanguageTag(String);

/// A text is no language tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a language tag has letters, digits and - only, like en or de-CH")]
pub struct LanguageTagError;

impl LanguageTag {
    /// Reads a tag, in any case; `_` counts as `-`.
    ///
    /// # Errors
    /// [`LanguageTagError`] for anything else.
    pub fn parse(text: &str) -> Result<Self, LanguageTagError> {
        if text.len() > TAG_MAX_BYTES {
            return Err(LanguageTagError);
        }
        let tag = text.to_ascii_lowercase().replace('_', "-");
        let is_subtag = |subtag: &str| {
            (1..=8).contains(&subtag.len()) && subtag.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        let primary = tag.split('-').next().unwrap_or_default();
        let starts = primary.bytes().all(|b| b.is_ascii_alphabetic());
        if !starts || !tag.split('-').all(is_subtag) {
            return Err(LanguageTagError);
        }
        Ok(Self(tag))
    }

    /// English.
    #[must_use]
    pub fn english() -> Self {
        Self("en".to_owned())
    }

    /// The tag.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tag and what it falls back to, subtag by subtag (RFC 4647 section 3.4): `de-ch-1996`, `de-ch`, `de`.
    pub fn lookup(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(self.as_str()), |tag| {
            tag.rsplit_once('-').map(|(shorter, _)| shorter)
        })
    }
}

impl fmt::Display for LanguageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for LanguageTag {
    type Err = LanguageTagError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for LanguageTag {
    type Error = LanguageTagError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<LanguageTag> for String {
    fn from(tag: LanguageTag) -> Self {
        tag.0
    }
}

/// Languages in the order in which a person prefers them; at most 8.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Languages(Vec<LanguageTag>);

impl Languages {
    /// Reads an `Accept-Language` header (RFC 9110 section 12.5.4). What cannot be read, is `*` or has weight zero is
    /// left out.
    #[must_use]
    pub fn of_header(header: &str) -> Self {
        let end = header.floor_char_boundary(HEADER_MAX_BYTES);
        let header = header.get(..end).unwrap_or_default();
        let mut weighed: Vec<(u32, LanguageTag)> = header
            .split(',')
            .filter_map(|range| {
                let mut parts = range.split(';');
                let tag = LanguageTag::parse(parts.next()?.trim()).ok()?;
                let weight = match parts.find_map(|part| part.trim().strip_prefix("q=")) {
                    Some(text) => thousandths(text)?,
                    None => 1000,
                };
                (weight > 0).then_some((weight, tag))
            })
            .collect();
        weighed.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        weighed.truncate(LANGUAGES_MAX);
        Self(weighed.into_iter().map(|(_, tag)| tag).collect())
    }

    /// The same with one that comes before all others.
    #[must_use]
    pub fn preferring(mut self, first: LanguageTag) -> Self {
        self.0.retain(|tag| *tag != first);
        self.0.insert(0, first);
        self.0.truncate(LANGUAGES_MAX);
        self
    }

    /// The languages, the preferred first.
    pub fn iter(&self) -> impl Iterator<Item = &LanguageTag> {
        self.0.iter()
    }
}

/// A weight of 0 to 1 with up to three digits.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    if rest.len() > 3 || !rest.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part: u32 = format!("{rest:0<3}").parse().ok()?;
    match whole {
        "0" => Some(part),
        "1" if part == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(header: &str) -> Vec<String> {
        let languages = Languages::of_header(header);
        languages.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_header_is_read_by_weight() {
        assert_eq!(
            of("en;q=0.5, de-CH, fr;q=0.9, it;q=0"),
            ["de-ch", "fr", "en"]
        );
        assert_eq!(of("*, de;q=1.5, e n, \r\nX-Evil: 1"), [] as [&str; 0]);
        assert_eq!(of(&"en,".repeat(500)).len(), LANGUAGES_MAX);
    }

    #[test]
    fn a_tag_falls_back_subtag_by_subtag() {
        let tag = LanguageTag::parse("DE_ch-1996").unwrap();
        assert_eq!(
            tag.lookup().collect::<Vec<_>>(),
            ["de-ch-1996", "de-ch", "de"]
        );
        for text in ["", "-", "de-", "../x", "1a", "de\n", "verylonglanguage"] {
            assert_eq!(LanguageTag::parse(text), Err(LanguageTagError), "{text:?}");
        }
    }
}
