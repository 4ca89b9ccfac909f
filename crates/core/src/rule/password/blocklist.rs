//! Passwords that many people have.
//!
//! Three things refuse a password, at every length that a policy may ask for (SP 800-63B-4 section 3.1.1.2):
//!
//! - It is, in any case, one of the 6000 passwords of eight characters and more that are seen most in breaches, or all of
//!   them that have twelve (`common.txt`); also several times, or with a few digits and signs behind it.
//! - Nothing else is in it than one or two words that such passwords are made of (`blocklist.txt`), each as often as it
//!   likes, with a run or a few digits and signs around them: `Password2024!`, `qwertyuiop12345`, `dragonDRAGONdragon`,
//!   `p@ssw0rd-p@ssw0rd`. The words are written down for this crate from what is publicly known.
//! - It is typed without thinking: runs, walks over the keyboard, one short piece again and again ([`walk`]).

mod walk;

use std::sync::OnceLock;

use zeroize::Zeroizing;

use super::fold;

const LIST: &str = include_str!("blocklist.txt");

/// In order, in lower case. Counted in breaches by Mark Burnett, and published with zxcvbn (D. Wheeler, MIT licence).
const COMMON: &str = include_str!("common.txt");

/// So many digits and signs in a row do not tell one common password from another, whatever they are.
const DECORATION_MAX: usize = 6;

/// Longer passwords are not looked at: guessing does not start there, and taking a text apart has to end.
const LENGTH_MAX: usize = 72;

/// The words in order.
pub(super) fn words() -> &'static [&'static str] {
    static WORDS: OnceLock<Vec<&'static str>> = OnceLock::new();
    WORDS.get_or_init(|| {
        let mut words: Vec<_> = LIST.lines().collect();
        words.sort_unstable();
        words
    })
}

fn common() -> &'static [&'static str] {
    static COMMON_LINES: OnceLock<Vec<&'static str>> = OnceLock::new();
    COMMON_LINES.get_or_init(|| COMMON.lines().collect())
}

/// Whether it is one of the common passwords, once or several times, with a few digits and signs behind it.
fn is_listed(text: &str) -> bool {
    let mut undecorated = text;
    for _ in 0..=DECORATION_MAX {
        let once = walk::period(undecorated).unwrap_or(undecorated);
        if [once, undecorated]
            .iter()
            .any(|text| common().binary_search(text).is_ok())
        {
            return true;
        }
        match undecorated.char_indices().next_back() {
            Some((at, last)) if !last.is_alphabetic() => {
                undecorated = undecorated.get(..at).unwrap_or_default();
            }
            _ => return false,
        }
    }
    false
}

/// Whether a password is on the blocklist.
pub(super) fn is_common(password: &str) -> bool {
    let folded = fold(password);
    if folded.chars().count() > LENGTH_MAX {
        return false;
    }
    if is_listed(&folded)
        || walk::is_typed_without_thinking(&folded)
        || walk::is_run(&folded)
        || is_made_of_words(&folded)
    {
        return true;
    }
    // Signs that stand for letters; at the ends they are taken for what they are.
    let letters = folded.trim_matches(|c: char| !c.is_alphabetic());
    let (start, end) = match folded.find(letters) {
        Some(start) => (start, start + letters.len()),
        None => return false,
    };
    ["i", "l"].into_iter().any(|one| {
        let mut read = Zeroizing::new(String::with_capacity(folded.len() * 2));
        read.push_str(folded.get(..start).unwrap_or_default());
        for c in letters.chars() {
            match letter_of(c) {
                Some('1') => read.push_str(one),
                Some(letter) => read.push(letter),
                None => read.push(c),
            }
        }
        read.push_str(folded.get(end..).unwrap_or_default());
        is_made_of_words(&read)
    })
}

/// The letter that a sign stands for; `1` for the two that a one is.
const fn letter_of(sign: char) -> Option<char> {
    Some(match sign {
        '@' | '4' => 'a',
        '3' => 'e',
        '0' => 'o',
        '$' | '5' => 's',
        '7' | '+' => 't',
        '1' | '!' | '|' => '1',
        _ => return None,
    })
}

/// Whether nothing is in it but one or two of the words, runs, and a few other characters.
fn is_made_of_words(text: &str) -> bool {
    let mut seen = Seen::default();
    let (mut others, mut last, mut rest) = (0, "", text);
    while !rest.is_empty() {
        let alphabetic = rest.starts_with(char::is_alphabetic);
        let end = rest
            .find(|c: char| c.is_alphabetic() != alphabetic)
            .unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        rest = after;
        if alphabetic {
            match seen.taking(part) {
                Some(more) => seen = more,
                None => return false,
            }
        } else if !walk::is_run(part) && part != last {
            others += part.chars().count();
            last = part;
        }
    }
    others <= DECORATION_MAX && seen.any()
}

/// The one or two words that were found.
#[derive(Clone, Copy, Default)]
struct Seen<'a>([Option<&'a str>; 2]);

impl<'a> Seen<'a> {
    const fn any(self) -> bool {
        self.0[0].is_some()
    }

    /// Takes letters apart into words, each way there is, the longest word first. A run may end them.
    fn taking(self, letters: &'a str) -> Option<Self> {
        if letters.is_empty() {
            return Some(self);
        }
        let ends = letters.char_indices().map(|(at, c)| at + c.len_utf8());
        let mut starts: Vec<_> = ends
            .filter_map(|end| letters.split_at_checked(end))
            .collect();
        starts.reverse();
        let found = starts.into_iter().find_map(|(start, rest)| {
            let is_word = words().binary_search(&start).is_ok();
            let with_it = is_word.then(|| self.with(start)).flatten();
            with_it?.taking(rest)
        });
        found.or_else(|| walk::is_run(letters).then(|| self.with(letters)).flatten())
    }

    fn with(mut self, word: &'a str) -> Option<Self> {
        for place in &mut self.0 {
            match place {
                Some(there) if *there == word => return Some(self),
                Some(_) => {}
                None => {
                    *place = Some(word);
                    return Some(self);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
