//! What the crate promises, tested from the outside.
//!
//! `cfg(test)` is always true here; it tells clippy that helpers too are test code.

#[cfg(all(test, feature = "jwt"))]
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
mod support;
#[cfg(test)]
mod ui;
