//! JWT access tokens: what is accepted, and all that is not.

mod accepted;
mod algorithm;
mod claims;
mod f4;
mod file;
mod forge;
mod header;
mod keys;
mod memory;
mod rotation;
mod text;
mod times;
