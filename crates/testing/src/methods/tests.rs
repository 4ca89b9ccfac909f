//! No trait of core is left out of the list.

use std::fs;
use std::path::Path;

const LIST: &str = include_str!("../../../core/src/store/methods.rs");

/// The files of core's `store` folder; none where this crate is not in its workspace.
fn sources(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    let read = |path: std::path::PathBuf| {
        if path.is_dir() {
            sources(&path)
        } else {
            vec![fs::read_to_string(path).unwrap()]
        }
    };
    paths.flat_map(read).collect()
}

#[test]
fn every_trait_is_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src/store");
    for source in sources(&folder) {
        let traits = source
            .lines()
            .filter_map(|line| line.strip_prefix("pub trait "));
        for name in traits.map(|line| line.split(|c: char| !c.is_alphanumeric()).next()) {
            let name = name.unwrap();
            let listed = LIST.contains(&format!("            {name} {{\n"));
            assert!(listed, "{name} is missing");
        }
    }
}
