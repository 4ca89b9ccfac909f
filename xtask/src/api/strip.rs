//! The public part of an item: no bodies, no private fields, no documentation.

use syn::punctuated::Punctuated;
use syn::{
    Attribute, Block, Expr, Field, Fields, FnArg, Ident, ImplItem, Item, ItemImpl, ItemMacro, Meta,
    Pat, Signature, TraitItem, parse_quote,
};

use super::surface::is_public;

/// Attributes that users of an item feel.
const KEPT: [&str; 9] = [
    "async_trait",
    "cfg",
    "deprecated",
    "derive",
    "from",
    "macro_export",
    "must_use",
    "non_exhaustive",
    "repr",
];
/// Stands for private fields; [`print`](super::print) has a better word.
pub(super) const PRIVATE_FIELDS: &str = "private_fields";
/// Stands for a default body.
pub(super) const PROVIDED: &str = "provided";

/// The name of what can be public and is.
pub(super) fn public_name(item: &Item) -> Option<&Ident> {
    let (visibility, name) = match item {
        Item::Const(it) => (&it.vis, &it.ident),
        Item::Enum(it) => (&it.vis, &it.ident),
        Item::Fn(it) => (&it.vis, &it.sig.ident),
        Item::Static(it) => (&it.vis, &it.ident),
        Item::Struct(it) => (&it.vis, &it.ident),
        Item::Trait(it) => (&it.vis, &it.ident),
        Item::Type(it) => (&it.vis, &it.ident),
        Item::Union(it) => (&it.vis, &it.ident),
        _ => return None,
    };
    is_public(visibility).then_some(name)
}

/// The name of a type, public or not.
pub(super) fn type_name(item: &Item) -> Option<&Ident> {
    match item {
        Item::Enum(it) => Some(&it.ident),
        Item::Struct(it) => Some(&it.ident),
        Item::Trait(it) => Some(&it.ident),
        Item::Type(it) => Some(&it.ident),
        Item::Union(it) => Some(&it.ident),
        _ => None,
    }
}

/// Whether a macro's call has this word in it.
pub(super) fn mentions(call: &ItemMacro, name: &str) -> bool {
    let text = call.mac.tokens.to_string();
    let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.any(|word| word == name)
}

/// The public part, under these conditions besides its own.
pub(super) fn item(item: &Item, conditions: &[Attribute]) -> Item {
    let mut item = item.clone();
    match &mut item {
        Item::Const(it) => {
            kept(&mut it.attrs, conditions);
            shortened(&mut it.expr);
        }
        Item::Static(it) => {
            kept(&mut it.attrs, conditions);
            *it.expr = parse_quote!(_);
        }
        Item::Fn(it) => {
            kept(&mut it.attrs, conditions);
            without_mut(&mut it.sig);
            *it.block = empty();
        }
        Item::Struct(it) => {
            kept(&mut it.attrs, conditions);
            public_fields(&mut it.fields);
        }
        Item::Enum(it) => {
            kept(&mut it.attrs, conditions);
            for variant in &mut it.variants {
                kept(&mut variant.attrs, &[]);
                for field in &mut variant.fields {
                    kept(&mut field.attrs, &[]);
                }
            }
        }
        Item::Trait(it) => {
            kept(&mut it.attrs, conditions);
            it.items.iter_mut().for_each(method);
        }
        Item::Type(it) => kept(&mut it.attrs, conditions),
        Item::Union(it) => kept(&mut it.attrs, conditions),
        Item::Macro(it) => kept(&mut it.attrs, conditions),
        _ => {}
    }
    item
}

/// An inherent impl's public parts, or that a trait is implemented; `None` for nothing public.
pub(super) fn implementation(it: &ItemImpl, conditions: &[Attribute]) -> Option<Item> {
    let mut it = it.clone();
    kept(&mut it.attrs, conditions);
    // How a trait is written down is its own business.
    it.attrs
        .retain(|attribute| !attribute.path().is_ident("async_trait"));
    let of_trait = it.trait_.is_some();
    it.items.retain(|item| match item {
        ImplItem::Const(it) => of_trait || is_public(&it.vis),
        ImplItem::Fn(it) => !of_trait && is_public(&it.vis),
        ImplItem::Type(_) => true,
        ImplItem::Macro(_) => true,
        _ => false,
    });
    for item in &mut it.items {
        match item {
            ImplItem::Const(it) => {
                kept(&mut it.attrs, &[]);
                shortened(&mut it.expr);
            }
            ImplItem::Fn(it) => {
                kept(&mut it.attrs, &[]);
                without_mut(&mut it.sig);
                it.block = empty();
            }
            ImplItem::Type(it) => kept(&mut it.attrs, &[]),
            _ => {}
        }
    }
    (of_trait || !it.items.is_empty()).then_some(Item::Impl(it))
}

fn method(item: &mut TraitItem) {
    match item {
        TraitItem::Const(it) => kept(&mut it.attrs, &[]),
        TraitItem::Type(it) => kept(&mut it.attrs, &[]),
        TraitItem::Fn(it) => {
            kept(&mut it.attrs, &[]);
            if let Some(block) = &mut it.default {
                *block = parse_quote!({ provided });
            }
        }
        _ => {}
    }
}

fn kept(attributes: &mut Vec<Attribute>, conditions: &[Attribute]) {
    attributes.retain(|attribute| {
        let name = attribute.path().segments.last();
        name.is_some_and(|name| KEPT.iter().any(|kept| name.ident == kept))
    });
    for attribute in attributes.iter_mut() {
        // Its message is documentation.
        if attribute.path().is_ident("must_use") {
            attribute.meta = Meta::Path(attribute.path().clone());
        }
    }
    for condition in conditions.iter().rev() {
        if !attributes.contains(condition) {
            attributes.insert(0, condition.clone());
        }
    }
}

fn public_fields(fields: &mut Fields) {
    match fields {
        Fields::Named(named) => {
            let all = std::mem::take(&mut named.named);
            let count = all.len();
            named.named = all
                .into_iter()
                .filter(|field| is_public(&field.vis))
                .collect();
            for field in &mut named.named {
                kept(&mut field.attrs, &[]);
            }
            if named.named.len() < count {
                named.named.extend(private(true));
            }
        }
        Fields::Unnamed(unnamed) => {
            let all = std::mem::take(&mut unnamed.unnamed);
            let shown = all.into_iter().filter_map(|mut field| {
                kept(&mut field.attrs, &[]);
                match is_public(&field.vis) {
                    true => Some(field),
                    false => private(false),
                }
            });
            unnamed.unnamed = shown.collect::<Punctuated<Field, _>>();
        }
        Fields::Unit => {}
    }
}

/// Stands for the private fields of a struct, or for one of a tuple.
fn private(named: bool) -> Option<Field> {
    let fields: Fields = match named {
        true => Fields::Named(parse_quote!({ private_fields: _ })),
        false => Fields::Unnamed(parse_quote!((_))),
    };
    fields.into_iter().next()
}

/// A value that is a word or two says something; a table does not.
fn shortened(value: &mut Expr) {
    if !matches!(
        value,
        Expr::Lit(_) | Expr::Path(_) | Expr::Unary(_) | Expr::Binary(_)
    ) {
        *value = parse_quote!(_);
    }
}

/// Whether a parameter is changed inside is nobody's business.
fn without_mut(signature: &mut Signature) {
    for input in &mut signature.inputs {
        match input {
            FnArg::Receiver(it) => it.mutability = None,
            FnArg::Typed(it) => {
                if let Pat::Ident(name) = &mut *it.pat {
                    name.mutability = None;
                }
            }
        }
    }
}

fn empty() -> Block {
    parse_quote!({})
}
