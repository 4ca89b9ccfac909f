use super::*;
use crate::tree::Tree;

const MACRO: &str = "
macro_rules! conformance {
    (all: $fresh:ident) => {
        $crate::conformance!(directory: $fresh);
    };
    (directory: $fresh:ident) => {
        $crate::conformance!(@people $fresh:
            a_person_is_found
            nobody_is_none
        );
        $crate::conformance!(@enrolment $fresh:
            a_tenant_is_found
        );
    };
    (kv: $fresh:ident) => {
        $crate::conformance!(@kv $fresh:
            a_row_reads_back_whole
        );
    };
    (@$group:ident $fresh:ident: $($case:ident)+) => {
        super
    };
}
";

#[test]
fn the_cases_are_those_of_the_macro() {
    let suite = Suite::parse(MACRO);
    let cases = [
        "people::a_person_is_found",
        "people::nobody_is_none",
        "enrolment::a_tenant_is_found",
    ];
    assert_eq!(suite.cases("directory"), cases);
    assert_eq!(suite.cases("kv"), ["kv::a_row_reads_back_whole"]);
    assert!(suite.cases("unheard-of").is_empty());
}

#[test]
fn a_store_promises_what_its_lines_name() {
    let suite = Suite::parse(MACRO);
    let both =
        "portcullis_testing::conformance!(all: x);\nportcullis_testing::conformance!(kv: y);";
    assert_eq!(suite.promised(both), ["directory", "kv"]);
    assert!(suite.promised("fn main() {}").is_empty());
}

#[test]
fn a_case_that_did_not_run_is_not_passed() {
    let passed = |line| passed_case(line, "conformance::");
    assert_eq!(
        passed("test conformance::kv::a ... ok"),
        Some("kv::a".into())
    );
    for line in [
        "test conformance::kv::a ... FAILED",
        "test rows::kv::a ... ok",
        "running 3 tests",
    ] {
        assert_eq!(passed(line), None, "{line}");
    }
    let row = |passed| Row {
        store: "memory",
        family: "kv".into(),
        cases: 12,
        passed,
    };
    assert!(!row(12).line().contains("FAILED"));
    assert!(row(11).line().contains("FAILED"));
}

#[test]
fn every_store_has_lines_and_every_case_of_them_is_known() {
    let suite = Suite::parse(&read(SUITE).unwrap());
    for store in STORES {
        let families = families(store, &suite).unwrap();
        assert!(!families.is_empty(), "{}", store.name);
        for family in families {
            assert!(!suite.cases(&family).is_empty(), "{}: {family}", store.name);
        }
    }
}

/// The suite's own wrappers and mutants; examples run it as adopters do.
const OF_NO_STORE: &[&str] = &["crates/stores-kv/tests/mutants.rs"];

#[test]
fn every_store_that_runs_the_suite_is_listed() {
    let tree = Tree::read().unwrap();
    for file in tree.with_extension("rs") {
        let runs = |line: &str| {
            line.trim_start()
                .starts_with("portcullis_testing::conformance!(")
        };
        let is_of_none = OF_NO_STORE.contains(&file.path.as_str());
        if !file.text.lines().any(runs) || is_of_none || file.path.starts_with("examples/") {
            continue;
        }
        assert!(
            STORES.iter().any(|store| store.file == file.path),
            "{} runs the suite: give its store a name in xtask/src/conformance.rs",
            file.path
        );
    }
}
