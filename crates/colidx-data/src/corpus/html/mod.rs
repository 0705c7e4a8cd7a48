//! HTML as text: what a reader of the page sees, by lines of the file.
//!
//! A page is held whole, up to the limit of a line, and tokenized twice without a tree: once for
//! its title, once for its text. Nothing recurses, so that no nesting is too deep.

mod text;

use serde_json::Map;

use super::file::OpenFile;
use super::format::{DocumentReader, FormatInfo, ReadFault};
use super::passage_reader::{Keys, document};
use super::passages::{Splitter, Syntax};
use super::{CorpusOptions, Document};
use crate::error::LineFault;
use text::Piece;

pub(super) static FORMAT: FormatInfo = FormatInfo {
    name: "html",
    title: "HTML",
    endings: &["html", "htm", "xhtml"],
    shared_endings: &[],
    names: &[],
    help: "HTML, whose text is split into passages",
    open: |file, options| PageReader::boxed(file.lossy(), options),
    parser: None,
};

/// Makes documents of the passages of a page.
struct PageReader {
    file: OpenFile,
    options: CorpusOptions,
    /// The passages of the page, once it is read.
    passages: Option<Splitter>,
    given: u64,
}

impl PageReader {
    fn boxed(file: OpenFile, options: &CorpusOptions) -> Box<dyn DocumentReader> {
        Box::new(PageReader {
            file,
            options: options.clone(),
            passages: None,
            given: 0,
        })
    }

    fn read(&mut self) -> Result<Splitter, ReadFault> {
        let mut splitter = self.options.splitter(Syntax::Text);
        let mut page = String::new();
        let limit = self.options.line_limit;
        while let Some((number, line)) = self.file.next_line()? {
            if page.len() + line.len() > limit {
                return Err(self.file.fault(number, LineFault::PageTooLong { limit }));
            }
            page.push_str(line);
            page.push('\n');
        }
        if let Some(title) = text::title(&page) {
            splitter.set_title(&title);
        }
        text::pieces(&page, &mut |number, piece| match piece {
            Piece::Line(line) => splitter.push(number, line),
            Piece::Gap => splitter.push(number, ""),
            Piece::Header(row) => splitter.begin_table(number, row),
            Piece::Row(row) => splitter.push_row(number, row),
            Piece::TableEnd => splitter.end_table(),
        });
        splitter.finish();
        Ok(splitter)
    }
}

impl DocumentReader for PageReader {
    fn next_document(&mut self) -> Result<Option<Document>, ReadFault> {
        if self.passages.is_none() {
            // A bad page ends there: it is not read again.
            self.passages = Some(self.options.splitter(Syntax::Text));
            self.passages = Some(self.read()?);
        }
        let Some(passage) = self.passages.as_mut().and_then(Splitter::pop) else {
            return Ok(None);
        };
        self.given += 1;
        let (file, number) = (&self.file, self.given);
        Ok(Some(document(
            file,
            Keys::Numbers,
            number,
            passage,
            &Map::new(),
        )))
    }
}

#[cfg(test)]
mod tests;
