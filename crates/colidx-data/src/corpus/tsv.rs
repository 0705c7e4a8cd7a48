//! TSV: a row a line, and what is between two tabs is a cell.

use super::format::FormatInfo;
use super::records::{FieldNames, Record, RecordParser, RecordReader};
use super::table::Table;
use crate::error::LineFault;

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

pub(super) fn parser(fields: &FieldNames) -> Box<dyn RecordParser> {
    Box::new(TsvParser(Table::new(fields, "tabs")))
}

struct TsvParser(Table);

impl RecordParser for TsvParser {
    fn parse(&mut self, line: &str) -> Result<Option<Record>, LineFault> {
        if line.trim().is_empty() {
            return Ok(None);
        }
        self.0.record(&line.split('\t').collect::<Vec<_>>())
    }
}
