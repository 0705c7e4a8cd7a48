//! How to read a corpus, for every command that reads one.

use clap::Args;

use super::at_least_one;
use colidx_data::{CorpusOptions, Format};

const HEADING: &str = "Reading the corpus";

/// Flags about the format of a corpus.
#[derive(Debug, Args)]
pub struct CorpusArgs {
    /// Format of all inputs: jsonl, tsv, text or markdown [default: by extension; jsonl for
    /// standard input].
    #[arg(long, help_heading = HEADING, value_name = "FORMAT")]
    pub format: Option<Format>,

    /// JSON field with the key.
    #[arg(long, help_heading = HEADING, value_name = "NAME", default_value = "_id")]
    pub id_field: String,

    /// JSON field with the title.
    #[arg(long, help_heading = HEADING, value_name = "NAME", default_value = "title")]
    pub title_field: String,

    /// JSON field with the text.
    #[arg(long, help_heading = HEADING, value_name = "NAME", default_value = "text")]
    pub text_field: String,

    /// Maximum words per passage, for text and Markdown.
    #[arg(
        long, help_heading = HEADING, value_name = "N",
        default_value_t = 180, value_parser = at_least_one()
    )]
    pub passage_words: u32,

    /// Skip and report bad lines instead of failing at the first.
    #[arg(long, help_heading = HEADING)]
    pub skip_bad_lines: bool,
}

impl CorpusArgs {
    /// The options for the corpus reader.
    pub fn options(&self) -> CorpusOptions {
        CorpusOptions::new()
            .format(self.format)
            .id_field(self.id_field.clone())
            .title_field(self.title_field.clone())
            .text_field(self.text_field.clone())
            .passage_words(self.passage_words as usize)
            .skip_bad_lines(self.skip_bad_lines)
    }
}
