//! The suite is complete: no case is written and then not run.

use super::*;

const LIST: &str = include_str!("cases.rs");

macro_rules! groups {
    ($($name:literal)+) => {
        [$(($name, include_str!(concat!($name, ".rs")))),+]
    };
}

const GROUPS: [(&str, &str); 34] = groups!(
    "accounts" "activation" "any_tenant" "api_tokens" "attempts" "audit" "commits" "companions" "crossing"
    "discarding" "enrolment" "erased_log" "erasure" "factors" "history" "identifier_change" "kv" "limits"
    "opening" "outbox" "people" "refresh" "refresh_cap" "resolution" "roles" "rotation" "session_cap"
    "session_names" "session_use" "sessions" "supersession" "tenants" "tickets" "tokens"
);

#[test]
fn every_case_is_listed() {
    for (group, source) in GROUPS {
        let listed = LIST.split_once(&format!("@{group} $fresh:")).unwrap().1;
        let listed: Vec<&str> = listed
            .split_once(");")
            .unwrap()
            .0
            .split_whitespace()
            .collect();
        let written = source
            .lines()
            .filter_map(|line| line.strip_prefix("pub async fn "));
        let written: Vec<&str> = written
            .map(|line| line.split_once(['<', '(']).unwrap().0)
            .collect();
        assert_eq!(listed, written, "{group}");
    }
}

#[test]
fn every_group_is_looked_through() {
    let modules = include_str!("../conformance.rs");
    let public = modules
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod "));
    let public: Vec<&str> = public.map(|line| line.trim_end_matches(';')).collect();
    assert_eq!(public, GROUPS.map(|(group, _)| group));
}

#[test]
fn a_pair_keeps_what_must_outlive_the_store() {
    let store = std::sync::Arc::new(7);
    let pair = (std::sync::Arc::clone(&store), String::new());
    assert_eq!(Fixture::store(&pair), Fixture::store(&store));
}

#[test]
fn a_store_that_is_not_there_is_not_tried() {
    let store = std::sync::Arc::new(7);
    assert_eq!(
        Fixture::store(&Some(std::sync::Arc::clone(&store))),
        Some(store)
    );
    assert_eq!(Fixture::store(&None::<std::sync::Arc<u8>>), None);
}
