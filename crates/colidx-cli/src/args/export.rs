//! `colidx export`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use colidx::export::{ExportForm, ExportOptions};

use super::{EncodeType, IndexArg};

/// Flags of `colidx export`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    colidx export --index docs.colidx --as npy --out vectors/\n  \
    colidx build vectors/documents.jsonl --embeddings vectors/ --index again.colidx\n  \
    colidx export --index docs.colidx --as fast-plaid --nbits 4 --out plaid/")]
pub struct ExportArgs {
    /// The index.
    #[command(flatten)]
    pub index: IndexArg,

    /// What to write.
    #[arg(long = "as", value_enum)]
    pub form: ExportAs,

    /// Directory to write to; created if it does not exist. It must not be an index.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,

    /// Element type of the vectors; not for fast-plaid, whose vectors are quantised.
    #[arg(long, value_enum, default_value_t = EncodeType::F32)]
    pub dtype: EncodeType,

    /// Bits per dimension of a fast-plaid index: 1, 2, 4 or 8 [default: as in the index].
    #[arg(long, value_name = "N", value_parser = super::writing::parse_nbits)]
    pub nbits: Option<u32>,

    /// Replace existing files.
    #[arg(long)]
    pub force: bool,
}

/// Forms of an exported index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportAs {
    /// doc_embeddings.npy, doc_lens.npy and doc_keys.txt; texts and metadata in documents.jsonl.
    Npy,
    /// vectors.safetensors, one tensor per document; texts and metadata in documents.jsonl.
    Safetensors,
    /// documents.jsonl with vectors, texts and metadata.
    Jsonl,
    /// A fast-plaid index; texts and metadata in documents.jsonl.
    FastPlaid,
    /// vectors.parquet, one row per document; texts and metadata in documents.jsonl.
    #[cfg(feature = "parquet")]
    Parquet,
}

impl ExportArgs {
    /// What the library is to do.
    pub fn options(&self) -> ExportOptions {
        let form = match self.form {
            ExportAs::Npy => ExportForm::Npy,
            ExportAs::Safetensors => ExportForm::Safetensors,
            ExportAs::Jsonl => ExportForm::JsonLines,
            ExportAs::FastPlaid => ExportForm::FastPlaid,
            #[cfg(feature = "parquet")]
            ExportAs::Parquet => ExportForm::Parquet,
        };
        ExportOptions::new(form)
            .half(self.dtype == EncodeType::F16)
            .nbits(self.nbits)
    }
}
