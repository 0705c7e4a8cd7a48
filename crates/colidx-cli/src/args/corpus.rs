//! How to read a corpus, for every command that reads one.

use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::at_least_one;
use colidx::Model;
use colidx::corpus::passage_limit;
use colidx_data::{Corpus, CorpusOptions, CorpusReport, Format, UnusedOption};

const HEADING: &str = "Reading the corpus";

/// Flags about the format of a corpus.
#[derive(Debug, Args)]
pub struct CorpusArgs {
    /// Format of all inputs: jsonl, tsv, csv, text, markdown, html or code [default: by name and
    /// content; jsonl for standard input].
    #[arg(long, help_heading = HEADING, value_name = "FORMAT")]
    pub format: Option<Format>,

    /// JSON field or column with the key.
    #[arg(long, help_heading = HEADING, value_name = "NAME", default_value = CorpusOptions::ID_FIELD)]
    pub id_field: String,

    /// JSON field or column with the title.
    #[arg(long, help_heading = HEADING, value_name = "NAME", default_value = CorpusOptions::TITLE_FIELD)]
    pub title_field: String,

    /// JSON field or column with the text.
    #[arg(long, help_heading = HEADING, value_name = "NAME", default_value = CorpusOptions::TEXT_FIELD)]
    pub text_field: String,

    /// Read hidden files and folders too.
    #[arg(long, help_heading = HEADING)]
    pub hidden: bool,

    /// Read files that .gitignore, .ignore and git's exclude files leave out too.
    #[arg(long, help_heading = HEADING)]
    pub no_ignore: bool,

    /// Maximum words per passage, for running text and code [default: as many tokens as the
    /// checkpoint reads].
    #[arg(long, help_heading = HEADING, value_name = "N", value_parser = at_least_one())]
    pub passage_words: Option<u32>,

    /// Repeat about N tokens (with --passage-words, words) of a passage in the next one.
    #[arg(long, help_heading = HEADING, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub overlap: u32,

    /// What to do with documents of JSON Lines, TSV and CSV that are longer than the checkpoint
    /// reads: index their beginning, or split them into passages with keys KEY#1, KEY#2, ...
    #[arg(long, help_heading = HEADING, value_enum, default_value_t = Long::Truncate)]
    pub long: Long,

    /// Skip and report bad lines instead of failing at the first.
    #[arg(long, help_heading = HEADING)]
    pub skip_bad_lines: bool,
}

/// What to do with long documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Long {
    /// Index what the checkpoint reads of them.
    Truncate,
    /// Make passages of them.
    Split,
}

impl CorpusArgs {
    /// The options for the corpus reader.
    pub fn options(&self) -> CorpusOptions {
        let options = CorpusOptions::new()
            .index_magic(colidx::MAGIC)
            .format(self.format)
            .id_field(self.id_field.clone())
            .title_field(self.title_field.clone())
            .text_field(self.text_field.clone())
            .skip_bad_lines(self.skip_bad_lines)
            .hidden(self.hidden)
            .ignore_files(!self.no_ignore)
            .overlap(self.overlap as usize)
            .split_long(self.long == Long::Split);
        match self.passage_words {
            Some(words) => options.passage_words(words as usize),
            None => options,
        }
    }

    /// Flags that what was read made nothing of, and why, in lines.
    pub fn unused(&self, read: &CorpusReport) -> Vec<String> {
        let line = |unused: UnusedOption| {
            let flag = match unused.option {
                "split_long" => "--long split".to_owned(),
                "ignore_files" => "--no-ignore".to_owned(),
                option => format!("--{}", option.replace('_', "-")),
            };
            format!("not used: {flag}: {}", unused.reason)
        };
        self.options().unused(read).into_iter().map(line).collect()
    }

    /// Limits passages to what `model` reads, unless their words are limited.
    pub fn fit_passages(&self, corpus: &mut Corpus, model: &Arc<Model>) {
        if self.passage_words.is_none() {
            let (tokens, counter) = passage_limit(model);
            corpus.limit_passages(tokens, counter);
        }
    }
}
