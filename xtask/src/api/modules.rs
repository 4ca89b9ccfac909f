//! A crate's modules, as its files hold them.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use syn::{Attribute, Item, Meta};

/// A module and what is in it, tests left out.
pub(super) struct Module {
    /// From the crate's root, which has none.
    pub(super) path: Vec<String>,
    /// The `#[cfg]`s on the way here.
    pub(super) conditions: Vec<Attribute>,
    pub(super) items: Vec<Item>,
    pub(super) children: BTreeMap<String, Module>,
}

impl Module {
    /// Reads a file and the modules that it declares, which are in `folder`.
    pub(super) fn read(file: &Path, folder: &Path) -> Result<Self, Box<dyn Error>> {
        let text =
            fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let parsed =
            syn::parse_file(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        Self::of(parsed.items, Vec::new(), Vec::new(), folder)
    }

    /// A crate in one text, its modules inline.
    #[cfg(test)]
    pub(super) fn inline(text: &str) -> Self {
        let items = syn::parse_file(text).unwrap().items;
        Self::of(items, Vec::new(), Vec::new(), Path::new("")).unwrap()
    }

    fn of(
        all: Vec<Item>,
        path: Vec<String>,
        conditions: Vec<Attribute>,
        folder: &Path,
    ) -> Result<Self, Box<dyn Error>> {
        let (mut items, mut children) = (Vec::new(), BTreeMap::new());
        for mut item in all {
            if attributes(&item).iter().any(is_test) {
                continue;
            }
            if let Item::Mod(module) = &mut item {
                let name = module.ident.to_string();
                let mut path = path.clone();
                path.push(name.clone());
                let mut conditions = conditions.clone();
                conditions.extend(
                    module
                        .attrs
                        .iter()
                        .filter(|it| it.path().is_ident("cfg"))
                        .cloned(),
                );
                let inside = folder.join(&name);
                let content = match module.content.take() {
                    Some((_, content)) => content,
                    None => content(folder, &name)?,
                };
                children.insert(name, Self::of(content, path, conditions, &inside)?);
            }
            items.push(item);
        }
        Ok(Self {
            path,
            conditions,
            items,
            children,
        })
    }

    /// This module and all below it.
    pub(super) fn all(&self) -> Vec<&Self> {
        let mut all = vec![self];
        for child in self.children.values() {
            all.extend(child.all());
        }
        all
    }

    /// The module at a path from here.
    pub(super) fn at(&self, path: &[String]) -> Option<&Self> {
        match path {
            [] => Some(self),
            [first, rest @ ..] => self.children.get(first)?.at(rest),
        }
    }
}

fn content(folder: &Path, name: &str) -> Result<Vec<Item>, Box<dyn Error>> {
    let file: PathBuf = folder.join(format!("{name}.rs"));
    let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let parsed = syn::parse_file(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(parsed.items)
}

/// `#[cfg(test)]` and `#[cfg(doc)]`: nothing that is there for users.
fn is_test(attribute: &Attribute) -> bool {
    match &attribute.meta {
        Meta::List(list) => {
            let of = list.tokens.to_string();
            list.path.is_ident("cfg") && (of == "test" || of == "doc")
        }
        _ => false,
    }
}

pub(super) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(it) => &it.attrs,
        Item::Enum(it) => &it.attrs,
        Item::ExternCrate(it) => &it.attrs,
        Item::Fn(it) => &it.attrs,
        Item::Impl(it) => &it.attrs,
        Item::Macro(it) => &it.attrs,
        Item::Mod(it) => &it.attrs,
        Item::Static(it) => &it.attrs,
        Item::Struct(it) => &it.attrs,
        Item::Trait(it) => &it.attrs,
        Item::Type(it) => &it.attrs,
        Item::Union(it) => &it.attrs,
        Item::Use(it) => &it.attrs,
        _ => &[],
    }
}
