//! The layouts of the engines, one a module.

pub(crate) mod plaid;
pub(crate) mod pylate;
pub(crate) mod ragatouille;
pub(crate) mod stanford;
pub(crate) mod xtr_warp;

use serde_json::Value;

use crate::error::ImportError;
use crate::folder::Folder;

/// The number of chunks that an index says it has. Each is read, so that a wrong number ends at the
/// first file that is missing.
fn chunks(folder: &Folder, file: &str, metadata: &Value) -> Result<u64, ImportError> {
    let chunks = &metadata["num_chunks"];
    chunks
        .as_u64()
        .ok_or_else(|| folder.mismatch(file, "a number `num_chunks`", chunks))
}
