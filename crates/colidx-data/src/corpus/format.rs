//! The formats of corpus files: one table, and what a format must give to stand in it.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use thiserror::Error;

use super::file::OpenFile;
use super::long_records::LongRecords;
use super::records::RecordParser;
use super::{CorpusOptions, Document, FieldNames, code, csv, html, jsonl, markdown, text, tsv};
use crate::compression::without_ending;
use crate::error::{InputError, LineFault, Place};

/// All formats, in the order in which messages list them. To add one, write its module and add it
/// here.
const FORMATS: &[&FormatInfo] = &[
    &jsonl::FORMAT,
    &tsv::FORMAT,
    &csv::FORMAT,
    &text::FORMAT,
    &markdown::FORMAT,
    &html::FORMAT,
    &code::FORMAT,
];

/// What a format is.
pub(crate) struct FormatInfo {
    /// What a caller writes to choose it.
    pub(super) name: &'static str,
    /// What people call it.
    pub(super) title: &'static str,
    /// Endings of file names, lower case, without the dot.
    pub(super) endings: &'static [&'static str],
    /// Endings that files of other content have too. In a folder they are read only if the caller
    /// chose the format.
    pub(super) shared_endings: &'static [&'static str],
    /// Whole names of files that have no ending of their own, lower case.
    pub(super) names: &'static [&'static str],
    /// One line of help: what such a file holds.
    pub(super) help: &'static str,
    /// Reads the documents of one open file.
    pub(super) open: fn(OpenFile, &CorpusOptions) -> Box<dyn DocumentReader>,
    /// Parses the lines of a file that has one record a line; queries are read from such formats.
    pub(super) parser: Option<NewParser>,
}

/// Makes the parser of one file.
type NewParser = fn(&FieldNames) -> Box<dyn RecordParser>;

/// Reads the documents of one open file, one at a time.
pub(crate) trait DocumentReader: Send {
    /// The next document, or `None` at the end. Reading can continue after [`ReadFault::Line`].
    fn next_document(&mut self) -> Result<Option<Document>, ReadFault>;
}

/// Why no document came.
#[derive(Debug)]
pub(crate) enum ReadFault {
    /// A bad line; the next call continues after it.
    Line(Place, LineFault),
    /// The file cannot be read any further.
    Input(InputError),
}

/// The format of a corpus file.
#[derive(Clone, Copy)]
pub struct Format(&'static FormatInfo);

impl Format {
    /// One JSON object a line (BEIR: `_id`, `title`, `text`).
    pub const JSONL: Format = Format(&jsonl::FORMAT);
    /// Tab-separated lines, with a header that names the columns, or id, text and title.
    pub const TSV: Format = Format(&tsv::FORMAT);
    /// Comma-separated rows, with a header that names the columns, or id, text and title.
    pub const CSV: Format = Format(&csv::FORMAT);
    /// Plain text, split into passages at blank lines.
    pub const TEXT: Format = Format(&text::FORMAT);
    /// Markdown, split into passages at headings and blank lines.
    pub const MARKDOWN: Format = Format(&markdown::FORMAT);
    /// HTML, whose text is split into passages.
    pub const HTML: Format = Format(&html::FORMAT);
    /// Source code, split into passages at blank lines and declarations.
    pub const CODE: Format = Format(&code::FORMAT);

    /// All formats.
    pub fn all() -> impl Iterator<Item = Format> {
        FORMATS.iter().map(|&info| Format(info))
    }

    /// What a caller writes to choose the format, as [`FromStr`] reads it.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The endings of its files, without the dot.
    pub fn endings(self) -> impl Iterator<Item = &'static str> {
        self.0.endings.iter().chain(self.0.shared_endings).copied()
    }

    /// One line of help: what such a file holds.
    pub fn help(self) -> &'static str {
        self.0.help
    }

    /// The format that a file's name or ending tells, looking through `.gz` and `.zst`.
    pub fn of_path(path: &Path) -> Option<Format> {
        let name = name(path)?;
        if let Some(format) = Format::all().find(|format| format.0.names.contains(&&*name)) {
            return Some(format);
        }
        let ending = ending(&name)?;
        Format::all().find(|format| format.endings().any(|known| known == ending))
    }

    /// Whether a file in a folder is read though the caller chose no format.
    pub(super) fn read_in_folders(self, path: &Path) -> bool {
        name(path).is_some_and(|name| {
            let ending = ending(&name).unwrap_or_default();
            self.0.endings.contains(&ending) || self.0.names.contains(&&*name)
        })
    }

    /// Whether a file has one record a line.
    pub(super) fn has_records(self) -> bool {
        self.0.parser.is_some()
    }

    pub(super) fn open(self, file: OpenFile, options: &CorpusOptions) -> Box<dyn DocumentReader> {
        let documents = (self.0.open)(file, options);
        match self.has_records() && options.split_long {
            true => LongRecords::boxed(documents, options),
            false => documents,
        }
    }

    /// A parser of single lines, for formats that have one record a line.
    pub(crate) fn parser(self, fields: &FieldNames) -> Option<Box<dyn RecordParser>> {
        self.0.parser.map(|parser| parser(fields))
    }

    /// The formats with their endings, as in `TSV (.tsv)`, for messages.
    pub(crate) fn list() -> String {
        /// Endings that a message names; source code has too many for one.
        const SHOWN: usize = 8;
        let describe = |format: Format| {
            let mut shown: Vec<_> = (format.endings().take(SHOWN))
                .map(|end| format!(".{end}"))
                .collect();
            if format.endings().count() > SHOWN {
                shown.push("and so on".to_owned());
            }
            format!("{} ({})", format.0.title, shown.join(", "))
        };
        join_or(Format::all().map(describe))
    }
}

/// The name of a file in lower case, without the ending of its compression.
pub(super) fn name(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
    Some(without_ending(&name).to_owned())
}

/// The ending of such a name.
pub(super) fn ending(name: &str) -> Option<&str> {
    Path::new(name).extension()?.to_str()
}

/// `a, b or c`.
fn join_or(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    match items.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => items.concat(),
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Format) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Format {}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Format").field(&self.name()).finish()
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A format name that is not known.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown format \"{name}\"; expected {known}")]
pub struct UnknownFormatName {
    name: String,
    known: String,
}

impl FromStr for Format {
    type Err = UnknownFormatName;

    fn from_str(name: &str) -> Result<Format, UnknownFormatName> {
        Format::all()
            .find(|format| format.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| UnknownFormatName {
                name: name.to_owned(),
                known: join_or(Format::all().map(|format| format.name().to_owned())),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_by_ending() {
        let of = |name: &str| Format::of_path(Path::new(name));
        assert_eq!(of("a/corpus.jsonl"), Some(Format::JSONL));
        assert_eq!(of("corpus.JSONL.GZ"), Some(Format::JSONL));
        assert_eq!(of("c.tsv.zst"), Some(Format::TSV));
        assert_eq!(of("notes.v2.md"), Some(Format::MARKDOWN));
        assert_eq!(of("notes.rst"), Some(Format::TEXT));
        assert_eq!(of("my notes.json"), Some(Format::JSONL));
        assert_eq!(of("notes.gz"), None);
        assert_eq!(of("README"), Some(Format::TEXT));
        assert_eq!(of("src/Makefile.gz"), Some(Format::CODE));
        assert_eq!(of("CMakeLists.txt"), Some(Format::CODE));
        assert_eq!(of("lib.rs"), Some(Format::CODE));
        assert_eq!(of("picture.png"), None);
    }

    #[test]
    fn the_table_is_consistent() {
        let mut endings = Vec::new();
        for format in Format::all() {
            assert_eq!(format.name().parse::<Format>(), Ok(format));
            assert_eq!(format.name().to_uppercase().parse::<Format>(), Ok(format));
            assert!(!format.help().is_empty());
            endings.extend(format.endings().map(|ending| format!(".{ending}")));
            endings.extend(format.0.names.iter().map(|&name| name.to_owned()));
        }
        let count = endings.len();
        endings.sort_unstable();
        endings.dedup();
        assert_eq!(endings.len(), count, "an ending or a name is of one format");
        assert!(endings.iter().all(|end| *end == end.to_ascii_lowercase()));
    }

    #[test]
    fn messages_list_what_the_table_holds() {
        let error = "doc".parse::<Format>().unwrap_err().to_string();
        assert_eq!(
            error,
            "unknown format \"doc\"; expected jsonl, tsv, csv, text, markdown, html or code"
        );
        assert!(Format::list().starts_with("JSON Lines (.jsonl, .ndjson, .json), TSV (.tsv), CSV"));
    }
}
