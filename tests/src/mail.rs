//! Reads what the service has mailed.

use std::fs;
use std::path::Path;

/// How verification tokens begin.
const TOKEN_START: &str = "pcl_vfy_";

/// One delivered mail.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The file's name, which is the mail's id: sorts by time.
    pub name: String,
    /// The message as it would go over the wire.
    pub text: String,
}

impl Mail {
    /// Whether it went to this address.
    #[must_use]
    pub fn is_to(&self, address: &str) -> bool {
        let to = self.text.lines().find_map(|line| line.strip_prefix("To: "));
        to.is_some_and(|to| to.trim().trim_matches(['<', '>']) == address)
    }

    /// The token of its link.
    ///
    /// # Panics
    /// Where it has none.
    #[must_use]
    pub fn token(&self) -> String {
        token_in(&self.text).unwrap_or_else(|| panic!("no token in {}", self.text))
    }

    /// The code on a line of its own, two groups of four digits, where it has one.
    #[must_use]
    pub fn code(&self) -> Option<String> {
        code_in(&self.text)
    }
}

/// The first code in a text that stands on a line of its own.
pub(crate) fn code_in(text: &str) -> Option<String> {
    let mut lines = text.lines().map(str::trim_end);
    let code = lines.find(|line| {
        line.split_once(' ')
            .is_some_and(|(first, second)| is_group(first) && is_group(second))
    });
    code.map(str::to_owned)
}

/// Whether it is half a code.
fn is_group(text: &str) -> bool {
    text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The first verification token in a text.
#[must_use]
pub fn token_in(text: &str) -> Option<String> {
    let (_, rest) = text.split_once(TOKEN_START)?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric());
    let body = rest.get(..end.unwrap_or(rest.len()))?;
    Some(format!("{TOKEN_START}{body}"))
}

/// All mails of a folder, oldest first; none where there is no folder.
pub(crate) fn read_all(folder: &Path) -> Vec<Mail> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut mails: Vec<Mail> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "eml"))
        .map(|entry| Mail {
            name: entry.file_name().to_string_lossy().into_owned(),
            text: fs::read_to_string(entry.path()).expect("a readable mail"),
        })
        .collect();
    mails.sort_by(|a, b| a.name.cmp(&b.name));
    mails
}
