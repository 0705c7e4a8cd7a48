//! Fetching checkpoints from hubs on loopback: good ones, and ones that lie.
#![cfg(feature = "hub")]

mod bodies;
mod cache;
mod hostile;
mod place;
mod python;
mod server;
mod tokens;
