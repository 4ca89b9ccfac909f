use super::*;
use crate::violation::lines;

/// What one rule says about made-up files.
fn said(rule: fn(&Tree) -> Vec<Violation>, files: &[(&str, &str)]) -> String {
    lines(&rule(&Tree::of(files)))
}

#[test]
fn the_tree_is_tidy() {
    let found = violations(&Tree::read().unwrap());
    assert!(found.is_empty(), "{}", lines(&found));
}

#[test]
fn unfinished_work_is_reported() {
    for word in [words::TODO, words::UNIMPLEMENTED, words::FIX_ME] {
        let text = format!("// fine\nfn f() {{ {word}) }}\n");
        let found = said(words::violations, &[("a.rs", &text)]);
        assert_eq!(found, format!("a.rs:2: unfinished: {word}\n"));
    }
}

#[test]
fn a_path_of_one_machine_is_reported() {
    for folder in words::MACHINE_FOLDERS {
        let found = said(
            words::violations,
            &[("a.md", &format!("run `{folder}x`\n"))],
        );
        assert_eq!(found, format!("a.md:1: a path of one machine: {folder}\n"));
        let inner = format!("https://example.com{folder} ../docs{folder} $BASE{folder}\n");
        assert_eq!(said(words::violations, &[("a.md", &inner)]), "");
    }
}

#[test]
fn a_test_ignored_without_a_reason_is_reported() {
    let ignored = |tail: &str| format!("#[test]\n{}{tail}]\nfn f() {{}}\n", words::IGNORE);
    let found = said(words::violations, &[("a.rs", &ignored(""))]);
    assert_eq!(found, "a.rs:2: a test ignored without a reason\n");
    assert_eq!(
        said(
            words::violations,
            &[("a.rs", &ignored(" = \"needs Redis\""))]
        ),
        ""
    );
}

#[test]
fn a_lint_allowed_without_a_reason_is_reported() {
    for text in [
        "#[allow(dead_code)]\n",
        "#![allow(\n    dead_code,\n    unused\n)]\n",
        "#[cfg_attr(test, allow(dead_code))]\n",
    ] {
        let found = said(words::violations, &[("a.rs", text)]);
        assert_eq!(found, "a.rs:1: a lint allowed without a reason\n", "{text}");
    }
    let argued = "#[allow(\n    dead_code,\n    reason = \"made by a macro\"\n)]\nfn f() {}\n";
    assert_eq!(said(words::violations, &[("a.rs", argued)]), "");
}

#[test]
fn a_test_that_sleeps_is_reported() {
    for sleep in words::SLEEPS {
        let code = format!("{sleep}(second);\n");
        let found = said(words::violations, &[("tests/src/web.rs", &code)]);
        assert_eq!(found, "tests/src/web.rs:1: a test that sleeps\n");
        assert_eq!(
            said(words::violations, &[("crates/server/src/run.rs", &code)]),
            ""
        );
        let inline = format!("#[cfg(test)]\nmod tests {{\n    {code}}}\n{code}");
        let found = said(words::violations, &[("a.rs", &inline)]);
        assert_eq!(found, "a.rs:3: a test that sleeps\n");
    }
}

#[test]
fn the_form_of_a_file_is_watched() {
    let found = said(
        form::violations,
        &[
            ("a/mod.rs", "mod b;\n"),
            ("a/b.rs", "fn f() {\n\tg();\n}\n"),
            ("c.md", "two spaces  \n"),
            ("d.toml", "x = 1"),
            ("help.snap", "as printed \n"),
            ("empty.txt", ""),
        ],
    );
    assert_eq!(
        found,
        "a/mod.rs: a name that does not say what is inside\n\
         a/b.rs:2: a tab\n\
         c.md:1: trailing whitespace\n\
         d.toml: no newline at the end\n"
    );
}

#[test]
fn an_unexplained_dependency_is_reported() {
    let manifest = "[workspace.package]\nversion = \"1\"\n\n\
         [workspace.dependencies]\n# Both are hashes.\nhmac = \"1\"\nsha2 = { features = [\n    \"x\",\n] }\n\n\
         url = \"2\"\n\n[profile.dev]\ndebug = 1\n";
    let found = said(dependencies::violations, &[("Cargo.toml", manifest)]);
    assert_eq!(
        found,
        "Cargo.toml:11: url: no comment above says what it is for\n"
    );
}

#[test]
fn a_link_to_nothing_is_reported() {
    let page = "[a](b.md) [b](../a.md#part) [c](https://example.com/x) [d](crate::X) [e](#here)\n\
                [f](gone.md) and `[g](code.md)` and [h](../../out.md)\n\
                ```\n[i](fenced.md)\n```\n\
                [label]: lost.md\n[folder](../docs)\n";
    let files = [("docs/a.md", page), ("docs/b.md", "\n"), ("a.md", "\n")];
    assert_eq!(
        said(links::violations, &files),
        "docs/a.md:2: a link to `gone.md`, which is not there\n\
         docs/a.md:2: a link to `../../out.md`, which is not there\n\
         docs/a.md:6: a link to `lost.md`, which is not there\n"
    );
}

#[test]
fn a_cited_test_that_does_not_exist_is_reported() {
    let architecture = "`Session` and `max_age` and `portcullis_http_axum`\n\
                        held by `a_link_works_once` and `a_link_never_dies`\n";
    let features = "| # | feature | test |\n|---|---|---|\n\
                    | 1 | `not_a_test` | `resets::a_link_works_once` |\n\
                    | 2 | y | `sessions::a_link_works_once`, `gone` `is_gone` |\n";
    let tests = "#[test]\nfn a_link_works_once() {}\n// fn is_gone() {}\n";
    let files = [
        ("ARCHITECTURE.md", architecture),
        ("docs/FEATURES.md", features),
        ("tests/tests/resets.rs", tests),
    ];
    assert_eq!(
        said(citations::violations, &files),
        "ARCHITECTURE.md:2: no `fn a_link_never_dies` in the project\n\
         docs/FEATURES.md:4: `fn a_link_works_once` is elsewhere: in tests/tests/resets.rs\n\
         docs/FEATURES.md:4: no `fn is_gone` in the project\n"
    );
}

#[test]
fn the_pages_that_cite_tests_must_be_there() {
    let found = said(citations::violations, &[("README.md", "\n")]);
    assert!(found.contains("ARCHITECTURE.md: missing"), "{found}");
    assert!(found.contains("docs/FEATURES.md: missing"), "{found}");
}

#[test]
fn a_test_with_a_failing_store_that_is_left_out_on_sqlite_is_reported() {
    let test = "#[tokio::test]\nasync fn holds() {}\n";
    let included = "#[path = \"../../crates/backends/tests/faults/sign_in.rs\"]\nmod sign_in;\n\
                    // #[path = \"../../crates/backends/tests/faults/erase.rs\"]\n";
    let files = [
        ("crates/backends/tests/faults/sign_in.rs", test),
        ("crates/backends/tests/faults/erase.rs", test),
        (
            "crates/backends/tests/faults/store.rs",
            "// #[test]\nfn fresh() {}\n",
        ),
        ("crates/backends/tests/flows/erase.rs", test),
        ("tests/tests/faults_sqlite.rs", included),
    ];
    assert_eq!(
        said(faults::violations, &files),
        "crates/backends/tests/faults/erase.rs: its tests do not run on SQLite: \
         tests/tests/faults_sqlite.rs does not include it\n"
    );
}

#[test]
fn a_flow_that_no_test_calls_with_a_failing_store_is_reported() {
    let flows = "impl Portcullis {\n    pub async fn sign_in(\n    pub async fn sign(\n    async fn inner(\n\
                 \x20   pub fn now(\n    pub async fn sign_out(\n";
    let ready = "    pub async fn is_ready(\n";
    let calls = "w.portcullis\n    .sign_in(input)\n// portcullis.sign_out(\nstore.is_ready(\n";
    let files = [
        ("crates/backends/src/flow/sign.rs", flows),
        ("crates/backends/src/portcullis.rs", ready),
        (
            "crates/backends/src/builder.rs",
            "    pub async fn build(self)\n",
        ),
        ("crates/backends/tests/faults/sign.rs", calls),
    ];
    let why = |name: &str| {
        format!("no test in crates/backends/tests/faults/ calls `{name}` with a store that fails")
    };
    assert_eq!(
        said(faults::violations, &files),
        format!(
            "crates/backends/src/flow/sign.rs:3: {}\n\
             crates/backends/src/flow/sign.rs:6: {}\n\
             crates/backends/src/portcullis.rs:1: {}\n",
            why("sign"),
            why("sign_out"),
            why("is_ready")
        )
    );
}

#[test]
fn a_security_row_that_no_test_names_is_reported() {
    let tests = "// PW-02 is kept by everything below\nuse x;\n\n\
         /// PW-03, PW-04: long ones too.\n#[tokio::test(\n    flavor = \"multi_thread\"\n)]\nasync fn a_long_one_counts() {}\n\n\
         #[test]\nfn another() {} // PW-05\n\n\
         // PW-10\nfn not_a_test() {}\n\n\
         // PW-110\n#[test]\nfn a_third() {}\n";
    let tree = Tree::of(&[("crates/tokens/src/password/tests.rs", tests)]);
    let found = lines(&security_rows::violations(&tree));
    for row in ["PW-03", "PW-04", "PW-05"] {
        assert!(!found.contains(row), "{row} has a test:\n{found}");
    }
    for row in ["PW-02", "PW-10", "PW-11"] {
        let violation = format!("{row}: no test names this security row\n");
        assert!(found.contains(&violation), "{row} has none:\n{found}");
    }
    let listing = security_rows::listing(&tree);
    assert!(
        listing.contains("PW-04  a_long_one_counts\nPW-05  another\n"),
        "{listing}"
    );
    assert!(listing.contains("PW-02  -\n"), "{listing}");
}

#[test]
fn every_row_is_listed_once() {
    let mut rows = security_rows::ROWS.to_vec();
    rows.sort_unstable();
    rows.dedup();
    assert_eq!(rows.len(), security_rows::ROWS.len());
}
