use super::*;

fn api(source: &str) -> String {
    Surface::of(&Module::inline(source))
        .text("x")
        .trim()
        .to_owned()
}

#[test]
fn bodies_private_parts_and_documentation_are_left_out() {
    let shown = api("
        /// Says much.
        #[derive(Clone)]
        pub struct Thing { pub size: u32, secret: Vec<u8> }
        pub struct Pair(pub u8, String);
        impl Thing {
            /// Makes one.
            #[must_use = \"or it is lost\"]
            pub fn new(mut size: u32) -> Self { size += 1; todo(size) }
            fn hidden(&self) {}
        }
        pub(crate) struct Inner;
        struct Own;
        pub const LIMIT: u32 = 5;
        fn own() {}
    ");
    let wanted = "\
== x

pub const LIMIT: u32 = 5;

pub struct Pair(pub u8, _);

#[derive(Clone)]
pub struct Thing {
    pub size: u32,
    // private fields
}
impl Thing {
    #[must_use]
    pub fn new(size: u32) -> Self;
}";
    assert_eq!(shown, wanted);
}

#[test]
fn an_item_is_shown_where_it_can_be_named_and_once_with_its_impls() {
    let shown = api("
        mod inside {
            pub struct A;
            pub struct B;
            impl A { pub fn a(&self) {} }
        }
        mod elsewhere { use super::inside::A; impl Clone for A { fn clone(&self) -> A { A } } }
        pub use inside::A;
        pub mod prelude { pub use crate::inside::A as Alpha; }
        pub use std::time::Duration;
    ");
    let wanted = "\
== x

pub struct A;
impl A {
    pub fn a(&self);
}
impl Clone for A;

pub use std::time::Duration;

== x::prelude

pub use A as Alpha;
pub struct A;";
    assert_eq!(shown, wanted);
}

#[test]
fn a_default_body_and_a_condition_are_part_of_the_api() {
    let shown = api("
        #[cfg(feature = \"y\")]
        pub mod y { pub trait Store { fn must(&self); fn may(&self) { work() } } }
        #[cfg(test)]
        pub mod tests { pub fn nothing() {} }
    ");
    let wanted = "\
== x::y

#[cfg(feature = \"y\")]
pub trait Store {
    fn must(&self);
    fn may(&self) { .. }
}";
    assert_eq!(shown, wanted);
}

#[test]
fn what_a_macro_writes_is_shown_as_its_call_and_the_macro() {
    let shown = api("
        macro_rules! ids { ($name:ident) => { pub struct $name(u8); }; }
        ids!(UserId);
        #[macro_export]
        macro_rules! scope { ($name:ident) => { struct $name; }; }
        macro_rules! unused { () => {}; }
    ");
    assert!(shown.contains("ids!(UserId);"), "{shown}");
    assert!(shown.contains("pub struct $name (u8);"), "{shown}");
    assert!(shown.contains("($name:ident) => ..;"), "{shown}");
    assert!(!shown.contains("unused"), "{shown}");
}

#[test]
fn types_of_one_name_keep_their_own_impls() {
    let shown = api("
        pub mod a { pub struct Row; impl Row { pub fn a() {} } }
        pub mod b { pub struct Row; }
        mod c { use crate::b::Row; impl Row { pub fn b() {} } }
    ");
    let wanted = "\
== x::a

pub struct Row;
impl Row {
    pub fn a();
}

== x::b

pub struct Row;
impl Row {
    pub fn b();
}";
    assert_eq!(shown, wanted);
}

/// A trait of the crate's own, implemented for what is not its own, is there for users; one that they cannot name is not.
#[test]
fn impls_for_others_types_are_shown_where_the_trait_can_be_named() {
    let shown = api("
        pub trait Policy {}
        trait Sealed {}
        impl<A: Policy, B: Policy> Policy for (A, B) {}
        impl Sealed for u8 {}
    ");
    assert!(shown.contains("Policy for (A, B);"), "{shown}");
    assert!(!shown.contains("u8"), "{shown}");
}
