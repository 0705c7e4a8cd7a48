//! The part of a text where something is wrong, with carets under it.

use std::borrow::Cow;
use std::fmt::Write;
use std::ops::Range;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Most columns shown of a line, about.
const COLUMNS: usize = 76;

/// Columns of them that come before the place, at most.
const BEFORE: usize = 40;

/// The line where a span begins, or a window of it, and a line of carets under the span. Lines are
/// numbered if the text has several. A span beyond the text is its end.
pub(super) fn excerpt(text: &str, span: &Range<usize>) -> String {
    let text = text.trim_end();
    let start = text.floor_char_boundary(span.start);
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let end = text.floor_char_boundary(span.end).clamp(start, line_end);

    let (left, cut) = window(text[line_start..start].chars().rev(), BEFORE);
    let mut before: String = left.chars().rev().collect();
    if cut {
        before.insert(0, '…');
    }
    let rest = COLUMNS.saturating_sub(before.width()).max(1);
    let (marked, cut) = window(text[start..end].chars(), rest);
    let carets = marked.width().max(1);
    let (after, cut) = match cut {
        true => (String::new(), true),
        false => window(
            text[end..line_end].chars(),
            rest.saturating_sub(marked.width()),
        ),
    };
    let dots = if cut { "…" } else { "" };

    let number = match text.contains('\n') {
        true => (1 + text[..line_start].matches('\n').count()).to_string(),
        false => " ".into(),
    };
    let mut out = format!("{number} | {before}{marked}{after}{dots}\n");
    let margin = number.len();
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "{:margin$} | {:indent$}{:^<carets$}",
        "",
        "",
        "^",
        indent = before.width()
    );
    out
}

/// The first characters that fit into `columns`, and whether others are left.
fn window(chars: impl Iterator<Item = char>, columns: usize) -> (String, bool) {
    let (mut shown, mut width) = (String::new(), 0);
    for (count, c) in chars.map(harmless).enumerate() {
        width += c.width().unwrap_or(0);
        // Combining characters have no width, and there may be any number of them.
        if width > columns || count >= 4 * COLUMNS {
            return (shown, true);
        }
        shown.push(c);
    }
    (shown, false)
}

/// `text` as it may stand in a line of a message: a terminal shows every character.
pub(super) fn one_line(text: &str) -> Cow<'_, str> {
    match text.chars().any(|c| harmless(c) != c) {
        true => text.chars().map(harmless).collect(),
        false => text.into(),
    }
}

/// A space for what ends lines or moves to tab stops, and U+FFFD for other characters that control
/// a terminal or the direction of text.
fn harmless(c: char) -> char {
    match c {
        '\t' | '\n' | '\r' => ' ',
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            '\u{fffd}'
        }
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

/// A text, cut where it is long.
pub(super) fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(BEFORE) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn carets_stand_under_the_place() {
        let cases = [
            ("a = b", 4..5, "  | a = b\n  |     ^"),
            ("a =", 3..3, "  | a =\n  |    ^"),
            ("a =  \n", 3..3, "  | a =\n  |    ^"),
            ("", 0..0, "  | \n  | ^"),
            ("\ta\t= bc", 5..7, "  |  a = bc\n  |      ^^"),
            ("日本 = 言", 9..12, "  | 日本 = 言\n  |        ^^"),
            ("e\u{301}e = b", 7..8, "  | e\u{301}e = b\n  |      ^"),
            ("a\nAND bb\nOR c", 6..8, "2 | a\n2 | AND bb\n  |     ^^"),
            ("a\r\nAND b", 7..8, "2 | AND b\n  |     ^"),
            (
                "a \u{1b}[31m = \u{202e}",
                2..3,
                "  | a \u{fffd}[31m = \u{fffd}\n  |   ^",
            ),
            ("é", 1..1, "  | é\n  | ^"),
            ("a", 70..90, "  | a\n  |  ^"),
        ];
        for (text, span, expected) in cases {
            let expected = expected.replace("2 | a\n2 |", "2 |");
            assert_eq!(excerpt(text, &span), expected, "{text:?}");
        }
    }

    #[test]
    fn a_long_line_is_shown_around_the_place() {
        let text = format!("{} = b {}", "a".repeat(1000), "c".repeat(1000));
        let expected = format!(
            "  | …{} = b {}…\n  | {}^",
            "a".repeat(37),
            "c".repeat(33),
            " ".repeat(41)
        );
        assert_eq!(excerpt(&text, &(1003..1004)), expected);
        let carets = excerpt(&text, &(0..1000));
        assert_eq!(
            carets,
            format!("  | {}…\n  | {}", "a".repeat(76), "^".repeat(76))
        );
        assert!(excerpt(&"\u{301}".repeat(100_000), &(50_000..50_000)).len() < 2000);
    }

    proptest! {
        #[test]
        fn any_span_of_any_text_gives_two_lines(
            text in ".{0,40}|[a\n\t日]{0,300}", a in 0usize..400, b in 0usize..400,
        ) {
            let shown = excerpt(&text, &(a..b));
            prop_assert_eq!(shown.lines().count(), 2);
            prop_assert!(shown.lines().all(|line| line.width() <= COLUMNS + 12));
            let hostile = shown.contains(['\t', '\u{1b}']);
            prop_assert!(!hostile);
        }
    }
}
