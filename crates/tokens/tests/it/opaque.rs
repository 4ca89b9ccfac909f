//! Opaque tokens.

mod digests;
mod text;
