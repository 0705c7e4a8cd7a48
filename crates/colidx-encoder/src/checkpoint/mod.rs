//! Reading a checkpoint directory: which layout it has, what it says about itself, and its weights.

mod files;
mod info;
mod pylate;
mod weights;

use std::path::Path;

pub(crate) use files::read_json;
pub use info::CheckpointInfo;
pub(crate) use weights::Weights;

use crate::EncoderError;
use crate::model::{Projection, Transformer};
use crate::text::TextTokenizer;

/// An opened checkpoint: everything that is needed to encode.
pub(crate) struct Checkpoint {
    pub(crate) info: CheckpointInfo,
    pub(crate) tokenizer: TextTokenizer,
    pub(crate) transformer: Transformer,
    pub(crate) projection: Projection,
}

impl Checkpoint {
    /// Opens the directory `path`, whatever its layout.
    pub(crate) fn open(path: &Path) -> Result<Checkpoint, EncoderError> {
        if path.join(pylate::MODULES).is_file() {
            return pylate::open(path);
        }
        Err(EncoderError::NoCheckpoint {
            path: path.to_owned(),
            expected: pylate::MODULES,
        })
    }
}
