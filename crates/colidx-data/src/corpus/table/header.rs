//! Whether the first row of a table names its columns, and what they are.

use crate::columns::{
    JUDGED_DOCUMENT, JUDGED_QUERY, KEY, RELEVANCE, TITLE, find, is_name, list, normal,
};
use crate::corpus::records::FieldNames;
use crate::error::LineFault;

/// The columns that a header names, and where the parts of a record stand.
#[derive(Debug, PartialEq)]
pub(super) struct Columns {
    /// The cells of the header as they stand there.
    pub(super) row: Vec<String>,
    pub(super) names: Vec<String>,
    pub(super) key: usize,
    pub(super) text: usize,
    pub(super) title: Option<usize>,
}

#[derive(Debug, PartialEq)]
pub(super) enum FirstRow {
    Header(Columns),
    /// `doubtful` if the row could also be a header whose names are not known.
    Record {
        doubtful: bool,
    },
}

/// Tells a header from a record. A header with unknown columns is an error: read as a
/// record it would be a wrong document, and every row after it might have its columns swapped.
pub(super) fn first_row(row: &[&str], fields: &FieldNames) -> Result<FirstRow, LineFault> {
    let cells: Vec<&str> = row.iter().map(|cell| cell.trim()).collect();
    let names: Vec<String> = cells.iter().map(|name| normal(name)).collect();
    let given = |field: &str| {
        cells
            .iter()
            .position(|cell| cell.trim_matches('"') == field)
    };
    if let Some((column, role)) = fields.chosen().find(|(name, _)| given(name).is_none()) {
        return Err(LineFault::MissingColumn {
            column: column.to_owned(),
            role,
            found: list(cells.iter().copied()),
        });
    }
    // A table that was written with its row numbers has a column without a name.
    let mut named = cells.iter().filter(|cell| !cell.is_empty());
    let all_names = named.clone().count() > 0 && named.all(|cell| is_name(cell));
    let key = given(&fields.id).or_else(|| find(&names, KEY));
    let text = given(&fields.text).or_else(|| find(&names, fields.text_names()));
    if cells.len() < 2 || !(all_names || key.is_some() && text.is_some()) {
        return Ok(FirstRow::Record { doubtful: false });
    }
    let title = fields.title.as_deref().and_then(given);
    let title = title.or_else(|| fields.title.as_ref().and(find(&names, TITLE)));
    let judged = [JUDGED_QUERY, JUDGED_DOCUMENT, RELEVANCE].map(|usual| find(&names, usual));
    if names.len() > 2 && judged.iter().all(Option::is_some) {
        return Err(LineFault::Judgements);
    }
    match (key, text) {
        (Some(key), Some(text)) if key != text && !has_repeated(&names) => {
            Ok(FirstRow::Header(Columns {
                row: row.iter().copied().map(str::to_owned).collect(),
                names: (1..).zip(&cells).map(column_name).collect(),
                key,
                text,
                title: title.filter(|&title| title != key && title != text),
            }))
        }
        (Some(_), Some(_)) => Err(unknown(&cells)),
        // A key such as `d1` is no likely name, so that this is a record with a short text.
        _ if has_digit(&cells) => Ok(FirstRow::Record { doubtful: false }),
        (None, None) => Ok(FirstRow::Record { doubtful: true }),
        _ => Err(unknown(&cells)),
    }
}

fn has_digit(cells: &[&str]) -> bool {
    let mut chars = cells.iter().flat_map(|cell| cell.chars());
    chars.any(|char| char.is_ascii_digit())
}

fn column_name((number, name): (usize, &&str)) -> String {
    match name.trim_matches('"') {
        "" => format!("column {number}"),
        name => name.to_owned(),
    }
}

/// A first row of plain words was read as a record. If the second row has a number for a key where
/// the first has a word, the first was a header.
pub(super) fn check_second_row(first: &[String], second: &[&str]) -> Result<(), LineFault> {
    let is_number = |key: &str| key.trim().bytes().all(|byte| byte.is_ascii_digit());
    let mut cells = second.iter();
    let number = cells
        .next()
        .is_some_and(|key| !key.trim().is_empty() && is_number(key));
    let running = cells.any(|cell| cell.trim().contains(' '));
    if number && running && first.first().is_some_and(|key| !is_number(key)) {
        let cells: Vec<&str> = first.iter().map(String::as_str).collect();
        return Err(unknown(&cells));
    }
    Ok(())
}

/// Whether two columns have one name, so that one of the two would be lost.
fn has_repeated(names: &[String]) -> bool {
    let mut named: Vec<&String> = names.iter().filter(|name| !name.is_empty()).collect();
    named.sort_unstable();
    named.windows(2).any(|pair| pair[0] == pair[1])
}

fn unknown(cells: &[&str]) -> LineFault {
    LineFault::UnknownHeader {
        found: list(cells.iter().copied()),
    }
}
