//! What must not compile.

// CR-02
#[test]
fn secrets_cannot_be_compared_printed_or_serialised() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
