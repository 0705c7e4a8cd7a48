//! Tables: a header that names the columns, or id, text and an optional title.

mod header;

use serde_json::{Map, Value};

use super::records::{FieldNames, Record};
use crate::error::LineFault;
use header::{Columns, FirstRow, first_row};

/// Makes records of the rows of one table, in their order.
pub(super) struct Table {
    fields: FieldNames,
    /// What stands between two cells, for messages.
    separators: &'static str,
    begun: bool,
    columns: Option<Columns>,
    /// The first row, if it was read as a record and may have been a header.
    doubtful: Option<Vec<String>>,
}

impl Table {
    pub(super) fn new(fields: &FieldNames, separators: &'static str) -> Table {
        Table {
            fields: fields.clone(),
            separators,
            begun: false,
            columns: None,
            doubtful: None,
        }
    }

    /// The record of a row, or `None` for a header.
    pub(super) fn record(&mut self, cells: &[&str]) -> Result<Option<Record>, LineFault> {
        if !self.begun {
            self.begun = true;
            match first_row(cells, &self.fields)? {
                FirstRow::Header(columns) => {
                    self.columns = Some(columns);
                    return Ok(None);
                }
                FirstRow::Record { doubtful } => {
                    let owned = || cells.iter().copied().map(str::to_owned).collect();
                    self.doubtful = doubtful.then(owned);
                }
            }
        } else if let Some(first) = self.doubtful.take() {
            header::check_second_row(&first, cells)?;
        }
        match &self.columns {
            // Files that were put one behind the other have a header each.
            Some(columns) if columns.row == cells => Ok(None),
            Some(columns) => by_name(cells, columns).map(Some),
            None => by_position(cells, &self.fields, self.separators).map(Some),
        }
    }
}

/// The record of a row of id, text and perhaps title.
fn by_position(cells: &[&str], fields: &FieldNames, separators: &str) -> Result<Record, LineFault> {
    let (key, text, title) = match *cells {
        [key, text] => (key, text, ""),
        [key, text, title] => (key, text, title),
        _ => {
            let expected = format!(
                "2 or 3 columns separated by {separators} (id, text, optional title), or a header \
                 in the first line that names the columns"
            );
            return Err(LineFault::Columns {
                expected,
                got: cells.len(),
            });
        }
    };
    let mut record = record(key, text)?;
    if fields.title.is_some() {
        record.title = title.to_owned();
    } else if !title.is_empty() {
        record.metadata.insert("column 3".to_owned(), title.into());
    }
    Ok(record)
}

/// The record of a row below a header. Empty cells at its end may be absent.
fn by_name(cells: &[&str], columns: &Columns) -> Result<Record, LineFault> {
    if cells.len() > columns.names.len() || cells.len() <= columns.key.max(columns.text) {
        return Err(LineFault::Columns {
            expected: format!("the {} columns of the header", columns.names.len()),
            got: cells.len(),
        });
    }
    let mut record = record(cells[columns.key], cells[columns.text])?;
    let title = columns.title.and_then(|at| cells.get(at));
    record.title = title.copied().unwrap_or_default().to_owned();
    record.metadata = metadata(cells, columns);
    Ok(record)
}

fn metadata(cells: &[&str], columns: &Columns) -> Map<String, Value> {
    let used = [Some(columns.key), Some(columns.text), columns.title];
    let further = columns.names.iter().zip(cells).enumerate();
    let further = further.filter(|(at, (_, cell))| !used.contains(&Some(*at)) && !cell.is_empty());
    further
        .map(|(_, (name, &cell))| (name.clone(), cell.into()))
        .collect()
}

fn record(key: &str, text: &str) -> Result<Record, LineFault> {
    if key.trim().is_empty() {
        return Err(LineFault::EmptyKey {
            field: "the id column".to_owned(),
        });
    }
    Ok(Record {
        key: key.to_owned(),
        title: String::new(),
        text: text.to_owned(),
        metadata: Map::new(),
    })
}

#[cfg(test)]
mod tests;
