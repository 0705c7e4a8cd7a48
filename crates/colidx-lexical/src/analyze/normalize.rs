//! One spelling for each word.

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

/// Longest term, in bytes. Of a longer word the rest is ignored, in documents and queries alike.
pub const MAX_TERM: usize = 255;

/// Replaces `out` by the word in form NFKC and lower case, cut to [`MAX_TERM`] bytes before and
/// after.
///
/// Letter by letter, as Lucene: a final sigma is not special.
pub(super) fn normalize(word: &str, out: &mut String) {
    out.clear();
    let word = cut(word);
    if word.is_ascii() {
        out.push_str(word);
        out.make_ascii_lowercase();
        return;
    }
    if is_nfkc_quick(word.chars()) == IsNormalized::Yes {
        out.extend(word.chars().flat_map(char::to_lowercase));
    } else {
        out.extend(word.nfkc().flat_map(char::to_lowercase));
    }
    out.truncate(cut(out).len());
}

pub(super) fn cut(word: &str) -> &str {
    &word[..word.floor_char_boundary(MAX_TERM)]
}

/// The word without a possessive `'s`.
pub(super) fn without_possessive(word: &str) -> &str {
    let Some(rest) = word.strip_suffix(['s', 'S']) else {
        return word;
    };
    rest.strip_suffix(['\'', '\u{2019}', '\u{FF07}'])
        .unwrap_or(word)
}

/// Lucene's English stop words, in order.
const STOP_WORDS: [&str; 33] = [
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it",
    "no", "not", "of", "on", "or", "such", "that", "the", "their", "then", "there", "these",
    "they", "this", "to", "was", "will", "with",
];

pub(super) fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.binary_search(&word).is_ok()
}
