//! Words of a text after Unicode Standard Annex 29.

use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation;

/// Calls `visit` with the range of every word, in order.
///
/// A space before ASCII separates words; one before a combining mark or another space may be part
/// of a word. So the text is cut at the former first. Pieces of plain ASCII, which are most, take a
/// short way to the same answer.
pub(super) fn words(text: &str, visit: &mut dyn FnMut(Range<usize>)) {
    let mut start = 0;
    while start < text.len() {
        let piece = &text[start..piece_end(text.as_bytes(), start)];
        if piece.is_ascii() {
            ascii_words(piece.as_bytes(), start, visit);
        } else {
            for (at, word) in piece.unicode_word_indices() {
                visit(start + at..start + at + word.len());
            }
        }
        start += piece.len() + 1;
    }
}

/// Where the next space before ASCII other than a space is, or the text's end.
fn piece_end(text: &[u8], start: usize) -> usize {
    let separates = |&at: &usize| {
        text[at] == b' '
            && text
                .get(at + 1)
                .is_none_or(|next| next.is_ascii() && *next != b' ')
    };
    (start..text.len()).find(separates).unwrap_or(text.len())
}

/// The rules of the annex for ASCII: letters, digits and `_` hold together; `.`, `'` and `:` hold
/// two letters together, and `.`, `'`, `,` and `;` two digits.
fn ascii_words(text: &[u8], offset: usize, visit: &mut dyn FnMut(Range<usize>)) {
    let mut at = 0;
    while at < text.len() {
        if !is_word_byte(text[at]) {
            at += 1;
            continue;
        }
        let start = at;
        let mut has_alphanumeric = false;
        loop {
            has_alphanumeric |= text[at] != b'_';
            match text[at + 1..] {
                [next, ..] if is_word_byte(next) => at += 1,
                [middle, next, ..] if joins(text[at], middle, next) => at += 2,
                _ => break,
            }
        }
        at += 1;
        if has_alphanumeric {
            visit(offset + start..offset + at);
        }
    }
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn joins(before: u8, middle: u8, after: u8) -> bool {
    match middle {
        b'.' | b'\'' => {
            before.is_ascii_alphabetic() && after.is_ascii_alphabetic()
                || before.is_ascii_digit() && after.is_ascii_digit()
        }
        b':' => before.is_ascii_alphabetic() && after.is_ascii_alphabetic(),
        b',' | b';' => before.is_ascii_digit() && after.is_ascii_digit(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str) {
        let mut got = Vec::new();
        words(text, &mut |range| got.push(range));
        let expected: Vec<_> = text
            .unicode_word_indices()
            .map(|(at, word)| at..at + word.len())
            .collect();
        assert_eq!(got, expected, "{text:?}");
    }

    #[test]
    fn a_mark_after_a_space_belongs_to_it() {
        check("e \u{113c8}\u{11924}i a");
        check("a \u{300} b\u{300}  \u{301}c ");
    }

    proptest! {
        #[test]
        fn ascii_is_cut_as_the_annex_says(text in "[a-c0-2_.':,; \t\n\r\"A-]{0,24}") {
            check(&text);
        }

        #[test]
        fn any_text_is_cut_as_the_annex_says(text in "[a1_.' \u{300}é漢字ひカ한ก🇩🇪👩\u{200d}\u{ad}\\PC]{0,24}") {
            check(&text);
        }
    }
}
