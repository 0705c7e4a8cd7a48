//! The text that the tokenizer sees, and the way back to the text that was given.

use std::borrow::Cow;

/// A text, or the beginning of one, perhaps lower-cased.
pub(super) struct Source<'a> {
    text: Cow<'a, str>,
    /// Bytes stripped before it.
    stripped: usize,
    /// Where each character of the lower-cased text begins and where it did before, when lower-casing moved any.
    moved: Vec<(usize, usize)>,
}

impl<'a> Source<'a> {
    /// For `text` after `stripped` bytes of the text that was given.
    pub(super) fn new(text: &'a str, stripped: usize, lower_case: bool) -> Source<'a> {
        let mut source = Source {
            text: Cow::Borrowed(text),
            stripped,
            moved: Vec::new(),
        };
        if lower_case {
            source.lower();
        }
        source
    }

    fn lower(&mut self) {
        let mut places = Vec::new();
        let (mut before, mut after, mut moves) = (0, 0, false);
        for c in self.text.chars() {
            places.push((after, before));
            before += c.len_utf8();
            after += c.to_lowercase().map(char::len_utf8).sum::<usize>();
            moves |= before != after;
        }
        places.push((after, before));
        if moves {
            self.moved = places;
        }
        self.text = Cow::Owned(self.text.to_lowercase());
    }

    /// What the tokenizer is given.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The bytes of the given text that bytes `start..end` of [`text`](Self::text) come from; (0, 0) for no bytes.
    pub(super) fn original(&self, start: usize, end: usize) -> (usize, usize) {
        if start >= end {
            return (0, 0);
        }
        if self.moved.is_empty() {
            return (start + self.stripped, end + self.stripped);
        }
        let from = self.moved.partition_point(|&(after, _)| after <= start) - 1;
        let to = self.moved.partition_point(|&(after, _)| after < end);
        let to = to.min(self.moved.len() - 1);
        (
            self.moved[from].1 + self.stripped,
            self.moved[to].1 + self.stripped,
        )
    }
}

/// A text without its outer white space, and the bytes of it that were before.
pub(super) fn strip(text: &str) -> (&str, usize) {
    let start = text.trim_start_matches(is_space);
    (start.trim_end_matches(is_space), text.len() - start.len())
}

/// White space as Python's `str.strip` has it: Unicode's, and four separators of ASCII.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stripping_shifts_places() {
        let given = "\u{3000}\x1c two words \n";
        let (text, stripped) = strip(given);
        let source = Source::new(text, stripped, false);
        assert_eq!(source.text(), "two words");
        let (start, end) = source.original(4, 9);
        assert_eq!(&given[start..end], "words");
        assert_eq!(source.original(0, 0), (0, 0));
    }

    #[test]
    fn lower_casing_that_moves_bytes_is_undone() {
        let given = " İSTANBUL ẞ ΣΑΣ end";
        let (text, stripped) = strip(given);
        let source = Source::new(text, stripped, true);
        assert_eq!(source.text(), "i\u{307}stanbul ß σας end");
        for (lower, original) in [
            ("i\u{307}stanbul", "İSTANBUL"),
            ("ß", "ẞ"),
            ("σας", "ΣΑΣ"),
            ("end", "end"),
        ] {
            let start = source.text().find(lower).unwrap_or(usize::MAX);
            let (from, to) = source.original(start, start + lower.len());
            assert_eq!(&given[from..to], original);
        }
    }
}
