//! The files of a checkpoint: which ones are read, in which folder, for which layout.
//!
//! Readers name a file by a constant of this module and the hub downloads what [`FILES`] and
//! [`WEIGHTS`] list, so a layout cannot read a file that a download lacks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use crate::EncoderError;
use crate::files;

/// The list of modules in a sentence-transformers checkpoint.
pub(crate) const MODULES: &str = "modules.json";
/// Settings of ColBERT's own code.
pub(crate) const METADATA: &str = "artifact.metadata";
/// Settings of the library that saved a sentence-transformers checkpoint.
pub(crate) const SETTINGS: &str = "config_sentence_transformers.json";
/// The projection of FlagEmbedding's models.
pub(crate) const HEAD: &str = "colbert_linear.pt";
/// The configuration of a transformer or of a module.
pub(crate) const CONFIG: &str = "config.json";
/// Settings of the Transformer module; the first file that exists and is not empty counts.
pub(crate) const SENTENCE: [&str; 7] = [
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
];
/// The whole tokenizer.
pub(crate) const TOKENIZER: &str = "tokenizer.json";
/// BERT's vocabulary, one token a line; read only without [`TOKENIZER`].
pub(crate) const VOCABULARY: &str = "vocab.txt";
pub(crate) const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
/// Special tokens, in checkpoints older than transformers 4.34.
pub(crate) const SPECIAL_TOKENS: &str = "special_tokens_map.json";
/// Added tokens, in checkpoints older than transformers 4.34.
pub(crate) const ADDED_TOKENS: &str = "added_tokens.json";
/// An adapter, whose weights would be added to those of the transformer.
pub(crate) const ADAPTER: &str = "adapter_config.json";

/// Weights in order of preference: a single file, and the index of its shards.
pub(crate) const WEIGHTS: [[&str; 2]; 2] = [
    ["model.safetensors", "model.safetensors.index.json"],
    ["pytorch_model.bin", "pytorch_model.bin.index.json"],
];

/// Which library wrote a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// MultiVectorEncoder of sentence-transformers 6 and later.
    MultiVector,
    /// PyLate: a Dense module behind the transformer, or settings that only PyLate writes.
    PyLate,
    /// ColBERT's own code: `linear.weight` among the transformer's tensors.
    Stanford,
    /// FlagEmbedding's multi-functional models (bge-m3): the projection in a file of its own.
    FlagEmbedding,
    /// An encoder that was not made for late interaction.
    Transformers,
}

/// The folder that a file is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Folder {
    /// The checkpoint itself.
    Checkpoint,
    /// That of the first module; without a list of modules, the checkpoint itself.
    Transformer,
    /// That of every later module.
    Module,
}

/// A file that may be read. Any of them may be absent, depending on the layout.
pub(crate) struct KnownFile {
    pub(crate) name: &'static str,
    pub(crate) folder: Folder,
    /// The layouts whose fingerprint covers it.
    pub(crate) fingerprint_of: &'static [Layout],
}

const ALL: &[Layout] = &[
    Layout::MultiVector,
    Layout::PyLate,
    Layout::Stanford,
    Layout::FlagEmbedding,
    Layout::Transformers,
];
const WITH_MODULES: &[Layout] = &[
    Layout::MultiVector,
    Layout::PyLate,
    Layout::FlagEmbedding,
    Layout::Transformers,
];
const WITH_SETTINGS: &[Layout] = &[Layout::MultiVector, Layout::PyLate];

/// Every file that is read, weights aside. Fingerprints cover files in this order.
pub(crate) const FILES: [KnownFile; 19] = [
    KnownFile::new(MODULES, Folder::Checkpoint, WITH_MODULES),
    KnownFile::new(METADATA, Folder::Checkpoint, &[Layout::Stanford]),
    KnownFile::new(SETTINGS, Folder::Checkpoint, WITH_SETTINGS),
    KnownFile::new(HEAD, Folder::Transformer, &[Layout::FlagEmbedding]),
    KnownFile::new(CONFIG, Folder::Transformer, ALL),
    KnownFile::new(SENTENCE[0], Folder::Transformer, ALL),
    KnownFile::new(SENTENCE[1], Folder::Transformer, ALL),
    KnownFile::new(SENTENCE[2], Folder::Transformer, ALL),
    KnownFile::new(SENTENCE[3], Folder::Transformer, ALL),
    KnownFile::new(SENTENCE[4], Folder::Transformer, ALL),
    KnownFile::new(SENTENCE[5], Folder::Transformer, ALL),
    KnownFile::new(SENTENCE[6], Folder::Transformer, ALL),
    KnownFile::new(TOKENIZER, Folder::Transformer, ALL),
    KnownFile::new(VOCABULARY, Folder::Transformer, ALL),
    KnownFile::new(TOKENIZER_CONFIG, Folder::Transformer, ALL),
    KnownFile::new(SPECIAL_TOKENS, Folder::Transformer, ALL),
    KnownFile::new(ADDED_TOKENS, Folder::Transformer, ALL),
    KnownFile::new(ADAPTER, Folder::Transformer, &[]),
    KnownFile::new(CONFIG, Folder::Module, ALL),
];

impl KnownFile {
    const fn new(
        name: &'static str,
        folder: Folder,
        fingerprint_of: &'static [Layout],
    ) -> KnownFile {
        KnownFile {
            name,
            folder,
            fingerprint_of,
        }
    }
}

/// A module of [`MODULES`].
#[derive(Deserialize)]
pub(crate) struct Module {
    /// Its folder, relative to the checkpoint.
    pub(crate) path: String,
    /// A dotted path of Python.
    #[serde(rename = "type")]
    pub(crate) class_path: String,
}

impl Module {
    /// The class at the end of the path.
    pub(crate) fn class(&self) -> &str {
        let class = self.class_path.rsplit('.').next();
        class.unwrap_or(&self.class_path)
    }

    /// Whether its folder holds weights.
    #[cfg(feature = "hub")]
    pub(crate) fn has_weights(&self) -> bool {
        self.class() == "Dense"
    }
}

/// Reads the list of modules at `path`.
pub(crate) fn read_modules(path: &Path) -> Result<Vec<Module>, EncoderError> {
    files::read_json(path)
}

/// Reads the names of the shards, relative to the folder of the index at `path`.
pub(crate) fn read_shards(path: &Path) -> Result<BTreeSet<String>, EncoderError> {
    #[derive(Deserialize)]
    struct ShardIndex {
        weight_map: BTreeMap<String, String>,
    }
    let index: ShardIndex = files::read_json(path)?;
    Ok(index.weight_map.into_values().collect())
}
