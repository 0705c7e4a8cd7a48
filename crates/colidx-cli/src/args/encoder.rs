//! How a checkpoint computes, for every command that opens one.

use clap::Args;
use colidx::SearcherOptions;
use colidx_encoder::{Device, EncoderOptions, Precision};

const HEADING: &str = "Encoding";

/// Flags about the numbers that a checkpoint computes with, and where.
#[derive(Debug, Clone, Args)]
pub struct EncoderArgs {
    /// Precision that the checkpoint's layers compute in.
    #[arg(
        long, help_heading = HEADING, value_name = "f32|int8",
        default_value_t = EncoderOptions::default().precision
    )]
    pub precision: Precision,

    /// Where the checkpoint computes; a GPU needs a colidx that was built for it.
    #[arg(
        long, help_heading = HEADING, value_name = "cpu|cuda[:N]|metal[:N]",
        default_value_t = EncoderOptions::default().device
    )]
    pub device: Device,

    /// Prompt put before each query; '' for none [default: from the index or checkpoint].
    #[arg(long, help_heading = HEADING, value_name = "TEXT")]
    pub query_prompt: Option<String>,

    /// Prompt put before each document; '' for none [default: from the index or checkpoint].
    #[arg(long, help_heading = HEADING, value_name = "TEXT")]
    pub document_prompt: Option<String>,

    /// Maximum query tokens [default: from the index or checkpoint].
    #[arg(long, help_heading = HEADING, value_name = "N")]
    pub query_length: Option<usize>,

    /// Maximum document tokens [default: from the index or checkpoint].
    #[arg(long, help_heading = HEADING, value_name = "N")]
    pub document_length: Option<usize>,
}

impl QueryModelArgs {
    /// The options to open an index and its checkpoint with.
    pub fn searcher_options(&self) -> SearcherOptions {
        let options = SearcherOptions::default().encoder(self.encoder.options());
        match &self.model {
            Some(model) => options.model(model),
            None => options,
        }
    }
}

impl EncoderArgs {
    /// The options to open a checkpoint with.
    pub fn options(&self) -> EncoderOptions {
        EncoderOptions::default()
            .precision(self.precision)
            .device(self.device)
            .query_prompt(self.query_prompt.clone())
            .document_prompt(self.document_prompt.clone())
            .query_length(self.query_length)
            .document_length(self.document_length)
    }
}

/// The checkpoint for queries.
#[derive(Debug, Clone, Args)]
pub struct QueryModelArgs {
    /// Checkpoint directory or hub id [default: the one recorded in the index].
    #[arg(long, value_name = "DIR|HUB-ID")]
    pub model: Option<String>,

    /// How to encode.
    #[command(flatten)]
    pub encoder: EncoderArgs,
}
