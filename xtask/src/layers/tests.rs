use super::rules::LAYERS;
use super::*;
use crate::violation::lines;

/// A workspace that breaks no rule.
fn sound() -> Vec<Package> {
    let package = |layer: &Layer| Package {
        name: layer.name.into(),
        folder: layer.folder.into(),
        dependencies: layer.may.iter().map(|name| normal(name)).collect(),
        features: Vec::new(),
        has_readme: true,
        library: Some(README_AS_DOCS.into()),
    };
    LAYERS.iter().map(package).collect()
}

fn normal(name: &str) -> Dependency {
    Dependency {
        name: name.into(),
        kind: Kind::Normal,
        optional: false,
    }
}

fn dev(name: &str) -> Dependency {
    Dependency {
        kind: Kind::Dev,
        ..normal(name)
    }
}

/// What is said when one edge is added to the sound workspace.
fn said(from: &str, dependency: Dependency) -> String {
    let mut packages = sound();
    let package = packages
        .iter_mut()
        .find(|package| package.name == from)
        .unwrap();
    package.dependencies.push(dependency);
    lines(&violations(&packages))
}

#[test]
fn the_layers_hold() {
    let found = violations(&workspace::packages().unwrap());
    assert!(found.is_empty(), "{}", lines(&found));
}

#[test]
fn rank_falls_along_every_edge_of_the_table() {
    for from in LAYERS {
        for name in from.may.iter().chain(from.dev) {
            let to = layer(name).unwrap();
            assert!(to.rank < from.rank, "{} -> {name}", from.name);
        }
    }
}

#[test]
fn a_sound_workspace_passes() {
    assert_eq!(violations(&sound()), []);
}

#[test]
fn an_edge_upward_is_reported() {
    assert_eq!(
        said("portcullis-core", normal("portcullis-tokens")),
        "portcullis-core -> portcullis-tokens: rank falls along every edge, 0 to 1 rises\n"
    );
    let dev_edge = said("portcullis-tokens", dev("portcullis-testing"));
    assert!(dev_edge.contains("1 to 2 rises"), "{dev_edge}");
}

#[test]
fn an_edge_between_siblings_is_reported() {
    let found = said("portcullis-stores-sql", dev("portcullis-stores-kv"));
    assert!(
        found.contains("siblings of rank 3 never see each other"),
        "{found}"
    );
}

#[test]
fn a_downward_edge_that_the_design_lacks_is_reported() {
    let found = said("portcullis-stores-sql", normal("portcullis-tokens"));
    assert!(found.contains("not an edge of the design"), "{found}");
    let found = said("portcullis-http-axum", dev("portcullis-stores-sql"));
    assert!(found.contains("not an edge of the design"), "{found}");
}

#[test]
fn an_edge_for_tests_is_not_one_for_the_library() {
    assert_eq!(said("portcullis-backends", dev("portcullis-stores-kv")), "");
    let build = Dependency {
        kind: Kind::Build,
        ..normal("portcullis-stores-kv")
    };
    for edge in [normal("portcullis-stores-kv"), build] {
        let found = said("portcullis-backends", edge);
        assert!(found.contains("for its tests only"), "{found}");
    }
}

#[test]
fn a_crates_tests_may_turn_on_its_own_features() {
    assert_eq!(
        said("portcullis-stores-sql", dev("portcullis-stores-sql")),
        ""
    );
}

#[test]
fn an_edge_to_a_tool_is_reported() {
    let mut packages = sound();
    let tool = Package {
        name: "xtask".into(),
        folder: "xtask".into(),
        ..packages[0].clone()
    };
    packages.push(tool);
    packages[1].dependencies.push(dev("xtask"));
    let found = lines(&violations(&packages));
    assert_eq!(
        found,
        "portcullis-tokens -> xtask: nothing depends on tests, examples or tools\n"
    );
}

#[test]
fn a_confined_crate_elsewhere_is_reported() {
    for (from, to) in [
        ("portcullis-backends", "axum"),
        ("portcullis-stores-kv", "rusqlite"),
        ("portcullis-stores-sql", "redis"),
        ("portcullis-server", "reqwest"),
    ] {
        let found = said(from, normal(to));
        assert!(found.starts_with(&format!("{from} -> {to}: ")), "{found}");
    }
}

#[test]
fn a_client_that_no_feature_turns_off_is_reported() {
    let found = said("portcullis-backends", normal("lettre"));
    assert!(found.contains("make it optional"), "{found}");
    let optional = Dependency {
        optional: true,
        ..normal("lettre")
    };
    assert_eq!(said("portcullis-backends", optional), "");
}

#[test]
fn core_takes_nothing_off_its_list() {
    assert_eq!(said("portcullis-core", dev("proptest")), "");
    for edge in [normal("proptest"), normal("tokio"), dev("tokio")] {
        let found = said("portcullis-core", edge);
        assert!(
            found.contains("not on the list of what core may use"),
            "{found}"
        );
    }
}

#[test]
fn a_missing_or_unknown_crate_is_reported() {
    let mut packages = sound();
    packages[0].name = "portcullis-kernel".into();
    let found = lines(&violations(&packages));
    assert!(
        found.contains("portcullis-core: no such crate in crates/core"),
        "{found}"
    );
    assert!(
        found.contains("portcullis-kernel: not a crate of the design"),
        "{found}"
    );
}

#[test]
fn a_crate_without_a_readme_for_docs_is_reported() {
    let mut packages = sound();
    packages[1].has_readme = false;
    packages[2].library = Some("//! Words of its own.".into());
    let found = lines(&violations(&packages));
    assert!(
        found.contains("portcullis-tokens: has no README.md"),
        "{found}"
    );
    assert!(
        found.contains("portcullis-testing: its crate docs are not its README"),
        "{found}"
    );
}
