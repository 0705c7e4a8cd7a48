//! The part of a document that earned most of its score.

use std::ops::Range;

use super::text::{Gap, Word};

/// Beginning at the first word of a sentence is worth this part of the whole weight.
const SENTENCE_BONUS: f32 = 0.06;

/// The range of words that fits into `columns` and carries the most weight; of equals the middle one, so that what is lit has
/// words on both sides.
///
/// A window may begin wherever a line may break, and rather begins with a sentence. Without any weight it is the beginning.
/// `text` is what the words' spans index.
pub fn best_window(text: &str, words: &[Word], columns: usize) -> Range<usize> {
    let total: f32 = words.iter().map(|word| word.weight.max(0.0)).sum();
    let mut best: Vec<Range<usize>> = Vec::new();
    let mut best_worth = f32::NEG_INFINITY;
    let mut end = 0;
    let mut width = 0;
    let mut weight = 0.0;
    for start in 0..words.len() {
        while end < words.len() && (end == start || width + advance(&words[end]) <= columns) {
            width += if end == start {
                words[end].width
            } else {
                advance(&words[end])
            };
            weight += words[end].weight.max(0.0);
            end += 1;
        }
        if words[start].gap != Gap::None {
            let bonus = if begins_sentence(text, words, start) {
                SENTENCE_BONUS * total
            } else {
                0.0
            };
            let worth = weight + bonus;
            // Sums over the same words in another order differ by rounding.
            let equal = 1e-5 * total;
            if worth > best_worth + equal {
                best_worth = worth;
                best.clear();
            }
            if worth >= best_worth - equal {
                best.push(start..end);
            }
        }
        // Nothing later can hold more once the window has reached the end.
        if end == words.len() {
            break;
        }
        weight -= words[start].weight.max(0.0);
        width -= words[start].width;
        if let Some(next) = words.get(start + 1).filter(|_| end > start + 1) {
            width -= advance(next) - next.width;
        }
    }
    let middle = if total > 0.0 { best.len() / 2 } else { 0 };
    best.get(middle).cloned().unwrap_or(0..0)
}

/// Columns a word takes after another: its own and the space before it.
fn advance(word: &Word) -> usize {
    word.width + usize::from(word.gap != Gap::None)
}

fn begins_sentence(text: &str, words: &[Word], at: usize) -> bool {
    let Some(before) = at.checked_sub(1) else {
        return true;
    };
    words[at].gap == Gap::Paragraph
        || text[words[before].span.clone()].ends_with(['.', '!', '?', '…', '。', '！', '？'])
}

#[cfg(test)]
mod tests {
    use super::super::text::{TokenWeight, words};
    use super::*;

    fn window(text: &str, lit: &[(&str, f32)], columns: usize) -> String {
        let tokens: Vec<TokenWeight> = lit
            .iter()
            .map(|&(word, weight)| {
                let start = text.find(word).expect("the word is in the text");
                TokenWeight {
                    span: start..start + word.len(),
                    weight,
                }
            })
            .collect();
        let words = words(text, &tokens);
        let range = best_window(text, &words, columns);
        text[words[range.start].span.start..words[range.end - 1].span.end].to_owned()
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
        assert_eq!(
            window("tiny enormousword tiny", &[("enormousword", 1.0)], 6),
            "enormousword"
        );
    }

    #[test]
    fn no_words_give_an_empty_window() {
        assert_eq!(best_window("", &[], 80), 0..0);
    }
}
