//! Items as text.

use syn::{Attribute, File, Item};

use super::strip::{PRIVATE_FIELDS, PROVIDED};
use super::surface::Leaf;

/// As rustfmt would have it, with what was stripped marked.
pub(super) fn item(item: Item) -> String {
    let printed = prettyplease::unparse(&File {
        shebang: None,
        frontmatter: None,
        attrs: Vec::new(),
        items: vec![item],
    });
    let mut text = String::new();
    let mut lines = printed.lines().peekable();
    while let Some(line) = lines.next() {
        if line.trim() == format!("{PRIVATE_FIELDS}: _,") {
            text += &line.replace(&format!("{PRIVATE_FIELDS}: _,"), "// private fields");
        } else if line.ends_with('{') && lines.peek().is_some_and(|next| next.trim() == PROVIDED) {
            text += line;
            text += " .. }";
            lines.nth(1);
        } else if line.trim() == "{}" {
            text.truncate(text.trim_end().trim_end_matches(',').len());
            text.push(';');
        } else if let Some(line) = line.strip_suffix(" {}") {
            text += line;
            text.push(';');
        } else {
            text += line;
        }
        text.push('\n');
    }
    text
}

/// What a printed macro takes, without what it makes of it.
pub(super) fn patterns(macro_rules: &str) -> String {
    let shallow = |line: &&str| !line.starts_with("     ") && *line != "    };";
    let lines = macro_rules.lines().filter(shallow);
    let lines = lines.map(|line| match line.strip_suffix(" => {") {
        Some(pattern) => format!("{pattern} => ..;\n"),
        None => format!("{line}\n"),
    });
    lines.collect()
}

/// A name of another crate.
pub(super) fn reexport(leaf: &Leaf, attributes: &[Attribute]) -> String {
    let path = leaf.path.join("::");
    let mut text = String::new();
    for attribute in attributes.iter().filter(|it| it.path().is_ident("cfg")) {
        if let Ok(list) = attribute.meta.require_list() {
            text += &format!("#[cfg({})]\n", list.tokens);
        }
    }
    let last = leaf.path.last();
    text += &match leaf.glob {
        true => format!("pub use {path}::*;\n"),
        false if last == Some(&leaf.name) => format!("pub use {path};\n"),
        false => format!("pub use {path} as {};\n", leaf.name),
    };
    text
}
