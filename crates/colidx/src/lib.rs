//! Late-interaction (ColBERT) search: index and search text, on disk, memory-mapped, safe.

#![forbid(unsafe_code)]

pub use colidx_core::*;
