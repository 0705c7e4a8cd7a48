//! A hit: on a terminal with its best passage highlighted, elsewhere as one line to grep.

use std::ops::Range;

use super::style::{Role, Style};
use super::text::{Gap, Word, clean, one_line, words};
use super::wrap::{Breaks, Line, wrap};
use crate::output::{Link, Painted};
use colidx::text::{Highlights, TokenWeight};

/// Lines of a passage on a terminal.
const PASSAGE_LINES: usize = 3;

/// Columns of a passage where there is no terminal to fit it to.
const PLAIN_PASSAGE: usize = 240;

/// Columns before title and passage: rank, score, and the spaces around them.
const INDENT: usize = 13;

/// Bytes beyond the last token that a passage may show: more than a screen is wide.
const BEYOND: usize = 4096;

/// Bytes of a title that are shown with a passage.
const TITLE: usize = 1024;

/// Bytes of a whole document that are laid out at a time.
const PART: usize = 64 << 10;

/// A hit, ready to be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownHit {
    /// From 1.
    pub rank: usize,
    /// MaxSim.
    pub score: f32,
    /// The caller's name of the document.
    pub key: String,
    /// Where the file is that the document is a passage of.
    pub link: Option<Link>,
    /// Empty where there is none.
    pub title: String,
    /// Empty where none is stored.
    pub text: String,
    /// What the tokens of title and text gave.
    pub highlights: Highlights,
}

impl ShownHit {
    /// The largest weight in title and text.
    pub fn max_weight(&self) -> f32 {
        let tokens = self.highlights.title.iter().chain(&self.highlights.text);
        tokens.map(|token| token.weight).fold(0.0, f32::max)
    }

    /// The part of the document that a passage can show: up to the last highlighted token and a
    /// little beyond. Dropping the rest keeps hits of long documents cheap.
    pub fn excerpt(self) -> ShownHit {
        let lit = self
            .highlights
            .text
            .iter()
            .map(|token| token.span.end)
            .max();
        let end = lit.unwrap_or(0).saturating_add(BEYOND);
        ShownHit {
            title: beginning(&self.title, TITLE).to_owned(),
            text: beginning(&self.text, end).to_owned(),
            ..self
        }
    }
}

/// The characters that lie wholly within the first `size` bytes.
fn beginning(text: &str, size: usize) -> &str {
    let mut end = size.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The text of a hit divided into words, and the largest weight shown beside it.
struct Words<'a> {
    hit: &'a ShownHit,
    /// Harmless to a terminal.
    text: String,
    text_words: Vec<Word>,
    largest: f32,
}

impl Words<'_> {
    fn of(hit: &ShownHit, largest: f32) -> Words<'_> {
        let text = clean(&hit.text);
        Words {
            hit,
            text_words: words(&text, &hit.highlights.text),
            text,
            largest,
        }
    }

    /// The words of the best passage of at most `columns` columns.
    fn within(&self, columns: usize) -> Range<usize> {
        let found = self
            .hit
            .highlights
            .snippet(&self.hit.text, columns)
            .span
            .bytes;
        let words = &self.text_words;
        let start = words.partition_point(|word| word.span.start < found.start);
        start
            ..words
                .partition_point(|word| word.span.start < found.end)
                .max(start)
    }
}

/// A hit for a terminal: rank, score, title and key, then the best passage. Ends with a line
/// break.
///
/// `largest` is the largest weight of all hits shown together, so that their shades compare.
pub fn terminal(hit: &ShownHit, largest: f32, style: &Style) -> Painted {
    let words = Words::of(hit, largest);
    let (indent, columns) = margins(style);
    let mut out = head(hit, largest, style);
    for line in passage(&words, columns, PASSAGE_LINES) {
        push_line(&mut out, indent, &line.paint(style, Role::Text));
    }
    out
}

/// A whole document for a terminal, with its line breaks, in parts to print in order. Ends with a
/// line break.
///
/// A part ends with a line of the text; only in a line longer than a part it ends between words.
pub fn whole<'a>(hit: &'a ShownHit, style: &'a Style) -> impl Iterator<Item = Painted> + 'a {
    let largest = hit.max_weight();
    let first = head(hit, largest, style);
    let (mut at, mut tokens) = (0, &hit.highlights.text[..]);
    let parts = std::iter::from_fn(move || {
        let part = part(hit.text.get(at..).filter(|rest| !rest.is_empty())?);
        let range = at..at + part.len();
        at = range.end;
        let own;
        (own, tokens) =
            tokens.split_at(tokens.partition_point(|token| token.span.start < range.end));
        let own = own.iter().map(|token| TokenWeight {
            span: token.span.start.saturating_sub(range.start)
                ..token.span.end.saturating_sub(range.start),
            weight: token.weight,
        });
        Some(lines(
            part,
            &own.collect::<Vec<_>>(),
            largest,
            at == hit.text.len(),
            style,
        ))
    });
    std::iter::once(first).chain(parts)
}

/// About [`PART`] bytes of a text, rather with the white space after a line of it.
fn part(text: &str) -> &str {
    let most = beginning(text, PART);
    if most.len() == text.len() {
        return text;
    }
    let end = most.rfind('\n').or_else(|| most.rfind(char::is_whitespace));
    let end = end.filter(|&end| end > 0).unwrap_or(most.len());
    let blank = text[end..].len() - text[end..].trim_start().len();
    &text[..end + blank.min(PART)]
}

/// A part of a text, line by line, with the blank line that may follow it.
fn lines(
    part: &str,
    tokens: &[TokenWeight],
    largest: f32,
    is_last: bool,
    style: &Style,
) -> Painted {
    let text = clean(part);
    let words = words(&text, tokens);
    let mut out = Painted::new();
    if words.is_empty() {
        return out;
    }
    let (indent, columns) = margins(style);
    for line in wrap(&text, &words, largest, columns, Breaks::Keep) {
        push_line(&mut out, indent, &line.paint(style, Role::Text));
    }
    let after = &text[text.trim_end().len()..];
    if !is_last && after.matches('\n').count() > 1 {
        out.push("\n");
    }
    out
}

/// A hit for other programs: rank, score, key, title and best passage, separated by tabs. No line
/// break.
pub fn plain(hit: &ShownHit) -> String {
    let words = Words::of(hit, hit.max_weight());
    let passage = passage(&words, PLAIN_PASSAGE, 1)
        .first()
        .map(|line| line.paint(&Style::PLAIN, Role::Text))
        .unwrap_or_default();
    format!(
        "{}\t{:.4}\t{}\t{}\t{}",
        hit.rank,
        hit.score,
        one_line(&hit.key),
        one_line(&hit.title),
        passage
    )
}

/// Indent of title and passage, and the columns left for them. Narrow terminals indent less.
fn margins(style: &Style) -> (usize, usize) {
    let indent = if style.width < 60 { 4 } else { INDENT };
    (indent, style.width - indent)
}

fn head(hit: &ShownHit, largest: f32, style: &Style) -> Painted {
    let title = clean(&hit.title);
    let title_words = words(&title, &hit.highlights.title);
    let key = one_line(&hit.key);
    let columns = style.width.saturating_sub(INDENT);
    let mut out = style.paint(Role::Number, &format!("{:>3} {:>7.3}", hit.rank, hit.score));
    out.push("  ");
    if title_words.is_empty() {
        style.push_link(&mut out, Role::Title(0), &key, hit.link.as_ref());
        out.push("\n");
        return out;
    }
    let lines = wrap(&title, &title_words, largest, columns, Breaks::Flow);
    for (at, line) in lines.iter().enumerate() {
        if at > 0 {
            out.push(&" ".repeat(INDENT));
        }
        out.append(&line.paint(style, Role::Title));
        if at + 1 < lines.len() {
            out.push("\n");
        }
    }
    let used = lines.last().map_or(0, Line::width);
    let needed = unicode_width::UnicodeWidthStr::width(key.as_str()) + 2;
    if used + needed <= columns {
        out.push("  ");
    } else {
        out.push("\n");
        out.push(&" ".repeat(INDENT));
    }
    style.push_link(&mut out, Role::Dim, &key, hit.link.as_ref());
    out.push("\n");
    out
}

fn push_line(out: &mut Painted, indent: usize, line: &Painted) {
    if !line.is_empty() {
        out.push(&" ".repeat(indent));
        out.append(line);
    }
    out.push("\n");
}

/// The best window of the text in at most `lines` lines of `columns`.
fn passage(words: &Words<'_>, columns: usize, lines: usize) -> Vec<Line> {
    if words.text_words.is_empty() {
        return Vec::new();
    }
    // Lines end ragged, so that a window of exactly this many columns may need one line more.
    let mut budget = (lines * columns).saturating_sub(2).max(1);
    loop {
        let mut laid = lay(words, &words.within(budget), columns);
        if laid.len() <= lines {
            return laid;
        }
        if budget <= columns / 2 {
            // One word without end.
            laid.truncate(lines);
            return laid;
        }
        budget -= (columns / 16).max(1);
    }
}

fn lay(words: &Words<'_>, window: &Range<usize>, columns: usize) -> Vec<Line> {
    let all = &words.text_words;
    let mut shown = all[window.clone()].to_vec();
    if let Some(first) = shown.first_mut() {
        first.gap = Gap::Paragraph;
    }
    let mut lines = wrap(
        &words.text,
        &shown,
        words.largest,
        columns.saturating_sub(1),
        Breaks::Flow,
    );
    if window.start > 0
        && let Some(first) = lines.first_mut()
    {
        first.open_left();
    }
    if window.end < all.len()
        && let Some(last) = lines.last_mut()
    {
        last.open_right();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::style::Colour;
    use super::*;

    fn highlights(title: &[(Range<usize>, f32)], text: &[(Range<usize>, f32)]) -> Highlights {
        let weights = |tokens: &[(Range<usize>, f32)]| {
            let weights = tokens.iter().cloned();
            weights
                .map(|(span, weight)| TokenWeight { span, weight })
                .collect()
        };
        let mut highlights = Highlights::default();
        highlights.title = weights(title);
        highlights.text = weights(text);
        highlights
    }

    fn hit() -> ShownHit {
        let text = "The first sentence says little. A memory map lets a program read a file as if it were memory. \
                    The kernel brings the pages in when they are touched, and throws them out when memory is short. \
                    Nothing here copies anything, which is the whole point of it, and the last sentence says so again.";
        let start = text.find("memory map").unwrap_or_default();
        ShownHit {
            rank: 1,
            score: 30.9142,
            key: "guide.md#3".to_owned(),
            link: None,
            title: "Memory maps".to_owned(),
            text: text.to_owned(),
            highlights: highlights(
                &[(0..6, 2.0)],
                &[(start..start + 6, 4.0), (start + 7..start + 10, 1.0)],
            ),
        }
    }

    fn on_terminal(hit: &ShownHit, style: &Style) -> Painted {
        terminal(hit, hit.max_weight(), style)
    }

    #[test]
    fn a_hit_on_a_terminal() {
        let style = Style {
            colour: Colour::None,
            width: 72,
        };
        assert_eq!(
            on_terminal(&hit(), &style),
            "  1  30.914  Memory maps  guide.md#3\n\
             \u{20}            …A memory map lets a program read a file as if it were\n\
             \u{20}            memory. The kernel brings the pages in when they are\n\
             \u{20}            touched, and throws them out when memory is short. Nothing…\n"
        );
    }

    #[test]
    fn lit_words_are_coloured_by_weight() {
        let style = Style {
            colour: Colour::Ansi256,
            width: 72,
        };
        let shown = on_terminal(&hit(), &style);
        assert!(shown.contains("\x1b[1;38;5;202mmemory\x1b[0m"), "{shown}");
        assert!(shown.contains("\x1b[38;5;214mmap\x1b[0m"), "{shown}");
        assert!(
            shown.contains("\x1b[1;38;5;208mMemory\x1b[0m\x1b[1m maps\x1b[0m"),
            "{shown}"
        );
    }

    #[test]
    fn a_key_links_to_its_file_where_there_is_colour() {
        let linked = ShownHit {
            link: Some(Link::new(std::path::Path::new("/notes/guide.md"), 12)),
            ..hit()
        };
        let mut style = Style {
            colour: Colour::Basic,
            width: 72,
        };
        let link =
            "\x1b]8;;file:///notes/guide.md#12\x1b\\\x1b[2mguide.md#3\x1b[0m\x1b]8;;\x1b\\\n";
        assert!(on_terminal(&linked, &style).contains(link));
        style.colour = Colour::None;
        assert_eq!(on_terminal(&linked, &style), &*on_terminal(&hit(), &style));
        assert!(!plain(&linked).contains('\x1b'));
    }

    #[test]
    fn a_hit_for_other_programs_is_one_line_of_five_fields() {
        let line = plain(&ShownHit {
            title: "a\tb\nc".to_owned(),
            ..hit()
        });
        assert_eq!(line.split('\t').count(), 5);
        assert!(
            line.starts_with("1\t30.9142\tguide.md#3\ta b c\t…A memory map lets"),
            "{line}"
        );
        assert!(!line.contains('\n'));
    }

    #[test]
    fn a_hit_without_text_is_its_head() {
        let bare = ShownHit {
            title: String::new(),
            text: String::new(),
            ..hit()
        };
        assert_eq!(
            on_terminal(&bare, &Style::PLAIN),
            "  1  30.914  guide.md#3\n"
        );
        assert_eq!(plain(&bare), "1\t30.9142\tguide.md#3\t\t");
    }

    #[test]
    fn passages_keep_to_their_lines_at_every_width() {
        for width in 24..120 {
            let style = Style {
                colour: Colour::None,
                width,
            };
            let shown = on_terminal(&hit(), &style);
            let passage = shown
                .lines()
                .filter(|line| !line.contains("30.914") && !line.contains("guide"))
                .count();
            assert!(passage <= PASSAGE_LINES + 1, "{width}:\n{shown}");
            for line in shown.lines().skip(1) {
                assert!(
                    unicode_width::UnicodeWidthStr::width(line) <= width,
                    "{width}: {line}"
                );
            }
        }
    }

    #[test]
    fn a_whole_document_keeps_its_paragraphs() {
        let paragraphs = ShownHit {
            text: "One.\n\nTwo.".to_owned(),
            highlights: Highlights::default(),
            ..hit()
        };
        let style = Style {
            colour: Colour::None,
            width: 72,
        };
        let shown: String = whole(&paragraphs, &style)
            .map(|part| part.to_string())
            .collect();
        assert!(shown.ends_with("             One.\n\n             Two.\n"));
    }

    #[test]
    fn parts_of_a_whole_document_are_what_it_is_at_once() {
        let text = "A line of some words.\n\nAnother one,\nand more.\n".repeat(10_000);
        let at = text.len() / 2 + text[text.len() / 2..].find("more").unwrap_or_default();
        let long = ShownHit {
            text,
            highlights: highlights(&[], &[(at..at + 4, 4.0)]),
            ..hit()
        };
        let style = Style {
            colour: Colour::Ansi256,
            width: 72,
        };
        assert!(whole(&long, &style).count() > 5);
        let shown: String = whole(&long, &style).map(|part| part.to_string()).collect();
        let once = head(&long, 4.0, &style).to_string()
            + &lines(&long.text, &long.highlights.text, 4.0, true, &style);
        assert!(shown == once);
        assert_eq!(shown.matches("mmore\x1b").count(), 1);
        let endless = ShownHit {
            text: "x".repeat(5 * PART),
            ..hit()
        };
        let shown: String = whole(&endless, &style)
            .map(|part| part.to_string())
            .collect();
        assert_eq!(shown.matches('x').count(), 5 * PART);
    }

    #[test]
    fn an_excerpt_has_the_passage_of_the_whole() {
        let text = hit().text + &" And so on, and on.".repeat(100_000);
        let long = ShownHit {
            text,
            title: "title ".repeat(100_000),
            ..hit()
        };
        let excerpt = long.clone().excerpt();
        assert!(excerpt.text.len() < 2 * BEYOND && excerpt.title.len() <= TITLE);
        let passage = |hit: &ShownHit| plain(hit).split('\t').next_back().map(str::to_owned);
        assert_eq!(passage(&excerpt), passage(&long));
        let unlit = ShownHit {
            highlights: Highlights::default(),
            ..long
        };
        assert_eq!(passage(&unlit.clone().excerpt()), passage(&unlit));
    }
}
