//! Options of a corpus, and the report it gives.

use std::path::PathBuf;
use std::sync::Arc;

use super::format::Format;
use super::passages::{PassageLength, Splitter, Syntax, TokenCounter};
use super::records::FieldNames;
use crate::DEFAULT_LINE_LIMIT;
use crate::counted::counted;
use crate::skipped::Skipped;

/// How a corpus is read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CorpusOptions {
    pub(super) format: Option<Format>,
    pub(super) id_field: String,
    pub(super) title_field: String,
    pub(super) text_field: String,
    pub(super) line_limit: usize,
    pub(super) skip_bad_lines: bool,
    pub(super) passage_length: Option<PassageLength>,
    pub(super) index_magic: Option<[u8; 8]>,
    pub(super) hidden: bool,
    pub(super) ignore_files: bool,
    pub(super) index: Option<PathBuf>,
    pub(super) overlap: usize,
    pub(super) split_long: bool,
    pub(super) text_is_optional: bool,
    pub(super) left_out: Option<String>,
    pub(super) keep_wholes: bool,
}

impl Default for CorpusOptions {
    /// The format of each file by its ending, BEIR's field names, lines of up to 16 MiB, an error
    /// for the first bad line, and passages of up to 180 words.
    fn default() -> Self {
        CorpusOptions {
            format: None,
            id_field: Self::ID_FIELD.to_owned(),
            title_field: Self::TITLE_FIELD.to_owned(),
            text_field: Self::TEXT_FIELD.to_owned(),
            line_limit: DEFAULT_LINE_LIMIT,
            skip_bad_lines: false,
            passage_length: None,
            index_magic: None,
            hidden: false,
            ignore_files: true,
            index: None,
            overlap: 0,
            split_long: false,
            text_is_optional: false,
            left_out: None,
            keep_wholes: false,
        }
    }
}

impl CorpusOptions {
    /// The default name of the field that holds the key.
    pub const ID_FIELD: &str = "_id";
    /// The default name of the field that holds the title.
    pub const TITLE_FIELD: &str = "title";
    /// The default name of the field that holds the text.
    pub const TEXT_FIELD: &str = "text";
    /// The default for the most words of a passage.
    pub const PASSAGE_WORDS: usize = 180;

    /// The default options.
    pub fn new() -> CorpusOptions {
        CorpusOptions::default()
    }

    /// The format of all inputs, the files of folders included, whatever their names are. Without
    /// it the ending of each file decides, and standard input is JSON Lines.
    pub fn format(mut self, format: impl Into<Option<Format>>) -> Self {
        self.format = format.into();
        self
    }

    /// The JSON field or the column that holds the key: text or a whole number.
    pub fn id_field(mut self, name: impl Into<String>) -> Self {
        self.id_field = name.into();
        self
    }

    /// The JSON field or the column that may hold the title.
    pub fn title_field(mut self, name: impl Into<String>) -> Self {
        self.title_field = name.into();
        self
    }

    /// The JSON field or the column that holds the text.
    pub fn text_field(mut self, name: impl Into<String>) -> Self {
        self.text_field = name.into();
        self
    }

    /// The longest line that is read, in bytes.
    pub fn line_limit(mut self, bytes: usize) -> Self {
        self.line_limit = bytes;
        self
    }

    /// Whether bad lines are counted and reported instead of ending the corpus. Unreadable,
    /// truncated and damaged files end it all the same, and so does a header that cannot be
    /// understood. A bad line in a text or Markdown file ends that file.
    pub fn skip_bad_lines(mut self, skip: bool) -> Self {
        self.skip_bad_lines = skip;
        self
    }

    /// The most words that a passage of running text or code holds.
    pub fn passage_words(mut self, words: usize) -> Self {
        self.passage_length = Some(PassageLength::words(words));
        self
    }

    /// The most tokens that a passage of running text or code holds together with its title,
    /// counted as the model counts them, so that no passage is longer than what the model reads.
    pub fn passage_tokens(mut self, tokens: usize, counter: Arc<dyn TokenCounter>) -> Self {
        self.passage_length = Some(PassageLength::tokens(tokens, counter));
        self
    }

    /// The first bytes of the files of an index. A folder that is an index is then refused as a
    /// corpus.
    pub fn index_magic(mut self, magic: [u8; 8]) -> Self {
        self.index_magic = Some(magic);
        self
    }

    /// How many words or tokens of a passage the next one repeats, where they are parted for their
    /// length alone: about so many, from a line or a sentence on where it can be, and at most half
    /// of a passage.
    pub fn overlap(mut self, overlap: usize) -> Self {
        self.overlap = overlap;
        self
    }

    /// Whether records that are longer than a passage, of JSON Lines or tables, become passages
    /// with keys `key#number` and the record's title and metadata. Without it they are given whole.
    pub fn split_long(mut self, split: bool) -> Self {
        self.split_long = split;
        self
    }

    /// Whether names in folders that begin with a dot are read too. `.git` is not, unless ignore
    /// files are without effect.
    pub fn hidden(mut self, hidden: bool) -> Self {
        self.hidden = hidden;
        self
    }

    /// Whether `.gitignore`, `.ignore` and git's own lists leave names of folders out, as they do
    /// by default.
    pub fn ignore_files(mut self, ignore_files: bool) -> Self {
        self.ignore_files = ignore_files;
        self
    }

    /// The folder of the index that is made. Passages then have `root` among their metadata: the
    /// way from there to the folder that their paths begin at.
    pub fn index(mut self, folder: impl Into<PathBuf>) -> Self {
        self.index = Some(folder.into());
        self
    }

    /// Whether the corpus remembers what passages are cut from, for
    /// [`Corpus::wholes`](super::Corpus::wholes). Takes memory for each file or record.
    pub fn keep_wholes(mut self, keep: bool) -> Self {
        self.keep_wholes = keep;
        self
    }

    /// For records of documents whose vectors are known: JSON Lines may be without text, and what
    /// `field` holds, where it is named, is not read.
    pub fn beside_vectors(mut self, field: Option<String>) -> Self {
        self.text_is_optional = true;
        self.left_out = field;
        self
    }

    /// Options that were set and of which a corpus made nothing, as `read` tells.
    pub fn unused(&self, read: &CorpusReport) -> Vec<UnusedOption> {
        let no_records = "no JSON Lines, TSV or CSV was read";
        let no_passages = "nothing was split into passages";
        let no_folder = "no folder was read";
        let records = read.records > 0;
        let id = self.id_field != Self::ID_FIELD;
        let title = self.title_field != Self::TITLE_FIELD;
        let text = self.text_field != Self::TEXT_FIELD;
        let words = self.passage_length.is_some();
        let all = [
            (
                "format",
                self.format.is_some() && read.files == 0,
                "no corpus was read",
            ),
            ("id_field", id && !records, no_records),
            ("title_field", title && !records, no_records),
            ("text_field", text && !records, no_records),
            ("split_long", self.split_long && !records, no_records),
            (
                "title_field",
                title && records && read.titled == 0,
                "no record has a title there",
            ),
            ("passage_words", words && read.passages == 0, no_passages),
            (
                "overlap",
                self.overlap > 0 && read.passages == 0,
                no_passages,
            ),
            ("hidden", self.hidden && read.folders == 0, no_folder),
            (
                "ignore_files",
                !self.ignore_files && read.folders == 0,
                no_folder,
            ),
        ];
        let unused = all.into_iter().filter(|(_, unused, _)| *unused);
        unused
            .map(|(option, _, reason)| UnusedOption { option, reason })
            .collect()
    }

    pub(super) fn field_names(&self) -> FieldNames {
        FieldNames {
            id: self.id_field.clone(),
            title: Some(self.title_field.clone()),
            text: self.text_field.clone(),
            text_is_optional: self.text_is_optional,
            left_out: self.left_out.clone(),
        }
    }

    pub(super) fn passage_length(&self) -> PassageLength {
        let usual = || PassageLength::words(Self::PASSAGE_WORDS);
        self.passage_length.clone().unwrap_or_else(usual)
    }

    pub(super) fn splitter(&self, syntax: Syntax) -> Splitter {
        Splitter::new(syntax, self.passage_length()).overlap(self.overlap)
    }
}

/// An option that a corpus made nothing of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnusedOption {
    /// The name of the method of [`CorpusOptions`].
    pub option: &'static str,
    /// Why.
    pub reason: &'static str,
}

/// What a corpus has given so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CorpusReport {
    /// Documents given, empty ones included.
    pub documents: u64,
    /// Documents whose text is empty or only white space.
    pub empty: u64,
    /// Bad lines left out.
    pub bad_lines: u64,
    /// The messages of the first few bad lines.
    pub bad_line_messages: Vec<String>,
    /// Files opened, standard input included.
    pub files: u64,
    /// What was left out of folders, and files without documents.
    pub skipped: Skipped,
    /// Documents with neither title nor text.
    pub blank: u64,
    /// Folders among the inputs.
    pub folders: u64,
    /// Documents that are records of JSON Lines, TSV or CSV, or passages of one.
    pub records: u64,
    /// How many of them have a title.
    pub titled: u64,
    /// Documents that are passages.
    pub passages: u64,
    /// Files with bytes that are not UTF-8, which became U+FFFD.
    pub replaced: u64,
    /// The first of them.
    pub replaced_example: Option<String>,
}

impl CorpusReport {
    /// What was read otherwise than it stands in files and folders, or not at all, in lines.
    pub fn not_read(&self) -> Vec<String> {
        let mut lines = self.skipped.lines();
        if let Some(example) = &self.replaced_example {
            lines.push(format!(
                "not UTF-8: {}, such as {example}; bytes that are no characters became U+FFFD",
                counted(self.replaced, "file")
            ));
        }
        lines
    }

    /// How many documents have neither title nor text, if there are any.
    pub fn without_content(&self) -> Option<String> {
        let documents = counted(self.blank, "document");
        (self.blank > 0).then(|| format!("empty: {documents} with neither title nor text"))
    }
}
