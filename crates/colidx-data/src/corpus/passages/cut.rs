//! Where to cut a text that is too long for one passage.

use super::length::{Meter, PassageLength};

/// What a text is, as far as the best place for a cut depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Sentences, or else lines, whose indentation means nothing.
    Prose,
    /// Text of a plain text file, which may be code: as prose, but indentation is kept.
    Lines,
    /// Code: lines, blank lines and indentation.
    Code,
}

/// Where to cut a text that is longer than `limit`, so that the part in front is not; `None` when
/// the text is short enough. In the second half of what fits (in code behind the first quarter),
/// the best place counts: the end of a sentence in prose, a blank line or the least indented line
/// in code. Else it is a line end where lines matter, white space, or any place. Reads no further
/// than the limit.
pub(super) fn cut(text: &str, length: &PassageLength, limit: usize, style: Style) -> Option<usize> {
    let mut meter = Meter::new(length, text);
    let mut places = Places::default();
    let mut after_sentence = false;
    for (at, char) in text.char_indices() {
        let before = meter.total();
        meter.add(at, char);
        if meter.total() > limit {
            let place = places.best(text, style).unwrap_or(at);
            // A single piece can be too long by itself, and something has to come off.
            let place = if place > 0 { place } else { meter.piece_end };
            return Some(place).filter(|&place| place < text.len());
        }
        let end = at + char.len_utf8();
        let second_half = meter.total() * 2 >= limit;
        if char.is_whitespace() && before > 0 {
            places.space = Some(end);
            if char == '\n' {
                places.line = Some(end);
                // A declaration that fits whole is worth a short passage in front of it.
                let early = if style == Style::Code { 4 } else { 2 };
                if before * early >= limit {
                    places.add_line(text, end);
                }
            }
            if after_sentence && before * 2 >= limit {
                places.sentence = Some(end);
            }
        }
        after_sentence = match char {
            '.' | '!' | '?' => true,
            '"' | '\'' | ')' | ']' | '\u{201D}' | '\u{2019}' => after_sentence,
            '。' | '！' | '？' => {
                if second_half {
                    places.sentence = Some(end);
                }
                false
            }
            _ => false,
        };
    }
    None
}

/// The places found so far where a text can be cut.
#[derive(Default)]
struct Places {
    space: Option<usize>,
    line: Option<usize>,
    /// The end of a sentence in the second half.
    sentence: Option<usize>,
    /// The line in the second half that is best to begin with, and how bad it is.
    begin: Option<(usize, usize)>,
}

impl Places {
    fn best(&self, text: &str, style: Style) -> Option<usize> {
        let begin = self.begin.map(|(place, _)| place);
        match style {
            // In prose, indentation stays with the text before the cut.
            Style::Prose => self
                .sentence
                .or(begin.map(|at| behind_space(text, at)))
                .or(self.space),
            Style::Lines => self.sentence.or(begin).or(self.space),
            Style::Code => begin.or(self.line).or(self.space),
        }
    }

    /// Takes note of a line that begins at `at`. The last of equally good ones counts.
    fn add_line(&mut self, text: &str, at: usize) {
        let badness = badness(text, at);
        if self.begin.is_none_or(|(_, least)| badness <= least) {
            self.begin = Some((at, badness));
        }
    }
}

fn behind_space(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start().len()
}

/// How bad a line is to begin a passage of code with: not at all behind a blank line, else the more
/// it is indented; and worst of all if it only closes what is open.
fn badness(text: &str, at: usize) -> usize {
    /// Indentation that is looked at: enough for any code, and bounded.
    const INDENTATION: usize = 256;
    let before = text[..at].trim_end_matches('\n').len();
    let behind_blank = at - before > 1;
    let mut rest = text[at..].chars();
    let mut indentation = 0;
    let first = rest.find(|&char| {
        let space = matches!(char, ' ' | '\t') && indentation < INDENTATION;
        indentation += usize::from(space);
        !space
    });
    let closes = matches!(first, Some('}' | ')' | ']' | '`' | '~'));
    match first {
        // The blank line itself: what comes behind it is the place.
        None | Some('\n') => INDENTATION,
        Some(_) if closes => 2 * INDENTATION,
        Some(_) if behind_blank => indentation,
        Some(_) => indentation + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, limit: usize, code: bool) -> Option<usize> {
        let style = if code { Style::Code } else { Style::Prose };
        super::cut(text, &PassageLength::words(limit), limit, style)
    }

    #[test]
    fn prose_is_cut_behind_sentences() {
        let text = "One two. Three four (five). Six seven eight nine ten.";
        assert_eq!(cut(text, 10, false), None);
        let at = cut(text, 7, false).unwrap();
        assert_eq!(&text[at..], "Six seven eight nine ten.");
        // The only sentence end lies in the first half: cut at white space.
        let text = "One. Two three four five six seven eight";
        assert_eq!(
            &text[..cut(text, 7, false).unwrap()],
            "One. Two three four five six seven "
        );
        let text = "これは文です。これも文です。";
        assert_eq!(&text[..cut(text, 10, false).unwrap()], "これは文です。");
    }

    #[test]
    fn code_is_cut_at_lines_and_runs_anywhere() {
        let text = "let a = 1;\nlet b = 2;\nlet c = 3;";
        assert_eq!(
            &text[..cut(text, 9, true).unwrap()],
            "let a = 1;\nlet b = 2;\n"
        );
        let text = "x".repeat(100);
        assert_eq!(cut(&text, 3, false), Some(36));
        assert_eq!(cut(&text, 3, true), Some(36));
        assert_eq!(cut("é".repeat(13).as_str(), 1, false), Some(24));
        // Space in front of a long run is no place to cut: nothing would be gained.
        assert_eq!(cut(&format!("  {text}"), 3, false), Some(38));
    }

    #[test]
    fn code_is_cut_where_something_begins() {
        let front = |text: &str, limit| {
            let at = cut(text, limit, true).unwrap();
            text[..at].to_owned()
        };
        // Behind a blank line.
        let text = "fn a() {\n    one();\n}\n\nfn b() {\n    two();\n    three();\n}\n";
        assert_eq!(front(text, 9), "fn a() {\n    one();\n}\n\n");
        // At a declaration, not inside of one, and not in front of what closes it.
        let text = "def a():\n    one()\n    two()\ndef b():\n    three()\n    four()\n";
        assert_eq!(front(text, 7), "def a():\n    one()\n    two()\n");
        let text = "if a {\n  one();\n  two();\n  three();\n}\nnext();\n";
        assert_eq!(front(text, 6), "if a {\n  one();\n  two();\n");
        // Not so early that most of the room is lost.
        let text = "a\n\n  b b b\n  c c c\n  d d d\n";
        assert_eq!(front(text, 8), "a\n\n  b b b\n  c c c\n");
    }

    #[test]
    fn unknown_text_is_cut_at_lines_before_words() {
        let cut = |text: &str, limit| {
            let at = super::cut(text, &PassageLength::words(limit), limit, Style::Lines);
            text[..at.unwrap()].to_owned()
        };
        assert_eq!(cut("a b c\nd e f\ng h i", 7), "a b c\nd e f\n");
        assert_eq!(cut("a b c d.\ne f g\nh i", 8), "a b c d.\n");
        assert_eq!(cut("a\nb c d e f g h", 6), "a\nb c d e f ");
    }

    #[test]
    fn a_word_of_too_many_tokens_comes_off_alone() {
        let length = PassageLength::tokens(2, std::sync::Arc::new(str::len));
        let cut = |text| super::cut(text, &length, 2, Style::Prose);
        assert_eq!(cut("long words"), Some(4));
        assert_eq!(cut(" words"), Some(1));
        assert_eq!(cut("words"), None);
        assert_eq!(cut("a long"), Some(2));
    }
}
