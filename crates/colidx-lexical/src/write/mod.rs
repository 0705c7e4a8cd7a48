//! Writing: documents in order to sections.
//!
//! Postings collect in memory up to a limit and go to a scratch file as a sorted run. At the end
//! all runs are merged, term by term. The bytes written do not depend on where runs end.

mod list;
mod merge;
mod runs;
#[cfg(test)]
pub(crate) mod tests;

use crate::analyze::{Analyzer, Term};
use crate::error::Error;
use crate::format::{INFO, Info, LENGTHS, LISTS, POSITIONS, TERM_INDEX, TERMS};
use colidx_spill::{Runs, Scratch, Sections};
use merge::{Merged, tokens};
use runs::Postings;

/// Positions between the last word of a title and the first of a text, so that no phrase spans
/// both.
const TITLE_GAP: u32 = 16;

/// The least memory to collect postings in.
const LEAST_MEMORY: usize = 64 << 10;

/// How to write.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Whether to store positions, which phrases need.
    pub positions: bool,
    /// Bytes of memory for postings, at least 64 KiB. Besides, a writer holds 4 bytes for each
    /// document, one for each different term and, at the end, 20 for every 128 documents that have
    /// the most frequent term.
    pub memory: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            positions: true,
            memory: 256 << 20,
        }
    }
}

/// Writes the words of a segment.
pub struct Writer<S: Scratch> {
    analyzer: Analyzer,
    options: Options,
    scratch: S,
    postings: Postings,
    runs: Option<Runs<S::File>>,
    lengths: Vec<u32>,
}

impl<S: Scratch<Error: From<Error>>> Writer<S> {
    /// A writer of no document yet.
    pub fn new(analyzer: Analyzer, options: Options, scratch: S) -> Self {
        Self {
            analyzer,
            options,
            scratch,
            postings: Postings::default(),
            runs: None,
            lengths: Vec::new(),
        }
    }

    /// Appends a document: one field, the title and then the text.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] after `u32::MAX` documents; the caller's.
    pub fn push(&mut self, title: &str, text: &str) -> Result<(), S::Error> {
        let document = self.lengths.len() as u64;
        if document >= u32::MAX.into() {
            let (what, max) = ("the number of documents", u32::MAX.into());
            return Err(Error::TooLarge { what, max }.into());
        }
        let (analyzer, document) = (self.analyzer, document as u32);
        let mut length = 0u32;
        let mut start = 0;
        let mut result = Ok(());
        let mut add = |writer: &mut Self, term: &Term<'_>, start: u32| {
            let position = start.saturating_add(term.position);
            writer.postings.add(term.text, document, position);
            length = length.saturating_add(1);
            if writer.postings.bytes() >= writer.options.memory.max(LEAST_MEMORY) && result.is_ok()
            {
                result = writer.spill();
            }
            position
        };
        analyzer.analyze(title, |term| {
            start = add(self, &term, 0).saturating_add(TITLE_GAP);
        });
        analyzer.analyze(text, |term| {
            add(self, &term, start);
        });
        self.lengths.push(length);
        result
    }

    fn spill(&mut self) -> Result<(), S::Error> {
        let runs = match &mut self.runs {
            Some(runs) => runs,
            None => self.runs.insert(Runs::create(&mut self.scratch)?),
        };
        runs.add(|file| self.postings.spill(file))
    }

    /// Writes the sections.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] where postings of one term take more than 4 GiB; the caller's.
    pub fn finish(
        mut self,
        sections: &mut impl Sections<Error = S::Error>,
    ) -> Result<Info, S::Error> {
        if !self.postings.is_empty() {
            self.spill()?;
        }
        self.postings = Postings::default();
        let positions = self.options.positions;
        let mut merged = Merged::create(&mut self.scratch, positions)?;
        sections.begin(LISTS)?;
        if let Some(runs) = self.runs.take() {
            merged.merge(&runs, &self.lengths, self.options.memory, sections)?;
        }
        sections.begin(POSITIONS)?;
        if let Some(positions) = merged.positions {
            positions.copy(|bytes| sections.write(bytes))?;
        }
        sections.begin(TERMS)?;
        merged.terms.copy(|bytes| sections.write(bytes))?;
        sections.begin(TERM_INDEX)?;
        sections.write(&merged.dictionary.index)?;
        sections.begin(LENGTHS)?;
        for lengths in self.lengths.chunks(1 << 14) {
            let bytes: Vec<u8> = lengths.iter().flat_map(|n| n.to_le_bytes()).collect();
            sections.write(&bytes)?;
        }
        let info = Info {
            documents: self.lengths.len() as u32,
            tokens: tokens(&self.lengths),
            terms: merged.dictionary.terms,
            positions,
            analyzer: self.analyzer.name().into(),
            analyzer_version: self.analyzer.version(),
        };
        sections.begin(INFO)?;
        sections.write(&info.to_bytes())?;
        Ok(info)
    }
}
