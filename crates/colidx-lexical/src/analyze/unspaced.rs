//! Scripts written without spaces between words: runs become overlapping pairs of letters.

use std::ops::Range;

/// Whether words of the letter's script are not separated by spaces, or hardly ever alone (Hangul).
pub(super) fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c),
        0x0E00..=0x0EFF      // Thai, Lao
        | 0x1000..=0x109F    // Myanmar
        | 0x1100..=0x11FF    // Hangul Jamo
        | 0x1780..=0x17FF    // Khmer
        | 0x2E80..=0x2FDF    // Han radicals
        | 0x3005 | 0x3007
        | 0x3041..=0x30FF    // Hiragana, Katakana
        | 0x3130..=0x318F    // Hangul compatibility Jamo
        | 0x31F0..=0x31FF    // Katakana extensions
        | 0x3400..=0x4DBF | 0x4E00..=0x9FFF // Han
        | 0xA960..=0xA97F | 0xAC00..=0xD7FF // Hangul
        | 0xF900..=0xFAFF    // Han
        | 0xFF66..=0xFF9F    // half-width Katakana
        | 0x20000..=0x3FFFF  // Han
    )
}

/// Calls `visit` with every maximal part of a word that is all unspaced, or all other. Marks belong
/// to the letter before.
pub(super) fn parts(text: &str, word: Range<usize>, mut visit: impl FnMut(Range<usize>, bool)) {
    let mut start = word.start;
    let mut unspaced = None;
    for (at, c) in text[word.clone()].char_indices() {
        if !c.is_alphanumeric() && unspaced.is_some() {
            continue;
        }
        let is = is_unspaced(c);
        if unspaced.is_some_and(|before| before != is) {
            visit(start..word.start + at, !is);
            start = word.start + at;
        }
        unspaced = Some(is);
    }
    if let Some(unspaced) = unspaced {
        visit(start..word.end, unspaced);
    }
}

/// Calls `visit` with the range of every pair of adjacent letters, or with all of a run of
/// one letter. Marks belong to the letter before.
pub(super) fn pairs(text: &str, run: Range<usize>, mut visit: impl FnMut(Range<usize>)) {
    let letters = text[run.clone()]
        .char_indices()
        .filter(|&(at, c)| at == 0 || c.is_alphanumeric())
        .map(|(at, _)| run.start + at)
        .skip(1);
    let (mut first, mut second) = (run.start, None);
    for next in letters {
        if let Some(second) = second {
            visit(first..next);
            first = second;
        }
        second = Some(next);
    }
    visit(first..run.end);
}
