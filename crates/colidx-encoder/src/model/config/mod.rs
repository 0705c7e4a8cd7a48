//! The description of a transformer in `config.json`, checked.
//!
//! Each architecture has a reader that takes the keys it understands from a [`File`]. A key that is
//! left and may have an effect refuses the checkpoint.

mod bert;
mod decoder;
mod file;
mod lfm2;
mod llama;
mod modernbert;
mod rope;
mod rotary_bert;

use std::path::Path;

use crate::EncoderError;
pub(super) use bert::{Bert, Positions, TensorNames};
pub(super) use decoder::{Decoder, Mixer};
use file::File;
pub(super) use modernbert::ModernBert;

/// A supported transformer.
pub(super) enum Config {
    Bert(Bert),
    ModernBert(ModernBert),
    Decoder(Decoder),
}

type Reader = fn(&mut File) -> Result<Config, EncoderError>;

/// The supported values of `model_type` and their readers.
const ARCHITECTURES: &[(&str, Reader)] = &[
    ("bert", |file| bert::read(file).map(Config::Bert)),
    ("roberta", |file| bert::read(file).map(Config::Bert)),
    ("xlm-roberta", |file| bert::read(file).map(Config::Bert)),
    ("camembert", |file| bert::read(file).map(Config::Bert)),
    ("distilbert", |file| {
        bert::read_distilbert(file).map(Config::Bert)
    }),
    ("modernbert", |file| {
        modernbert::read(file).map(Config::ModernBert)
    }),
    ("eurobert", |file| {
        llama::read_eurobert(file).map(Config::Decoder)
    }),
    ("lfm2", |file| lfm2::read(file).map(Config::Decoder)),
    ("qwen3", |file| llama::read_qwen3(file).map(Config::Decoder)),
    ("bidirectional_pplx_qwen3", |file| {
        llama::read_qwen3(file).map(Config::Decoder)
    }),
    ("nomic_bert", |file| {
        rotary_bert::read_nomic(file).map(Config::Bert)
    }),
    ("gte", |file| rotary_bert::read_gte(file).map(Config::Bert)),
    ("new", |file| rotary_bert::read_gte(file).map(Config::Bert)),
    ("jina_embeddings_v3", |file| {
        rotary_bert::read_jina(file).map(Config::Bert)
    }),
];

impl Config {
    /// Reads the file at `path`; returns its `model_type` too.
    pub(super) fn read(path: &Path) -> Result<(String, Config), EncoderError> {
        let mut file = File::open(path)?;
        let architecture = file.architecture().to_owned();
        let Some((_, read)) = ARCHITECTURES.iter().find(|(name, _)| *name == architecture) else {
            let known: Vec<&str> = ARCHITECTURES.iter().map(|(name, _)| *name).collect();
            return Err(EncoderError::UnknownArchitecture {
                path: file.path().to_owned(),
                found: architecture,
                known: known.join(", "),
            });
        };
        let config = read(&mut file)?;
        file.finish()?;
        Ok((architecture, config))
    }

    /// Maximum tokens of a sequence; none with rotary embeddings.
    pub(super) fn limit(&self) -> Option<usize> {
        match self {
            Config::Bert(config) if config.is_rotary() => None,
            Config::Bert(config) => Some(config.sequence_length()),
            Config::ModernBert(_) | Config::Decoder(_) => None,
        }
    }

    /// Longest sequence in tokens that the model was configured for.
    pub(super) fn positions(&self) -> usize {
        match self {
            Config::Bert(config) => config.sequence_length(),
            Config::ModernBert(config) => config.positions,
            Config::Decoder(config) => config.positions,
        }
    }
}
