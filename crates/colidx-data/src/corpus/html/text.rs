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

/// Gives `sink` the lines of text of a page, each with its number in the file. Lines that the page
/// breaks itself have the same number; what stands apart has a blank line before it.
pub(super) fn lines(page: &str, sink: &mut dyn FnMut(u64, &str)) {
    let xml = is_xml(page);
    let mut shown = Shown {
        page,
        at: 0,
        number: 1,
        line: String::new(),
        line_number: 1,
        preformatted: 0,
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
    dropped: Dropped,
    sink: &'a mut dyn FnMut(u64, &str),
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
            (self.sink)(self.number, "");
        }
        self.go_to(place);
    }

    fn text(&mut self, text: &str, place: usize) {
        self.go_to(place);
        if self.dropped.holds() {
            return;
        }
        for (number, piece) in (self.number..).zip(text.split('\n')) {
            if number > self.number {
                self.end_line();
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
        if !line.trim().is_empty() {
            (self.sink)(self.line_number, line.trim_end());
        }
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
