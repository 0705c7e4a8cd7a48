//! TSV: a header that names the columns, or id, text and an optional title.

mod header;

use serde_json::{Map, Value};

use super::format::FormatInfo;
use super::records::{FieldNames, Record, RecordParser, RecordReader};
use crate::error::LineFault;
use header::{Columns, FirstLine, first_line};

pub(super) static FORMAT: FormatInfo = FormatInfo {
    name: "tsv",
    title: "TSV",
    endings: &["tsv"],
    shared_endings: &[],
    names: &[],
    help: "tab-separated lines, with a header that names the columns, or id, text and title",
    open: |file, options| RecordReader::boxed(file, parser(&options.field_names())),
    parser: Some(parser),
};

fn parser(fields: &FieldNames) -> Box<dyn RecordParser> {
    Box::new(TsvParser {
        fields: fields.clone(),
        begun: false,
        columns: None,
        doubtful: None,
    })
}

struct TsvParser {
    fields: FieldNames,
    begun: bool,
    columns: Option<Columns>,
    /// The columns of the first line, if it was read as a record and may have been a header.
    doubtful: Option<Vec<String>>,
}

impl RecordParser for TsvParser {
    fn parse(&mut self, line: &str) -> Result<Option<Record>, LineFault> {
        if !self.begun {
            self.begun = true;
            match first_line(line, &self.fields)? {
                FirstLine::Header(columns) => {
                    self.columns = Some(columns);
                    return Ok(None);
                }
                FirstLine::Record { doubtful } => {
                    self.doubtful = doubtful.then(|| line.split('\t').map(str::to_owned).collect());
                }
            }
        } else if let Some(first) = self.doubtful.take() {
            header::check_second_line(&first, line)?;
        }
        match &self.columns {
            // Files that were put one behind the other have a header each.
            Some(columns) if columns.line == line => Ok(None),
            Some(columns) => parse_named(line, columns).map(Some),
            None => parse_by_position(line, &self.fields).map(Some),
        }
    }
}

/// Parses `id TAB text [TAB title]`.
fn parse_by_position(line: &str, fields: &FieldNames) -> Result<Record, LineFault> {
    let columns: Vec<&str> = line.split('\t').collect();
    let (key, text, title) = match columns[..] {
        [key, text] => (key, text, ""),
        [key, text, title] => (key, text, title),
        _ => {
            let expected = "2 or 3 columns separated by tabs (id, text, optional title), or a \
                            header in the first line that names the columns";
            return Err(LineFault::Columns {
                expected: expected.to_owned(),
                got: columns.len(),
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

/// Parses a line of a file whose header names the columns. Empty columns at its end may be absent.
fn parse_named(line: &str, columns: &Columns) -> Result<Record, LineFault> {
    let cells: Vec<&str> = line.split('\t').collect();
    if cells.len() > columns.names.len() || cells.len() <= columns.key.max(columns.text) {
        return Err(LineFault::Columns {
            expected: format!("the {} columns of the header", columns.names.len()),
            got: cells.len(),
        });
    }
    let mut record = record(cells[columns.key], cells[columns.text])?;
    let title = columns.title.and_then(|at| cells.get(at));
    record.title = title.copied().unwrap_or_default().to_owned();
    record.metadata = metadata(&cells, columns);
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
