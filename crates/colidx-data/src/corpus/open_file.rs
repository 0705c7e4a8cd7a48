//! One file of a corpus: a record a line, or passages of running text.

use std::io::BufRead;
use std::sync::Arc;

use serde_json::Value;

use super::{CorpusOptions, Document};
use crate::corpus::passages::{Splitter, Syntax};
use crate::corpus::records::{Fields, is_tsv_header, parse_json, parse_tsv};
use crate::error::{InputError, LineFault, Place};
use crate::files::{Compression, Source, read_error};
use crate::files::{Lines, LinesError};

/// Why no document came.
pub(super) enum Stop {
    /// A bad line; reading can go on.
    Line(Place, LineFault),
    /// Reading cannot go on.
    Input(InputError),
}

pub(super) enum OpenFile {
    Records(RecordFile),
    Passages(Box<PassageFile>),
}

impl OpenFile {
    pub(super) fn next_document(&mut self) -> Result<Option<Document>, Stop> {
        match self {
            OpenFile::Records(file) => file.next_document(),
            OpenFile::Passages(file) => file.next_document(),
        }
    }
}

/// The lines of a file, and what messages about them need.
struct Reader {
    file: Arc<str>,
    compression: Option<Compression>,
    lines: Lines<Box<dyn BufRead + Send>>,
}

impl Reader {
    fn new(source: Source, options: &CorpusOptions) -> Reader {
        let lines = Lines::new(source.reader, options.line_limit);
        Reader {
            file: source.file,
            compression: source.compression,
            lines,
        }
    }

    fn place(&self, line: u64) -> Place {
        Place {
            file: Arc::clone(&self.file),
            line,
        }
    }

    fn stop(&self, error: LinesError) -> Stop {
        match error {
            LinesError::Fault(fault) => Stop::Line(self.place(self.lines.number()), fault),
            LinesError::Io(error) => Stop::Input(read_error(&self.file, self.compression, error)),
        }
    }
}

/// A file with one record a line: JSON Lines with these fields, or TSV.
pub(super) struct RecordFile {
    reader: Reader,
    fields: Option<Fields>,
}

impl RecordFile {
    pub(super) fn new(
        source: Source,
        fields: Option<Fields>,
        options: &CorpusOptions,
    ) -> RecordFile {
        RecordFile {
            reader: Reader::new(source, options),
            fields,
        }
    }

    fn next_document(&mut self) -> Result<Option<Document>, Stop> {
        loop {
            let (number, line) = match self.reader.lines.next_line() {
                Ok(Some(line)) => line,
                Ok(None) => return Ok(None),
                Err(error) => return Err(self.reader.stop(error)),
            };
            if line.trim().is_empty() || self.fields.is_none() && number == 1 && is_tsv_header(line)
            {
                continue;
            }
            let record = match &self.fields {
                Some(fields) => parse_json(line, fields),
                None => parse_tsv(line),
            };
            let place = self.reader.place(number);
            return match record {
                Ok(record) => Ok(Some(Document {
                    key: record.key,
                    title: record.title,
                    text: record.text,
                    metadata: record.metadata,
                    place,
                })),
                Err(fault) => Err(Stop::Line(place, fault)),
            };
        }
    }
}

/// A text or Markdown file. A bad line ends it.
pub(super) struct PassageFile {
    reader: Reader,
    splitter: Splitter,
    path: String,
    passages: u64,
    ended: bool,
}

impl PassageFile {
    /// `path` becomes the front of every key.
    pub(super) fn new(
        source: Source,
        path: String,
        syntax: Syntax,
        options: &CorpusOptions,
    ) -> PassageFile {
        let splitter = Splitter::new(syntax, options.passage_words);
        PassageFile {
            reader: Reader::new(source, options),
            splitter,
            path,
            passages: 0,
            ended: false,
        }
    }

    fn next_document(&mut self) -> Result<Option<Document>, Stop> {
        loop {
            if let Some(passage) = self.splitter.pop() {
                self.passages += 1;
                let metadata = [
                    ("path", Value::from(self.path.as_str())),
                    ("line", Value::from(passage.line)),
                ];
                return Ok(Some(Document {
                    key: format!("{}#{}", self.path, self.passages),
                    title: passage.title,
                    text: passage.text,
                    metadata: metadata
                        .map(|(name, value)| (name.to_owned(), value))
                        .into_iter()
                        .collect(),
                    place: self.reader.place(passage.line),
                }));
            }
            if self.ended {
                return Ok(None);
            }
            match self.reader.lines.next_line() {
                Ok(Some((number, line))) => self.splitter.push(number, line),
                Ok(None) => self.end(),
                Err(error) => {
                    self.end();
                    return Err(self.reader.stop(error));
                }
            }
        }
    }

    fn end(&mut self) {
        self.splitter.finish();
        self.ended = true;
    }
}
