//! Words into lines of a given width.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::style::{Role, Style, shade};
use super::text::{Gap, Word, groups};
use crate::output::Painted;

/// Part of a line in one shade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// What to show.
    pub text: String,
    /// 0 unlit to [`super::style::SHADES`].
    pub shade: u8,
}

/// One line to show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// From left to right.
    pub runs: Vec<Run>,
    width: usize,
}

impl Line {
    fn push(&mut self, text: &str, width: usize, shade: u8) {
        self.width += width;
        match self.runs.last_mut().filter(|run| run.shade == shade) {
            Some(run) => run.text.push_str(text),
            None => self.runs.push(Run {
                text: text.to_owned(),
                shade,
            }),
        }
    }

    /// Columns it takes.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Puts an ellipsis before the first word.
    pub fn open_left(&mut self) {
        self.runs.insert(
            0,
            Run {
                text: "…".to_owned(),
                shade: 0,
            },
        );
        self.width += 1;
    }

    /// Puts an ellipsis after the last word.
    pub fn open_right(&mut self) {
        self.push("…", 1, 0);
    }

    /// The line in the look that `role` gives to each shade.
    pub fn paint(&self, style: &Style, role: fn(u8) -> Role) -> Painted {
        let mut out = Painted::new();
        for run in &self.runs {
            style.push(&mut out, role(run.shade), &run.text);
        }
        out
    }
}

/// Whether line breaks of the text are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaks {
    /// All white space is a space.
    Flow,
    /// Lines of the text begin new lines, and blank lines stay.
    Keep,
}

/// Lays `words` (of `text`) out in lines of at most `columns`, shaded against the weight `largest`.
///
/// Lines break at white space; only a word wider than a line is broken, between graphemes.
pub fn wrap(text: &str, words: &[Word], largest: f32, columns: usize, breaks: Breaks) -> Vec<Line> {
    let columns = columns.max(2);
    let mut lines = vec![Line::default()];
    for (at, group) in groups(words).enumerate() {
        let width: usize = group.iter().map(|word| word.width).sum();
        if at > 0 {
            separate(&mut lines, group[0].gap, width, columns, breaks);
        }
        for word in group {
            let shade = shade(word.weight, largest);
            place(
                &mut lines,
                &text[word.span.clone()],
                word.width,
                shade,
                columns,
            );
        }
    }
    lines
}

/// Makes room for a group of `width` columns: a space, or new lines.
fn separate(lines: &mut Vec<Line>, gap: Gap, width: usize, columns: usize, breaks: Breaks) {
    let used = lines.last().map_or(0, Line::width);
    match (breaks, gap) {
        (Breaks::Keep, Gap::Paragraph) => lines.extend([Line::default(), Line::default()]),
        (Breaks::Keep, Gap::Line) => lines.push(Line::default()),
        _ if used + gap.width() + width > columns && width <= columns => {
            lines.push(Line::default());
        }
        _ if used + gap.width() >= columns => lines.push(Line::default()),
        (_, Gap::None | Gap::Break) => {}
        _ => {
            if let Some(line) = lines.last_mut() {
                line.push(" ", 1, 0);
            }
        }
    }
}

/// Puts a word on the last line, broken between graphemes where it does not fit.
fn place(lines: &mut Vec<Line>, word: &str, width: usize, shade: u8, columns: usize) {
    let fits = lines
        .last()
        .is_some_and(|line| line.width + width <= columns);
    if fits {
        if let Some(line) = lines.last_mut() {
            line.push(word, width, shade);
        }
        return;
    }
    for grapheme in word.graphemes(true) {
        let width = grapheme.width();
        if lines.last().is_none_or(|line| line.width + width > columns) {
            lines.push(Line::default());
        }
        if let Some(line) = lines.last_mut() {
            line.push(grapheme, width, shade);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::words;
    use super::*;

    fn plain(text: &str, columns: usize, breaks: Breaks) -> Vec<String> {
        wrap(text, &words(text, &[]), 0.0, columns, breaks)
            .iter()
            .map(|line| line.paint(&Style::PLAIN, Role::Text).to_string())
            .collect()
    }

    #[test]
    fn lines_break_at_white_space() {
        assert_eq!(
            plain("one two  three\nfour", 9, Breaks::Flow),
            ["one two", "three", "four"]
        );
        assert_eq!(plain("a, (b) c", 4, Breaks::Flow), ["a,", "(b)", "c"]);
    }

    #[test]
    fn a_word_wider_than_a_line_is_broken() {
        assert_eq!(
            plain("ab abcdefghij k", 5, Breaks::Flow),
            ["ab ab", "cdefg", "hij k"]
        );
        assert_eq!(plain("日本語です", 5, Breaks::Flow), ["日本", "語で", "す"]);
    }

    #[test]
    fn no_line_is_wider_than_asked() {
        let text = "Größe (naïve) foo/bar/baz-quux_日本語 \
                    https://example.org/a/very/long/path?with=query x\ty";
        for columns in 2..60 {
            for line in wrap(text, &words(text, &[]), 0.0, columns, Breaks::Flow) {
                assert!(line.width() <= columns, "{columns}: {line:?}");
                assert_eq!(line.width(), line.paint(&Style::PLAIN, Role::Text).width());
            }
        }
    }

    #[test]
    fn paragraphs_are_kept_when_asked() {
        assert_eq!(
            plain("a b\nc\n\nd", 20, Breaks::Keep),
            ["a b", "c", "", "d"]
        );
        assert_eq!(plain("a b\nc\n\nd", 20, Breaks::Flow), ["a b c d"]);
    }

    #[test]
    fn nothing_is_one_empty_line() {
        assert_eq!(plain("", 20, Breaks::Keep), [""]);
    }
}
