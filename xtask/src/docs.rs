//! `docs`: the API docs build without a warning, and the examples build.

use crate::process::{self, FAILED, OK, Outcome};
use crate::workspace;

pub(crate) fn run(arguments: &[String]) -> Outcome {
    process::refuse(arguments)?;
    // Libraries only: the binary's docs would land in the folder of a library of its name.
    let mut docs = process::cargo();
    docs.args(["doc", "--no-deps", "--workspace", "--lib"])
        .env("RUSTDOCFLAGS", "-D warnings");
    // Both kinds: `examples/` in a crate, and packages of their own.
    let mut targets = process::cargo();
    targets.args(["build", "--workspace", "--examples"]);
    let mut packages = process::cargo();
    packages.arg("build");
    for package in workspace::packages()? {
        if package.folder.starts_with("examples/") {
            packages.args(["--package", &package.name]);
        }
    }
    let mut failed = false;
    for command in [&mut docs, &mut targets, &mut packages] {
        failed |= process::run(command)? != OK;
    }
    Ok(if failed { FAILED } else { OK })
}
