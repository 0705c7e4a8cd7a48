//! The metadata of a snapshot: its segments' columns as one.

use super::{DocumentSet, Snapshot};
use crate::error::{Error, Result};
use crate::segment::columns::Columns;
use colidx_metadata::columns::{Bits, Counts, Kind, ValueRef, holds_without_fields};
use colidx_metadata::filter::{Schema, Types};
use colidx_metadata::{Filter, Value};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// A field of the metadata, over all documents that are not deleted since they were written or
/// merged.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FieldInfo {
    /// Its path: the name, behind the path of the object that it belongs to and a dot.
    pub path: String,
    /// How many documents have it, if only as null or as something empty.
    pub documents: u64,
    /// How many have a boolean, an integer, a float, a string in it.
    pub types: TypeCounts,
    /// How many distinct values it has.
    pub distinct: u64,
}

/// How many documents have a value of each type in a field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TypeCounts {
    /// Booleans.
    pub booleans: u64,
    /// Integers.
    pub integers: u64,
    /// Other numbers.
    pub floats: u64,
    /// Strings.
    pub strings: u64,
}

impl Snapshot {
    /// The documents for which a filter holds.
    ///
    /// # Errors
    ///
    /// [`Error::Filter`] for a field that no document has or a value of another type than its
    /// field, [`Error::NoColumns`].
    pub(crate) fn matching(&self, filter: &Filter) -> Result<DocumentSet> {
        self.require_columns()?;
        filter.check(self)?;
        let words = |segment: &crate::segment::Segment| {
            let documents = segment.documents.len();
            Ok(match &segment.columns {
                Some(columns) => columns.matching(filter)?,
                None if holds_without_fields(filter) => Bits::all(documents),
                None => Bits::none(documents),
            }
            .words()
            .to_vec())
        };
        let segments = self.segments.iter().map(words).collect::<Result<_>>()?;
        Ok(DocumentSet::of_words(self, segments))
    }

    /// Fails where documents have metadata that are not in columns.
    fn require_columns(&self) -> Result<()> {
        let stored = self.segments.iter().any(|segment| segment.text.is_some());
        match self.manifest.features.columns || !stored {
            true => Ok(()),
            false => Err(Error::NoColumns {
                path: self.directory.path().to_path_buf(),
            }),
        }
    }

    fn columns(&self) -> impl Iterator<Item = &Columns> {
        self.segments.iter().filter_map(|s| s.columns.as_ref())
    }

    /// All fields, ascending by path.
    pub(crate) fn fields(&self) -> Result<Vec<FieldInfo>> {
        self.require_columns()?;
        let mut fields: BTreeMap<String, FieldInfo> = BTreeMap::new();
        for columns in self.columns() {
            for summary in columns.checked(columns.get().fields())? {
                let path = summary.path;
                let field = fields.entry(path.to_owned()).or_insert_with(|| FieldInfo {
                    path: path.to_owned(),
                    documents: 0,
                    types: TypeCounts::default(),
                    distinct: 0,
                });
                field.documents += u64::from(summary.documents);
                for column in summary.columns {
                    let count = match column.kind {
                        Kind::Null | Kind::Empty => continue,
                        Kind::False | Kind::True => &mut field.types.booleans,
                        Kind::I64 => &mut field.types.integers,
                        Kind::F64 => &mut field.types.floats,
                        Kind::String => &mut field.types.strings,
                    };
                    *count += u64::from(column.documents);
                }
            }
        }
        let mut fields: Vec<FieldInfo> = fields.into_values().collect();
        for field in &mut fields {
            self.each_count(&field.path, None, |_, _| field.distinct += 1)?;
        }
        Ok(fields)
    }

    /// The `most` most frequent values of a field and how many documents have each, out of
    /// `among` where given; of equal counts the smaller values.
    pub(crate) fn facets(
        &self,
        path: &str,
        among: Option<&DocumentSet>,
        most: usize,
    ) -> Result<Vec<(Value, u64)>> {
        self.require_columns()?;
        among.map_or(Ok(()), |set| set.check(self))?;
        let mut all: Vec<(Value, u64)> = Vec::new();
        // Twice as many as wanted at a time, so that a field of a million values takes little.
        let room = most.saturating_mul(2).max(1024);
        self.each_count(path, among, |value, count| {
            all.push((value.clone(), count));
            if all.len() >= room {
                all.sort_by_key(|(_, count)| Reverse(*count));
                all.truncate(most);
            }
        })?;
        all.sort_by_key(|(_, count)| Reverse(*count));
        all.truncate(most);
        Ok(all)
    }

    /// Merges the values of a field over all segments, ascending, with their counts.
    fn each_count(
        &self,
        path: &str,
        among: Option<&DocumentSet>,
        mut each: impl FnMut(&Value, u64),
    ) -> Result<()> {
        let bits: Vec<Option<Bits>> = (0..self.segments.len())
            .map(|at| {
                among.map(|set| Bits::from_words(set.words(at), self.segments[at].documents.len()))
            })
            .collect();
        let columns = self.segments.iter().map(|segment| segment.columns.as_ref());
        let mut counts: Vec<SegmentCounts<'_>> = columns
            .zip(&bits)
            .filter_map(|(columns, bits)| {
                let columns = columns?;
                let counts = columns.get().counts(path, bits.as_ref());
                Some(SegmentCounts { columns, counts })
            })
            .collect();
        let mut heads = BinaryHeap::new();
        for (at, counts) in counts.iter_mut().enumerate() {
            if let Some((value, count)) = counts.next()? {
                heads.push(Reverse((value, at, count)));
            }
        }
        let mut last: Option<(Value, u64)> = None;
        while let Some(Reverse((value, at, count))) = heads.pop() {
            let value = value.to_value();
            match &mut last {
                Some((same, sum)) if *same == value => *sum += u64::from(count),
                last => {
                    let before = last.replace((value, count.into()));
                    before.iter().for_each(|(value, count)| each(value, *count));
                }
            }
            if let Some((value, count)) = counts[at].next()? {
                heads.push(Reverse((value, at, count)));
            }
        }
        last.iter().for_each(|(value, count)| each(value, *count));
        Ok(())
    }
}

/// The values of a field in one segment.
struct SegmentCounts<'a> {
    columns: &'a Columns,
    counts: Counts<'a>,
}

impl<'a> SegmentCounts<'a> {
    fn next(&mut self) -> Result<Option<(ValueRef<'a>, u32)>> {
        self.columns.checked(self.counts.next().transpose())
    }
}

impl Schema for Snapshot {
    fn types(&self, path: &str) -> Option<Types> {
        let found = self
            .columns()
            .filter_map(|columns| columns.get().types(path));
        found.reduce(|a, b| Types {
            bool: a.bool || b.bool,
            number: a.number || b.number,
            string: a.string || b.string,
        })
    }

    fn paths(&self) -> Vec<&str> {
        let mut paths: Vec<&str> = self.columns().flat_map(|c| c.get().paths()).collect();
        paths.sort_unstable();
        paths.dedup();
        paths
    }
}
