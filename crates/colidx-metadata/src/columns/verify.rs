//! A full check of the columns.

use super::document::is_path;
use super::layout::{
    COLUMNS, ColumnEntry, DOCUMENTS, FIELDS, FLOATS, INTEGERS, Kind, PATHS, STARTS, STRING_STARTS,
    STRINGS,
};
use super::read::{Column, Values, cast};
use super::{Bits, Columns, ColumnsError, MAX_PATH_BYTES};
use std::ops::Deref;

impl<B: Deref<Target = [u8]>> Columns<B> {
    /// Checks everything that the format promises. Takes a bit for each document.
    pub fn verify(&self) -> Result<(), ColumnsError> {
        ascending(STRING_STARTS, cast(&self.string_starts), u64::le)?;
        begins_at_zero::<u64>(STRING_STARTS, cast(&self.string_starts))?;
        self.verify_fields()?;
        self.verify_column_entries()?;
        let mut seen = Bits::none(self.documents);
        for at in 0..self.column_entries().len() {
            let column = self.column(at)?;
            verify_values(&column)?;
            self.verify_documents(&column, &mut seen)?;
        }
        Ok(())
    }

    /// A field's path as text.
    pub(super) fn utf8_path(&self, field: usize) -> Result<&str, ColumnsError> {
        let path = self.path(field);
        str::from_utf8(path).map_err(|e| invalid(PATHS, field, "UTF-8", e))
    }

    fn verify_fields(&self) -> Result<(), ColumnsError> {
        let entries = self.field_entries();
        let columns = self.column_entries().len();
        let (mut path_end, mut before) = (0, None);
        for (field, entry) in entries.iter().enumerate() {
            if entry.path != path_end {
                return Err(invalid(FIELDS, field, path_end, entry.path));
            }
            let path = self.utf8_path(field)?;
            path_end += path.len() as u64;
            if !is_path(path) || path.len() > MAX_PATH_BYTES {
                return Err(invalid(PATHS, field, "a path of allowed length", path));
            }
            if before.replace(path).is_some_and(|before| before >= path) {
                return Err(invalid(PATHS, field, "a greater path than before", path));
            }
            let next = entries
                .get(field + 1)
                .map_or(columns, |e| e.columns as usize);
            let first = field == 0 && entry.columns != 0;
            if first || entry.columns as usize >= next || next > columns {
                return Err(invalid(FIELDS, field, "columns of its own", entry.columns));
            }
            if entry.reserved != 0 {
                return Err(invalid(FIELDS, field, 0, entry.reserved));
            }
            let kinds = &self.column_entries()[entry.columns as usize..next];
            if !kinds.is_sorted_by(|a, b| a.kind < b.kind) {
                return Err(invalid(FIELDS, field, "columns by kind", "another order"));
            }
        }
        let (expected, got) = (path_end, self.paths.len() as u64);
        if expected != got || (entries.is_empty() && columns > 0) {
            return Err(invalid(
                FIELDS,
                entries.len(),
                "all paths and columns",
                "less",
            ));
        }
        Ok(())
    }

    /// Each column's values follow those of the one before, among all and among those of its kind.
    fn verify_column_entries(&self) -> Result<(), ColumnsError> {
        let (mut first, mut postings, mut typed) = (0, 0, [0; Kind::COUNT]);
        for (at, entry) in self.column_entries().iter().enumerate() {
            let column = self.column(at)?;
            let expected = ColumnEntry {
                first,
                typed: typed[column.kind as usize],
                postings,
                ..*entry
            };
            if bytemuck::bytes_of(entry) != bytemuck::bytes_of(&expected) {
                return Err(invalid(
                    COLUMNS,
                    at,
                    format!("{expected:?}"),
                    format!("{entry:?}"),
                ));
            }
            first += column.len() as u64;
            postings += column.postings.len() as u64;
            if !matches!(column.values, Values::One(_)) {
                typed[column.kind as usize] += column.len() as u64;
            }
        }
        let strings = (cast::<u64>(&self.string_starts).len() as u64).saturating_sub(1);
        let documents = cast::<u32>(&self.postings).len() as u64;
        for (section, expected, got) in [
            (STARTS, first, cast::<u32>(&self.starts).len() as u64),
            (DOCUMENTS, postings, documents),
            (
                INTEGERS,
                typed[Kind::I64 as usize],
                self.integers.len() as u64 / 8,
            ),
            (
                FLOATS,
                typed[Kind::F64 as usize],
                self.floats.len() as u64 / 8,
            ),
            (STRING_STARTS, typed[Kind::String as usize], strings),
        ] {
            if expected != got {
                return Err(ColumnsError::new(
                    section,
                    "number of values",
                    expected,
                    got,
                ));
            }
        }
        Ok(())
    }

    fn verify_documents(&self, column: &Column<'_>, seen: &mut Bits) -> Result<(), ColumnsError> {
        let mut distinct = 0;
        ascending(STARTS, column.starts, u32::lt)?;
        begins_at_zero(STARTS, column.starts)?;
        for value in 0..column.len() {
            let documents = column.documents_of(value..value + 1)?;
            if documents.is_empty() || !documents.is_sorted_by(|a, b| a < b) {
                let expected = "strictly ascending documents";
                return Err(ColumnsError::new(DOCUMENTS, "a value", expected, "others"));
            }
            for &document in documents {
                distinct += u32::from(!seen.contains(document));
                if !seen.insert(document) {
                    let expected = format!("below {}", self.documents);
                    return Err(ColumnsError::new(
                        DOCUMENTS,
                        "a document",
                        expected,
                        document,
                    ));
                }
            }
        }
        // Not cleared as a whole: there may be many small columns.
        for &document in column.documents_of(0..column.len())? {
            seen.remove(document);
        }
        if distinct != column.documents {
            let what = "documents of a column";
            return Err(ColumnsError::new(COLUMNS, what, distinct, column.documents));
        }
        Ok(())
    }
}

fn verify_values(column: &Column<'_>) -> Result<(), ColumnsError> {
    match column.values {
        Values::One(_) => Ok(()),
        Values::I64(values) => ascending(INTEGERS, values, i64::lt),
        Values::F64(values) => {
            let zero = (-0.0f64).to_bits();
            let good = |v: &&f64| v.is_finite() && v.to_bits() != zero;
            if let Some(bad) = values.iter().find(|v| !good(v)) {
                let expected = "finite, and not minus zero";
                return Err(ColumnsError::new(FLOATS, "a float", expected, bad));
            }
            ascending(FLOATS, values, f64::lt)
        }
        Values::Strings(strings) => {
            let mut before = None;
            for at in 0..column.len() {
                let text = strings.text(at)?;
                if before.replace(text).is_some_and(|before| before >= text) {
                    let expected = "greater than the one before";
                    return Err(ColumnsError::new(STRINGS, "a string", expected, "not so"));
                }
            }
            Ok(())
        }
    }
}

fn begins_at_zero<T: Default + PartialEq + std::fmt::Debug>(
    section: [u8; 4],
    values: &[T],
) -> Result<(), ColumnsError> {
    match values.first() {
        Some(first) if *first != T::default() => Err(invalid(section, 0, 0, format!("{first:?}"))),
        _ => Ok(()),
    }
}

fn ascending<T: std::fmt::Debug>(
    section: [u8; 4],
    values: &[T],
    before: impl Fn(&T, &T) -> bool,
) -> Result<(), ColumnsError> {
    match values
        .windows(2)
        .position(|pair| !before(&pair[0], &pair[1]))
    {
        None => Ok(()),
        Some(at) => Err(invalid(
            section,
            at + 1,
            format!("more than {:?}", values[at]),
            format!("{:?}", values[at + 1]),
        )),
    }
}

fn invalid(
    section: [u8; 4],
    entry: usize,
    expected: impl ToString,
    got: impl ToString,
) -> ColumnsError {
    ColumnsError::new(section, format!("entry {entry}"), expected, got)
}
