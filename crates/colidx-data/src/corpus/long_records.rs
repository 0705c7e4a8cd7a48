//! Records that are longer than a passage, split into several.

use super::format::{DocumentReader, ReadFault};
use super::passages::{Splitter, Syntax};
use super::{CorpusOptions, Document};

/// Gives the records of a file, and the passages of those that are longer than one.
pub(super) struct LongRecords {
    records: Box<dyn DocumentReader>,
    options: CorpusOptions,
    /// The record that is split, without its text.
    record: Option<(Document, Splitter)>,
    /// Passages of it that were given.
    given: u64,
}

impl LongRecords {
    pub(super) fn boxed(
        records: Box<dyn DocumentReader>,
        options: &CorpusOptions,
    ) -> Box<dyn DocumentReader> {
        Box::new(LongRecords {
            records,
            options: options.clone(),
            record: None,
            given: 0,
        })
    }

    /// The passages of a record, and the title of each.
    fn split(&self, record: &Document) -> (String, Splitter) {
        let mut splitter = self.options.splitter(Syntax::Text);
        let title = splitter.leave_room(&record.title);
        for (number, line) in (1..).zip(record.text.lines()) {
            splitter.push(number, line);
        }
        splitter.finish();
        (title, splitter)
    }
}

impl DocumentReader for LongRecords {
    fn next_document(&mut self) -> Result<Option<Document>, ReadFault> {
        if let Some((record, splitter)) = &mut self.record
            && let Some(passage) = splitter.pop()
        {
            self.given += 1;
            return Ok(Some(Document {
                key: format!("{}#{}", record.key, self.given),
                text: passage.text,
                is_passage: true,
                ..record.clone()
            }));
        }
        let Some(mut record) = self.records.next_document()? else {
            return Ok(None);
        };
        let length = self.options.passage_length();
        if length.holds(&record.title, &record.text) {
            return Ok(Some(record));
        }
        let (title, splitter) = self.split(&record);
        record.title = title;
        record.text = String::new();
        self.record = Some((record, splitter));
        self.given = 0;
        self.next_document()
    }
}
