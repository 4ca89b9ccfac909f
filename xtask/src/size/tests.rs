use super::*;
use crate::violation::lines;

fn of_lines(count: usize) -> String {
    "// a line\n".repeat(count)
}

#[test]
fn no_file_is_oversize() {
    let found = violations(&Tree::read().unwrap());
    assert!(found.is_empty(), "{}", lines(&found));
}

#[test]
fn a_file_over_the_bound_is_reported() {
    let (short, bound, long) = (of_lines(10), of_lines(LONGEST), of_lines(LONGEST + 1));
    let mut files = vec![("a.rs", bound.as_str()), ("b.rs", long.as_str())];
    files.extend(["c.rs", "d.rs", "e.rs"].map(|path| (path, short.as_str())));
    let found = lines(&violations(&Tree::of(&files)));
    assert!(found.contains("b.rs: 601 lines, over 600"), "{found}");
    assert!(!found.contains("a.rs"), "{found}");
    assert!(
        found.contains("the nine in ten is 601 lines, over 430"),
        "{found}"
    );
    assert!(!found.contains("median"), "{found}");
}

#[test]
fn a_high_median_is_reported() {
    let (low, high) = (of_lines(MEDIAN), of_lines(MEDIAN + 1));
    let below = Tree::of(&[("a.rs", &low), ("b.rs", &low), ("c.rs", &high)]);
    assert_eq!(violations(&below), []);
    let above = Tree::of(&[("a.rs", &low), ("b.rs", &high), ("c.rs", &high)]);
    let found = lines(&violations(&above));
    assert!(
        found.contains("the median is 161 lines, over 160"),
        "{found}"
    );
}

#[test]
fn tests_may_be_long() {
    let long = of_lines(LONGEST * 2);
    let tree = Tree::of(&[
        ("tests/src/web.rs", &long),
        ("crates/core/src/session/tests.rs", &long),
        ("crates/core/src/session_tests.rs", &long),
        ("crates/core/benches/hash.rs", &long),
        ("notes.md", &long),
    ]);
    assert_eq!(violations(&tree), []);
}

#[test]
fn a_file_a_third_of_tests_is_reported() {
    let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", of_lines(60));
    let ample = format!("{}{tests}", of_lines(140));
    let crowded = format!("{}{tests}", of_lines(100));
    assert_eq!(
        violations(&Tree::of(&[("a.rs", &ample), ("b.rs", "\n")])),
        []
    );
    let found = lines(&violations(&Tree::of(&[
        ("a.rs", &crowded),
        ("b.rs", "\n"),
    ])));
    assert_eq!(
        found,
        "a.rs: 63 of 163 lines are tests: move them to a file beside it\n"
    );
}
