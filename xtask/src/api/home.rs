//! Where names of the crate belong: to which module a path leads, and to which type an impl.

use std::collections::BTreeMap;

use syn::{Item, ItemImpl, Type};

use super::modules::Module;
use super::strip;
use super::surface::{Home, is_public, leaves};

/// Every definition of the crate by its name.
pub(super) struct Homes<'a> {
    root: &'a Module,
    /// The modules that define a type or trait of this name.
    types: BTreeMap<String, Vec<&'a Module>>,
    private_traits: Vec<String>,
}

impl<'a> Homes<'a> {
    pub(super) fn of(root: &'a Module) -> Self {
        let mut homes = Self {
            root,
            types: BTreeMap::new(),
            private_traits: Vec::new(),
        };
        for module in root.all() {
            for item in &module.items {
                if let Some(name) = strip::type_name(item) {
                    homes
                        .types
                        .entry(name.to_string())
                        .or_default()
                        .push(module);
                }
                if let Item::Trait(it) = item
                    && !is_public(&it.vis)
                {
                    homes.private_traits.push(it.ident.to_string());
                }
            }
        }
        homes
    }

    pub(super) fn is_private_trait(&self, name: &str) -> bool {
        self.private_traits.iter().any(|it| it == name)
    }

    /// The module of the crate that a path leads into, and what is left of the path; `None` for a path that leads out.
    pub(super) fn enter(
        &self,
        from: &'a Module,
        path: &[String],
    ) -> Option<(&'a Module, Vec<String>)> {
        let (mut module, mut rest) = match path {
            [first, rest @ ..] if first == "crate" => (self.root, rest),
            [first, rest @ ..] if first == "self" => (from, rest),
            [first, ..] if first == "super" => {
                let ups = path.iter().take_while(|part| *part == "super").count();
                let depth = from.path.len().checked_sub(ups)?;
                (self.root.at(from.path.get(..depth)?)?, path.get(ups..)?)
            }
            [first, ..] if from.children.contains_key(first) => (from, path),
            _ => return None,
        };
        while let [first, others @ ..] = rest
            && let Some(child) = module.children.get(first)
        {
            (module, rest) = (child, others);
        }
        Some((module, rest.to_vec()))
    }

    /// Every impl of the crate, with its module.
    pub(super) fn impls(&self) -> Vec<(&'a Module, &'a ItemImpl)> {
        let of = |module: &'a Module| {
            let impls = module.items.iter().filter_map(|item| match item {
                Item::Impl(it) => Some(it),
                _ => None,
            });
            impls.map(move |it| (module, it))
        };
        self.root.all().into_iter().flat_map(of).collect()
    }

    /// The type of the crate that an impl is for.
    pub(super) fn of_impl(&self, module: &Module, it: &ItemImpl) -> Option<Home> {
        let Type::Path(path) = without_references(&it.self_ty) else {
            return None;
        };
        let name = path.path.segments.last()?.ident.to_string();
        let parameters = it.generics.type_params();
        if parameters
            .into_iter()
            .any(|parameter| parameter.ident == name)
        {
            return None;
        }
        let home = match self.types.get(&name)?.as_slice() {
            [only] => only,
            several => several
                .iter()
                .find(|it| it.path == module.path)
                .or_else(|| several.iter().find(|it| imports(module, it, &name)))
                .or_else(|| several.iter().find(|it| module.path.starts_with(&it.path)))?,
        };
        Some((home.path.clone(), name))
    }
}

/// The module uses the name from that other module.
fn imports(module: &Module, from: &Module, name: &str) -> bool {
    let uses = module.items.iter().filter_map(|item| match item {
        Item::Use(it) => Some(leaves(&it.tree, &[])),
        _ => None,
    });
    uses.flatten().any(|leaf| {
        let parent = leaf.path.iter().rev().nth(1);
        leaf.name == name && parent == from.path.last()
    })
}

fn without_references(of: &Type) -> &Type {
    match of {
        Type::Reference(reference) => without_references(&reference.elem),
        other => other,
    }
}
