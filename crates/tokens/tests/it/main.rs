//! What the crate promises, tested from the outside.
//!
//! `cfg(test)` is always true here; it tells clippy that helpers too are test code.

#[cfg(test)]
#[cfg(feature = "jwt")]
mod jwt;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod opaque;
#[cfg(test)]
mod password;
#[cfg(test)]
mod seal;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod support;
// The messages name types by what else is in the tree, and AWS-LC would be compiled once more for them.
#[cfg(test)]
#[cfg(not(feature = "jwt"))]
mod ui;
