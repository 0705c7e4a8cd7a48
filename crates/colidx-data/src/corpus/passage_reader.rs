//! Files of running text: each passage is a document.

use serde_json::{Map, Value};

use super::file::OpenFile;
use super::format::{DocumentReader, ReadFault};
use super::passages::{Passage, Splitter, Syntax};
use super::{CorpusOptions, Document};

/// Makes documents of the passages of a file. A bad line ends the file.
pub(super) struct PassageReader {
    file: OpenFile,
    splitter: Splitter,
    keys: Keys,
    passages: u64,
    ended: bool,
}

/// What a passage's key has after its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    /// Its number, which stays when lines above it come or go.
    Numbers,
    /// Its number and its lines.
    Lines,
}

/// The document of the passage of that number, from 1, in a file that has fields of its own.
pub(super) fn document(
    file: &OpenFile,
    keys: Keys,
    number: u64,
    passage: Passage,
    fields: &Map<String, Value>,
) -> Document {
    let path = &file.key_path;
    let (first, last) = passage.lines.into_inner();
    let key = match keys {
        Keys::Numbers => format!("{path}#{number}"),
        Keys::Lines => format!("{path}#{number}:{first}-{last}"),
    };
    let metadata = [
        ("path", Some(Value::from(path.as_str()))),
        ("line_start", Some(Value::from(first))),
        ("line_end", Some(Value::from(last))),
        ("root", file.root.as_deref().map(Value::from)),
    ];
    let there = |(name, value): (&str, Option<Value>)| Some((name.to_owned(), value?));
    let fields = fields
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()));
    Document {
        key,
        title: passage.title,
        text: passage.text,
        metadata: fields
            .chain(metadata.into_iter().filter_map(there))
            .collect(),
        is_passage: true,
        place: file.place(first),
    }
}

impl PassageReader {
    pub(super) fn boxed(
        file: OpenFile,
        syntax: Syntax,
        options: &CorpusOptions,
    ) -> Box<dyn DocumentReader> {
        Box::new(PassageReader {
            file,
            splitter: options.splitter(syntax),
            keys: match syntax {
                Syntax::Code => Keys::Lines,
                Syntax::Text | Syntax::Markdown => Keys::Numbers,
            },
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
                return Ok(Some(document(
                    &self.file,
                    self.keys,
                    self.passages,
                    passage,
                    self.splitter.fields(),
                )));
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
