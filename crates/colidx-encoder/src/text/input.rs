//! The text that the tokenizer sees, and the way back to the text that was given.

use std::borrow::Cow;

use super::config::Side;
use super::cut::{MAX_CHARACTER_BYTES, clip};

/// A text behind its prompt.
pub(super) struct PromptedText<'a> {
    prompt: &'a str,
    text: &'a str,
    /// Bytes stripped before the text.
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

    /// Without the outer white space of both together.
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

    /// Both, one behind the other. Behind a prompt, what lies more than `most` bytes from the side that is kept is left out.
    pub(super) fn whole(&self, cut: Side, most: usize) -> Cow<'a, str> {
        if self.prompt.is_empty() {
            return Cow::Borrowed(self.text);
        }
        // A character more, so that what is cut to whole characters still is as long.
        let text = clip(self.text, most.saturating_add(MAX_CHARACTER_BYTES), cut);
        Cow::Owned(format!("{}{text}", self.prompt))
    }
}

/// A part of a text behind its prompt, perhaps lower-cased.
pub(super) struct TokenizerInput<'a> {
    text: Cow<'a, str>,
    /// Bytes of the prompt in it.
    prompt: usize,
    /// Bytes of the given text before that part of it.
    before: usize,
    /// Where each character of the lower-cased text begins and where it did before, when lower-casing moved any.
    moved: Vec<(usize, usize)>,
}

impl<'a> TokenizerInput<'a> {
    /// For the `part` of what was `given` that is left when the side `cut` is.
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
        let (start, end) = self.before_lowering(start, end);
        if end <= self.prompt {
            return (0, 0);
        }
        (
            start.saturating_sub(self.prompt) + self.before,
            end - self.prompt + self.before,
        )
    }

    /// The same in the text before it was lower-cased.
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

/// White space as Python's `str.strip` has it: Unicode's, and four separators of ASCII.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: usize = usize::MAX;

    #[test]
    fn stripping_shifts_places() {
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
    fn a_prompt_has_no_place_in_the_text() {
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
    fn prompt_and_text_are_stripped_as_one() {
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
    fn a_part_knows_where_it_lies() {
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
    fn lower_casing_that_moves_bytes_is_undone() {
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
