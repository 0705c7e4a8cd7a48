//! Where queries come from, for every command that reads many.

use std::path::PathBuf;

use clap::Args;

use colidx_data::{CorpusOptions, Format, QueryOptions};

use crate::error::CliError;

const HEADING: &str = "Reading the queries";

/// Flags about query files.
#[derive(Debug, Args)]
pub struct QueryFileArgs {
    /// Query file: JSON Lines with `_id` and `text`, or TSV or CSV with id and text; `-` for
    /// standard input.
    #[arg(long, value_name = "FILE")]
    pub queries: Option<PathBuf>,

    /// Query vectors instead of text: .npy, [queries, tokens, dim], or any form that
    /// `build --embeddings` reads.
    ///
    /// Keys come from --queries; without it they are the names of the arrays, or row numbers from
    /// 0. Rows of zeros are padding.
    #[arg(long, value_name = "PATH")]
    pub query_embeddings: Option<PathBuf>,

    /// Format of the query file: jsonl, tsv or csv [default: by extension; jsonl for standard
    /// input].
    #[arg(long, help_heading = HEADING, value_name = "FORMAT")]
    pub format: Option<Format>,

    /// JSON field or column with the key of a query.
    #[arg(
        long, help_heading = HEADING, value_name = "NAME",
        default_value = CorpusOptions::ID_FIELD
    )]
    pub id_field: String,

    /// JSON field or column with the text of a query.
    #[arg(
        long, help_heading = HEADING, value_name = "NAME",
        default_value = CorpusOptions::TEXT_FIELD
    )]
    pub text_field: String,
}

impl QueryFileArgs {
    /// The options for the query reader.
    pub fn options(&self) -> QueryOptions {
        QueryOptions::new()
            .format(self.format)
            .id_field(self.id_field.clone())
            .text_field(self.text_field.clone())
            .allow_empty(true)
    }

    /// The options for texts that are read in place of queries.
    pub fn options_for_texts(&self) -> CorpusOptions {
        CorpusOptions::new()
            .index_magic(colidx::MAGIC)
            .format(self.format)
            .id_field(self.id_field.clone())
            .text_field(self.text_field.clone())
    }

    /// Whether queries are read from a file at all.
    pub fn is_given(&self) -> bool {
        self.queries.is_some() || self.query_embeddings.is_some()
    }

    /// For commands that need a file.
    ///
    /// # Errors
    /// Neither file is named.
    pub fn require(&self) -> Result<(), CliError> {
        match self.is_given() {
            true => Ok(()),
            false => Err(CliError::Usage(
                "--queries or --query-embeddings is required".to_owned(),
            )),
        }
    }
}
