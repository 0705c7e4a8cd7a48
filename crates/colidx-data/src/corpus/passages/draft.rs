//! A passage that is being filled, and where its text stands in the file.

use std::ops::RangeInclusive;

use super::length::PassageLength;
use super::overlap;

#[derive(Debug, Default)]
pub(super) struct Draft {
    text: String,
    /// Words or tokens so far.
    pub(super) length: usize,
    /// Where parts of the file begin in the text, and the line of each.
    marks: Vec<(usize, u64)>,
    /// Where the text ends that the passage before has too.
    repeated: usize,
}

impl Draft {
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Adds lines of the file, the first of which has that number.
    pub(super) fn push(&mut self, text: &str, line: u64) {
        self.marks.push((self.text.len(), line));
        self.text.push_str(text);
    }

    /// Adds the end of the passage before.
    pub(super) fn repeat(&mut self, text: &str, line: u64) {
        self.push(text, line);
        self.repeated = self.text.len();
    }

    /// The end of the text, within the limit of words or tokens, and its line.
    pub(super) fn tail(&self, length: &PassageLength, most: usize) -> Option<(String, u64)> {
        let &(first, _) = self.marks.first()?;
        let at = first + overlap::tail(&self.text[first..], length, most);
        let tail = &self.text[at..];
        (!tail.trim().is_empty()).then(|| (tail.to_owned(), self.line_at(at)))
    }

    /// Adds text that does not stand in the file here.
    pub(super) fn append(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// The text without white space around it, and its first and last line. `None` if there is
    /// nothing of the file.
    pub(super) fn finish(self) -> Option<(String, RangeInclusive<u64>)> {
        let &(first, _) = self.marks.first()?;
        if self.text[first.max(self.repeated)..].trim().is_empty() {
            return None;
        }
        // The first line keeps its indentation: it may be code.
        let start = self.text.len() - self.text.trim_start().len();
        let start = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let end = self.text.trim_end().len();
        let lines = self.line_at(start)..=self.line_at(end);
        Some((self.text[start..end].to_owned(), lines))
    }

    /// The line of the file that a place in the text is from.
    fn line_at(&self, place: usize) -> u64 {
        let behind = self.marks.partition_point(|&(start, _)| start <= place);
        let Some(&(start, line)) = self.marks.get(behind.saturating_sub(1)) else {
            return 0;
        };
        let between = self.text.get(start..place).unwrap_or_default();
        line + between.matches('\n').count() as u64
    }
}
