//! Files of running text: each passage is a document.

use serde_json::Value;

use super::file::OpenFile;
use super::format::{DocumentReader, ReadFault};
use super::passages::{Splitter, Syntax};
use super::{CorpusOptions, Document};

/// Makes documents of the passages of a file. A bad line ends the file.
pub(super) struct PassageReader {
    file: OpenFile,
    splitter: Splitter,
    passages: u64,
    ended: bool,
}

impl PassageReader {
    pub(super) fn boxed(
        file: OpenFile,
        syntax: Syntax,
        options: &CorpusOptions,
    ) -> Box<dyn DocumentReader> {
        Box::new(PassageReader {
            file,
            splitter: Splitter::new(syntax, options.passage_length()),
            passages: 0,
            ended: false,
        })
    }

    fn end(&mut self) {
        self.splitter.finish();
        self.ended = true;
    }
}

impl DocumentReader for PassageReader {
    fn next_document(&mut self) -> Result<Option<Document>, ReadFault> {
        loop {
            if let Some(passage) = self.splitter.pop() {
                self.passages += 1;
                let metadata = [
                    ("path", Value::from(self.file.key_path.as_str())),
                    ("line", Value::from(passage.line)),
                ];
                return Ok(Some(Document {
                    key: format!("{}#{}", self.file.key_path, self.passages),
                    title: passage.title,
                    text: passage.text,
                    metadata: metadata
                        .map(|(name, value)| (name.to_owned(), value))
                        .into_iter()
                        .collect(),
                    place: self.file.place(passage.line),
                }));
            }
            if self.ended {
                return Ok(None);
            }
            match self.file.next_line() {
                Ok(Some((number, line))) => self.splitter.push(number, line),
                Ok(None) => self.end(),
                Err(fault) => {
                    self.end();
                    return Err(fault);
                }
            }
        }
    }
}
