//! Reading a checkpoint directory: which layout it has, what it says about itself, and its weights.

mod files;
mod info;
mod pylate;
mod weights;

use std::path::Path;

pub(crate) use files::read_json;
pub use info::CheckpointInfo;
pub(crate) use weights::Weights;

use crate::model::{Projection, Transformer};
use crate::text::TextTokenizer;
use crate::{EncoderError, EncoderOptions};

/// An opened checkpoint: everything that is needed to encode.
pub(crate) struct Checkpoint {
    pub(crate) info: CheckpointInfo,
    pub(crate) tokenizer: TextTokenizer,
    pub(crate) transformer: Transformer,
    pub(crate) projection: Projection,
}

impl Checkpoint {
    /// Opens the directory `path`, whatever its layout.
    pub(crate) fn open(path: &Path, options: &EncoderOptions) -> Result<Checkpoint, EncoderError> {
        if path.join(pylate::MODULES).is_file() {
            return pylate::open(path, options);
        }
        Err(EncoderError::NoCheckpoint {
            path: path.to_owned(),
            expected: pylate::MODULES,
        })
    }
}
