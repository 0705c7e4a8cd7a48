//! Errors of text inputs: where, what, and what to do next.

use std::fmt;
use std::io;
use std::sync::Arc;

use thiserror::Error;

use crate::compression::Compression;
use crate::counted::counted;
use crate::skipped::Skipped;

/// Where in the input something was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// The file as the caller named it, or `standard input`.
    pub file: Arc<str>,
    /// The line, counted from 1.
    pub line: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// What a field of a record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Field {
    /// The key.
    Id,
    /// The title.
    Title,
    /// The text.
    Text,
    /// A part of a judgement.
    Judgement,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Field::Id => "holds the key",
            Field::Title => "holds the title",
            Field::Text => "holds the text",
            Field::Judgement => "holds it, in every line by the same name",
        })
    }
}

/// What is wrong with one line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LineFault {
    /// The line is not JSON.
    #[error(
        "not JSON at column {column}: {reason}; each line must hold one JSON object, \
         such as {{\"_id\": \"1\", \"text\": \"...\"}}"
    )]
    NotJson {
        /// Column in bytes, counted from 1.
        column: usize,
        /// The JSON parser's words.
        reason: String,
    },
    /// The line is JSON, but not an object.
    #[error(
        "expected a JSON object, got {got}; write one object a line, such as {{\"_id\": \"1\", \"text\": \"...\"}}"
    )]
    NotAnObject {
        /// The JSON type that was found.
        got: &'static str,
    },
    /// A field that every object needs is absent.
    #[error(
        "missing field \"{field}\", expected in every object; this one has {found}: \
         say which field {role}"
    )]
    MissingField {
        /// The field that was looked for.
        field: String,
        /// What it would hold.
        role: Field,
        /// The fields that are there, quoted and joined.
        found: String,
    },
    /// No column of a TSV file has a name that the caller chose.
    #[error(
        "no column is called \"{column}\", expected one in the first line, which has {found}: say \
         which column {role}"
    )]
    MissingColumn {
        /// The name that was looked for.
        column: String,
        /// What it would hold.
        role: Field,
        /// The columns of the first line, quoted and joined.
        found: String,
    },
    /// The first line of a table seems to name its columns, but not all that are needed.
    #[error(
        "the columns are called {found}: expected one for the key, such as \"id\", and one for \
         the text, such as \"text\"; rename them, say which they are, or write a first line \
         \"id\", \"text\", \"title\" if this is a record"
    )]
    UnknownHeader {
        /// The columns, quoted and joined.
        found: String,
    },
    /// A corpus or a file of queries turns out to hold judgements.
    #[error("expected documents or queries, got relevance judgements; leave this file out")]
    Judgements,
    /// A file of judgements turns out to hold other JSON.
    #[error(
        "expected judgements, got objects with {found}; write {{\"query-id\": \"q1\", \
         \"corpus-id\": \"d1\", \"score\": 1}} a line, or one object of queries that are objects \
         of documents"
    )]
    NotJudgements {
        /// The fields of the first object, quoted and joined.
        found: String,
    },
    /// A query has nothing to search for.
    #[error("the query {key:?} is empty, expected some words; write them, or remove the line")]
    EmptyQuery {
        /// The key of the query.
        key: String,
    },
    /// An object has a field twice, so that one of the two would be lost.
    #[error("{reason}; remove or rename one of the two")]
    RepeatedField {
        /// The field, in a sentence.
        reason: String,
    },
    /// A field holds a value of another type.
    #[error("field \"{field}\" must be {expected}, got {got}; convert it when you write the file")]
    WrongType {
        /// The field.
        field: String,
        /// What it must hold.
        expected: &'static str,
        /// The JSON type that was found.
        got: &'static str,
    },
    /// The key is empty or only white space.
    #[error("{field} is empty; give every line a key of its own")]
    EmptyKey {
        /// The field or column that holds the key.
        field: String,
    },
    /// The same key appears twice in a file that is held whole.
    #[error("{what} \"{key}\" appeared already; remove or rename one of the two")]
    Repeated {
        /// What the key names.
        what: &'static str,
        /// The key.
        key: String,
    },
    /// The line is not UTF-8.
    #[error(
        "invalid UTF-8 at byte {column} of the line, offset {offset} of the file; \
         convert the file to UTF-8, for example with iconv"
    )]
    InvalidUtf8 {
        /// Offset in the file after decompression, counted from 0.
        offset: u64,
        /// Column in bytes, counted from 1.
        column: usize,
    },
    /// The vectors in a line are none.
    #[error(
        "field \"{field}\" must be an array of arrays of numbers, one a vector: {reason}; write the \
         vectors as numbers, or name their field"
    )]
    Vectors {
        /// The field.
        field: String,
        /// What is wrong.
        reason: String,
    },
    /// The line has another number of columns than its format has.
    #[error("expected {expected}, got {got}; check the separators")]
    Columns {
        /// The columns the format has.
        expected: String,
        /// The number of columns found.
        got: usize,
    },
    /// A quoted cell of a CSV file does not end.
    #[error(
        "a quote is not closed within {}; close it, or write quotes in a quoted text twice",
        counted(*lines, "line")
    )]
    UnclosedQuote {
        /// The lines from the one with the quote to this one, both counted.
        lines: u64,
    },
    /// A column that must be a number is not.
    #[error("{column} must be {expected}, got \"{got}\"; check the order of the columns")]
    NotANumber {
        /// The column.
        column: &'static str,
        /// What it must hold.
        expected: &'static str,
        /// What it holds.
        got: String,
    },
    /// A page of HTML is longer than the limit.
    #[error("the page is longer than {}; split it, or convert it to text", size(*limit))]
    PageTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// The line is longer than the limit.
    #[error(
        "the line is longer than {}; make it shorter, or check that the file has line ends",
        size(*limit)
    )]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
}

fn size(limit: usize) -> String {
    match limit {
        0 => "0 bytes".to_owned(),
        _ if limit.is_multiple_of(1 << 20) => format!("{} MiB", limit >> 20),
        _ => format!("{limit} bytes"),
    }
}

impl LineFault {
    /// Whether the fault is not of one line: the rest of the file cannot be read without it.
    pub fn is_of_whole_file(&self) -> bool {
        matches!(
            self,
            LineFault::UnknownHeader { .. }
                | LineFault::MissingColumn { .. }
                | LineFault::Judgements
                | LineFault::NotJudgements { .. }
        )
    }
}

fn told(skipped: &Skipped, bad_lines: u64) -> String {
    let bad_lines = (bad_lines > 0).then(|| format!("skipped: {}", counted(bad_lines, "bad line")));
    let lines = skipped.lines().into_iter().chain(bad_lines);
    lines.map(|line| format!("; {line}")).collect()
}

/// An input that could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InputError {
    /// A line of a corpus is bad, and the caller did not ask to skip bad lines.
    #[error("{place}: {fault}")]
    BadLine {
        /// Where.
        place: Place,
        /// What is wrong.
        fault: LineFault,
    },
    /// A line of another file (queries, judgements, runs, keys) is bad.
    #[error("{place}: {fault}")]
    Line {
        /// Where.
        place: Place,
        /// What is wrong.
        fault: LineFault,
    },
    /// A file or folder cannot be opened or read.
    #[error("{file}: cannot be read: {source}; check that it exists and that you may read it")]
    Unreadable {
        /// The file.
        file: String,
        /// The operating system's error.
        source: io::Error,
    },
    /// A compressed file ends too early.
    #[error(
        "{file}: the {compression} data ends too early; the file is truncated: fetch or compress it again"
    )]
    Truncated {
        /// The file.
        file: String,
        /// Its compression.
        compression: Compression,
    },
    /// A compressed file is damaged, or its content does not match its name.
    #[error("{file}: not valid {compression} data: {reason}; fetch or compress it again")]
    Corrupt {
        /// The file.
        file: String,
        /// Its compression.
        compression: Compression,
        /// The decoder's words.
        reason: String,
    },
    /// The format of a file is unknown.
    #[error(
        "{file}: its name does not tell its format, expected {formats}; say which format it has, \
         or rename it"
    )]
    UnknownFormat {
        /// The file.
        file: String,
        /// The formats and their endings.
        formats: String,
    },
    /// A PDF, which is not read.
    #[error(
        "{file}: PDF is not read; pipe its text (`pdftotext -layout {file} -`) as standard input in \
         the format text"
    )]
    Pdf {
        /// The file.
        file: String,
    },
    /// Files of this format cannot hold such records.
    #[error("{file}: {what} cannot be read from {format}; use JSON Lines or TSV")]
    WrongFormat {
        /// The file.
        file: String,
        /// What was to be read.
        what: &'static str,
        /// The format.
        format: String,
    },
    /// A folder stands where a file is needed.
    #[error("{file} is a folder, expected a file; name a file in it")]
    IsFolder {
        /// The folder.
        file: String,
    },
    /// A file stands where a folder is needed.
    #[error("{file} is a file, expected {expected}; name the folder")]
    NotFolder {
        /// The file.
        file: String,
        /// The folder that is needed.
        expected: &'static str,
    },
    /// A folder of another kind was named as a corpus.
    #[error("{folder} is {kind}, expected a corpus; name a folder or files of documents")]
    NotCorpus {
        /// The folder.
        folder: String,
        /// What it is.
        kind: &'static str,
    },
    /// A folder, or all that was named, gave not one document.
    #[error(
        "{inputs}: no documents were read{}; expected {formats}", told(.skipped, *.bad_lines)
    )]
    NoDocuments {
        /// What was named.
        inputs: String,
        /// What was left out.
        skipped: Skipped,
        /// Bad lines that were left out.
        bad_lines: u64,
        /// The formats and their endings.
        formats: String,
    },
    /// A file of queries has none.
    #[error("{file} has no queries; write at least one")]
    NoQueries {
        /// The file.
        file: String,
    },
    /// A file of judgements has none.
    #[error("{file} has no judgements, expected at least one; check that it is the right file")]
    NoJudgements {
        /// The file.
        file: String,
    },
    /// Standard input was named twice.
    #[error("standard input (-) is named more than once; name it once")]
    StandardInputTwice,
    /// No input was named.
    #[error("no corpus was named, expected files, folders, or - for standard input")]
    NoInput,
}
