//! The text that the tokenizer sees, and how its offsets map to the caller's text.

use std::borrow::Cow;

use super::config::Side;
use super::cut::{MAX_CHARACTER_BYTES, clip};

/// A text after its prompt.
pub(super) struct PromptedText<'a> {
    prompt: &'a str,
    text: &'a str,
    /// Bytes stripped from the beginning of the text.
    stripped: usize,
}

impl<'a> PromptedText<'a> {
    pub(super) fn new(prompt: &'a str, text: &'a str) -> PromptedText<'a> {
        PromptedText {
            prompt,
            text,
            stripped: 0,
        }
    }

    /// Strips white space from both ends of prompt and text together.
    pub(super) fn strip(&mut self) {
        self.prompt = self.prompt.trim_start_matches(is_space);
        if self.prompt.is_empty() {
            let text = self.text.trim_start_matches(is_space);
            self.stripped = self.text.len() - text.len();
            self.text = text;
        }
        self.text = self.text.trim_end_matches(is_space);
        if self.text.is_empty() {
            self.prompt = self.prompt.trim_end_matches(is_space);
        }
    }

    /// Prompt and text joined. After a prompt, text more than `most` bytes from the side that is
    /// kept is dropped.
    pub(super) fn whole(&self, cut: Side, most: usize) -> Cow<'a, str> {
        if self.prompt.is_empty() {
            return Cow::Borrowed(self.text);
        }
        // One character more, because cutting at a character boundary may shorten the text.
        let text = clip(self.text, most.saturating_add(MAX_CHARACTER_BYTES), cut);
        Cow::Owned(format!("{}{text}", self.prompt))
    }
}

/// A part of a text after its prompt, perhaps lower-cased.
pub(super) struct TokenizerInput<'a> {
    text: Cow<'a, str>,
    /// Bytes of the prompt in this part.
    prompt: usize,
    /// Bytes of the caller's text before this part.
    before: usize,
    /// The start of each character after and before lower-casing; empty if no character moved.
    moved: Vec<(usize, usize)>,
}

impl<'a> TokenizerInput<'a> {
    /// The input for `part` of `given`, which is what remains after truncation of the side `cut`.
    pub(super) fn new(
        part: &'a str,
        given: &PromptedText<'_>,
        cut: Side,
        lower_case: bool,
    ) -> TokenizerInput<'a> {
        let (prompt, skipped) = match cut {
            Side::Right => (given.prompt.len().min(part.len()), 0),
            Side::Left => (
                part.len().saturating_sub(given.text.len()),
                given.text.len().saturating_sub(part.len()),
            ),
        };
        let mut source = TokenizerInput {
            text: Cow::Borrowed(part),
            prompt,
            before: given.stripped + skipped,
            moved: Vec::new(),
        };
        if lower_case {
            source.lower();
        }
        source
    }

    fn lower(&mut self) {
        let mut positions = Vec::new();
        let (mut before, mut after, mut moves) = (0, 0, false);
        for c in self.text.chars() {
            positions.push((after, before));
            before += c.len_utf8();
            after += c.to_lowercase().map(char::len_utf8).sum::<usize>();
            moves |= before != after;
        }
        positions.push((after, before));
        if moves {
            self.moved = positions;
        }
        self.text = Cow::Owned(self.text.to_lowercase());
    }

    /// The tokenizer's input.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The byte range in the caller's text for bytes `start..end` of [`text`](Self::text); (0, 0)
    /// for an empty range and for the prompt.
    pub(super) fn original(&self, start: usize, end: usize) -> (usize, usize) {
        if start >= end {
            return (0, 0);
        }
        let (start, end) = self.before_lowering(start, end);
        if end <= self.prompt {
            return (0, 0);
        }
        (
            start.saturating_sub(self.prompt) + self.before,
            end - self.prompt + self.before,
        )
    }

    /// The byte range before lower-casing.
    fn before_lowering(&self, start: usize, end: usize) -> (usize, usize) {
        if self.moved.is_empty() {
            return (start, end);
        }
        let from = self.moved.partition_point(|&(after, _)| after <= start) - 1;
        let to = self.moved.partition_point(|&(after, _)| after < end);
        let to = to.min(self.moved.len() - 1);
        (self.moved[from].1, self.moved[to].1)
    }
}

/// White space as Python's `str.strip` defines it: Unicode's, and four ASCII separators.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: usize = usize::MAX;

    #[test]
    fn stripping_shifts_offsets() {
        let text = "\u{3000}\x1c two words \n";
        let mut given = PromptedText::new("", text);
        given.strip();
        let whole = given.whole(Side::Right, ALL);
        let source = TokenizerInput::new(&whole, &given, Side::Right, false);
        assert_eq!(source.text(), "two words");
        let (start, end) = source.original(4, 9);
        assert_eq!(&text[start..end], "words");
        assert_eq!(source.original(0, 0), (0, 0));
    }

    #[test]
    fn a_prompt_has_no_offsets() {
        let mut given = PromptedText::new("query: ", " Words ");
        given.strip();
        for side in [Side::Right, Side::Left] {
            let whole = given.whole(side, ALL);
            let source = TokenizerInput::new(&whole, &given, side, true);
            assert_eq!(source.text(), "query:  words");
            assert_eq!(source.original(0, 6), (0, 0));
            assert_eq!(source.original(8, 13), (1, 6));
            assert_eq!(source.original(6, 13), (0, 6), "a token may be of both");
        }
    }

    #[test]
    fn prompt_and_text_are_stripped_together() {
        for (prompt, text) in [
            ("query: ", "  "),
            (" \t", " a b "),
            (" q ", " a "),
            (" ", " "),
        ] {
            let mut given = PromptedText::new(prompt, text);
            given.strip();
            let both = format!("{prompt}{text}");
            assert_eq!(given.whole(Side::Right, ALL), both.trim());
            if let Some(at) = text.find('a') {
                assert_eq!(given.stripped + given.text.find('a').unwrap(), at);
            }
        }
    }

    #[test]
    fn a_part_has_offsets_in_the_whole_text() {
        let given = PromptedText::new("query: ", "some words at the end");
        let whole = given.whole(Side::Left, 6);
        assert_eq!(whole, "query: at the end");
        let source = TokenizerInput::new(&whole[whole.len() - 7..], &given, Side::Left, false);
        assert_eq!(source.original(0, 3), (14, 17));
        let whole = given.whole(Side::Right, 6);
        assert_eq!(whole, "query: some words");
        let source = TokenizerInput::new(&whole[..11], &given, Side::Right, false);
        assert_eq!(source.original(7, 11), (0, 4));
    }

    #[test]
    fn offsets_survive_lower_casing_that_moves_bytes() {
        let given = " İSTANBUL ẞ ΣΑΣ end";
        let mut stripped = PromptedText::new("", given);
        stripped.strip();
        let whole = stripped.whole(Side::Right, ALL);
        let source = TokenizerInput::new(&whole, &stripped, Side::Right, true);
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
