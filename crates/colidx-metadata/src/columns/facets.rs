//! What fields there are, and how often each of their values.

use super::layout::Kind;
use super::read::Column;
use super::{Bits, Columns, ColumnsError, ValueRef};
use std::ops::Deref;

/// What a segment's documents have in one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldSummary<'a> {
    /// Path of the field.
    pub path: &'a str,
    /// How many documents have it, if only as null or as something empty.
    pub documents: u32,
    /// Its values by their kind, in the order of [`Kind`].
    pub columns: Vec<ColumnSummary<'a>>,
}

/// The values of one kind that a field has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnSummary<'a> {
    /// What they are.
    pub kind: Kind,
    /// How many documents have one.
    pub documents: u32,
    /// How many distinct ones there are.
    pub distinct: u64,
    /// The smallest and the largest; `None` for nulls and what is empty.
    pub range: Option<(ValueRef<'a>, ValueRef<'a>)>,
}

impl<B: Deref<Target = [u8]>> Columns<B> {
    /// All fields, ascending by path; objects that have fields are not among them.
    pub fn fields(&self) -> Result<Vec<FieldSummary<'_>>, ColumnsError> {
        let summary = |field| {
            let mut columns = Vec::new();
            for column in self.columns_of(field..field + 1) {
                columns.push(summarise(&column?)?);
            }
            let path = self.utf8_path(field)?;
            let documents = match &columns[..] {
                [one] => one.documents,
                _ => self.documents_with(field)?,
            };
            Ok(FieldSummary {
                path,
                documents,
                columns,
            })
        };
        (0..self.field_entries().len()).map(summary).collect()
    }

    /// The values of a field and how many documents have each, ascending; out of the documents
    /// `among`, where given, and then only values that one of them has.
    ///
    /// Nulls and what is empty are no values. As the values of every segment come in the same
    /// order, those of several are merged as sorted lists are.
    pub fn counts<'a>(&'a self, path: &str, among: Option<&'a Bits>) -> Counts<'a> {
        Counts {
            columns: Box::new(self.columns_of(self.field(path))),
            column: None,
            among,
        }
    }

    fn documents_with(&self, field: usize) -> Result<u32, ColumnsError> {
        let mut bits = Bits::none(self.documents);
        for column in self.columns_of(field..field + 1) {
            let column = column?;
            for &document in column.documents_of(0..column.len())? {
                bits.insert(document);
            }
        }
        Ok(bits.count())
    }
}

fn summarise<'a>(column: &Column<'a>) -> Result<ColumnSummary<'a>, ColumnsError> {
    let smallest = column.value(0)?;
    let largest = column.value(column.len() - 1)?;
    Ok(ColumnSummary {
        kind: column.kind,
        documents: column.documents,
        distinct: column.len() as u64,
        range: smallest.zip(largest),
    })
}

type Opened<'a> = Result<Column<'a>, ColumnsError>;

/// Values and how many documents have each, see [`Columns::counts`].
pub struct Counts<'a> {
    columns: Box<dyn Iterator<Item = Opened<'a>> + 'a>,
    /// The column at hand, and its next value.
    column: Option<(Column<'a>, usize)>,
    among: Option<&'a Bits>,
}

impl<'a> Counts<'a> {
    fn step(&mut self) -> Result<Option<(ValueRef<'a>, u32)>, ColumnsError> {
        loop {
            let Some((column, at)) = &mut self.column else {
                match self.columns.next() {
                    None => return Ok(None),
                    Some(column) => self.column = Some((column?, 0)),
                }
                continue;
            };
            let value = *at;
            *at += 1;
            if value == column.len() {
                self.column = None;
                continue;
            }
            let documents = column.documents_of(value..value + 1)?;
            let count = match self.among {
                None => documents.len(),
                Some(among) => documents.iter().filter(|&&d| among.contains(d)).count(),
            };
            if count > 0
                && let Some(value) = column.value(value)?
            {
                return Ok(Some((value, u32::try_from(count).unwrap_or(u32::MAX))));
            }
        }
    }
}

impl<'a> Iterator for Counts<'a> {
    type Item = Result<(ValueRef<'a>, u32), ColumnsError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}

impl std::fmt::Debug for Counts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Counts").finish_non_exhaustive()
    }
}
