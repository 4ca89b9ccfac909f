//! Where settings come from: a TOML file, and over it the environment.

use std::path::{Path, PathBuf};

use figment::Figment;
use figment::error::Kind;
use figment::providers::{Env, Format, Toml};

use super::settings::Settings;
use crate::failure::Failure;

/// Read from the working directory where no other file is named.
pub(super) const FILE: &str = "portcullis.toml";
/// In front of every variable.
pub(super) const PREFIX: &str = "PORTCULLIS_";
/// Between a table's name and its setting's.
pub(super) const NESTING: &str = "__";

/// The settings of `file`, or of [`FILE`] where there is one, and of the environment.
pub(super) fn read(file: Option<&Path>) -> Result<Settings, Failure> {
    let mut figment = Figment::new();
    if let Some(file) = file_to_read(file)? {
        figment = figment.merge(Toml::file_exact(file));
    }
    extract(&figment.merge(Env::prefixed(PREFIX).split(NESTING)))
}

/// A file that was asked for has to be there.
fn file_to_read(asked: Option<&Path>) -> Result<Option<PathBuf>, Failure> {
    let file = asked.unwrap_or(Path::new(FILE));
    match (file.is_file(), asked) {
        (true, _) => Ok(Some(file.into())),
        (false, None) => Ok(None),
        (false, Some(file)) => Err(Failure::usage(format!(
            "--config: there is no file {}",
            file.display()
        ))),
    }
}

pub(super) fn extract(figment: &Figment) -> Result<Settings, Failure> {
    figment
        .extract()
        .map_err(|error| Failure::usage(sentence(error)))
}

/// Every complaint, each with its setting and where that was set.
fn sentence(errors: figment::Error) -> String {
    let all: Vec<String> = errors.into_iter().map(|error| complaint(&error)).collect();
    all.join("; ")
}

fn complaint(error: &figment::Error) -> String {
    let mut path = error.path.clone();
    let said = match &error.kind {
        Kind::UnknownField(name, known) => {
            if path.last() != Some(name) {
                path.push(name.clone());
            }
            format!(
                "unknown setting `{}`; known here are {}",
                path.join("."),
                known.join(", ")
            )
        }
        kind if path.is_empty() => without_picture(&kind.to_string()),
        kind => format!("`{}`: {kind}", path.join(".")),
    };
    format!("{}: {said}", place(error, &path))
}

/// The file, or the variable.
fn place(error: &figment::Error, path: &[String]) -> String {
    let source = error.metadata.as_ref().and_then(|of| of.source.as_ref());
    match source {
        Some(source) => source.to_string(),
        None => format!("{PREFIX}{}", path.join(NESTING).to_uppercase()),
    }
}

/// The TOML parser's message in one line: it draws the line of the file, between bars.
fn without_picture(message: &str) -> String {
    let lines = message.lines().filter(|line| !line.contains('|'));
    lines.collect::<Vec<_>>().join(", ")
}
