//! Files that lie although every checksum agrees: a typed error where the lie is met, never a
//! panic.

#[path = "../common/mod.rs"]
mod common;
mod features;
mod forged;
mod frames;
mod manifest;
mod random;
mod rules;
mod sections;
mod text;
mod victim;

#[global_allocator]
static ALLOCATOR: common::counting::Counting = common::counting::Counting;
