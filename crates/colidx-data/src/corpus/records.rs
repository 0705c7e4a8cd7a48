//! Files with one record a line. A format gives the parser of a line.

use serde_json::{Map, Value};

use super::file::OpenFile;
use super::format::{DocumentReader, ReadFault};
use super::{CorpusOptions, Document};
use crate::columns::{DOCUMENT_TEXT, QUERY_TEXT};
use crate::error::{Field, LineFault};

/// What the field or column that holds a part of a record is called.
#[derive(Debug, Clone)]
pub(crate) struct FieldNames {
    pub(crate) id: String,
    /// `None` where records have no title: a field of that name is then like any other.
    pub(crate) title: Option<String>,
    pub(crate) text: String,
    /// Whether a JSON object may be without text.
    pub(crate) text_is_optional: bool,
    /// A JSON field that is not read.
    pub(crate) left_out: Option<String>,
}

impl FieldNames {
    /// What the text is usually called: of a query, where records have no title.
    pub(crate) fn text_names(&self) -> &'static [&'static str] {
        match self.title {
            Some(_) => DOCUMENT_TEXT,
            None => QUERY_TEXT,
        }
    }

    /// The names that the caller chose in place of the usual ones, with what each holds.
    pub(crate) fn chosen(&self) -> impl Iterator<Item = (&str, Field)> {
        let title = self.title.as_deref().unwrap_or(CorpusOptions::TITLE_FIELD);
        let names = [
            (&*self.id, CorpusOptions::ID_FIELD, Field::Id),
            (&*self.text, CorpusOptions::TEXT_FIELD, Field::Text),
            (title, CorpusOptions::TITLE_FIELD, Field::Title),
        ];
        let chosen = names.into_iter().filter(|(name, usual, _)| name != usual);
        chosen.map(|(name, _, field)| (name, field))
    }
}

/// One record as it stands in its line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    pub(crate) key: String,
    pub(crate) title: String,
    pub(crate) text: String,
    /// All that has no other place.
    pub(crate) metadata: Map<String, Value>,
}

/// Parses the lines of one file in order.
pub(crate) trait RecordParser: Send {
    /// The record that ends with a line, or `None` where none does.
    fn parse(&mut self, line: &str) -> Result<Option<Record>, LineFault>;

    /// Called at the end of the file.
    ///
    /// # Errors
    /// A record has begun that does not end.
    fn end(&mut self) -> Result<(), LineFault> {
        Ok(())
    }
}

/// Makes documents of the lines of a file.
pub(super) struct RecordReader {
    file: OpenFile,
    parser: Box<dyn RecordParser>,
}

impl RecordReader {
    pub(super) fn boxed(file: OpenFile, parser: Box<dyn RecordParser>) -> Box<dyn DocumentReader> {
        Box::new(RecordReader { file, parser })
    }
}

impl DocumentReader for RecordReader {
    fn next_document(&mut self) -> Result<Option<Document>, ReadFault> {
        loop {
            let Some((number, line)) = self.file.next_line()? else {
                let ended = self.parser.end();
                return ended
                    .map(|()| None)
                    .map_err(|fault| self.file.fault(self.file.lines(), fault));
            };
            match self.parser.parse(line) {
                Ok(None) => {}
                Ok(Some(record)) => {
                    return Ok(Some(Document {
                        key: record.key,
                        title: record.title,
                        text: record.text,
                        metadata: record.metadata,
                        is_passage: false,
                        place: self.file.place(number),
                    }));
                }
                Err(fault) => return Err(self.file.fault(number, fault)),
            }
        }
    }
}
