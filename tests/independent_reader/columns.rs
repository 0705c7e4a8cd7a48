//! Section 11: metadata by field and value.

use super::bytes::{number, numbers};
use super::frame::Sections;
use super::json::{Fields, Value};
use std::collections::BTreeSet;
use std::ops::Range;

/// The values of one path and kind.
struct Column {
    kind: usize,
    values: Vec<Value>,
    /// By value.
    documents: Vec<Vec<u64>>,
}

/// What the columns of a segment say.
pub fn columns(file: &Sections, documents: usize) -> Fields {
    let columns = column_list(file);
    let mut found = Fields::new();
    for (path, columns_of_path) in paths(&file["FLDS"], &file["PATH"], columns.len()) {
        let columns = &columns[columns_of_path];
        assert!(!columns.is_empty() && columns.is_sorted_by(|a, b| a.kind < b.kind));
        for column in columns {
            for (value, of_value) in column.values.iter().zip(&column.documents) {
                assert!(!of_value.is_empty() && of_value.is_sorted_by(|a, b| a < b));
                for document in of_value.iter().map(|document| *document as usize) {
                    assert!(document < documents);
                    found.insert((path.clone(), value.clone(), document));
                }
            }
        }
    }
    found
}

/// The paths, and which columns each has.
fn paths(entries: &[u8], bytes: &[u8], columns: usize) -> Vec<(String, Range<usize>)> {
    assert!(!entries.is_empty() && entries.len().is_multiple_of(16));
    let entries: Vec<&[u8]> = entries.chunks(16).collect();
    let (mut found, mut start, mut first) = (Vec::new(), 0, 0);
    for (at, entry) in entries.iter().enumerate() {
        assert_eq!(
            (number(entry, 0, 8), number(entry, 8, 4)),
            (start as u64, first as u64)
        );
        assert_eq!(number(entry, 12, 4), 0);
        let (end, next) = match entries.get(at + 1) {
            Some(entry) => (number(entry, 0, 8) as usize, number(entry, 8, 4) as usize),
            None => (bytes.len(), columns),
        };
        let path = String::from_utf8(bytes[start..end].to_vec()).unwrap();
        assert!(path.len() <= 1024 && backslashes_stand_before_dots(&path));
        found.push((path, first..next));
        (start, first) = (end, next);
    }
    assert!(found.is_sorted_by(|a, b| a.0.as_bytes() < b.0.as_bytes()));
    found
}

/// Or before backslashes.
fn backslashes_stand_before_dots(path: &str) -> bool {
    let rest = path.replace("\\\\", "").replace("\\.", "");
    !rest.contains('\\')
}

/// `COLS`, with what it leads to. All entries follow each other, so that nothing is left over.
fn column_list(file: &Sections) -> Vec<Column> {
    assert_eq!(file["COLS"].len() % 32, 0);
    let entries: Vec<&[u8]> = file["COLS"].chunks(32).collect();
    let (starts, pairs) = (numbers(&file["STRT"], 4), numbers(&file["DOCS"], 4));
    let typed = typed_values(file);
    let (mut first, mut pair, mut next) = (0, 0, [0; 7]);
    let mut found = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let kind = number(entry, 0, 4) as usize;
        let places = [8, 16, 24].map(|offset| number(entry, offset, 8) as usize);
        assert_eq!(places, [first, next[kind], pair]);
        let end = |offset, all| match entries.get(at + 1) {
            Some(entry) => number(entry, offset, 8) as usize,
            None => all,
        };
        let starts = &starts[first..end(8, starts.len())];
        let pairs = &pairs[pair..end(24, pairs.len())];
        assert_eq!(starts[0], 0);
        assert!(pairs.len() < 1 << 32);
        let distinct: BTreeSet<&u64> = pairs.iter().collect();
        assert_eq!(number(entry, 4, 4), distinct.len() as u64);
        let values = match typed.get(kind.wrapping_sub(4)) {
            None => vec![Value::Kind(kind)],
            Some(values) => values[next[kind]..][..starts.len()].to_vec(),
        };
        assert_eq!(values.len(), starts.len());
        assert!(values.is_sorted_by(|a, b| a.less(b)));
        first += starts.len();
        pair += pairs.len();
        next[kind] += if kind > 3 { starts.len() } else { 0 };
        let ends = starts[1..].iter().copied().chain([pairs.len() as u64]);
        let ranges = starts.iter().zip(ends);
        let documents = ranges.map(|(start, end)| pairs[*start as usize..end as usize].to_vec());
        found.push(Column {
            kind,
            values,
            documents: documents.collect(),
        });
    }
    assert_eq!((first, pair), (starts.len(), pairs.len()));
    assert_eq!(next[4..], [0, 1, 2].map(|kind| typed[kind].len()));
    found
}

/// `INTS`, `FLTS`, and the strings that `STRS` finds in `STRB`.
fn typed_values(file: &Sections) -> [Vec<Value>; 3] {
    let integers = numbers(&file["INTS"], 8).into_iter();
    let integers = integers.map(|bits| Value::Integer(bits.cast_signed()));
    let floats = numbers(&file["FLTS"], 8).into_iter().map(f64::from_bits);
    let floats: Vec<f64> = floats.collect();
    assert!(floats.iter().all(|x| x.is_finite()));
    let places = numbers(&file["STRS"], 8);
    let bytes = &file["STRB"];
    assert!(places.is_sorted());
    assert_eq!(
        (places[0], places[places.len() - 1]),
        (0, bytes.len() as u64)
    );
    let strings = places.windows(2).map(|place| {
        let string = &bytes[place[0] as usize..place[1] as usize];
        Value::String(String::from_utf8(string.to_vec()).unwrap())
    });
    [
        integers.collect(),
        floats.into_iter().map(Value::float).collect(),
        strings.collect(),
    ]
}
