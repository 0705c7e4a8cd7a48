//! The text that the tokenizer sees, and the way back to the text that was given.

use std::borrow::Cow;

/// A text behind its prompt, perhaps stripped of outer white space and lower-cased.
pub(super) struct Source<'a> {
    text: Cow<'a, str>,
    /// Bytes of the prompt.
    prompt: usize,
    /// Bytes stripped at the beginning.
    stripped: usize,
    /// Where each character of the lower-cased text begins and where it did before, when lower-casing moved any.
    moved: Vec<(usize, usize)>,
}

impl<'a> Source<'a> {
    pub(super) fn new(prompt: &str, given: &'a str, strip: bool, lower_case: bool) -> Source<'a> {
        let (mut text, mut stripped) = (Cow::Borrowed(given), 0);
        if !prompt.is_empty() {
            text = Cow::Owned(format!("{prompt}{given}"));
        }
        if strip {
            stripped = text.len() - text.trim_start_matches(is_space).len();
            text = match text {
                Cow::Borrowed(text) => Cow::Borrowed(text.trim_matches(is_space)),
                Cow::Owned(text) => Cow::Owned(text.trim_matches(is_space).to_owned()),
            };
        }
        let mut source = Source {
            text,
            prompt: prompt.len(),
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

    /// The bytes of the given text that bytes `start..end` of [`text`](Self::text) come from; (0, 0) for no bytes, and for
    /// those of the prompt.
    pub(super) fn original(&self, start: usize, end: usize) -> (usize, usize) {
        if start >= end {
            return (0, 0);
        }
        let (start, end) = self.with_prompt(start, end);
        if end <= self.prompt {
            return (0, 0);
        }
        (start.saturating_sub(self.prompt), end - self.prompt)
    }

    /// The same in the prompt and the given text, one behind the other.
    fn with_prompt(&self, start: usize, end: usize) -> (usize, usize) {
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

/// White space as Python's `str.strip` has it: Unicode's, and four separators of ASCII.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stripping_shifts_places() {
        let source = Source::new("", "\u{3000}\x1c two words \n", true, false);
        assert_eq!(source.text(), "two words");
        let (start, end) = source.original(4, 9);
        assert_eq!(&"\u{3000}\x1c two words \n"[start..end], "words");
        assert_eq!(source.original(0, 0), (0, 0));
    }

    #[test]
    fn a_prompt_has_no_place_in_the_text() {
        let source = Source::new("query: ", " Words ", true, true);
        assert_eq!(source.text(), "query:  words");
        assert_eq!(source.original(0, 6), (0, 0));
        assert_eq!(source.original(8, 13), (1, 6));
        assert_eq!(source.original(6, 13), (0, 6), "a token may be of both");
        assert_eq!(Source::new("query: ", "  ", true, false).text(), "query:");
    }

    #[test]
    fn lower_casing_that_moves_bytes_is_undone() {
        let given = " İSTANBUL ẞ ΣΑΣ end";
        let source = Source::new("", given, true, true);
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
