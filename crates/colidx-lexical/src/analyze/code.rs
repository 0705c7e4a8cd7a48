//! Identifiers of source code and their parts.

use std::ops::Range;

/// Calls `visit` with the range of every identifier: letters, digits, marks and `_`, with one
/// letter or digit at least.
pub(super) fn identifiers(text: &str, visit: &mut dyn FnMut(Range<usize>)) {
    let mut start = None;
    let mut has_alphanumeric = false;
    for (at, c) in text.char_indices() {
        let alphanumeric = c.is_alphanumeric();
        if alphanumeric || c == '_' || start.is_some() && is_mark(c) {
            start.get_or_insert(at);
            has_alphanumeric |= alphanumeric;
        } else if let Some(start) = start.take()
            && std::mem::take(&mut has_alphanumeric)
        {
            visit(start..at);
        }
    }
    if let Some(start) = start
        && has_alphanumeric
    {
        visit(start..text.len());
    }
}

/// Combining marks that are no letters, in the blocks where most of them are.
fn is_mark(c: char) -> bool {
    matches!(u32::from(c), 0x300..=0x36F | 0x3099..=0x309A | 0x1AB0..=0x1AFF | 0x20D0..=0x20FF)
}

#[derive(Clone, Copy, PartialEq)]
enum Class {
    Lower,
    Upper,
    Digit,
    Break,
}

fn class(c: char) -> Class {
    match c {
        '_' => Class::Break,
        c if c.is_numeric() => Class::Digit,
        c if c.is_uppercase() => Class::Upper,
        _ => Class::Lower,
    }
}

/// Calls `visit` with the range of every part of an identifier: `parseHTTPRequest_v2` has `parse`,
/// `HTTP`, `Request`, `v` and `2`.
pub(super) fn parts(text: &str, identifier: Range<usize>, visit: &mut dyn FnMut(Range<usize>)) {
    let offset = identifier.start;
    let mut start = offset;
    // The class of the letter before, and where it begins.
    let (mut before, mut before_at) = (Class::Break, offset);
    for (at, c) in text[identifier.clone()].char_indices() {
        let at = offset + at;
        let class = class(c);
        let ends = match (before, class) {
            (Class::Break, _) => {
                start = at;
                None
            }
            // The last capital of an acronym begins the next part.
            (Class::Upper, Class::Lower) => (before_at > start).then_some(before_at),
            (before, class) => (before != class).then_some(at),
        };
        if let Some(end) = ends {
            visit(start..end);
            start = end;
        }
        (before, before_at) = (class, at);
    }
    if before != Class::Break {
        visit(start..identifier.end);
    }
}
