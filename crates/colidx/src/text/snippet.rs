//! The part of a text that gave most to the score.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::highlight::TokenWeight;
use super::span::{Span, Spans};

/// Bonus for beginning at a sentence, as a fraction of the total weight.
const SENTENCE_BONUS: f32 = 0.06;

/// Tokens with less of the brightest one's weight than this did not match.
const LEAST_SHARE: f32 = 0.01;

/// The best passage of a text, and what its words gave.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Snippet {
    /// The passage.
    pub text: String,
    /// Where it is in the whole text.
    pub span: Span,
    /// Its highlighted words, in order.
    pub words: Vec<SnippetWord>,
}

/// A highlighted word of a snippet.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct SnippetWord {
    /// Where it is in the whole text.
    pub span: Span,
    /// How much it is to stand out.
    pub weight: f32,
}

impl Snippet {
    /// The passage of `text` of at most `columns` columns with the most weight of `tokens`.
    pub(super) fn new(text: &str, tokens: &[TokenWeight], columns: usize) -> Snippet {
        let bytes = best_window(text, tokens, columns);
        let brightest = tokens.iter().map(|token| token.weight).fold(0.0, f32::max);
        let inside = |token: &&TokenWeight| {
            let (start, end) = (word_start(text, &token.span), token.span.end);
            token.weight > LEAST_SHARE * brightest
                && bytes.start <= start
                && start < end
                && end <= bytes.end
        };
        let mut spans = Spans::new(text);
        let words = tokens.iter().filter(inside).map(|token| SnippetWord {
            span: spans.span(word_start(text, &token.span)..token.span.end),
            weight: token.weight,
        });
        Snippet {
            text: text[bytes.clone()].to_owned(),
            words: words.collect(),
            span: spans.span(bytes),
        }
    }
}

/// The bytes of the passage with the most weight that fits into `columns`. Of equal passages it is
/// the middle one, so that highlighted words have context on both sides.
///
/// A passage begins where a line may break, preferably at a sentence. Without any weight it is the
/// beginning of the text. A group wider than `columns` is shown alone.
fn best_window(text: &str, tokens: &[TokenWeight], columns: usize) -> Range<usize> {
    let groups = groups(text, tokens);
    let total: f32 = groups.iter().map(|group| group.weight).sum();
    // Sums over the same weights in another order differ by rounding.
    let equal = 1e-5 * total;
    let mut best: Vec<Range<usize>> = Vec::new();
    let mut best_worth = f32::NEG_INFINITY;
    let (mut end, mut width, mut weight) = (0, 0, 0.0);
    for (start, first) in groups.iter().enumerate() {
        while let Some(group) = groups.get(end)
            // The space before the first word is not shown.
            && (end == start || width + group.width <= columns + first.gap)
        {
            width += group.width;
            weight += group.weight;
            end += 1;
        }
        let mut worth = weight;
        if first.begins_sentence {
            worth += SENTENCE_BONUS * total;
        }
        if worth > best_worth + equal {
            best_worth = worth;
            best.clear();
        }
        if worth >= best_worth - equal {
            best.push(first.span.start..groups[end - 1].span.end);
        }
        // Nothing later can hold more once the window has reached the end.
        if end == groups.len() {
            break;
        }
        width -= first.width;
        weight -= first.weight;
    }
    let middle = if total > 0.0 { best.len() / 2 } else { 0 };
    best.get(middle).cloned().unwrap_or(0..0)
}

/// Text in which no line may break.
struct Group {
    span: Range<usize>,
    /// Columns with the space before it.
    width: usize,
    /// Columns of that space.
    gap: usize,
    /// What its words gave; of the tokens of a word the one that gave most counts.
    weight: f32,
    begins_sentence: bool,
}

fn groups(text: &str, tokens: &[TokenWeight]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut tokens = tokens
        .iter()
        .filter(|token| !token.span.is_empty())
        .peekable();
    // Line breaks and white space since the last word.
    let (mut lines, mut blank) = (2, true);
    for (start, segment) in text.split_word_bound_indices() {
        if segment.chars().all(char::is_whitespace) {
            lines += segment.matches('\n').count();
            blank = true;
            continue;
        }
        let end = start + segment.len();
        let mut weight = 0f32;
        while let Some(token) = tokens.next_if(|token| word_start(text, &token.span) < end) {
            weight = weight.max(token.weight);
        }
        let is_wide = segment.chars().next().and_then(UnicodeWidthChar::width) == Some(2);
        match groups.last_mut() {
            Some(group) if !blank && !is_wide => {
                group.span.end = end;
                group.width += segment.width();
                group.weight += weight;
            }
            last => {
                let before = last.map(|group| &text[group.span.clone()]);
                let sentence = before.is_none_or(ends_sentence) || lines > 1;
                let gap = usize::from(blank);
                groups.push(Group {
                    span: start..end,
                    width: gap + segment.width(),
                    gap,
                    weight,
                    begins_sentence: sentence,
                });
            }
        }
        (lines, blank) = (0, false);
    }
    groups
}

/// Where a token's word begins: a tokenizer may take the space before it as a part of it.
fn word_start(text: &str, span: &Range<usize>) -> usize {
    let token = text.get(span.clone()).unwrap_or_default();
    span.start + token.len() - token.trim_start().len()
}

fn ends_sentence(text: &str) -> bool {
    text.ends_with(['.', '!', '?', '…', '。', '！', '？'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snippet(text: &str, lit: &[(&str, f32)], columns: usize) -> Snippet {
        let tokens: Vec<TokenWeight> = lit
            .iter()
            .map(|&(word, weight)| {
                let start = text.find(word).expect("the word is in the text");
                let span = start..start + word.len();
                TokenWeight { span, weight }
            })
            .collect();
        Snippet::new(text, &tokens, columns)
    }

    fn window(text: &str, lit: &[(&str, f32)], columns: usize) -> String {
        snippet(text, lit, columns).text
    }

    #[test]
    fn the_window_holds_the_heaviest_words() {
        let text = "one two three four five six seven eight nine ten";
        assert_eq!(window(text, &[("eight", 3.0)], 20), "six seven eight nine");
        assert_eq!(
            window(text, &[("two", 1.0), ("eight", 3.0), ("nine", 2.0)], 10),
            "eight nine"
        );
        assert_eq!(window(text, &[], 13), "one two three");
        assert_eq!(window(text, &[("one", 1.0)], 1000), text);
    }

    #[test]
    fn the_window_rather_begins_with_a_sentence() {
        let text = "It was cold. A lazy dog slept near the fire all night long.";
        assert_eq!(
            window(text, &[("dog", 2.0), ("fire", 2.0)], 36),
            "A lazy dog slept near the fire all"
        );
    }

    #[test]
    fn a_word_wider_than_the_window_is_shown_alone() {
        let text = "tiny enormousword tiny";
        assert_eq!(window(text, &[("enormousword", 1.0)], 6), "enormousword");
    }

    #[test]
    fn a_window_ends_where_a_line_may_break() {
        assert_eq!(window("a Cas-mediated cut", &[], 8), "a");
        assert_eq!(window("東京都に住む", &[("都", 1.0)], 4), "都に");
    }

    #[test]
    fn no_words_give_an_empty_window() {
        assert_eq!(snippet("", &[], 80), Snippet::default());
        assert_eq!(snippet(" \n ", &[], 80), Snippet::default());
    }

    #[test]
    fn ranges_are_right_beyond_ascii() {
        // Emoji of several code points, combining marks, CJK, right-to-left.
        let text = "👩‍👩‍👧 cafe\u{301} 日本語 שלום عربى end";
        let words = ["cafe\u{301}", "日本", "שלום", "end"];
        let lit: Vec<(&str, f32)> = words.iter().map(|&word| (word, 1.0)).collect();
        let found = snippet(text, &lit, 100);
        assert_eq!(found.text, text);
        let all: Vec<char> = text.chars().collect();
        for (word, found) in words.iter().zip(&found.words) {
            assert_eq!(&text[found.span.bytes.clone()], *word);
            assert_eq!(
                all[found.span.chars.clone()].iter().collect::<String>(),
                *word
            );
        }
        assert_eq!(found.words.len(), words.len());
        assert_eq!(found.span.chars, 0..all.len());
    }
}
