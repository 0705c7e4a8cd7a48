//! Reading a checkpoint directory: which layout it has, what it says about itself, and its weights.
//!
//! Each layout has a module that reads its settings into a [`Description`]; from there on all are opened alike.

mod files;
mod info;
mod plain;
mod pylate;
mod stanford;
mod weights;

use std::path::{Path, PathBuf};

pub(crate) use files::{MAX_TOKENIZER, read, read_json};
pub use info::CheckpointInfo;
pub(crate) use weights::Weights;

use crate::EncoderError;
use crate::model::{Dense, DenseConfig, Projection, Transformer};
use crate::ops::Placement;
use crate::text::{TextSettings, TextTokenizer};

const CONFIG: &str = "config.json";

/// The longest text in tokens: several times what late-interaction models read. Queries are padded to their length, so it
/// decides about memory.
const MAX_LENGTH: usize = 1 << 16;

/// An opened checkpoint: everything that is needed to encode.
pub(crate) struct Checkpoint {
    pub(crate) info: CheckpointInfo,
    pub(crate) tokenizer: TextTokenizer,
    pub(crate) transformer: Transformer,
    pub(crate) projection: Projection,
}

/// What a layout's own files say.
struct Description {
    layout: &'static str,
    /// The file that holds the lengths, for errors.
    settings: PathBuf,
    /// The folder with the transformer and the tokenizer, relative to the checkpoint; empty for the checkpoint itself.
    transformer: String,
    /// What projects the transformer's output, in order.
    projection: Vec<Projector>,
    text: TextSettings,
    /// Files of the layout that decide what vectors a text gets, relative to the checkpoint.
    own_files: Vec<&'static str>,
}

enum Projector {
    /// A Dense module of sentence-transformers in a folder of its own.
    Module(String),
    /// `linear.weight` beside the transformer's tensors, to this many dimensions.
    Linear(usize),
}

impl Checkpoint {
    /// Opens the directory `path`, whatever its layout.
    pub(crate) fn open(path: &Path, placement: &Placement) -> Result<Checkpoint, EncoderError> {
        if !path.is_dir() {
            return Err(no_checkpoint(path));
        }
        let description = match () {
            () if path.join(pylate::MODULES).is_file() => pylate::describe(path)?,
            () if path.join(stanford::METADATA).is_file() => stanford::describe(path)?,
            () if path.join(CONFIG).is_file() => plain::describe(path, "")?,
            () => return Err(no_checkpoint(path)),
        };
        description.open(path, placement)
    }
}

fn no_checkpoint(path: &Path) -> EncoderError {
    EncoderError::NoCheckpoint {
        path: path.to_owned(),
        expected: "modules.json, artifact.metadata or config.json",
    }
}

impl Description {
    fn open(self, root: &Path, placement: &Placement) -> Result<Checkpoint, EncoderError> {
        let folder = if self.transformer.is_empty() {
            root.to_owned()
        } else {
            root.join(&self.transformer)
        };
        let ((model, tokenizer), fingerprint) = rayon::join(
            || {
                rayon::join(
                    || self.model(root, &folder, placement),
                    || TextTokenizer::open(&folder, self.text.clone()),
                )
            },
            || files::fingerprint(root, &self.files(root)?),
        );
        let Model {
            transformer,
            projection,
            parameters,
            element_type,
        } = model?;
        let tokenizer = tokenizer?;
        let text = tokenizer.settings();
        let positions = transformer.positions();
        for (name, length) in [
            (text.manner.names()[2], text.query_length),
            (text.manner.names()[3], text.document_length),
        ] {
            let problem = if length > positions {
                format!("{name} is {length} and the model has {positions} positions")
            } else if length > MAX_LENGTH {
                format!("{name} is {length} and should be at most {MAX_LENGTH}")
            } else {
                continue;
            };
            return Err(EncoderError::Config {
                path: self.settings,
                problem,
            });
        }
        let info = CheckpointInfo {
            name: files::checkpoint_name(root),
            layout: self.layout.to_owned(),
            architecture: transformer.architecture().to_owned(),
            dim: projection.dim(),
            hidden: transformer.hidden(),
            layers: transformer.layers(),
            parameters,
            element_type,
            positions,
            projected: !self.projection.is_empty(),
            document_length: text.document_length,
            query_length: text.query_length,
            document_marker: text.document_marker.clone(),
            query_marker: text.query_marker.clone(),
            mask_token: tokenizer.mask_token().to_owned(),
            skiplist: text.skiplist.clone(),
            query_expansion: text.query_expansion,
            // Without expansion tokens there is nothing to attend to.
            attend_to_expansion_tokens: text.attend_to_expansion_tokens && text.query_expansion,
            lower_case: text.lower_case,
            fingerprint: fingerprint?,
        };
        Ok(Checkpoint {
            info,
            tokenizer,
            transformer,
            projection,
        })
    }

    fn model(
        &self,
        root: &Path,
        folder: &Path,
        placement: &Placement,
    ) -> Result<Model, EncoderError> {
        let weights = Weights::open(folder)?;
        let mut parameters = weights.parameters();
        let element_type = weights.element_type();
        let transformer = Transformer::load(&folder.join(CONFIG), &weights, placement)?;
        let mut projection = Projection::new(transformer.hidden());
        for projector in &self.projection {
            let dense = match projector {
                Projector::Linear(dim) => {
                    Dense::linear(projection.dim(), *dim, &weights, placement)?
                }
                Projector::Module(path) => {
                    let folder = root.join(path);
                    let path = folder.join(CONFIG);
                    let config: DenseConfig = files::read_json(&path)?;
                    if config.in_features != projection.dim() {
                        return Err(EncoderError::DenseChain {
                            path,
                            expected: projection.dim(),
                            found: config.in_features,
                        });
                    }
                    let weights = Weights::open(&folder)?;
                    parameters += weights.parameters();
                    Dense::load(&path, &config, &weights, placement)?
                }
            };
            projection.push(dense);
        }
        Ok(Model {
            transformer,
            projection,
            parameters,
            element_type,
        })
    }

    /// The files that decide what vectors a text gets, relative to `root`.
    fn files(&self, root: &Path) -> Result<Vec<String>, EncoderError> {
        let mut names: Vec<String> = self.own_files.iter().map(|&name| name.to_owned()).collect();
        let mut add = |folder: &str, name: &str| {
            let separator = if folder.is_empty() { "" } else { "/" };
            names.push(format!("{folder}{separator}{name}"));
        };
        let modules = || {
            self.projection
                .iter()
                .filter_map(|projector| match projector {
                    Projector::Module(path) => Some(path.as_str()),
                    Projector::Linear(_) => None,
                })
        };
        for name in [
            CONFIG,
            "sentence_bert_config.json",
            "tokenizer.json",
            "vocab.txt",
            "tokenizer_config.json",
            "special_tokens_map.json",
        ] {
            // A tokenizer.json makes the older file superfluous.
            let folder = root.join(&self.transformer);
            if name != "vocab.txt" || !folder.join("tokenizer.json").is_file() {
                add(&self.transformer, name);
            }
        }
        for module in modules() {
            add(module, CONFIG);
        }
        for folder in std::iter::once(self.transformer.as_str()).chain(modules()) {
            for name in Weights::files(&root.join(folder))? {
                add(folder, &name);
            }
        }
        Ok(names)
    }
}

struct Model {
    transformer: Transformer,
    projection: Projection,
    parameters: u64,
    element_type: String,
}

/// The ASCII punctuation, which documents keep no vectors for unless their checkpoint says otherwise.
fn punctuation() -> Vec<String> {
    (0u8..128)
        .filter(u8::is_ascii_punctuation)
        .map(|byte| char::from(byte).to_string())
        .collect()
}
