//! `colidx import`

use std::path::PathBuf;

use clap::Args;
use colidx::import::ImportOptions;

use super::{EncoderArgs, IndexArg, WritingArgs};

/// Flags of `colidx import`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    colidx import .ragatouille/colbert/indexes/notes --index notes.colidx\n  \
    colidx import plaid/ --index docs.colidx --model answerdotai/answerai-colbert-small-v1\n  \
    colidx import next-plaid/ --index code.colidx --key-column name --text-column code")]
pub struct ImportArgs {
    /// Folder of an index of Stanford ColBERT, RAGatouille, fast-plaid, next-plaid, xtr-warp-rs or
    /// PyLate. It is only read.
    #[arg(value_name = "DIR")]
    pub foreign: PathBuf,

    /// The index to write.
    #[command(flatten)]
    pub index: IndexArg,

    /// Checkpoint that made the vectors, a directory or a hub id; recorded in the index, which can
    /// then be searched by text.
    #[arg(long, value_name = "DIR|HUB-ID")]
    pub model: Option<String>,

    /// How to encode.
    #[command(flatten)]
    pub encoder: EncoderArgs,

    /// Take decoded vectors even where the engine kept the original ones.
    #[arg(long)]
    pub decoded: bool,

    /// The TSV collection that a Stanford index was built from, for its texts.
    #[arg(long, value_name = "FILE")]
    pub collection: Option<PathBuf>,

    /// Column of metadata.db with the keys [default: the row numbers].
    #[arg(long, value_name = "NAME")]
    pub key_column: Option<String>,

    /// Column of metadata.db with the texts.
    #[arg(long, value_name = "NAME", default_value = "text")]
    pub text_column: String,

    /// Column of metadata.db with the titles.
    #[arg(long, value_name = "NAME", default_value = "title")]
    pub title_column: String,

    /// How to write the index.
    #[command(flatten)]
    pub writing: WritingArgs,
}

impl ImportArgs {
    /// What to read.
    pub fn options(&self) -> ImportOptions {
        let options = ImportOptions::default()
            .originals(!self.decoded)
            .collection(self.collection.clone())
            .text_column(&self.text_column)
            .title_column(&self.title_column);
        match &self.key_column {
            Some(name) => options.key_column(name),
            None => options,
        }
    }
}
