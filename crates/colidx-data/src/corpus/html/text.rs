//! The words of a page and the lines that they stand in.

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};

/// Elements whose content is not shown as text.
const DROPPED: &[&[u8]] = &[
    b"script",
    b"style",
    b"template",
    b"noscript",
    b"svg",
    b"title",
    b"iframe",
    b"object",
];

/// Elements that break the line.
const LINES: &[&[u8]] = &[
    b"br",
    b"li",
    b"dt",
    b"dd",
    b"tr",
    b"thead",
    b"tbody",
    b"tfoot",
    b"option",
    b"summary",
    b"figcaption",
    b"caption",
    b"legend",
];

/// Elements that are set apart by blank lines.
const BLOCKS: &[&[u8]] = &[
    b"p",
    b"div",
    b"h1",
    b"h2",
    b"h3",
    b"h4",
    b"h5",
    b"h6",
    b"ul",
    b"ol",
    b"dl",
    b"table",
    b"pre",
    b"blockquote",
    b"section",
    b"article",
    b"aside",
    b"header",
    b"footer",
    b"nav",
    b"main",
    b"hr",
    b"form",
    b"fieldset",
    b"figure",
    b"address",
    b"details",
    b"hgroup",
    b"center",
    b"body",
];

/// Tables in each other that are told apart; in what is deeper, rows are lines.
const NESTED_TABLES: usize = 64;

/// Elements that share a line, as separate words.
const CELLS: &[&[u8]] = &[b"td", b"th"];

/// The title of a page; `None` if it has none, or a blank one.
pub(super) fn title(page: &str) -> Option<String> {
    let (mut inside, mut dropped) = (false, Dropped::default());
    let mut title = String::new();
    let xml = is_xml(page);
    let callback = |event: CallbackEvent<'_>, _: Span<()>| match event {
        CallbackEvent::OpenStartTag { name: b"title" } if !dropped.holds() => {
            inside = true;
            None
        }
        CallbackEvent::OpenStartTag { name } => {
            dropped.open(name);
            None
        }
        CallbackEvent::CloseStartTag { self_closing: true } if xml => {
            inside = false;
            dropped.close_at_once();
            None
        }
        CallbackEvent::EndTag { name: b"title" } if inside => Some(()),
        CallbackEvent::EndTag { name } => {
            dropped.close(name);
            None
        }
        CallbackEvent::String { value } if inside => {
            title.push_str(&String::from_utf8_lossy(value));
            None
        }
        _ => None,
    };
    let mut emitter = CallbackEmitter::new(callback);
    emitter.naively_switch_states(!xml);
    Tokenizer::new_with_emitter(page, emitter).next();
    let words: Vec<&str> = title.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// A piece of the text of a page.
pub(super) enum Piece<'a> {
    Line(&'a str),
    /// What follows stands apart.
    Gap,
    /// The first row of a table, if it names the columns.
    Header(&'a str),
    /// A row of a table that has a header.
    Row(&'a str),
    /// The end of a table that has a header.
    TableEnd,
}

/// What is known of the table that is read.
#[derive(Default)]
struct Table {
    /// Whether a row of it was given.
    begun: bool,
    has_header: bool,
    /// Whether it is in its `thead`.
    in_head: bool,
    /// Whether it is in a row, and what cells that has.
    in_row: bool,
    has_header_cell: bool,
    has_data_cell: bool,
}

/// Gives `sink` the text of a page, each piece with its number in the file. Lines that the page
/// breaks itself have the same number, and a row of a table is one line where no element breaks it.
pub(super) fn pieces(page: &str, sink: &mut dyn FnMut(u64, Piece<'_>)) {
    let xml = is_xml(page);
    let mut shown = Shown {
        page,
        at: 0,
        number: 1,
        line: String::new(),
        line_number: 1,
        preformatted: 0,
        tables: Vec::new(),
        dropped: Dropped::default(),
        sink,
    };
    let callback = |event: CallbackEvent<'_>, span: Span<usize>| -> Option<()> {
        match event {
            CallbackEvent::OpenStartTag { name } => shown.tag(name, span.start, true),
            CallbackEvent::CloseStartTag { self_closing: true } if xml => {
                shown.dropped.close_at_once();
            }
            CallbackEvent::EndTag { name } => shown.tag(name, span.start, false),
            CallbackEvent::String { value } => {
                shown.text(&String::from_utf8_lossy(value), span.start);
            }
            _ => {}
        }
        None
    };
    let mut emitter = CallbackEmitter::new(callback);
    emitter.naively_switch_states(!xml);
    Tokenizer::new_with_emitter(page, emitter).for_each(|_| {});
    shown.end_line();
}

/// Whether a page is XML, where scripts are markup and `<title/>` has an end.
fn is_xml(page: &str) -> bool {
    page.trim_start().starts_with("<?xml")
}

struct Shown<'a> {
    page: &'a str,
    /// A place in the page, and the number of its line.
    at: usize,
    number: u64,
    /// The line so far, and its number.
    line: String,
    line_number: u64,
    /// How many open elements keep white space.
    preformatted: usize,
    /// The tables on the way down.
    tables: Vec<Table>,
    dropped: Dropped,
    sink: &'a mut dyn FnMut(u64, Piece<'_>),
}

impl Shown<'_> {
    /// Goes to a place in the page. The tokenizer never goes back; a place before counts as here.
    fn go_to(&mut self, place: usize) {
        if let Some(between) = self.page.as_bytes().get(self.at..place) {
            self.number += between.iter().filter(|&&byte| byte == b'\n').count() as u64;
            self.at = place;
        }
    }

    fn tag(&mut self, name: &[u8], place: usize, opens: bool) {
        let was_dropped = self.dropped.holds();
        if opens {
            self.dropped.open(name);
        } else {
            self.dropped.close(name);
        }
        if was_dropped || self.dropped.holds() {
            return;
        }
        if name == b"pre" {
            self.preformatted = match opens {
                true => self.preformatted + 1,
                false => self.preformatted.saturating_sub(1),
            };
        }
        if CELLS.contains(&name) {
            self.space();
        } else if LINES.contains(&name) {
            self.end_line();
        } else if BLOCKS.contains(&name) {
            self.end_line();
            (self.sink)(self.number, Piece::Gap);
        }
        self.table_tag(name, opens);
        self.go_to(place);
    }

    fn table_tag(&mut self, name: &[u8], opens: bool) {
        if name == b"table" && opens && self.tables.len() < NESTED_TABLES {
            self.tables.push(Table::default());
        }
        let Some(table) = self.tables.last_mut() else {
            return;
        };
        match name {
            b"table" if !opens => {
                if table.has_header {
                    (self.sink)(self.number, Piece::TableEnd);
                }
                self.tables.pop();
            }
            b"thead" | b"tbody" | b"tfoot" => {
                table.in_head = opens && name == b"thead";
                table.in_row = false;
            }
            b"tr" => {
                table.in_row = opens;
                (table.has_header_cell, table.has_data_cell) = (false, false);
            }
            b"th" if opens => table.has_header_cell = true,
            b"td" if opens => table.has_data_cell = true,
            _ => {}
        }
    }

    fn text(&mut self, text: &str, place: usize) {
        self.go_to(place);
        if self.dropped.holds() {
            return;
        }
        for (number, piece) in (self.number..).zip(text.split('\n')) {
            if number > self.number {
                match self.tables.last() {
                    Some(table) if table.in_row && self.preformatted == 0 => self.space(),
                    _ => self.end_line(),
                }
            }
            if self.line.is_empty() {
                self.line_number = number;
            }
            if self.preformatted > 0 {
                self.line.push_str(piece);
                continue;
            }
            for (at, word) in piece.split(char::is_whitespace).enumerate() {
                if at > 0 {
                    self.space();
                }
                self.line.push_str(word);
            }
        }
    }

    /// One space, where a word may follow another.
    fn space(&mut self) {
        if !self.line.is_empty() && !self.line.ends_with(' ') {
            self.line.push(' ');
        }
    }

    /// Ends the line; one without words is none.
    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.trim().is_empty() {
            return;
        }
        let line = line.trim_end();
        let piece = match self.tables.last_mut().filter(|table| table.in_row) {
            None => Piece::Line(line),
            Some(table) => {
                let only_header_cells = table.has_header_cell && !table.has_data_cell;
                let names_columns = !table.begun && (table.in_head || only_header_cells);
                table.begun = true;
                table.has_header |= names_columns;
                match (names_columns, table.has_header) {
                    (true, _) => Piece::Header(line),
                    (false, true) => Piece::Row(line),
                    (false, false) => Piece::Line(line),
                }
            }
        };
        (self.sink)(self.line_number, piece);
    }
}

/// The element that is left out, and how deep others of its name stand in it.
#[derive(Default)]
struct Dropped {
    name: Vec<u8>,
    depth: usize,
    /// Whether the last tag counts to the depth.
    counted: bool,
}

impl Dropped {
    fn holds(&self) -> bool {
        self.depth > 0
    }

    fn open(&mut self, name: &[u8]) {
        if self.depth == 0 && DROPPED.contains(&name) {
            self.name = name.to_vec();
        }
        self.counted = self.name == name && (self.depth > 0 || DROPPED.contains(&name));
        self.depth += usize::from(self.counted);
    }

    /// Closes the element that was opened last, as `/>` does in XML.
    fn close_at_once(&mut self) {
        self.depth -= usize::from(std::mem::take(&mut self.counted));
    }

    fn close(&mut self, name: &[u8]) {
        self.counted = false;
        if self.depth > 0 && self.name == name {
            self.depth -= 1;
        }
    }
}
