//! `deny`: licences, bans and sources of the dependency tree, as `deny.toml` has them.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::process::{self, FAILED, OK, Outcome};

const PROGRAM: &str = "cargo-deny";
/// The releases that read our `deny.toml`.
const VERSION: &str = "^0.20";

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if let [flag] = arguments
        && flag == "--install"
    {
        return install();
    }
    process::refuse(arguments)?;
    let Some(program) = find() else {
        eprintln!("{PROGRAM} is not installed: `cargo xtask deny --install` installs it");
        return Ok(FAILED);
    };
    let mut deny = Command::new(program);
    deny.args(["check", "bans", "licenses", "sources"]);
    process::run(deny.current_dir(process::root()))
}

/// On the path, or where cargo installs.
fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| Some(env::home_dir()?.join(".cargo")));
    let program = format!("{PROGRAM}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&path)
        .chain(cargo_home.map(|home| home.join("bin")))
        .map(|folder| folder.join(&program))
        .find(|candidate| candidate.is_file())
}

/// Unless it is there. Without a target folder of ours cargo takes a temporary one: the several
/// hundred objects are of no use to the workspace.
fn install() -> Outcome {
    if find().is_some() {
        return Ok(OK);
    }
    let mut install = process::cargo();
    install.args(["install", PROGRAM, "--locked", "--version", VERSION]);
    process::run(install.env_remove("CARGO_TARGET_DIR"))
}
