//! A text as a row of words, each with what it gave to the score.

use std::ops::Range;

use colidx::text::TokenWeight;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::output::harmless::is_hostile;

/// What stands before a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// Nothing: the word is glued to the one before it.
    None,
    /// Nothing, but a line may break here, as it may between ideographs.
    Break,
    /// White space.
    Space,
    /// At least one line break.
    Line,
    /// A blank line, or the beginning of the text.
    Paragraph,
}

impl Gap {
    /// Columns it takes within a line.
    pub fn width(self) -> usize {
        match self {
            Gap::None | Gap::Break => 0,
            Gap::Space | Gap::Line | Gap::Paragraph => 1,
        }
    }
}

/// A word, or a run of punctuation, as Unicode divides text (UAX #29).
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    /// Byte range in the text.
    pub span: Range<usize>,
    /// The largest weight of its tokens, since a tokenizer may split a word.
    pub weight: f32,
    /// Columns it takes.
    pub width: usize,
    /// What stands before it.
    pub gap: Gap,
}

/// Divides `text` into words and gives each the weight of its tokens.
///
/// Tokens must be in order. Empty spans (markers) and spans outside the text are ignored.
pub fn words(text: &str, tokens: &[TokenWeight]) -> Vec<Word> {
    let mut words = Vec::new();
    let mut gap = Gap::Paragraph;
    for (start, segment) in text.split_word_bound_indices() {
        if segment.chars().all(char::is_whitespace) {
            gap = wider(gap, segment);
            continue;
        }
        if gap == Gap::None && is_wide(segment) {
            gap = Gap::Break;
        }
        words.push(Word {
            span: start..start + segment.len(),
            weight: 0.0,
            width: segment.width(),
            gap,
        });
        gap = Gap::None;
    }
    let mut at = 0;
    for token in tokens.iter().filter(|token| !token.span.is_empty()) {
        // SentencePiece tokens begin with the space before the word.
        let blank = text
            .get(token.span.clone())
            .map_or(0, |t| t.len() - t.trim_start().len());
        let start = token.span.start + blank;
        while words
            .get(at)
            .is_some_and(|word: &Word| word.span.end <= start)
        {
            at += 1;
        }
        let Some(word) = words.get_mut(at) else { break };
        if word.span.contains(&start) {
            word.weight = word.weight.max(token.weight);
        }
    }
    words
}

/// Whether a segment begins with a character of two columns: scripts written without spaces.
fn is_wide(segment: &str) -> bool {
    segment.chars().next().and_then(UnicodeWidthChar::width) == Some(2)
}

/// Words between which no line may break, in order; none is empty.
pub fn groups(words: &[Word]) -> impl Iterator<Item = &[Word]> {
    words.chunk_by(|_, word| word.gap == Gap::None)
}

fn wider(gap: Gap, segment: &str) -> Gap {
    match (gap, segment.matches('\n').count()) {
        (Gap::Paragraph, _) | (Gap::Line, 1..) | (_, 2..) => Gap::Paragraph,
        (Gap::Line, _) | (_, 1) => Gap::Line,
        _ => Gap::Space,
    }
}

/// `text` with tabs and hostile characters replaced by one space per byte; line feeds stay.
///
/// Byte offsets stay valid.
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\t' || is_hostile(c) {
            out.extend(std::iter::repeat_n(' ', c.len_utf8()));
        } else {
            out.push(c);
        }
    }
    out
}

/// `text` cleaned, on one line, with single spaces.
pub fn one_line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(span: Range<usize>, weight: f32) -> TokenWeight {
        TokenWeight { span, weight }
    }

    #[test]
    fn pieces_of_a_word_are_one_word_again() {
        let text = "unbelievable, yes";
        let words = words(
            text,
            &[
                token(0..0, 9.0),
                token(0..2, 1.0),
                token(2..9, 2.0),
                token(9..12, 4.0),
                token(14..17, 0.5),
            ],
        );
        let seen: Vec<_> = words
            .iter()
            .map(|w| (&text[w.span.clone()], w.weight, w.gap))
            .collect();
        assert_eq!(
            seen,
            [
                ("unbelievable", 4.0, Gap::Paragraph),
                (",", 0.0, Gap::None),
                ("yes", 0.5, Gap::Space)
            ]
        );
    }

    #[test]
    fn a_token_that_begins_with_a_space_belongs_to_its_word() {
        let words = words("the map", &[token(0..3, 1.0), token(3..7, 2.0)]);
        assert_eq!(
            words.iter().map(|w| w.weight).collect::<Vec<_>>(),
            [1.0, 2.0]
        );
    }

    #[test]
    fn line_breaks_and_blank_lines_are_told_apart() {
        let gaps: Vec<_> = words("a b\nc\n\nd\n \n e", &[])
            .iter()
            .map(|w| w.gap)
            .collect();
        assert_eq!(
            gaps,
            [
                Gap::Paragraph,
                Gap::Space,
                Gap::Line,
                Gap::Paragraph,
                Gap::Paragraph
            ]
        );
    }

    #[test]
    fn wide_characters_take_two_columns() {
        let words = words("日本 é", &[]);
        assert_eq!(words.iter().map(|w| w.width).collect::<Vec<_>>(), [2, 2, 1]);
    }

    #[test]
    fn spans_outside_the_text_are_harmless() {
        words("ab", &[token(5..9, 1.0)]);
        words("é", &[token(1..2, 1.0)]);
        assert!(words("", &[token(0..3, 1.0)]).is_empty());
    }

    #[test]
    fn escapes_are_taken_out_and_offsets_kept() {
        let text = "a\x1b[31mb\u{9b}c\u{202e}d\te\nf";
        let cleaned = clean(text);
        assert_eq!(cleaned, "a [31mb  c   d e\nf");
        assert_eq!(cleaned.len(), text.len());
        assert_eq!(one_line(text), "a [31mb c d e f");
    }
}
