//! Every relative link of a markdown file leads to a file of the project.

use crate::tree::{TextFile, Tree};
use crate::violation::Violation;

pub(super) fn violations(tree: &Tree) -> Vec<Violation> {
    tree.with_extension("md")
        .flat_map(|file| of_file(tree, file))
        .collect()
}

fn of_file(tree: &Tree, file: &TextFile) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (index, line) in file.text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for target in targets(&without_code(line)) {
            if !leads_somewhere(tree, &file.path, &target) {
                let why = format!("a link to `{target}`, which is not there");
                found.push(Violation::at(&file.path, index, why));
            }
        }
    }
    found
}

/// The line with its code spans emptied: `[x](y)` in them is no link.
fn without_code(line: &str) -> String {
    if line.matches('`').count() % 2 == 1 {
        return line.to_owned();
    }
    line.split('`').step_by(2).collect::<Vec<_>>().join("``")
}

/// What `[text](target)` and `[label]: target` point at, in one line.
fn targets(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for rest in line.split("](").skip(1) {
        let target = rest.split(')').next().unwrap_or_default();
        found.push(target);
    }
    if line.starts_with('[')
        && let Some((_, target)) = line.split_once("]: ")
    {
        found.push(target);
    }
    // A title may follow in quotes; angle brackets may surround.
    let bare = |target: &str| {
        target
            .split(" \"")
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let bare = |target| bare(target).trim_matches(['<', '>']).to_owned();
    found.into_iter().map(bare).collect()
}

fn leads_somewhere(tree: &Tree, from: &str, target: &str) -> bool {
    let path = target.split(['#', '?']).next().unwrap_or_default();
    // Anchors of this page, other sites, and Rust paths, which rustdoc checks itself.
    if path.is_empty() || path.contains(':') {
        return true;
    }
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let Some(path) = resolve(folder, path) else {
        return false;
    };
    path.is_empty()
        || tree.paths.contains(&path)
        || tree
            .paths
            .iter()
            .any(|known| known.starts_with(&format!("{path}/")))
}

/// The path from the root; none when it leads out of it.
fn resolve(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
