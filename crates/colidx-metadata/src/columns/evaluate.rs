//! Filters to sets of documents.

use super::layout::{DOCUMENTS, Kind};
use super::like::Pattern;
use super::read::{Column, Strings, Values, partition};
use super::{Bits, Columns, ColumnsError};
use crate::filter::{Comparison, Field, Filter};
use std::ops::{Deref, Range};

/// Whether a filter holds for a document without any field.
pub fn holds_without_fields(filter: &Filter) -> bool {
    match filter {
        Filter::And(filters) => filters.iter().all(holds_without_fields),
        Filter::Or(filters) => filters.iter().any(holds_without_fields),
        Filter::Not(filter) => !holds_without_fields(filter),
        Filter::IsNull(_) => true,
        Filter::Compare(..)
        | Filter::Between(..)
        | Filter::In(..)
        | Filter::Like(..)
        | Filter::IsTrue(_)
        | Filter::Exists(_) => false,
    }
}

impl<B: Deref<Target = [u8]>> Columns<B> {
    /// The documents for which a filter holds. It holds a set of documents for each level of the
    /// filter at a time.
    pub fn evaluate(&self, filter: &Filter) -> Result<Bits, ColumnsError> {
        match filter {
            Filter::And(filters) => self.all(filters),
            Filter::Or(filters) => self.any(filters),
            Filter::Not(filter) => {
                let mut bits = self.evaluate(filter)?;
                bits.not();
                Ok(bits)
            }
            Filter::Compare(field, comparison, value) => self.values(field, |column, found| {
                let place = column.place(value);
                let ranges = place.map(|place| compared(*comparison, place, column.len()));
                ranges.into_iter().flatten().try_for_each(found)
            }),
            Filter::Between(field, from, to) => self.values(field, |column, found| {
                match column.place(from).zip(column.place(to)) {
                    Some(((start, _), (_, end))) => found(start..end),
                    None => Ok(()),
                }
            }),
            Filter::In(field, values) => self.values(field, |column, found| {
                let places = values.iter().filter_map(|value| column.place(value));
                let mut places: Vec<_> = places.collect();
                // A value given often is looked up once, and documents are read in order.
                places.sort_unstable();
                places.dedup();
                places
                    .into_iter()
                    .try_for_each(|(start, end)| found(start..end))
            }),
            Filter::Like(field, pattern) => self.like(field, &Pattern::new(pattern)),
            Filter::IsTrue(field) => self.of_kind(field, Kind::True),
            Filter::IsNull(field) => {
                let mut bits = self.existing(&field.path)?;
                bits.not();
                bits.or(&self.of_kind(field, Kind::Null)?);
                Ok(bits)
            }
            Filter::Exists(field) => self.existing(&field.path),
        }
    }

    fn all(&self, filters: &[Filter]) -> Result<Bits, ColumnsError> {
        let Some((first, rest)) = filters.split_first() else {
            return Ok(Bits::all(self.documents));
        };
        let mut bits = self.evaluate(first)?;
        for filter in rest {
            if bits.is_empty() {
                break;
            }
            bits.and(&self.evaluate(filter)?);
        }
        Ok(bits)
    }

    fn any(&self, filters: &[Filter]) -> Result<Bits, ColumnsError> {
        let Some((first, rest)) = filters.split_first() else {
            return Ok(Bits::none(self.documents));
        };
        let mut bits = self.evaluate(first)?;
        for filter in rest {
            bits.or(&self.evaluate(filter)?);
        }
        Ok(bits)
    }

    fn like(&self, field: &Field, pattern: &Pattern) -> Result<Bits, ColumnsError> {
        self.values(field, |column, found| {
            let Values::Strings(strings) = column.values else {
                return Ok(());
            };
            let mut candidates = with_prefix(strings, column.len(), pattern.prefix().as_bytes());
            if pattern.is_prefix() {
                return found(candidates);
            }
            candidates.try_for_each(|at| match pattern.matches(strings.text(at)?) {
                true => found(at..at + 1),
                false => Ok(()),
            })
        })
    }

    fn of_kind(&self, field: &Field, kind: Kind) -> Result<Bits, ColumnsError> {
        self.values(field, |column, found| match column.kind == kind {
            true => found(0..column.len()),
            false => Ok(()),
        })
    }

    /// The documents that have a field, if only as null, as something empty or as an object.
    pub(super) fn existing(&self, path: &str) -> Result<Bits, ColumnsError> {
        let mut bits = Bits::none(self.documents);
        for fields in [self.field(path), self.fields_below(path)] {
            for column in self.columns_of(fields) {
                let column = column?;
                insert(&mut bits, column.documents_of(0..column.len())?)?;
            }
        }
        Ok(bits)
    }

    /// The documents of the values that `select` finds in the columns of a field.
    fn values(
        &self,
        field: &Field,
        mut select: impl FnMut(&Column<'_>, &mut Found<'_>) -> Result<(), ColumnsError>,
    ) -> Result<Bits, ColumnsError> {
        let mut bits = Bits::none(self.documents);
        for column in self.columns_of(self.field(&field.path)) {
            let column = column?;
            select(&column, &mut |values| {
                if values.is_empty() {
                    return Ok(());
                }
                insert(&mut bits, column.documents_of(values)?)
            })?;
        }
        Ok(bits)
    }
}

/// Takes a range of values.
type Found<'f> = dyn FnMut(Range<usize>) -> Result<(), ColumnsError> + 'f;

/// The values, out of `all`, that compare so with one that stands at a place.
fn compared(
    comparison: Comparison,
    (less, not_greater): (usize, usize),
    all: usize,
) -> [Range<usize>; 2] {
    match comparison {
        Comparison::Eq => [less..not_greater, 0..0],
        Comparison::Ne => [0..less, not_greater..all],
        Comparison::Lt => [0..less, 0..0],
        Comparison::Le => [0..not_greater, 0..0],
        Comparison::Gt => [not_greater..all, 0..0],
        Comparison::Ge => [less..all, 0..0],
    }
}

/// The strings that begin so.
fn with_prefix(strings: Strings<'_>, all: usize, prefix: &[u8]) -> Range<usize> {
    let start = partition(all, |at| strings.get(at) < prefix);
    let more = partition(all - start, |at| {
        strings.get(start + at).starts_with(prefix)
    });
    start..start + more
}

fn insert(bits: &mut Bits, documents: &[u32]) -> Result<(), ColumnsError> {
    let all = bits.documents();
    match documents.iter().find(|&&document| !bits.insert(document)) {
        None => Ok(()),
        Some(got) => {
            let expected = format!("a number below {all}");
            Err(ColumnsError::new(DOCUMENTS, "a document", expected, got))
        }
    }
}
