//! `api`: the public API of each library crate as text, against the files in `docs/api`.
//!
//! It is read from the sources and not from rustdoc, whose data only unstable toolchains print, each in a form of its own
//! (docs/decisions/0015). It lists what can be named or called from outside: private parts, bodies and documentation are
//! left out. What a macro of the crate writes is shown as the macro and its call.

mod home;
mod modules;
mod print;
mod strip;
mod surface;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::fmt::Write as _;

use crate::generated::{Generated, settle};
use crate::process::{self, Outcome};
use crate::workspace::{self, Package};
use modules::Module;
use surface::Surface;

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let mut files = Vec::new();
    for package in workspace::packages()? {
        if package.library.is_some() && package.folder.starts_with("crates/") {
            files.push(Generated {
                path: format!("docs/api/{}.txt", package.name),
                text: snapshot(&package)?,
            });
        }
    }
    settle("api", &files, arguments)
}

/// A crate's public API.
fn snapshot(package: &Package) -> Result<String, Box<dyn Error>> {
    let folder = process::root().join(&package.folder).join("src");
    let root = Module::read(&folder.join("lib.rs"), &folder)?;
    let name = package.name.replace('-', "_");
    let mut text = format!(
        "The public API of {}. Made by `cargo xtask api --bless`.\n",
        package.name
    );
    let named = |feature: &&String| *feature != "default";
    let features: Vec<&String> = package.features.iter().filter(named).collect();
    for feature in features {
        write!(text, "\nfeature {feature}")?;
    }
    if package.features.iter().any(|feature| feature != "default") {
        text.push('\n');
    }
    text.push_str(&Surface::of(&root).text(&name));
    Ok(text)
}
