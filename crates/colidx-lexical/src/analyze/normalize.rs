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

/// Lucene's English stop words.
pub(super) fn is_stop_word(word: &str) -> bool {
    match word.len() {
        1 => word == "a",
        2 => matches!(
            word,
            "an" | "as"
                | "at"
                | "be"
                | "by"
                | "if"
                | "in"
                | "is"
                | "it"
                | "no"
                | "of"
                | "on"
                | "or"
                | "to"
        ),
        3 => matches!(word, "and" | "are" | "but" | "for" | "not" | "the" | "was"),
        4 => matches!(
            word,
            "into" | "such" | "that" | "then" | "they" | "this" | "will" | "with"
        ),
        5 => matches!(word, "their" | "there" | "these"),
        _ => false,
    }
}
