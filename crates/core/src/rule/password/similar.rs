//! Passwords made of what is known about somebody.

use super::{FLOOR, fold};

/// Shorter pieces of a name stand in too many words.
const PIECE_MIN: usize = 3;

/// Whether less than the floor is left of a password when everything known about its owner is taken out of it: their
/// address, their name, the name of the service.
pub(super) fn is_similar(password: &str, known: &[&str]) -> bool {
    let mut left = fold(password);
    left.retain(char::is_alphanumeric);
    let whole = left.chars().count();
    let known: Vec<_> = known.iter().map(|text| fold(text)).collect();
    let mut pieces: Vec<String> = known
        .iter()
        .flat_map(|text| {
            let joined: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
            let parts = text
                .split(|c: char| !c.is_alphanumeric())
                .map(str::to_owned);
            parts.chain([joined]).collect::<Vec<_>>()
        })
        .filter(|piece| piece.chars().count() >= PIECE_MIN)
        .collect();
    // The whole before its parts.
    pieces.sort_unstable_by_key(|piece| std::cmp::Reverse(piece.len()));
    for piece in &pieces {
        // Text comes after text, so that the ends of what is taken out do not make a piece together.
        *left = left.replace(piece.as_str(), "\n");
    }
    let remains = left.chars().filter(|c| *c != '\n').count();
    remains < whole && remains < FLOOR
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: [&str; 4] = [
        "ada.lovelace",
        "analytical-engines.example",
        "Ada Lovelace",
        "Portcullis",
    ];

    // PW-07
    #[test]
    fn a_password_made_of_its_owner_is_refused() {
        for text in [
            "adalovelace2024",
            "Ada-Lovelace-1815",
            "ada.lovelace@analytical-engines.example",
            "AnalyticalEngines1",
            "portcullis-ada-1",
            "lovelacelovelacelovelace",
            "ＡＤＡ lovelace 12",
        ] {
            assert!(is_similar(text, &ADA), "{text}");
        }
    }

    #[test]
    fn a_password_with_enough_of_its_own_is_not() {
        for text in [
            "lovelace wrote many programs",
            "correct horse battery staple",
            "canada is far from here",
            "short",
        ] {
            assert!(!is_similar(text, &ADA), "{text}");
        }
        assert!(!is_similar("anything at all", &[]));
        assert!(!is_similar("anything at all", &["", "a", "io"]));
    }
}
