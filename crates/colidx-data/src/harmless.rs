//! Escapes characters that a terminal would act on instead of showing them.
//!
//! A key, a title, a path or the name of a checkpoint may come from anyone. None may move the
//! cursor, recolour the screen, set the clipboard, reverse the words around it or begin a line of
//! its own.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether a character controls the terminal, the text direction or the lines around it.
/// Line feeds and tabs are for the caller to judge.
pub fn is_hostile(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        // Marks, embeddings, overrides and isolates of direction; separators of lines and
        // paragraphs.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            true
        }
        c => c.is_control(),
    }
}

/// `text` with every hostile character written out, as in `\u{1b}`. Lines stay lines.
pub fn lines(text: &str) -> Cow<'_, str> {
    escape(text, is_hostile)
}

/// As [`lines()`], for what must stay one line: line feeds are written out too.
pub fn line(text: &str) -> Cow<'_, str> {
    escape(text, |c| c == '\n' || is_hostile(c))
}

/// JSON with every hostile character in its strings escaped: it parses to the same.
pub fn json(json: String) -> String {
    if !json.contains(is_hostile) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        if is_hostile(c) {
            // All of them are of the first plane, so that four digits do. Writing to a String
            // cannot fail.
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

fn escape(text: &str, hostile: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&hostile) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' if hostile(c) => out.push_str("\\n"),
            c if hostile(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_acts_on_a_terminal_is_written_out() {
        assert_eq!(lines("a\x1b[31m\u{9b}\x7f"), "a\\u{1b}[31m\\u{9b}\\u{7f}");
        assert_eq!(
            lines("a\r\n\tb\u{202e}\u{2028}"),
            "a\\u{d}\n\tb\\u{202e}\\u{2028}"
        );
        assert_eq!(line("one\ntwo"), "one\\ntwo");
        assert!(matches!(line("Größe 日本 👩\u{200d}🚀"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn nothing_hostile_is_left_and_json_stays_the_same(text in any::<String>()) {
            prop_assert!(!lines(&text).contains(is_hostile));
            prop_assert!(!line(&text).contains(|c| c == '\n' || is_hostile(c)));
            let hostile = format!("{text}\x1b\u{7f}\u{9b}\u{2028}\u{202e}");
            let printed = json(serde_json::to_string(&hostile).unwrap());
            prop_assert!(!printed.contains(|c: char| c == '\n' || is_hostile(c)));
            prop_assert_eq!(serde_json::from_str::<String>(&printed).unwrap(), hostile);
        }
    }
}
