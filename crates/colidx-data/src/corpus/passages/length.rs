//! How long a passage may be, and what counts.

use std::fmt;
use std::sync::Arc;

use super::headings::{self, shortened};

/// Letters and signs of one run that count as one word: code, links and the like count as several.
const RUN: usize = 12;
/// White space in a row that counts as one word, so that a passage is bounded in bytes too.
const SPACE: usize = 64;
/// Bytes of a run that are handed to a token counter at a time.
const PIECE: usize = 16;

/// Counts a text's tokens as the model does, without the special tokens added to every text.
pub trait TokenCounter: Send + Sync {
    /// The number of tokens of a line or a word.
    fn count(&self, text: &str) -> usize;
}

impl<F: Fn(&str) -> usize + Send + Sync> TokenCounter for F {
    fn count(&self, text: &str) -> usize {
        self(text)
    }
}

/// The most words or tokens that a passage holds.
#[derive(Clone)]
pub(crate) struct PassageLength {
    pub(super) limit: usize,
    counter: Option<Arc<dyn TokenCounter>>,
}

impl PassageLength {
    pub(crate) fn words(limit: usize) -> PassageLength {
        PassageLength {
            limit: limit.max(1),
            counter: None,
        }
    }

    pub(crate) fn tokens(limit: usize, counter: Arc<dyn TokenCounter>) -> PassageLength {
        PassageLength {
            limit: limit.max(1),
            counter: Some(counter),
        }
    }

    /// The part of a passage's length that its title uses. In words, titles are free.
    pub(super) fn of_title(&self, title: &str) -> usize {
        self.counter
            .as_ref()
            .map_or(0, |counter| counter.count(title))
    }

    /// Whether a title leaves half of a passage to its text. In words, it may be as long as a
    /// heading.
    pub(super) fn fits_title(&self, title: &str) -> bool {
        let most = self.limit / 2;
        match &self.counter {
            Some(counter) => counter.count(title) <= most,
            None => self.of(title) <= most.max(headings::LIMIT),
        }
    }

    /// The first words of a title, as many as leave half of a passage to its text.
    pub(super) fn shortened_title(&self, title: &str) -> String {
        shortened(title, |title| self.fits_title(title))
    }

    /// Whether a passage holds a text with its title.
    pub(crate) fn holds(&self, title: &str, text: &str) -> bool {
        // As in a passage, words of a title are free.
        self.of_title(title) + self.of(text) <= self.limit
    }

    pub(super) fn of(&self, text: &str) -> usize {
        let mut count = Count::default();
        self.extend(&mut count, text);
        count.total
    }

    /// Continues a count with more text. Words may continue across the two, tokens do not.
    pub(super) fn extend(&self, count: &mut Count, text: &str) {
        match &self.counter {
            Some(counter) => {
                count.total += counter.count(text);
                text.chars().for_each(|char| count.add_space_char(char));
            }
            None => text.chars().for_each(|char| count.add_word_char(char)),
        }
    }
}

impl fmt::Debug for PassageLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.counter {
            Some(_) => "tokens",
            None => "words",
        };
        write!(f, "{} {unit}", self.limit)
    }
}

/// Words or tokens so far, and the state needed to continue within a word.
#[derive(Debug, Default)]
pub(super) struct Count {
    pub(super) total: usize,
    run: usize,
    space: usize,
}

impl Count {
    /// A run between white space counts one word for each 12 characters begun; a character of a
    /// script without spaces (from U+2E80: Han, Kana, Hangul and so on) counts one word itself.
    fn add_word_char(&mut self, char: char) {
        if char.is_whitespace() {
            self.run = 0;
            self.add_space();
            return;
        }
        self.space = 0;
        if char >= '\u{2E80}' {
            self.total += 1;
        } else {
            self.total += usize::from(self.run == 0);
            self.run = (self.run + 1) % RUN;
        }
    }

    /// Counts white space alone.
    fn add_space_char(&mut self, char: char) {
        if char.is_whitespace() {
            self.add_space();
        } else {
            self.space = 0;
        }
    }

    fn add_space(&mut self) {
        self.space += 1;
        self.total += usize::from(self.space.is_multiple_of(SPACE));
    }
}

/// Counts a text character by character, to find where it passes a limit.
pub(super) struct Meter<'a> {
    length: &'a PassageLength,
    text: &'a str,
    count: Count,
    /// Where the piece ends that was counted last.
    pub(super) piece_end: usize,
}

impl<'a> Meter<'a> {
    pub(super) fn new(length: &'a PassageLength, text: &'a str) -> Meter<'a> {
        Meter {
            length,
            text,
            count: Count::default(),
            piece_end: 0,
        }
    }

    /// The count up to the next character.
    pub(super) fn total(&self) -> usize {
        self.count.total
    }

    /// Counts the character at `at`. Tokens are counted a word at a time, at its first character.
    pub(super) fn add(&mut self, at: usize, char: char) {
        let Some(counter) = &self.length.counter else {
            self.piece_end = at + char.len_utf8();
            return self.count.add_word_char(char);
        };
        if char.is_whitespace() {
            return self.count.add_space();
        }
        self.count.space = 0;
        if at >= self.piece_end {
            let rest = &self.text[at..char_boundary(self.text, at + PIECE)];
            let piece = rest.split(char::is_whitespace).next().unwrap_or(rest);
            self.piece_end = at + piece.len();
            self.count.total += counter.count(piece);
        }
    }
}

/// The last place at or before a byte offset where a character begins.
fn char_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let words = |text: &str| PassageLength::words(1).of(text);
        assert_eq!(words(""), 0);
        assert_eq!(words("  two words \n"), 2);
        assert_eq!(words(&"x".repeat(12)), 1);
        assert_eq!(words(&"x".repeat(13)), 2);
        assert_eq!(words("漢字です"), 4);
        assert_eq!(words("Größe ist wichtig"), 3);
    }

    #[test]
    fn tokens_are_the_callers() {
        let letters = |text: &str| text.chars().filter(|char| char.is_alphabetic()).count();
        let length = PassageLength::tokens(10, Arc::new(letters));
        assert_eq!(length.of("a bc, Größe"), 8);
        assert_eq!(length.of_title("ab"), 2);
        assert!(length.fits_title("ab") && !length.fits_title("a long title"));
        assert_eq!(length.shortened_title("a long title"), "a long");
        let text = "a bc Größe x";
        let mut meter = Meter::new(&length, text);
        let mut totals = Vec::new();
        for (at, char) in text.char_indices() {
            meter.add(at, char);
            totals.push(meter.total());
        }
        assert_eq!(totals, [1, 1, 3, 3, 3, 8, 8, 8, 8, 8, 8, 9]);
    }
}
