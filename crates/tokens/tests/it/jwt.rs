//! JWT access tokens: what is accepted, and all that is not.

mod accepted;
mod f4;
mod forge;
