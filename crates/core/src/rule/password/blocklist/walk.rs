//! What is typed without thinking: runs, walks over the keyboard, a short piece again and again.

/// What people go through from one end to the other.
const RUNS: [&str; 5] = [
    "01234567890123456789012345678901234567890123456789",
    "98765432109876543210987654321098765432109876543210",
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
    "zyxwvutsrqponmlkjihgfedcbazyxwvutsrqponmlkjihgfedcba",
    "qwertyuiopasdfghjklzxcvbnmqwertyuiopasdfghjklzxcvbnm",
];

/// Ways over the keys that are no rows: down the columns, to and fro between rows, across the number pad.
const WALKS: [&str; 20] = [
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
    "1qazxsw23edcvfr45tgbnhy67ujm,ki89ol./;p0",
    "zaq12wsxcde34rfvbgt56yhnmju78ik,.lo90p;/",
    "zaq1xsw2cde3vfr4bgt5nhy6mju7,ki8.lo9/;p0",
    "qazwsxedcrfvtgbyhnujmik,ol.p;/",
    "zaqxswcdevfrbgtnhymju,ki.lo/;p",
    "qazxswedcvfrtgbnhyujm,kiol./;p",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "qawsedrftgyhujikolp",
    "azsxdcfvgbhnjmk,l.;/",
    "poiuytrewqlkjhgfdsamnbvcxz",
    "qweasdzxcrtyfghvbnuiojklm",
    "0147258369",
    "963852741",
    "789456123",
    "321654987",
    "1029384756",
    "159753",
    "357951",
];

/// The shortest piece of a run, and of a walk, that is one.
const RUN_MIN: usize = 3;
const WALK_MIN: usize = 4;

/// So many characters in between do not make a password of pieces.
const BETWEEN_MAX: usize = 2;

/// A piece of so few characters is no secret, however often it is repeated.
const PIECE_MAX: usize = 6;

/// Fewer characters say nothing about how they were typed.
const TEXT_MIN: usize = 6;

/// Whether it is a piece of a run, or one digit or sign over and over.
pub(super) fn is_run(text: &str) -> bool {
    let digits_or_longer = text.chars().all(|c| c.is_ascii_digit()) || text.len() >= 4;
    let one = |c: char| c.is_ascii_digit() || c.is_ascii_punctuation();
    (is_one_character(text) && text.chars().all(one))
        || (digits_or_longer && RUNS.iter().any(|run| run.contains(text)))
}

fn is_one_character(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|first| chars.all(|other| other == first))
}

/// Whether nothing is in it but runs and walks, each character once or twice, or one short piece again and again.
pub(super) fn is_typed_without_thinking(text: &str) -> bool {
    if !text.is_ascii() || text.len() < TEXT_MIN || text.contains(' ') {
        return false;
    }
    let repeats = period(text).is_some_and(|piece| piece.len() <= PIECE_MAX);
    repeats || is_made_of_walks(text) || undoubled(text).is_some_and(|text| is_made_of_walks(&text))
}

/// What a text is repetitions of, two or more and the last perhaps cut off; the shortest there is.
pub(super) fn period(text: &str) -> Option<&str> {
    let ends = text.char_indices().skip(1).map(|(at, _)| at);
    ends.take_while(|at| at * 2 <= text.len())
        .find(|at| text.get(*at..).is_some_and(|rest| text.starts_with(rest)))
        .and_then(|at| text.get(..at))
}

/// A text that has each of its characters twice, with each once.
fn undoubled(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let pairs = bytes.chunks(2).map(|pair| match pair {
        [one, other] if one == other => Some(char::from(*one)),
        _ => None,
    });
    pairs.collect()
}

/// Takes the longest piece of a run or a walk at a time, and few characters in between.
fn is_made_of_walks(text: &str) -> bool {
    let (mut rest, mut between) = (text, 0);
    while !rest.is_empty() {
        let taken = piece(rest);
        if taken == 0 {
            between += 1;
        }
        rest = rest.get(taken.max(1)..).unwrap_or_default();
    }
    between <= BETWEEN_MAX
}

/// How long the piece is that an ASCII text begins with; 0 where it begins with none.
fn piece(text: &str) -> usize {
    let same = text.bytes().take_while(|c| text.bytes().next() == Some(*c));
    let runs = RUNS.iter().map(|way| (way, RUN_MIN));
    let walks = WALKS.iter().map(|way| (way, WALK_MIN));
    let longest = runs.chain(walks).filter_map(|(way, least)| {
        let start = text.get(..least)?;
        let begins = way.match_indices(start).filter_map(|(at, _)| way.get(at..));
        begins.map(|way| shared(text, way)).max()
    });
    let same = Some(same.count()).filter(|count| *count >= RUN_MIN);
    longest.chain(same).max().unwrap_or(0)
}

/// How many bytes both begin with.
fn shared(one: &str, other: &str) -> usize {
    let pairs = one.bytes().zip(other.bytes());
    pairs.take_while(|(a, b)| a == b).count()
}
