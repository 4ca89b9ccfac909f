//! Statements as PostgreSQL takes them, made of those that SQLite takes.

use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

/// By place and length: a statement is a constant, and stays where it is.
type Known = HashMap<(usize, usize), &'static str>;

static KNOWN: LazyLock<RwLock<Known>> = LazyLock::new(RwLock::default);

/// The statement in PostgreSQL's words: made once, and kept for as long as the program runs.
pub(super) fn of(sql: &'static str) -> &'static str {
    let key = (sql.as_ptr().addr(), sql.len());
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(text) = known.get(&key) {
        return text;
    }
    drop(known);
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    known
        .entry(key)
        .or_insert_with(|| Box::leak(translate(sql).into_boxed_str()))
}

/// - `?` becomes `$1`, `$2` and so on;
/// - `min(a, b)` and `max(a, b)`, which are aggregates here, become `least(a, b)` and `greatest(a, b)`;
/// - `LIMIT -1`, which is refused here, becomes `LIMIT ALL`;
/// - what stands in `/*! .. */` counts.
fn translate(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len().saturating_add(32));
    let mut values = 0_u32;
    let mut rest = sql;
    while let Some(next) = rest.chars().next() {
        let (written, taken) = match next {
            '?' => {
                values = values.saturating_add(1);
                (format!("${values}"), "?".len())
            }
            '\'' => {
                let literal = literal(rest);
                (literal.to_owned(), literal.len())
            }
            _ if rest.starts_with("/*!") => (String::new(), "/*!".len()),
            _ if rest.starts_with("*/") => (String::new(), "*/".len()),
            _ if rest.starts_with("LIMIT -1") => ("LIMIT ALL".to_owned(), "LIMIT -1".len()),
            _ => match call_of_two(&text, rest) {
                Some((name, taken)) => (name.to_owned(), taken),
                None => (next.to_string(), next.len_utf8()),
            },
        };
        text.push_str(&written);
        rest = rest.get(taken..).unwrap_or_default();
    }
    text
}

/// A literal with its quotes; a doubled quote inside makes two literals of it, which changes nothing.
fn literal(rest: &str) -> &str {
    let inside = rest.get(1..).unwrap_or_default();
    let end = inside.find('\'').map_or(rest.len(), |end| end + 2);
    rest.get(..end).unwrap_or(rest)
}

/// Where a call of `min` or `max` with more than one argument begins: the name it has here, and the length of the name
/// it has there.
fn call_of_two(before: &str, rest: &str) -> Option<(&'static str, usize)> {
    let (name, arguments) = if let Some(arguments) = rest.strip_prefix("min(") {
        ("least", arguments)
    } else {
        ("greatest", rest.strip_prefix("max(")?)
    };
    let part_of_a_name = before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    (!part_of_a_name && has_a_comma(arguments)).then_some((name, "min".len()))
}

/// Whether there is a comma before the bracket that is open closes.
fn has_a_comma(arguments: &str) -> bool {
    let mut open = 0_u32;
    for c in arguments.chars() {
        match c {
            '(' => open = open.saturating_add(1),
            ')' => match open.checked_sub(1) {
                Some(less) => open = less,
                None => return false,
            },
            ',' if open == 0 => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_numbered() {
        assert_eq!(
            translate("INSERT INTO t VALUES (?, ?, '?') RETURNING ?"),
            "INSERT INTO t VALUES ($1, $2, '?') RETURNING $3"
        );
    }

    #[test]
    fn the_smaller_of_two_is_no_aggregate() {
        assert_eq!(
            translate("SET a = min(max(t.a, ?), ?) + ?"),
            "SET a = least(greatest(t.a, $1), $2) + $3"
        );
        assert_eq!(
            translate("max(a, min((b), c))"),
            "greatest(a, least((b), c))"
        );
    }

    #[test]
    fn aggregates_and_names_stay() {
        for sql in [
            "SELECT max(a) FROM t",
            "SELECT min((a + 1)), b",
            "admin(a, b)",
        ] {
            assert_eq!(translate(sql), sql);
        }
    }

    #[test]
    fn what_is_for_row_locks_counts() {
        assert_eq!(
            translate("SELECT 1 LIMIT ? /*! FOR UPDATE SKIP LOCKED */)"),
            "SELECT 1 LIMIT $1  FOR UPDATE SKIP LOCKED )"
        );
    }

    #[test]
    fn no_limit_is_spelled_out() {
        assert_eq!(translate("LIMIT -1 OFFSET ?"), "LIMIT ALL OFFSET $1");
    }

    #[test]
    fn a_statement_is_translated_once() {
        const SQL: &str = "SELECT ?";
        assert_eq!(of(SQL), "SELECT $1");
        assert!(std::ptr::eq(of(SQL), of(SQL)));
    }
}
