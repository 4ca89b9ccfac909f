//! `layers`: who may depend on whom, inside the workspace and out of it.
//!
//! The rules are data in [`rules`]; this file holds them against `cargo metadata`.

mod rules;
#[cfg(test)]
mod tests;

use crate::process::{self, Outcome};
use crate::violation::{Violation, report};
use crate::workspace::{self, Dependency, Kind, Package};
use rules::{CONFINED, CORE, CORE_MAY_TEST_WITH, CORE_MAY_USE, LAYERS, Layer, SERVER};

const README_AS_DOCS: &str = r#"#![doc = include_str!("../README.md")]"#;

pub(crate) fn run(arguments: &[String]) -> Outcome {
    process::refuse(arguments)?;
    Ok(report("layers", &violations(&workspace::packages()?)))
}

/// A crate of the design that stands below the server, so that nothing in it can need the binary.
pub(crate) fn is_below_the_server(package: &str) -> bool {
    layer(package).is_some_and(|layer| layer.name != SERVER)
}

/// Everything about these packages that the design forbids.
fn violations(packages: &[Package]) -> Vec<Violation> {
    let missing = LAYERS
        .iter()
        .filter(|layer| !packages.iter().any(|p| p.name == layer.name));
    let mut found: Vec<Violation> = missing
        .map(|layer| Violation::new(layer.name, format!("no such crate in {}", layer.folder)))
        .collect();
    for package in packages.iter().filter(|package| !is_tool(package)) {
        let Some(layer) = layer(&package.name) else {
            found.push(Violation::new(
                &package.name,
                "not a crate of the design: give it a rank",
            ));
            continue;
        };
        found.extend(shape(layer, package));
        for dependency in &package.dependencies {
            let why = if packages
                .iter()
                .any(|package| package.name == dependency.name)
            {
                forbidden_edge(layer, dependency)
            } else {
                forbidden_third_party(layer, dependency)
            };
            if let Some(why) = why {
                let edge = format!("{} -> {}", package.name, dependency.name);
                found.push(Violation::new(edge, why));
            }
        }
    }
    found
}

fn layer(name: &str) -> Option<&'static Layer> {
    LAYERS.iter().find(|layer| layer.name == name)
}

/// Rank 9: the whole-system tests, the examples, this tool. They may use anything.
fn is_tool(package: &Package) -> bool {
    let top = package.folder.split('/').next().unwrap_or_default();
    matches!(top, "tests" | "examples" | "xtask" | "fuzz")
}

/// The crate is where the design puts it, and its README is its documentation.
fn shape(layer: &Layer, package: &Package) -> Vec<Violation> {
    let mut found = Vec::new();
    if package.folder != layer.folder {
        found.push(Violation::new(
            layer.name,
            format!("belongs in {}", layer.folder),
        ));
    }
    if !package.has_readme {
        found.push(Violation::new(layer.name, "has no README.md"));
    }
    match &package.library {
        Some(source) if !source.lines().any(|line| line.trim() == README_AS_DOCS) => {
            found.push(Violation::new(
                layer.name,
                format!("its crate docs are not its README: {README_AS_DOCS}"),
            ));
        }
        None if layer.name != SERVER => {
            found.push(Violation::new(layer.name, "is not a library"));
        }
        _ => {}
    }
    found
}

/// Why one of our crates may not depend on another, if it may not.
fn forbidden_edge(from: &Layer, dependency: &Dependency) -> Option<String> {
    let name = dependency.name.as_str();
    // How a crate's tests turn on features that are off by default.
    if name == from.name && dependency.kind == Kind::Dev {
        return None;
    }
    let for_tests = from.dev.contains(&name);
    if from.may.contains(&name) || (for_tests && dependency.kind == Kind::Dev) {
        return None;
    }
    let Some(to) = layer(name) else {
        return Some("nothing depends on tests, examples or tools".into());
    };
    Some(match to.rank {
        _ if for_tests => "for its tests only".into(),
        rank if rank == from.rank => format!("siblings of rank {rank} never see each other"),
        rank if rank > from.rank => {
            format!("rank falls along every edge, {} to {rank} rises", from.rank)
        }
        _ => "not an edge of the design".into(),
    })
}

/// Why one of our crates may not name somebody else's, if it may not.
fn forbidden_third_party(from: &Layer, dependency: &Dependency) -> Option<String> {
    let name = dependency.name.as_str();
    if let Some(rule) = CONFINED.iter().find(|rule| rule.crates.contains(&name)) {
        if !rule.to.contains(&from.name) {
            return Some(format!("{} in {} only", rule.what, rule.to.join(" and ")));
        }
        if rule.behind_a_feature && !dependency.optional && dependency.kind != Kind::Dev {
            return Some(format!(
                "{} only behind a feature: make it optional",
                rule.what
            ));
        }
    }
    let tested_with = dependency.kind == Kind::Dev && CORE_MAY_TEST_WITH.contains(&name);
    if from.name == CORE && !CORE_MAY_USE.contains(&name) && !tested_with {
        return Some("not on the list of what core may use".into());
    }
    None
}
