//! Places in a text, in bytes and in characters.

use std::ops::Range;

/// A part of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Span {
    /// Its bytes, as Rust counts.
    pub bytes: Range<usize>,
    /// Its characters (Unicode scalar values), as Python and most people count.
    pub chars: Range<usize>,
}

/// Finds the characters of byte ranges. Ranges in ascending order take one pass over the text.
pub(super) struct Spans<'a> {
    text: &'a str,
    /// Bytes and characters so far.
    at: (usize, usize),
}

impl<'a> Spans<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Spans { text, at: (0, 0) }
    }

    /// The span of these bytes.
    pub(super) fn span(&mut self, bytes: Range<usize>) -> Span {
        Span {
            chars: self.before(bytes.start)..self.before(bytes.end),
            bytes,
        }
    }

    /// The characters before a byte.
    fn before(&mut self, byte: usize) -> usize {
        if byte < self.at.0 {
            self.at = (0, 0);
        }
        let bytes = self.text.as_bytes();
        let more = bytes.get(self.at.0..byte.min(bytes.len()));
        // Every character has one byte that does not continue another.
        let begins = |byte: &&u8| **byte & 0xC0 != 0x80;
        self.at.1 += more.unwrap_or_default().iter().filter(begins).count();
        self.at.0 = self.at.0.max(byte.min(bytes.len()));
        self.at.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_in_any_order() {
        let text = "aé日👩‍👩‍👧z";
        let mut spans = Spans::new(text);
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        for &start in places.iter().chain(places.iter().rev()) {
            let span = spans.span(start..text.len());
            assert_eq!(span.chars.start, text[..start].chars().count());
            assert_eq!(span.chars.end, text.chars().count());
        }
        assert_eq!(spans.span(5..99).chars.end, text.chars().count());
    }
}
