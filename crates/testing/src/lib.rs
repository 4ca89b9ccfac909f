#![doc = include_str!("../README.md")]

pub mod hasher;

pub use hasher::CountingHasher;
