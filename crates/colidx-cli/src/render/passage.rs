//! The part of a document that earned most of its score.

use std::ops::Range;

use super::text::{Gap, Word, groups};

/// Bonus for beginning at a sentence, as a fraction of the total weight.
const SENTENCE_BONUS: f32 = 0.06;

/// The range of words with the most weight that fits into `columns`. Of equal ranges it is the
/// middle one, so that highlighted words have context on both sides.
///
/// A window begins where a line may break, preferably at a sentence. Without any weight it is the
/// beginning of the text. `text` is what the words' spans index.
pub fn best_window(text: &str, words: &[Word], columns: usize) -> Range<usize> {
    let groups: Vec<Group> = measure(words);
    let total: f32 = groups.iter().map(|group| group.weight).sum();
    // Sums over the same weights in another order differ by rounding.
    let equal = 1e-5 * total;
    let mut best: Vec<Range<usize>> = Vec::new();
    let mut best_worth = f32::NEG_INFINITY;
    let (mut end, mut width, mut weight) = (0, 0, 0.0);
    for (start, first) in groups.iter().enumerate() {
        // The space before the first word is not shown.
        let free = words[first.words.start].gap.width();
        while let Some(group) = groups.get(end)
            && (end == start || width + group.width <= columns + free)
        {
            width += group.width;
            weight += group.weight;
            end += 1;
        }
        let mut worth = weight;
        if begins_sentence(text, words, first.words.start) {
            worth += SENTENCE_BONUS * total;
        }
        if worth > best_worth + equal {
            best_worth = worth;
            best.clear();
        }
        if worth >= best_worth - equal {
            best.push(first.words.start..groups[end - 1].words.end);
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

/// Words between which no line may break.
struct Group {
    words: Range<usize>,
    /// Columns with the space before it.
    width: usize,
    weight: f32,
}

fn measure(words: &[Word]) -> Vec<Group> {
    let mut at = 0;
    let measured = groups(words).map(|group| {
        let start = at;
        at += group.len();
        Group {
            words: start..at,
            width: group[0].gap.width() + group.iter().map(|word| word.width).sum::<usize>(),
            weight: group.iter().map(|word| word.weight.max(0.0)).sum(),
        }
    });
    measured.collect()
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
    use super::super::text::words;
    use super::*;
    use colidx::text::TokenWeight;

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
    fn a_window_ends_where_a_line_may_break() {
        assert_eq!(window("a Cas-mediated cut", &[], 8), "a");
        assert_eq!(window("東京都に住む", &[("都", 1.0)], 4), "都に");
    }

    #[test]
    fn no_words_give_an_empty_window() {
        assert_eq!(best_window("", &[], 80), 0..0);
    }
}
