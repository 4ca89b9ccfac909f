//! The project's files, as every textual gate sees them.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::process::Command;

use crate::process;

/// A text file: its path from the root, with `/`, and its content.
#[derive(Debug, Clone)]
pub(crate) struct TextFile {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The files git tracks, and those it would if they were added.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// Every file's path, binary ones too.
    pub(crate) paths: BTreeSet<String>,
    pub(crate) files: Vec<TextFile>,
}

impl Tree {
    /// Reads the project's files.
    pub(crate) fn read() -> Result<Self, Box<dyn Error>> {
        let root = process::root();
        let mut tree = Self::default();
        for path in listed_by_git(root).map_or_else(|| walked(root), Ok)? {
            let bytes = match fs::read(root.join(&path)) {
                Ok(bytes) => bytes,
                // Tracked, and deleted in the working tree.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(format!("{path}: {error}").into()),
            };
            tree.paths.insert(path.clone());
            if let Ok(text) = String::from_utf8(bytes)
                && !text.contains('\0')
            {
                tree.files.push(TextFile { path, text });
            }
        }
        Ok(tree)
    }

    /// A tree made up for a test.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let file = |&(path, text): &(&str, &str)| TextFile {
            path: path.into(),
            text: text.into(),
        };
        Self {
            paths: files.iter().map(|(path, _)| (*path).to_owned()).collect(),
            files: files.iter().map(file).collect(),
        }
    }

    pub(crate) fn file(&self, path: &str) -> Option<&TextFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Files whose name ends in `.` and the extension.
    pub(crate) fn with_extension<'a>(
        &'a self,
        extension: &'a str,
    ) -> impl Iterator<Item = &'a TextFile> {
        self.files
            .iter()
            .filter(move |file| file.has_extension(extension))
    }
}

impl TextFile {
    pub(crate) fn has_extension(&self, extension: &str) -> bool {
        self.path
            .rsplit_once('.')
            .is_some_and(|(_, end)| end == extension)
    }

    pub(crate) fn name(&self) -> &str {
        self.path
            .rsplit_once('/')
            .map_or(self.path.as_str(), |(_, name)| name)
    }

    /// Holds nothing but tests, by its place or its name.
    pub(crate) fn is_test(&self) -> bool {
        let mut folders = self.path.split('/').rev().skip(1);
        let name = self.name();
        name == "tests.rs"
            || name.ends_with("_tests.rs")
            || folders.any(|folder| folder == "tests" || folder == "benches")
    }

    /// The line ranges of `#[cfg(test)] mod x { .. }`, found by the indentation rustfmt keeps.
    pub(crate) fn inline_tests(&self) -> Vec<Range<usize>> {
        let lines: Vec<&str> = self.text.lines().collect();
        let mut found = Vec::new();
        for (start, line) in lines.iter().enumerate() {
            if line.trim() != "#[cfg(test)]" {
                continue;
            }
            let following = lines.iter().enumerate().skip(start + 1);
            let item = following
                .clone()
                .find(|(_, line)| !line.trim_start().starts_with("#["));
            let opens = |line: &str| line.trim_start().starts_with("mod ") && line.ends_with('{');
            if !item.is_some_and(|(_, line)| opens(line)) {
                continue;
            }
            let indent = line.len() - line.trim_start().len();
            let closing = format!("{}}}", " ".repeat(indent));
            let end = following.clone().find(|(_, line)| **line == closing);
            found.push(start..end.map_or(lines.len(), |(end, _)| end + 1));
        }
        found
    }
}

/// Tracked and untracked-but-not-ignored files; none when this is not a git checkout.
fn listed_by_git(root: &Path) -> Option<Vec<String>> {
    let listing = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&listing.stdout).into_owned();
    let paths: BTreeSet<&str> = text.split('\0').filter(|path| !path.is_empty()).collect();
    Some(paths.into_iter().map(str::to_owned).collect())
}

/// For a tree without git (an unpacked archive): all but what builds leave behind.
fn walked(root: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut paths = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() {
                name.clone()
            } else {
                format!("{folder}/{name}")
            };
            let kind = entry.file_type()?;
            if kind.is_dir() && name != "target" && name != ".git" {
                folders.push(path);
            } else if kind.is_file() {
                paths.push(path);
            }
        }
    }
    paths.sort();
    Ok(paths)
}
