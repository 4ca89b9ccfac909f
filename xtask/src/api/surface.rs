//! What can be reached from the crate's root, and under which path.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Attribute, Ident, Item, ItemImpl, UseTree, Visibility};

use super::home::Homes;
use super::modules::Module;
use super::print;
use super::strip;

/// Where an item is defined: its module's path and its name.
pub(super) type Home = (Vec<String>, String);

/// A name, and its item as text.
type Entry = (String, String);

/// Entries by public module.
pub(super) struct Surface<'a> {
    root: &'a Module,
    homes: Homes<'a>,
    sections: BTreeMap<Vec<String>, BTreeSet<Entry>>,
    /// What was reached: an item that is reached twice has its impls once.
    reached: BTreeSet<Home>,
    /// Macros of the crate that write public items.
    writers: BTreeSet<String>,
    /// The ways taken, so that modules that name each other end.
    walked: BTreeSet<(Vec<String>, Vec<String>)>,
}

impl<'a> Surface<'a> {
    pub(super) fn of(root: &'a Module) -> Self {
        let mut surface = Self {
            root,
            homes: Homes::of(root),
            sections: BTreeMap::new(),
            reached: BTreeSet::new(),
            writers: BTreeSet::new(),
            walked: BTreeSet::new(),
        };
        surface.walk(root, &[]);
        surface.macros();
        surface.others_impls();
        surface
    }

    /// Under the crate's name.
    pub(super) fn text(&self, name: &str) -> String {
        let mut text = String::new();
        for (path, entries) in &self.sections {
            let path: String = path.iter().map(|part| format!("::{part}")).collect();
            text += &format!("\n== {name}{path}\n");
            for (_, entry) in entries {
                text += &format!("\n{entry}");
            }
        }
        text
    }

    fn add(&mut self, public: &[String], name: &str, entry: String) {
        let section = self.sections.entry(public.to_vec()).or_default();
        section.insert((name.to_owned(), entry));
    }

    fn walk(&mut self, module: &'a Module, public: &[String]) {
        if !self.walked.insert((module.path.clone(), public.to_vec())) {
            return;
        }
        for item in &module.items {
            match item {
                Item::Mod(child) if is_public(&child.vis) => {
                    let name = child.ident.to_string();
                    if let Some(child) = module.children.get(&name) {
                        self.walk(child, &joined(public, &name));
                    }
                }
                Item::Use(used) if is_public(&used.vis) => {
                    for leaf in leaves(&used.tree, &[]) {
                        self.reexport(module, public, &leaf, &used.attrs);
                    }
                }
                Item::Macro(call) if call.ident.is_none() => self.call(module, public, item),
                _ => {
                    if let Some(name) = strip::public_name(item) {
                        self.item(module, public, item, &name.to_string(), &[]);
                    }
                }
            }
        }
    }

    /// An item, under a name that may not be its own, with its impls.
    fn item(
        &mut self,
        module: &Module,
        public: &[String],
        item: &Item,
        name: &str,
        more: &[Attribute],
    ) {
        let Some(own) = strip::public_name(item).map(Ident::to_string) else {
            return;
        };
        let mut conditions = module.conditions.clone();
        conditions.extend(more.iter().filter(|it| it.path().is_ident("cfg")).cloned());
        let mut entry = print::item(strip::item(item, &conditions));
        if own != name {
            entry = format!("pub use {own} as {name};\n{entry}");
        }
        let home = (module.path.clone(), own);
        if self.reached.insert(home.clone()) {
            entry += &self.impls(&home);
        }
        self.add(public, name, entry);
    }

    /// A call of a macro, which may write public items.
    fn call(&mut self, module: &Module, public: &[String], item: &Item) {
        if let Item::Macro(call) = item
            && let Some(name) = call.mac.path.segments.last()
        {
            let name = name.ident.to_string();
            let entry = print::item(strip::item(item, &module.conditions));
            self.add(public, &name, entry);
            self.writers.insert(name);
        }
    }

    fn reexport(
        &mut self,
        module: &'a Module,
        public: &[String],
        leaf: &Leaf,
        attrs: &[Attribute],
    ) {
        let Some((target, rest)) = self.homes.enter(module, &leaf.path) else {
            // Somebody else's.
            return self.add(public, &leaf.name, print::reexport(leaf, attrs));
        };
        if rest.is_empty() {
            return match leaf.glob {
                true => self.walk(target, public),
                false => self.walk(target, &joined(public, &leaf.name)),
            };
        }
        let [name] = rest.as_slice() else {
            return self.add(public, &leaf.name, print::reexport(leaf, attrs));
        };
        for item in &target.items {
            match item {
                Item::Use(used) if !matches!(used.vis, Visibility::Inherited) => {
                    for inner in leaves(&used.tree, &[]) {
                        if inner.name == *name && !inner.glob {
                            let renamed = Leaf {
                                name: leaf.name.clone(),
                                ..inner
                            };
                            self.reexport(target, public, &renamed, &used.attrs);
                            return;
                        }
                    }
                }
                _ if strip::public_name(item).is_some_and(|it| it == name.as_str()) => {
                    self.item(target, public, item, &leaf.name, attrs);
                    return;
                }
                _ => {}
            }
        }
        // Written by a macro.
        for item in &target.items {
            if matches!(item, Item::Macro(call) if call.ident.is_none() && strip::mentions(call, name))
            {
                self.call(target, public, item);
            }
        }
    }

    /// The impls of a type, wherever in the crate they are.
    fn impls(&self, home: &Home) -> String {
        let of = |it: &(&Module, &ItemImpl)| self.homes.of_impl(it.0, it.1).as_ref() == Some(home);
        let found = self.homes.impls().into_iter().filter(of);
        let mut texts: Vec<String> = found
            .filter(|(_, it)| self.is_shown(it))
            .filter_map(|(module, it)| strip::implementation(it, &module.conditions))
            .map(print::item)
            .collect();
        texts.sort();
        texts.concat()
    }

    /// Not an impl of a trait that only the crate itself can name.
    fn is_shown(&self, it: &ItemImpl) -> bool {
        let Some((path, _)) = &it.trait_ else {
            return true;
        };
        let name = path.segments.last().map(|part| part.ident.to_string());
        let name = name.unwrap_or_default();
        !self.homes.is_private_trait(&name)
    }

    /// Impls of our traits for types that are not the crate's, and of others' traits where one of our types is a
    /// parameter.
    fn others_impls(&mut self) {
        for (module, it) in self.homes.impls() {
            let is_ours = self.homes.of_impl(module, it).is_some();
            if !is_ours
                && it.trait_.is_some()
                && self.is_shown(it)
                && let Some(shown) = strip::implementation(it, &module.conditions)
            {
                // After everything that has a name.
                self.add(&[], "~", print::item(shown));
            }
        }
    }

    /// The macros that are exported, and those that write what is.
    fn macros(&mut self) {
        for module in self.root.all() {
            for item in &module.items {
                let Item::Macro(definition) = item else {
                    continue;
                };
                let Some(name) = &definition.ident else {
                    continue;
                };
                let exported = definition
                    .attrs
                    .iter()
                    .any(|it| it.path().is_ident("macro_export"));
                let entry = || print::item(strip::item(item, &module.conditions));
                let name = name.to_string();
                if exported {
                    self.add(&[], &name, print::patterns(&entry()));
                } else if self.writers.contains(&name) {
                    self.add(&[], &name, entry());
                }
            }
        }
    }
}

/// One name that a `use` brings.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub(super) path: Vec<String>,
    pub(super) name: String,
    pub(super) glob: bool,
}

pub(super) fn leaves(tree: &UseTree, before: &[String]) -> Vec<Leaf> {
    match tree {
        UseTree::Path(path) => leaves(&path.tree, &joined(before, &path.ident.to_string())),
        UseTree::Group(group) => {
            let leaves = group.items.iter().map(|tree| leaves(tree, before));
            leaves.flatten().collect()
        }
        UseTree::Glob(_) => vec![Leaf {
            path: before.to_vec(),
            name: "*".to_owned(),
            glob: true,
        }],
        UseTree::Name(name) => {
            let name = name.ident.to_string();
            let (path, name) = match (name.as_str(), before.last()) {
                ("self", Some(last)) => (before.to_vec(), last.clone()),
                _ => (joined(before, &name), name),
            };
            vec![Leaf {
                path,
                name,
                glob: false,
            }]
        }
        UseTree::Rename(renamed) => {
            let name = renamed.ident.to_string();
            let path = match name.as_str() {
                "self" => before.to_vec(),
                _ => joined(before, &name),
            };
            vec![Leaf {
                path,
                name: renamed.rename.to_string(),
                glob: false,
            }]
        }
    }
}

fn joined(path: &[String], name: &str) -> Vec<String> {
    let mut path = path.to_vec();
    path.push(name.to_owned());
    path
}

pub(super) const fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}
