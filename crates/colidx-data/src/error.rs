//! Errors of text inputs: where, what, and what to do next.

use std::fmt;
use std::io;
use std::sync::Arc;

use thiserror::Error;

use crate::counted::counted;
use crate::files::Compression;
use crate::files::Skipped;

/// Where in the input something was found.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// What is wrong with one line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
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
        "missing field \"{field}\"; the object has {found}: name the right field with --{flag}"
    )]
    MissingField {
        /// The field that was looked for.
        field: String,
        /// The command-line option that names another field.
        flag: &'static str,
        /// The fields that are there, quoted and joined.
        found: String,
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
        "invalid UTF-8 at byte {offset} of the file (byte {column} of the line); \
         convert the file to UTF-8, for example with iconv"
    )]
    InvalidUtf8 {
        /// Offset in the file after decompression, counted from 0.
        offset: u64,
        /// Column in bytes, counted from 1.
        column: usize,
    },
    /// The line has another number of columns than its format has.
    #[error("expected {expected}, got {got}; check the separators")]
    Columns {
        /// The columns the format has.
        expected: &'static str,
        /// The number of columns found.
        got: usize,
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
    /// The line is longer than the limit.
    #[error(
        "the line is longer than {limit} bytes; make it shorter, or check that the file has line ends"
    )]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
}

fn told(skipped: &Skipped, bad_lines: u64) -> String {
    let bad_lines = (bad_lines > 0).then(|| format!("skipped: {}", counted(bad_lines, "bad line")));
    let lines = skipped.lines().into_iter().chain(bad_lines);
    lines.map(|line| format!("; {line}")).collect()
}

/// An input that could not be read.
#[derive(Debug, Error)]
pub enum InputError {
    /// A line of a corpus is bad. `--skip-bad-lines` counts such lines instead of stopping.
    #[error("{place}: {fault}, or pass --skip-bad-lines to leave bad lines out")]
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
    /// A compressed file is damaged, or is not what its name says.
    #[error("{file}: not valid {compression} data: {reason}; fetch or compress it again")]
    Corrupt {
        /// The file.
        file: String,
        /// Its compression.
        compression: Compression,
        /// The decoder's words.
        reason: String,
    },
    /// Nothing tells the format of a file.
    #[error(
        "{file}: the format cannot be told from the name; pass --format jsonl, tsv, text or markdown, \
         or use one of the extensions .jsonl, .tsv, .txt, .md"
    )]
    UnknownFormat {
        /// The file.
        file: String,
    },
    /// The format cannot hold what is asked of it.
    #[error("{file}: {what} cannot be read from {format}; use JSON Lines or TSV")]
    WrongFormat {
        /// The file.
        file: String,
        /// What was to be read.
        what: &'static str,
        /// The format.
        format: crate::files::Format,
    },
    /// A folder, or all that was named, gave not one document.
    #[error("{inputs}: no documents were read{}; give files of JSON Lines (.jsonl, .ndjson), TSV (.tsv), text (.txt, .text, .rst) or Markdown (.md, .markdown), or pass --format", told(.skipped, *.bad_lines))]
    Nothing {
        /// What was named.
        inputs: String,
        /// What was left out.
        skipped: Skipped,
        /// Bad lines that were left out.
        bad_lines: u64,
    },
    /// A file of queries has none.
    #[error("{file} has no queries; write at least one")]
    NoQueries {
        /// The file.
        file: String,
    },
    /// Standard input was named twice.
    #[error("standard input (-) is named more than once; name it once")]
    StandardInputTwice,
    /// No input was named.
    #[error("no corpus was named; name files or folders, or - for standard input")]
    NoInput,
}
