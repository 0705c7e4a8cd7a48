//! An HTTP service over colidx indexes: search, documents, reranking, metrics and a search page.
//!
//! It has no logic of its own: what it answers, the crate `colidx` computes. [`Server::bind`] opens
//! indexes and listens, [`Server::run`] serves until it is stopped. The routes describe
//! themselves at `/openapi.json`.

#![forbid(unsafe_code)]

mod access;
mod api;
mod app;
mod arrival;
mod check;
mod checkpoints;
mod connections;
mod encoding;
mod error;
mod guard;
mod images;
mod log;
#[cfg(feature = "mcp")]
mod mcp;
mod metrics;
mod options;
mod page;
mod served;
mod server;
mod signals;
mod vectors;
mod writer;

pub use check::is_ready;
pub use log::{Line, Log};
#[cfg(feature = "mcp")]
pub use mcp::serve_tools;
pub use options::{Access, AccessLog, Limits, Options, ServeError};
pub use server::Server;
pub use signals::signal;
