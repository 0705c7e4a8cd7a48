//! Tables: a header, in Markdown a row of marks under it, and rows.

use super::length::PassageLength;

/// The table that is read.
pub(super) struct Table {
    /// The lines of the header with their ends; empty if it would fill half of a passage.
    pub(super) header: String,
    /// What the header takes from the length of a passage.
    pub(super) length: usize,
}

impl Table {
    /// `limit` is the length of a passage.
    pub(super) fn new(header: &[&str], length: &PassageLength, limit: usize) -> Table {
        let lines = header.iter().map(|line| format!("{}\n", line.trim()));
        let header: String = lines.collect();
        let taken = length.of(&header);
        if taken * 2 > limit {
            return Table {
                header: String::new(),
                length: 0,
            };
        }
        Table {
            header,
            length: taken,
        }
    }
}

/// Whether a line can be a row: it has a bar. Bars in the middle are enough.
pub(super) fn is_row(line: &str) -> bool {
    line.contains('|')
}

/// Whether a line is the marks under a header, as in `|---|:-:|`.
pub(super) fn is_delimiter_row(line: &str) -> bool {
    let line = line.trim();
    let marks = line
        .chars()
        .all(|char| matches!(char, '|' | '-' | ':' | ' ' | '\t'));
    marks && line.contains('|') && line.contains('-')
}
