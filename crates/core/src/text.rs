//! Bounds and cleaning of text that comes from outside and ends in rows and logs.

/// Whether a character could break a log line or reorder what a reader sees: controls, line and paragraph separators,
/// bidirectional overrides and isolates, and the byte order mark.
#[must_use]
pub fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// `text` with deceptive characters replaced by U+FFFD, cut to at most `max` bytes at a character boundary.
#[must_use]
pub fn printable(text: &str, max: usize) -> String {
    let mut clean = String::with_capacity(text.len().min(max));
    for character in text.chars() {
        let character = if is_deceptive(character) {
            '\u{fffd}'
        } else {
            character
        };
        if clean.len() + character.len_utf8() > max {
            break;
        }
        clean.push(character);
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    // LG-03
    #[test]
    fn logged_text_stays_one_line_in_reading_order() {
        let clean = printable("a\r\nb\u{1b}[31m\0\u{2028}\u{202e}c", 512);
        assert!(!clean.chars().any(is_deceptive), "{clean:?}");
        assert!(clean.starts_with('a') && clean.ends_with('c'));
    }

    #[test]
    fn the_bound_is_in_bytes_and_keeps_characters_whole() {
        assert_eq!(printable("ééé", 5), "éé");
    }
}
