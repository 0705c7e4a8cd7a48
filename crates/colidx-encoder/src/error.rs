//! Errors of opening a checkpoint and of encoding texts.

use std::error::Error;
use std::path::PathBuf;

use crate::{Device, Precision};

/// Why a checkpoint could not be opened or a text could not be encoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncoderError {
    /// `COLIDX_KERNELS` names an instruction set that is unknown, or that this processor lacks.
    #[error("{source}")]
    InstructionSet {
        /// Expected and found.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A file could not be read.
    #[error(
        "{}: {source}; check that the checkpoint directory is complete and readable",
        path.display()
    )]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A file is larger than any checkpoint is known to need, and was not read to its end.
    #[error(
        "{}: the file has more than {limit} bytes, which no checkpoint needs; restore it from \
         where the checkpoint was published",
        path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most bytes that are read.
        limit: u64,
    },
    /// The directory has no known checkpoint layout.
    #[error(
        "{}: no {expected} found; give the directory of a ColBERT checkpoint, as PyLate \
         (modules.json), ColBERT (artifact.metadata) or transformers (config.json) saves it",
        path.display()
    )]
    NoCheckpoint {
        /// The directory.
        path: PathBuf,
        /// The files that tell the layout.
        expected: &'static str,
    },
    /// The directory has no weights.
    #[error(
        "{}: no weights: expected {expected}; download the weights into this directory (a Git LFS \
         pointer is not enough)",
        path.display()
    )]
    NoWeights {
        /// The directory.
        path: PathBuf,
        /// The files looked for.
        expected: &'static str,
    },
    /// A JSON file is malformed, lacks a field, or has a field of another type.
    #[error(
        "{}: {source}; restore the file from where the checkpoint was published",
        path.display()
    )]
    Json {
        /// The file.
        path: PathBuf,
        /// The problem, with line and column.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A configuration file contradicts itself or the rest of the checkpoint.
    #[error(
        "{}: {problem}; correct the file or restore it from where the checkpoint was published",
        path.display()
    )]
    Config {
        /// The file.
        path: PathBuf,
        /// Expected and found.
        problem: String,
    },
    /// colidx does not implement the model type.
    #[error(
        "{}: unknown architecture `{found}`, expected one of {known}; use a checkpoint of a \
         supported architecture",
        path.display()
    )]
    UnknownArchitecture {
        /// The configuration file.
        path: PathBuf,
        /// Its `model_type`.
        found: String,
        /// The supported values.
        known: String,
    },
    /// A configuration has a key that may change vectors, and colidx does not know how.
    #[error(
        "{}: `{key}` is a setting of {architecture} that colidx does not know; remove it from the \
         file if no vector depends on it, or use another checkpoint",
        path.display()
    )]
    UnknownSetting {
        /// The configuration file.
        path: PathBuf,
        /// The key.
        key: String,
        /// The `model_type` of the checkpoint.
        architecture: String,
    },
    /// The checkpoint needs something that colidx does not implement.
    #[error(
        "{}: {feature} is not supported (supported: {known}); use a checkpoint without it",
        path.display()
    )]
    Unsupported {
        /// The configuration file.
        path: PathBuf,
        /// What the checkpoint needs.
        feature: String,
        /// The supported values.
        known: &'static str,
    },
    /// A weights file is damaged.
    #[error(
        "{}: the weights cannot be read: {problem}; download the file again, or save the \
         checkpoint as safetensors",
        path.display()
    )]
    WeightsFile {
        /// The file.
        path: PathBuf,
        /// The damage.
        problem: String,
    },
    /// A tensor of the architecture is not in the weights.
    #[error(
        "{}: tensor `{tensor}` of shape {shape:?} is missing; check that config.json and the \
         weights belong together",
        path.display()
    )]
    MissingTensor {
        /// The weights file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// The shape expected.
        shape: Vec<usize>,
    },
    /// A tensor's shape is not the one that the configuration gives.
    #[error(
        "{}: tensor `{tensor}` should have shape {expected:?} and has {found:?}; check that \
         config.json and the weights belong together",
        path.display()
    )]
    TensorShape {
        /// The weights file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// The shape that the configuration gives.
        expected: Vec<usize>,
        /// The shape in the file.
        found: Vec<usize>,
    },
    /// A tensor's elements are not floats of 16 or 32 bits.
    #[error(
        "{}: tensor `{tensor}` should hold F32, F16 or BF16 and holds {found}; convert the \
         checkpoint to one of them",
        path.display()
    )]
    TensorType {
        /// The weights file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// The element type in the file.
        found: String,
    },
    /// A tensor holds infinity or NaN.
    #[error(
        "{}: tensor `{tensor}` holds {value} at element {index} where a finite number was \
         expected; download the weights again",
        path.display()
    )]
    TensorNotFinite {
        /// The weights file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// The first such element.
        index: usize,
        /// Its value.
        value: f32,
    },
    /// The input size of a Dense module is not the output size of the module before it.
    #[error(
        "{}: in_features is {found} and the module before gives {expected} dimensions; check \
         modules.json and the Dense modules",
        path.display()
    )]
    DenseChain {
        /// The configuration file of the Dense module.
        path: PathBuf,
        /// Dimensions of its input.
        expected: usize,
        /// Its `in_features`.
        found: usize,
    },
    /// The tokenizer could not be read or could not tokenize a text.
    #[error(
        "{}: {problem}; restore tokenizer.json from where the checkpoint was published",
        path.display()
    )]
    Tokenizer {
        /// The tokenizer file.
        path: PathBuf,
        /// The tokenizer's own message.
        problem: String,
    },
    /// The directory has no tokenizer that can be read.
    #[error(
        "{}: neither tokenizer.json nor vocab.txt is there; make tokenizer.json with \
         transformers: AutoTokenizer.from_pretrained(...).save_pretrained(...)",
        path.display()
    )]
    NoTokenizer {
        /// The directory.
        path: PathBuf,
    },
    /// The tokenizer needs MeCab to split text into words.
    #[error(
        "{}: tokenizer_class {class} splits text into words with MeCab, which colidx does not \
         have; encode texts with PyLate and build the index from those vectors, or use a \
         checkpoint that needs tokenizer.json alone",
        path.display()
    )]
    NeedsMecab {
        /// The file that names the tokenizer.
        path: PathBuf,
        /// The tokenizer.
        class: String,
    },
    /// The vocabulary lacks the token that marks queries or documents.
    #[error(
        "{}: the vocabulary has no token {token:?}, which {setting} names; use a checkpoint saved \
         after training, with its own tokenizer",
        path.display()
    )]
    NoMarker {
        /// The tokenizer file.
        path: PathBuf,
        /// The token.
        token: String,
        /// The setting that names it.
        setting: String,
    },
    /// The tokenizer has no token to pad queries with.
    #[error(
        "{}: no mask token, end-of-sequence token or padding token is named, and queries are \
         padded with one; add `mask_token` to tokenizer_config.json",
        path.display()
    )]
    NoMask {
        /// The tokenizer file.
        path: PathBuf,
    },
    /// The checkpoint cannot encode texts of the length in the options.
    #[error("{problem}; ask for another length, or for the checkpoint's own")]
    Length {
        /// Expected and found.
        problem: String,
    },
    /// The tokenizer produced a token that the model has no embedding for.
    #[error(
        "token id {id} has no embedding: the model knows {rows} tokens; check that tokenizer.json \
         and the weights belong together"
    )]
    TokenWithoutEmbedding {
        /// The token.
        id: u32,
        /// Rows of the embedding table.
        rows: usize,
    },
    /// The model computed infinity or NaN for a text.
    #[error(
        "the vectors of text {text} of this call are not finite; the checkpoint is damaged or not \
         made for f32: try another one"
    )]
    NotFinite {
        /// Position of the text among those given.
        text: usize,
    },
    /// The device is missing, or this build cannot use it.
    #[error(
        "device {device}: {problem}; use the device cpu, or a build with the feature `cuda` or \
         `metal` on a machine with such a GPU"
    )]
    NoDevice {
        /// The device asked for.
        device: Device,
        /// Why it cannot be used.
        problem: String,
    },
    /// The device does not compute at this precision.
    #[error(
        "device {device} computes in f32, not {precision}; use the precision f32, or the device cpu"
    )]
    DevicePrecision {
        /// The device asked for.
        device: Device,
        /// The precision asked for.
        precision: Precision,
    },
    /// A tensor operation failed.
    #[error(
        "{source}; this is a defect of colidx, please report it with the name of the checkpoint"
    )]
    Compute {
        /// The error of the operation.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl EncoderError {
    /// An error of a tensor operation. There is no `From`: candle stays out of the public API.
    pub(crate) fn compute(source: candle_core::Error) -> EncoderError {
        EncoderError::Compute {
            source: source.into(),
        }
    }
}
