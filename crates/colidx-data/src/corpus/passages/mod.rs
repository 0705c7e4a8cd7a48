//! Plain text, Markdown and source code, split into passages line by line.
//!
//! A passage holds whole paragraphs, list items, table rows and code fences of one Markdown
//! section, up to a number of words or tokens. What is longer alone is cut at the end of a sentence
//! (prose) or where something begins (code). Nothing is dropped but blank lines, rules and heading
//! marks. The path of headings becomes the title; the header of a table is repeated in each of its
//! passages.

mod cut;
mod draft;
mod front_matter;
mod headings;
mod length;
mod markdown;
mod overlap;
mod table;

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use cut::{Style, cut};
use draft::Draft;
use front_matter::{FrontMatter, Taken};
use headings::{Headings, shortened};
use length::Count;
use markdown::{Fence, Line, classify};
use serde_json::{Map, Value};
use table::Table;

pub(crate) use length::PassageLength;
pub use length::TokenCounter;

/// A piece of a text file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passage {
    /// Headings above the passage, joined by ` > `; empty without headings.
    pub(crate) title: String,
    pub(crate) text: String,
    /// Its first and last line.
    pub(crate) lines: RangeInclusive<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syntax {
    Text,
    Markdown,
    Code,
}

/// What lines of one kind belong together.
#[derive(Debug, Default)]
struct Block {
    text: String,
    count: Count,
    line: u64,
    /// The line after it.
    next: u64,
    kind: Kind,
    after_blank: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Kind {
    #[default]
    Paragraph,
    /// A list item or table row: the next one starts a block of its own, and no rule makes a
    /// heading of it.
    Item,
    /// A row of the table that is read.
    Row,
    Code,
}

/// Takes lines, gives passages. Holds no more than a passage, a paragraph and the headings above
/// them.
pub(crate) struct Splitter {
    syntax: Syntax,
    length: PassageLength,
    headings: Headings,
    /// What the headings take from the length of a passage.
    title_length: usize,
    fence: Option<Fence>,
    table: Option<Table>,
    front_matter: Option<FrontMatter>,
    /// Scalars of the front matter.
    fields: Map<String, Value>,
    /// How much of a passage the next one repeats, and the end of the last one with its line.
    overlap: usize,
    carried: Option<(String, u64)>,
    block: Block,
    blank: bool,
    draft: Draft,
    ready: VecDeque<Passage>,
}

impl Splitter {
    /// Passages will be no longer than `length`.
    pub(crate) fn new(syntax: Syntax, length: PassageLength) -> Self {
        Splitter {
            syntax,
            length,
            headings: Headings::default(),
            title_length: 0,
            fence: None,
            table: None,
            front_matter: None,
            fields: Map::new(),
            overlap: 0,
            carried: None,
            block: Block::default(),
            blank: false,
            draft: Draft::default(),
            ready: VecDeque::new(),
        }
    }

    /// Passages that are parted for their length alone will repeat about so many words or tokens of
    /// the one before; at most half of what they hold.
    pub(crate) fn overlap(self, overlap: usize) -> Self {
        Splitter { overlap, ..self }
    }

    /// The fields of the front matter, but for the title.
    pub(crate) fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }

    /// Gives all passages a title above their headings. No more is kept of it than of a heading.
    pub(crate) fn set_title(&mut self, title: &str) {
        let title = shortened(title, headings::fits);
        self.enter_heading(0, &title, 1);
    }

    /// Leaves room for a title that the caller adds, and gives as much of it as there is room for.
    pub(crate) fn leave_room(&mut self, title: &str) -> String {
        let title = match self.length.fits_title(title) {
            true => title.to_owned(),
            false => self.length.shortened_title(title),
        };
        self.title_length = self.length.of_title(&title);
        title
    }

    /// Takes the line of that number (from 1).
    pub(crate) fn push(&mut self, number: u64, line: &str) {
        match self.syntax {
            Syntax::Text if line.trim().is_empty() => self.end_block(true),
            // Lines that do not follow each other in the file.
            Syntax::Text if number != self.block.next => {
                self.end_block(false);
                self.add(number, line, Kind::Paragraph);
            }
            Syntax::Text => self.add(number, line, Kind::Paragraph),
            Syntax::Markdown => self.push_markdown(number, line),
            // One block, which is cut where something begins.
            Syntax::Code => self.add(number, line, Kind::Code),
        }
    }

    /// Begins a table whose header is this line. Its passages repeat it.
    pub(crate) fn begin_table(&mut self, number: u64, header: &str) {
        self.end_block(false);
        self.add(number, header, Kind::Item);
        self.end_block(false);
        self.table = Some(Table::new(&[header], &self.length, self.limit()));
    }

    /// Takes a row of the table.
    pub(crate) fn push_row(&mut self, number: u64, row: &str) {
        self.end_block(false);
        self.add(number, row, Kind::Row);
    }

    /// Ends the table.
    pub(crate) fn end_table(&mut self) {
        self.end_block(false);
        self.table = None;
    }

    /// Ends the file; the remaining passages can then be popped.
    pub(crate) fn finish(&mut self) {
        if let Some(matter) = self.front_matter.take() {
            self.push_as_text(matter);
        }
        self.end_block(true);
        self.end_passage();
        self.headings.leave(0, &self.length, &mut self.ready);
    }

    /// The next passage that is complete.
    pub(crate) fn pop(&mut self) -> Option<Passage> {
        self.ready.pop_front()
    }

    fn push_markdown(&mut self, number: u64, line: &str) {
        if number == 1
            && let Some(matter) = FrontMatter::begun_by(line)
        {
            self.front_matter = Some(matter);
            return;
        }
        if let Some(mut matter) = self.front_matter.take() {
            match matter.take(line) {
                Taken::More => self.front_matter = Some(matter),
                Taken::Ended if matter.has_fields() => self.end_front_matter(&matter),
                // Two rules with text between them.
                Taken::Ended => {
                    self.push_as_text(matter);
                    self.push_markdown(number, line);
                }
                Taken::TooLong => self.push_as_text(matter),
            }
            return;
        }
        if let Some(fence) = &self.fence {
            let closes = fence.closed_by(line);
            self.add(number, line, Kind::Code);
            if closes {
                self.fence = None;
                self.end_block(false);
            }
            return;
        }
        let class = classify(line);
        if self.push_table(number, line, &class) {
            return;
        }
        match class {
            Line::Blank => self.end_block(true),
            Line::Fence(fence) => {
                self.end_block(false);
                self.fence = Some(fence);
                self.add(number, line, Kind::Code);
            }
            Line::Heading { level, text } if headings::fits(text) => {
                self.end_block(false);
                self.enter_heading(level, text, number);
            }
            Line::Underline { level }
                if self.block.kind == Kind::Paragraph
                    && !self.block.text.is_empty()
                    && headings::fits(&self.block.text) =>
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

    fn end_front_matter(&mut self, matter: &FrontMatter) {
        self.fields = matter.fields();
        match self.fields.remove("title") {
            Some(Value::String(title)) => self.set_title(&title),
            Some(Value::Null) | None => {}
            Some(title) => self.set_title(&title.to_string()),
        }
    }

    /// Takes lines that were no front matter, behind the first line, which is a rule.
    fn push_as_text(&mut self, matter: FrontMatter) {
        for (number, line) in (2..).zip(matter.into_lines()) {
            self.push_markdown(number, &line);
        }
    }

    /// Takes a line that belongs to a table; gives false for any other.
    fn push_table(&mut self, number: u64, line: &str, class: &Line<'_>) -> bool {
        if self.table.is_some() {
            if table::is_row(line) && matches!(class, Line::Item | Line::Text) {
                self.end_block(false);
                self.add(number, line, Kind::Row);
                return true;
            }
            self.end_block(false);
            self.table = None;
        }
        let above = self.block.text.rsplit('\n').next().unwrap_or_default();
        if !table::is_delimiter_row(line) || !table::is_row(above) || self.block.kind == Kind::Code
        {
            return false;
        }
        // The line above is the header; what else stands there is text in front of the table.
        let header = above.to_owned();
        let text = self.block.text.len() - header.len();
        self.block.text.truncate(text.saturating_sub(1));
        self.end_block(false);
        self.add(number - 1, &header, Kind::Item);
        self.add(number, line, Kind::Item);
        self.end_block(false);
        self.table = Some(Table::new(&[&header, line], &self.length, self.limit()));
        true
    }

    /// The longest text that a passage under these headings can have.
    fn limit(&self) -> usize {
        self.length.limit - self.title_length - self.repeats()
    }

    /// How much of a passage may be of the one before.
    fn repeats(&self) -> usize {
        self.overlap
            .min((self.length.limit - self.title_length) / 2)
    }

    /// The longest text that a block of the kind that is read can have.
    fn block_limit(&self) -> usize {
        self.limit()
            - self
                .repeated(self.block.kind)
                .map_or(0, |table| table.length)
    }

    /// The table whose header a passage begins with if its first block is of that kind.
    fn repeated(&self, kind: Kind) -> Option<&Table> {
        self.table.as_ref().filter(|_| kind == Kind::Row)
    }

    fn add(&mut self, number: u64, line: &str, kind: Kind) {
        if self.block.text.is_empty() {
            self.block.line = number;
            self.block.after_blank = self.blank;
            self.blank = false;
        } else {
            self.block.text.push('\n');
            self.length.extend(&mut self.block.count, "\n");
        }
        self.block.kind = kind;
        self.block.next = number + 1;
        self.block.text.push_str(line);
        self.length.extend(&mut self.block.count, line);
        if self.block.count.total > self.block_limit() {
            self.cut_block();
        }
    }

    /// Makes passages of a block that is too long for one, leaving its last part.
    fn cut_block(&mut self) {
        let style = match (self.block.kind, self.syntax) {
            (Kind::Code, _) | (_, Syntax::Code) => Style::Code,
            (_, Syntax::Text) => Style::Lines,
            (_, Syntax::Markdown) => Style::Prose,
        };
        let limit = self.block_limit();
        let text = std::mem::take(&mut self.block.text);
        let mut rest = text.as_str();
        while let Some(at) = fitting_cut(rest, &self.length, limit, style) {
            self.part_passage("\n");
            self.begin_passage(self.block.kind);
            self.draft.push(&rest[..at], self.block.line);
            self.part_passage("");
            self.block.line += rest[..at].matches('\n').count() as u64;
            rest = &rest[at..];
        }
        self.block.text = rest.to_owned();
        self.block.count = Count::default();
        self.length.extend(&mut self.block.count, rest);
    }

    fn end_block(&mut self, blank: bool) {
        let block = std::mem::take(&mut self.block);
        self.blank |= blank;
        if block.text.trim().is_empty() {
            return;
        }
        if self.draft.length + block.count.total > self.limit() {
            self.part_passage("\n");
        }
        if self.draft.is_empty() {
            self.begin_passage(block.kind);
        } else {
            let between = if block.after_blank { "\n\n" } else { "\n" };
            self.draft.append(between);
        }
        self.draft.push(&block.text, block.line);
        self.draft.length += block.count.total;
    }

    /// Begins a passage whose first block is of that kind.
    fn begin_passage(&mut self, kind: Kind) {
        if let Some(table) = self.repeated(kind) {
            let (header, length) = (table.header.clone(), table.length);
            self.draft.append(&header);
            self.draft.length += length;
        }
        if let Some((text, line)) = self.carried.take()
            && (self.repeated(kind).is_none() || table::is_row(&text))
        {
            self.draft.repeat(&text, line);
        }
    }

    /// Ends a passage for its length alone: the next one may repeat its end. `between` stands
    /// between the two.
    fn part_passage(&mut self, between: &str) {
        if self.draft.is_empty() {
            return;
        }
        let carried = match self.repeats() {
            0 => None,
            most => self.draft.tail(&self.length, most),
        };
        self.end_passage();
        self.carried = carried.map(|(text, line)| (text + between, line));
    }

    fn end_passage(&mut self) {
        self.carried = None;
        let Some((text, lines)) = std::mem::take(&mut self.draft).finish() else {
            return;
        };
        let title = self.headings.use_title(&self.length);
        self.ready.push_back(Passage { title, text, lines });
    }

    fn enter_heading(&mut self, level: usize, text: &str, line: u64) {
        self.end_passage();
        self.headings
            .enter(level, text, line, &self.length, &mut self.ready);
        self.title_length = self.length.of_title(&self.headings.title(&self.length));
    }
}

/// As [`cut`](fn@cut), which counts words by pieces and may count too few, but what is cut off
/// fits.
fn fitting_cut(text: &str, length: &PassageLength, limit: usize, style: Style) -> Option<usize> {
    let mut most = limit;
    loop {
        let at = cut(text, length, most, style);
        let kept = &text[..at.unwrap_or(text.len())];
        let count = length.of(kept);
        if count <= limit || most <= 1 {
            return at;
        }
        most = (most * limit / count).clamp(1, most - 1);
    }
}

#[cfg(test)]
mod tests;
