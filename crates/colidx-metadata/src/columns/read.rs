//! Reading columns in place.

use super::document::is_path;
use super::layout::{
    COLUMNS, ColumnEntry, DOCUMENTS, FIELDS, FLOATS, FieldEntry, INTEGERS, Kind, PATHS, STARTS,
    STRING_STARTS, STRINGS,
};
use super::value::compare_i64_f64;
use super::{ColumnsError, ValueRef};
use crate::filter::{Types, Value};
use bytemuck::Pod;
use std::cmp::Ordering;
use std::ops::{Deref, Range};

/// The columns of a segment. `B` holds the bytes of a section, in memory or mapped.
///
/// Bytes are trusted no further than [`open`](Self::open) looks: what a damaged file leads to is an
/// error or a wrong answer, until [`verify`](Self::verify) has found it.
#[derive(Debug, Clone)]
pub struct Columns<B> {
    pub(super) documents: u32,
    pub(super) fields: B,
    pub(super) paths: B,
    pub(super) columns: B,
    pub(super) integers: B,
    pub(super) floats: B,
    pub(super) string_starts: B,
    pub(super) strings: B,
    pub(super) starts: B,
    pub(super) postings: B,
}

impl<B: Deref<Target = [u8]>> Columns<B> {
    /// Reads the sections, which `section` finds by their tags, of a segment of
    /// `documents`. Checks their lengths only.
    pub fn open<E: From<ColumnsError>>(
        documents: u32,
        mut section: impl FnMut([u8; 4]) -> Result<B, E>,
    ) -> Result<Self, E> {
        let columns = Self {
            documents,
            fields: section(FIELDS)?,
            paths: section(PATHS)?,
            columns: section(COLUMNS)?,
            integers: section(INTEGERS)?,
            floats: section(FLOATS)?,
            string_starts: section(STRING_STARTS)?,
            strings: section(STRINGS)?,
            starts: section(STARTS)?,
            postings: section(DOCUMENTS)?,
        };
        columns.check_lengths()?;
        Ok(columns)
    }

    fn check_lengths(&self) -> Result<(), ColumnsError> {
        whole::<FieldEntry>(FIELDS, &self.fields)?;
        whole::<ColumnEntry>(COLUMNS, &self.columns)?;
        whole::<i64>(INTEGERS, &self.integers)?;
        whole::<f64>(FLOATS, &self.floats)?;
        whole::<u64>(STRING_STARTS, &self.string_starts)?;
        whole::<u32>(STARTS, &self.starts)?;
        whole::<u32>(DOCUMENTS, &self.postings)?;
        ends_at(STRING_STARTS, &self.string_starts, self.strings.len())
    }

    /// How many documents the segment has.
    pub fn documents(&self) -> u32 {
        self.documents
    }

    /// What a field's values can be compared with; `None` where no document has the field. An
    /// object is a field without values.
    pub fn types(&self, path: &str) -> Option<Types> {
        let mut types = Types::default();
        for column in self.columns_of(self.field(path)) {
            match column.ok()?.values {
                Values::One(Kind::False | Kind::True) => types.bool = true,
                Values::One(_) => {}
                Values::I64(_) | Values::F64(_) => types.number = true,
                Values::Strings(_) => types.string = true,
            }
        }
        let there = !self.field(path).is_empty() || !self.fields_below(path).is_empty();
        there.then_some(types)
    }

    /// The paths of all fields, ascending; objects that have fields are not among them.
    pub fn paths(&self) -> Vec<&str> {
        let paths = (0..self.field_entries().len()).map(|field| self.path(field));
        paths.filter_map(|path| str::from_utf8(path).ok()).collect()
    }

    /// The number of a field, as a range of one or none.
    pub(super) fn field(&self, path: &str) -> Range<usize> {
        let start = self.first_field_at_or_after(path.as_bytes());
        let found = start < self.field_entries().len() && self.path(start) == path.as_bytes();
        start..start + usize::from(found)
    }

    /// The fields of an object, and of objects in it.
    pub(super) fn fields_below(&self, path: &str) -> Range<usize> {
        if !is_path(path) {
            return 0..0;
        }
        // A dot and the byte after it: paths of that object's fields lie between.
        let bytes = path.as_bytes();
        let start = self.first_field_at_or_after(&[bytes, b"."].concat());
        let end = self.first_field_at_or_after(&[bytes, b"/"].concat());
        start..end.max(start)
    }

    fn first_field_at_or_after(&self, path: &[u8]) -> usize {
        partition(self.field_entries().len(), |field| self.path(field) < path)
    }

    /// The columns of fields, of each at most as many as there are kinds. Each field has columns of
    /// its own, or the work for all of them would be out of proportion to their bytes.
    pub(super) fn columns_of(
        &self,
        fields: Range<usize>,
    ) -> impl Iterator<Item = Result<Column<'_>, ColumnsError>> {
        let all = self.column_entries().len();
        let first = move |field: usize| {
            let entry = self.field_entries().get(field);
            entry.map_or(all, |entry| all.min(entry.columns as usize))
        };
        fields.flat_map(move |field| {
            let own = first(field)..first(field + 1);
            let none = own.is_empty().then(|| {
                let what = format!("entry {field}");
                ColumnsError::new(FIELDS, what, "columns of its own", format!("{own:?}"))
            });
            let columns = own.take(Kind::COUNT).map(|column| self.column(column));
            columns.chain(none.map(Err))
        })
    }

    pub(super) fn column(&self, at: usize) -> Result<Column<'_>, ColumnsError> {
        let invalid = |expected: &str, got: String| {
            ColumnsError::new(COLUMNS, format!("entry {at}"), expected, got)
        };
        let entries = self.column_entries();
        let entry = entries
            .get(at)
            .ok_or_else(|| invalid("an entry", "none".into()))?;
        let kind =
            Kind::new(entry.kind).ok_or_else(|| invalid("a known kind", entry.kind.to_string()))?;
        let (starts, postings): (&[u32], &[u32]) = (cast(&self.starts), cast(&self.postings));
        let next = entries.get(at + 1);
        let values = entry.first..next.map_or(starts.len() as u64, |next| next.first);
        let starts = slice(starts, values.clone())
            .filter(|starts| !starts.is_empty())
            .ok_or_else(|| invalid("values in STRT", format!("{values:?}")))?;
        let range = entry.postings..next.map_or(postings.len() as u64, |next| next.postings);
        let postings = slice(postings, range.clone())
            .ok_or_else(|| invalid("documents in DOCS", format!("{range:?}")))?;
        let values = starts.len() as u64;
        let typed = entry.typed..entry.typed.saturating_add(values);
        let values = match kind {
            Kind::I64 => slice(cast(&self.integers), typed.clone()).map(Values::I64),
            Kind::F64 => slice(cast(&self.floats), typed.clone()).map(Values::F64),
            Kind::String => {
                let with_end = typed.start..typed.end.saturating_add(1);
                slice(cast(&self.string_starts), with_end).map(|starts| {
                    Values::Strings(Strings {
                        starts,
                        bytes: &self.strings,
                    })
                })
            }
            _ => (values == 1).then_some(Values::One(kind)),
        };
        Ok(Column {
            kind,
            documents: entry.documents,
            starts,
            postings,
            first_posting: range.start as usize,
            values: values.ok_or_else(|| invalid("values of its kind", format!("{typed:?}")))?,
        })
    }

    pub(super) fn field_entries(&self) -> &[FieldEntry] {
        cast(&self.fields)
    }

    pub(super) fn column_entries(&self) -> &[ColumnEntry] {
        cast(&self.columns)
    }

    /// A field's path; empty where the entry is damaged.
    pub(super) fn path(&self, field: usize) -> &[u8] {
        let entries = self.field_entries();
        let all = self.paths.len() as u64;
        let start = |at: usize| entries.get(at).map_or(all, |entry| entry.path);
        slice(&self.paths, start(field)..start(field + 1)).unwrap_or_default()
    }
}

/// The values of one kind that a field has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column<'a> {
    pub kind: Kind,
    /// How many documents have a value.
    pub documents: u32,
    /// Where the documents of each value begin.
    pub starts: &'a [u32],
    pub postings: &'a [u32],
    /// Where `postings` begin in `DOCS`.
    pub first_posting: usize,
    pub values: Values<'a>,
}

/// Distinct values, ascending.
#[derive(Debug, Clone, Copy)]
pub(super) enum Values<'a> {
    One(Kind),
    I64(&'a [i64]),
    F64(&'a [f64]),
    Strings(Strings<'a>),
}

impl<'a> Column<'a> {
    /// How many distinct values there are.
    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// The documents of a range of values, for each value ascending.
    pub(super) fn documents_of(&self, values: Range<usize>) -> Result<&'a [u32], ColumnsError> {
        let all = self.postings.len();
        let place = |at: usize| self.starts.get(at).map_or(all, |&start| start as usize);
        let range = place(values.start)..place(values.end);
        self.postings.get(range.clone()).ok_or_else(|| {
            let expected = format!("inside 0..{all}");
            ColumnsError::new(
                STARTS,
                "documents of a value",
                expected,
                format!("{range:?}"),
            )
        })
    }

    /// A value that filters compare with; `None` for nulls and what is empty.
    pub(super) fn value(&self, at: usize) -> Result<Option<ValueRef<'a>>, ColumnsError> {
        Ok(match self.values {
            Values::One(Kind::False) => Some(ValueRef::Bool(false)),
            Values::One(Kind::True) => Some(ValueRef::Bool(true)),
            Values::One(_) => None,
            Values::I64(values) => values.get(at).copied().map(ValueRef::I64),
            Values::F64(values) => values.get(at).copied().map(ValueRef::F64),
            Values::Strings(strings) => Some(ValueRef::String(strings.text(at)?)),
        })
    }

    /// Where a value stands: how many are less, and how many are not greater. `None` where these
    /// values do not compare with it.
    pub(super) fn place(&self, value: &Value) -> Option<(usize, usize)> {
        let among = |compare: &dyn Fn(usize) -> Ordering| {
            let less = partition(self.len(), |at| compare(at).is_lt());
            let more = partition(self.len() - less, |at| compare(less + at).is_le());
            Some((less, less + more))
        };
        match (self.values, value) {
            (Values::One(kind @ (Kind::False | Kind::True)), Value::Bool(b)) => {
                among(&|_| (kind == Kind::True).cmp(b))
            }
            (Values::I64(v), Value::I64(n)) => among(&|at| v[at].cmp(n)),
            (Values::F64(v), Value::I64(n)) => among(&|at| compare_i64_f64(*n, v[at]).reverse()),
            (_, Value::F64(x)) if x.is_nan() => None,
            (Values::I64(v), Value::F64(x)) => among(&|at| compare_i64_f64(v[at], *x)),
            // Plus zero, as minus zero is not stored.
            (Values::F64(v), Value::F64(x)) => among(&|at| v[at].total_cmp(&(x + 0.0))),
            (Values::Strings(v), Value::String(s)) => among(&|at| v.get(at).cmp(s.as_bytes())),
            _ => None,
        }
    }
}

/// Strings, ascending by their bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strings<'a> {
    /// Where each begins, and where the last one ends.
    starts: &'a [u64],
    bytes: &'a [u8],
}

impl<'a> Strings<'a> {
    /// A string's bytes; none where its range is damaged.
    pub(super) fn get(&self, at: usize) -> &'a [u8] {
        let place = |at: usize| self.starts.get(at).copied().unwrap_or(u64::MAX);
        slice(self.bytes, place(at)..place(at + 1)).unwrap_or_default()
    }

    pub(super) fn text(&self, at: usize) -> Result<&'a str, ColumnsError> {
        str::from_utf8(self.get(at)).map_err(|e| ColumnsError::new(STRINGS, "a string", "UTF-8", e))
    }
}

/// How many of `0..n` come before the first for which `before` is false.
pub(super) fn partition(n: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, n);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

fn slice<T>(all: &[T], range: Range<u64>) -> Option<&[T]> {
    let start = usize::try_from(range.start).ok()?;
    all.get(start..usize::try_from(range.end).ok()?)
}

/// The elements of a section, whose length and alignment were checked.
pub(super) fn cast<T: Pod>(bytes: &[u8]) -> &[T] {
    bytemuck::try_cast_slice(bytes).unwrap_or_default()
}

fn whole<T: Pod>(section: [u8; 4], bytes: &[u8]) -> Result<(), ColumnsError> {
    let expected = format!("a multiple of {} bytes, aligned", size_of::<T>());
    bytemuck::try_cast_slice::<u8, T>(bytes)
        .map(|_| ())
        .map_err(|_| ColumnsError::new(section, "length", expected, bytes.len()))
}

/// Starts are at least one, the end of the last.
fn ends_at(section: [u8; 4], starts: &[u8], end: usize) -> Result<(), ColumnsError> {
    match cast::<u64>(starts).last() {
        Some(&last) if last == end as u64 => Ok(()),
        Some(last) => Err(ColumnsError::new(section, "last entry", end, last)),
        None => Err(ColumnsError::new(section, "last entry", end, "missing")),
    }
}
