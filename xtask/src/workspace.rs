//! The workspace's packages, from `cargo metadata`, as plain data.

use std::error::Error;
use std::fs;

use cargo_metadata::{DependencyKind, MetadataCommand};

use crate::process;

/// When a dependency counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Normal,
    Dev,
    Build,
}

/// A direct dependency, as a manifest declares it.
#[derive(Debug, Clone)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) optional: bool,
}

/// A workspace member.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// From the root, with `/`.
    pub(crate) folder: String,
    pub(crate) dependencies: Vec<Dependency>,
    /// In the manifest's order of names; `default` is among them if declared.
    pub(crate) features: Vec<String>,
    pub(crate) has_readme: bool,
    /// The source of `lib.rs`, for a package that has one.
    pub(crate) library: Option<String>,
}

/// Every member, by name; asks for no network.
pub(crate) fn packages() -> Result<Vec<Package>, Box<dyn Error>> {
    let metadata = MetadataCommand::new()
        .current_dir(process::root())
        .no_deps()
        .exec()?;
    let mut packages = Vec::new();
    for package in &metadata.packages {
        let folder = package
            .manifest_path
            .parent()
            .ok_or("a manifest without a folder")?;
        let library = package.targets.iter().find(|target| target.is_lib());
        packages.push(Package {
            name: package.name.to_string(),
            folder: folder
                .strip_prefix(&metadata.workspace_root)?
                .as_str()
                .replace('\\', "/"),
            dependencies: package.dependencies.iter().map(dependency).collect(),
            features: package.features.keys().cloned().collect(),
            has_readme: folder.join("README.md").exists(),
            library: library
                .map(|target| fs::read_to_string(&target.src_path))
                .transpose()?,
        });
    }
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(packages)
}

fn dependency(declared: &cargo_metadata::Dependency) -> Dependency {
    Dependency {
        name: declared.name.clone(),
        kind: match declared.kind {
            DependencyKind::Development => Kind::Dev,
            DependencyKind::Build => Kind::Build,
            _ => Kind::Normal,
        },
        optional: declared.optional,
    }
}
