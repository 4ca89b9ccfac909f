//! docs/adopting/checks.md is a template that works: what stands there is a crate that compiles and passes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::Command;

const PAGE: &str = include_str!("../../docs/adopting/checks.md");

/// The block of this language.
fn block(language: &str) -> &'static str {
    let (_, after) = PAGE.split_once(&format!("```{language}\n")).unwrap();
    after.split_once("```").unwrap().0
}

#[test]
fn an_adopters_crate_made_of_the_page_passes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = tempfile::tempdir_in(kept).unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let crates = root.join("crates").display().to_string();
    let manifest = format!(
        "[package]\nname = \"my-store\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
         [dependencies]\nportcullis-stores-kv = {{ path = \"{crates}/stores-kv\" }}\n{}\
         [patch.crates-io]\nportcullis-testing = {{ path = \"{crates}/testing\" }}\n\
         [workspace]\n",
        block("toml"),
    );
    write("Cargo.toml", &manifest);
    write(
        "src/lib.rs",
        "pub use portcullis_stores_kv::MemoryStore as MyStore;\n",
    );
    write("tests/conformance.rs", block("rust,ignore"));
    // The versions that are tested here are there already.
    fs::copy(root.join("Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();

    let commands = block("yaml").lines();
    let commands = commands.filter_map(|line| line.trim().strip_prefix("- run: "));
    let commands: Vec<&str> = commands.collect();
    assert!(!commands.is_empty(), "the workflow runs nothing");
    for command in commands {
        let ran = Command::new("sh")
            .args(["-c", command])
            .current_dir(folder.path())
            .env("CARGO_NET_OFFLINE", "true")
            .env("CARGO_TARGET_DIR", kept.join("checks-page"))
            .output()
            .unwrap();
        let (said, complained) = (
            String::from_utf8_lossy(&ran.stdout),
            String::from_utf8_lossy(&ran.stderr),
        );
        assert!(ran.status.success(), "{command}\n{said}\n{complained}");
        assert!(
            said.contains("one_of_many") && !said.contains("running 0 tests"),
            "{command} runs no case\n{said}"
        );
    }
}
