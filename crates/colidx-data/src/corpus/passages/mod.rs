//! Plain text and Markdown, split into passages line by line.
//!
//! A passage holds whole paragraphs, list items, table rows and code fences of one Markdown section, up to a number
//! of words. What is longer alone is cut at the end of a sentence (prose) or of a line (code). Nothing is dropped but
//! blank lines, rules and heading marks; the path of headings becomes the title.

mod cut;
mod markdown;

use std::collections::VecDeque;

use cut::{Counter, cut, words};
use markdown::{Fence, Line, classify};

/// A piece of a text file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passage {
    /// Headings above the passage, joined by ` > `; empty without headings.
    pub(crate) title: String,
    pub(crate) text: String,
    /// The line the passage starts at.
    pub(crate) line: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syntax {
    Text,
    Markdown,
}

/// A heading with more words is taken for text: it would be repeated as the title of every passage below it.
const HEADING_LIMIT: usize = 40;

/// What lines of one kind belong together.
#[derive(Debug, Default)]
struct Block {
    text: String,
    count: Counter,
    line: u64,
    kind: Kind,
    after_blank: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Kind {
    #[default]
    Paragraph,
    /// A list item or table row: the next one starts a block of its own, and no rule makes a heading of it.
    Item,
    Code,
}

struct Heading {
    level: usize,
    text: String,
    line: u64,
    used: bool,
}

/// Takes lines, gives passages. Holds no more than a passage, a paragraph and the headings above them.
pub(crate) struct Splitter {
    syntax: Syntax,
    limit: usize,
    headings: Vec<Heading>,
    fence: Option<Fence>,
    block: Block,
    blank: bool,
    passage: String,
    passage_line: u64,
    passage_words: usize,
    ready: VecDeque<Passage>,
}

impl Splitter {
    /// `limit` is the number of words a passage may hold.
    pub(crate) fn new(syntax: Syntax, limit: usize) -> Self {
        Splitter {
            syntax,
            limit: limit.max(1),
            headings: Vec::new(),
            fence: None,
            block: Block::default(),
            blank: false,
            passage: String::new(),
            passage_line: 0,
            passage_words: 0,
            ready: VecDeque::new(),
        }
    }

    /// Takes the line of that number (from 1).
    pub(crate) fn push(&mut self, number: u64, line: &str) {
        match self.syntax {
            Syntax::Text if line.trim().is_empty() => self.end_block(true),
            Syntax::Text => self.add(number, line, Kind::Paragraph),
            Syntax::Markdown => self.push_markdown(number, line),
        }
    }

    /// Ends the file; what is left can then be popped.
    pub(crate) fn finish(&mut self) {
        self.end_block(true);
        self.end_passage();
        self.leave_headings(0);
    }

    /// The next passage that is complete.
    pub(crate) fn pop(&mut self) -> Option<Passage> {
        self.ready.pop_front()
    }

    fn push_markdown(&mut self, number: u64, line: &str) {
        if let Some(fence) = &self.fence {
            let closes = fence.closed_by(line);
            self.add(number, line, Kind::Code);
            if closes {
                self.fence = None;
                self.end_block(false);
            }
            return;
        }
        match classify(line, number == 1) {
            Line::Blank => self.end_block(true),
            Line::Fence(fence) => {
                self.end_block(false);
                self.fence = Some(fence);
                self.add(number, line, Kind::Code);
            }
            Line::Heading { level, text } if words(text) <= HEADING_LIMIT => {
                self.end_block(false);
                self.enter_heading(level, text, number);
            }
            Line::Underline { level }
                if self.block.kind == Kind::Paragraph
                    && !self.block.text.is_empty()
                    && self.block.count.words <= HEADING_LIMIT =>
            {
                let text = self
                    .block
                    .text
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" ");
                let line = self.block.line;
                self.block = Block::default();
                self.enter_heading(level, &text, line);
            }
            Line::Rule => self.end_block(true),
            Line::Underline { .. } if line.trim_start().starts_with('-') => self.end_block(true),
            Line::Item => {
                self.end_block(false);
                self.add(number, line, Kind::Item);
            }
            Line::Heading { .. } | Line::Underline { .. } | Line::Text => {
                let kind = self.block.kind;
                self.add(number, line, kind);
            }
        }
    }

    fn add(&mut self, number: u64, line: &str, kind: Kind) {
        if self.block.text.is_empty() {
            self.block.line = number;
            self.block.after_blank = self.blank;
            self.blank = false;
        } else {
            self.block.text.push('\n');
            self.block.count.add_all("\n");
        }
        self.block.kind = kind;
        self.block.text.push_str(line);
        self.block.count.add_all(line);
        if self.block.count.words > self.limit {
            self.cut_block();
        }
    }

    /// Makes passages of a block that is too long for one, leaving its last part.
    fn cut_block(&mut self) {
        let code = self.block.kind == Kind::Code;
        let text = std::mem::take(&mut self.block.text);
        let mut rest = text.as_str();
        while let Some(at) = cut(rest, self.limit, code) {
            self.end_passage();
            self.passage_line = self.block.line;
            self.passage.push_str(&rest[..at]);
            self.end_passage();
            self.block.line += rest[..at].matches('\n').count() as u64;
            rest = &rest[at..];
        }
        self.block.text = rest.to_owned();
        self.block.count = Counter::default();
        self.block.count.add_all(rest);
    }

    fn end_block(&mut self, blank: bool) {
        let block = std::mem::take(&mut self.block);
        self.blank |= blank;
        if block.text.trim().is_empty() {
            return;
        }
        if self.passage_words + block.count.words > self.limit {
            self.end_passage();
        }
        if self.passage.is_empty() {
            self.passage_line = block.line;
        } else {
            self.passage
                .push_str(if block.after_blank { "\n\n" } else { "\n" });
        }
        self.passage.push_str(&block.text);
        self.passage_words += block.count.words;
    }

    fn end_passage(&mut self) {
        self.passage_words = 0;
        let text = std::mem::take(&mut self.passage);
        // The first line keeps its indentation: it may be code.
        let start = text.len() - text.trim_start().len();
        let start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let lines_cut = text[..start].matches('\n').count() as u64;
        let text = text[start..].trim_end();
        if text.is_empty() {
            return;
        }
        for heading in &mut self.headings {
            heading.used = true;
        }
        let passage = Passage {
            title: self.title(),
            text: text.to_owned(),
            line: self.passage_line + lines_cut,
        };
        self.ready.push_back(passage);
    }

    fn title(&self) -> String {
        let texts = self
            .headings
            .iter()
            .map(|heading| heading.text.as_str())
            .filter(|text| !text.is_empty());
        texts.collect::<Vec<_>>().join(" > ")
    }

    fn enter_heading(&mut self, level: usize, text: &str, line: u64) {
        self.end_passage();
        self.leave_headings(level);
        self.headings.push(Heading {
            level,
            text: text.to_owned(),
            line,
            used: false,
        });
    }

    /// Leaves the headings of that level and below. A heading above nothing at all becomes a passage itself.
    fn leave_headings(&mut self, level: usize) {
        while let Some(heading) = self.headings.pop_if(|heading| heading.level >= level) {
            if !heading.used && !heading.text.is_empty() {
                for above in &mut self.headings {
                    above.used = true;
                }
                self.ready.push_back(Passage {
                    title: self.title(),
                    text: heading.text,
                    line: heading.line,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests;
