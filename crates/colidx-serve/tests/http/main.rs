//! The service over real sockets, with an index of vectors and one of a tiny checkpoint.

mod access;
mod documents;
mod harness;
mod hostile;
mod images;
#[cfg(feature = "mcp")]
mod mcp;
mod models;
mod search;
mod watch;
