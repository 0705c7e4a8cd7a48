//! The end of a passage that the next one repeats.

use super::length::PassageLength;

/// Where the end of `text` begins that holds at most `most` words or tokens: rather at a line or a
/// sentence, if that is not much less, else at a word.
pub(super) fn tail(text: &str, length: &PassageLength, most: usize) -> usize {
    let end = text.trim_end().len();
    let (mut word, mut unit) = (end, end);
    let (mut count, mut count_of_unit) = (0, 0);
    let mut from = end;
    while let Some(begin) = last_word(&text[..from]) {
        count += length.of(&text[begin..from]);
        if count > most {
            break;
        }
        (word, from) = (begin, begin);
        if begins_unit(&text[..begin]) {
            (unit, count_of_unit) = (line_start(text, begin), count);
        }
    }
    // A line or sentence alone may be a word or two, where the one before is too long.
    if count_of_unit * 3 >= count.min(most) && unit < end {
        unit
    } else {
        word
    }
}

/// Where the last word begins.
fn last_word(text: &str) -> Option<usize> {
    let trimmed = text.trim_end();
    if trimmed.is_empty() {
        return None;
    }
    let before = trimmed.trim_end_matches(|char: char| !char.is_whitespace());
    Some(before.len())
}

/// Whether a line or a sentence begins behind this.
fn begins_unit(before: &str) -> bool {
    let words = before.trim_end();
    let sentence = words.trim_end_matches(['"', '\'', ')', ']', '\u{201D}', '\u{2019}']);
    words.is_empty() || before[words.len()..].contains('\n') || sentence.ends_with(['.', '!', '?'])
}

/// The beginning of a line whose first word begins here, with its indentation; else the place.
fn line_start(text: &str, place: usize) -> usize {
    let line = text[..place].rfind('\n').map_or(0, |at| at + 1);
    if text[line..place].trim().is_empty() {
        line
    } else {
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_begins_at_a_line_or_sentence_where_it_can() {
        for (text, most, expected) in [
            ("One two. Three four. Five six.", 4, "Three four. Five six."),
            ("One two. Three four. Five six.", 3, "Five six."),
            ("a b\nc d\n    e f\n", 4, "c d\n    e f\n"),
            ("a b\n    c d\n", 3, "    c d\n"),
            ("one two three four five", 2, "four five"),
            ("one two three four. x", 4, "two three four. x"),
            ("one two", 9, "one two"),
            ("one", 0, ""),
            ("", 3, ""),
            ("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 2, ""),
        ] {
            let at = tail(text, &PassageLength::words(9), most);
            assert_eq!(&text[at..], expected, "{text:?} {most}");
        }
    }
}
