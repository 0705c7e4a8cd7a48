//! CSV as RFC 4180 has it: a cell in quotes may hold commas, doubled quotes and line ends.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};

use super::format::FormatInfo;
use super::records::{FieldNames, Record, RecordParser, RecordReader};
use super::table::Table;
use crate::DEFAULT_LINE_LIMIT;
use crate::error::LineFault;

pub(super) static FORMAT: FormatInfo = FormatInfo {
    name: "csv",
    title: "CSV",
    endings: &[],
    // Source trees have tables of numbers.
    shared_endings: &["csv"],
    names: &[],
    help: "comma-separated rows, with a header that names the columns, or id, text and title",
    open: |file, options| RecordReader::boxed(file, parser(&options.field_names())),
    parser: Some(parser),
};

fn parser(fields: &FieldNames) -> Box<dyn RecordParser> {
    Box::new(CsvParser {
        table: Table::new(fields, "commas"),
        row: Row::default(),
    })
}

struct CsvParser {
    table: Table,
    row: Row,
}

impl RecordParser for CsvParser {
    fn parse(&mut self, line: &str) -> Result<Option<Record>, LineFault> {
        if self.row.lines == 0 && line.trim().is_empty() {
            return Ok(None);
        }
        if !self.row.add(line) {
            if self.row.text.len() <= DEFAULT_LINE_LIMIT {
                return Ok(None);
            }
            let lines = std::mem::take(&mut self.row).lines;
            return Err(LineFault::UnclosedQuote { lines });
        }
        let row = std::mem::take(&mut self.row);
        self.table.record(&row.cells())
    }

    fn end(&mut self) -> Result<(), LineFault> {
        match std::mem::take(&mut self.row).lines {
            0 => Ok(()),
            lines => Err(LineFault::UnclosedQuote { lines }),
        }
    }
}

/// A row, which may go over several lines.
struct Row {
    reader: Reader,
    /// The cells one behind the other, without their quotes.
    text: String,
    /// Where each ends.
    ends: Vec<usize>,
    lines: u64,
}

impl Default for Row {
    fn default() -> Row {
        Row {
            reader: ReaderBuilder::new()
                .terminator(Terminator::Any(b'\n'))
                .build(),
            text: String::new(),
            ends: Vec::new(),
            lines: 0,
        }
    }
}

impl Row {
    /// Whether the row ends with this line.
    fn add(&mut self, line: &str) -> bool {
        self.lines += 1;
        let input = format!("{line}\n");
        // There are no more bytes and cells out than bytes in, so there is always room.
        let (mut bytes, mut ends) = (vec![0; input.len()], vec![0; input.len()]);
        let (result, _, written, ended) =
            self.reader
                .read_record(input.as_bytes(), &mut bytes, &mut ends);
        // Only ASCII is left out, so what was UTF-8 still is.
        self.text += &String::from_utf8_lossy(&bytes[..written]);
        self.ends.extend(&ends[..ended]);
        matches!(result, ReadRecordResult::Record)
    }

    fn cells(&self) -> Vec<&str> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        let ranges = begins.zip(&self.ends);
        ranges.map(|(begin, &end)| &self.text[begin..end]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::CorpusOptions;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Vec<Record>, LineFault> {
        let mut parser = parser(&CorpusOptions::new().field_names());
        let records = text
            .lines()
            .filter_map(|line| parser.parse(line).transpose());
        let records = records.collect::<Result<Vec<_>, _>>()?;
        parser.end().map(|()| records)
    }

    #[test]
    fn cells_in_quotes_hold_anything() {
        let text =
            "id,title,text,\"a, b\"\n\n1,T,\"one, \"\"two\"\"\n\n three\",\"4\"\n2,,Müller,\n";
        let found = read(text).unwrap();
        let parts = |at: usize| [&*found[at].key, &*found[at].title, &*found[at].text];
        assert_eq!(parts(0), ["1", "T", "one, \"two\"\n\n three"]);
        assert_eq!(found[0].metadata["a, b"], "4");
        assert_eq!(parts(1), ["2", "", "Müller"]);
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn rows_without_header_are_key_text_and_title() {
        let found = read("d1,\"a, b\",T\nd2,c").unwrap();
        assert_eq!((&*found[0].text, &*found[0].title), ("a, b", "T"));
        let fault = read("one cell").unwrap_err().to_string();
        assert!(fault.contains("separated by commas"), "{fault}");
    }

    #[test]
    fn a_quote_that_is_never_closed_is_an_error_and_reading_goes_on() {
        let fault = LineFault::UnclosedQuote { lines: 2 };
        assert_eq!(read("id,text\n1,\"x\n2,y"), Err(fault));
        let mut parser = parser(&CorpusOptions::new().field_names());
        assert_eq!(parser.parse("id,text"), Ok(None));
        assert_eq!(parser.parse("1,\"x"), Ok(None));
        let long = "y".repeat(DEFAULT_LINE_LIMIT);
        let fault = LineFault::UnclosedQuote { lines: 2 };
        assert_eq!(parser.parse(&long), Err(fault));
        assert_eq!(parser.parse("2,z").unwrap().unwrap().key, "2");
        assert_eq!(parser.end(), Ok(()));
    }

    proptest! {
        #[test]
        fn what_is_written_with_quotes_is_read(
            rows in prop::collection::vec(("[a-z]{1,3}[0-9]", "[\\PC\n]*"), 1..5),
        ) {
            let quoted = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
            let lines = rows.iter().map(|(key, text)| format!("{},{}\n", quoted(key), quoted(text)));
            let text = format!("id,text\n{}", lines.collect::<String>());
            let found = read(&text).unwrap();
            let found: Vec<_> = found.into_iter().map(|record| (record.key, record.text)).collect();
            prop_assert_eq!(found, rows);
        }

        #[test]
        fn no_line_panics(lines in prop::collection::vec("[a\",\n ü]*", 0..6)) {
            let mut parser = parser(&CorpusOptions::new().field_names());
            for line in lines {
                let _ = parser.parse(&line);
            }
            let _ = parser.end();
        }
    }
}
