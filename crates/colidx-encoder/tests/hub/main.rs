//! Fetches checkpoints from hubs on loopback, honest and hostile ones.
#![cfg(feature = "hub")]

mod bodies;
mod cache;
mod hostile;
mod place;
mod python;
mod server;
mod tokens;
