//! Columns in sorted runs.
//!
//! A run is a list of columns, ordered by path and kind. A column has a head: length of the path,
//! kind, how many documents, how many values, all of 32 bits, and the path. Then come its values in
//! order, each with its length of 64 bits, how many documents have it, its bytes, and the
//! documents. Runs have different documents, and those of a later run are later.

use super::column::Column;
use colidx_spill::{Appender, RunBytes, ScratchFile, read_in_pieces};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::ops::Range;

/// Bytes of a value that are held to compare it. The rest of a longer one is read when it is
/// needed.
const PREFIX: usize = 256;

/// Appends the columns of fields.
pub(super) fn write<F: ScratchFile>(
    fields: HashMap<Box<str>, Vec<Column>>,
    file: &mut Appender<F>,
) -> Result<(), F::Error> {
    let mut fields: Vec<(Box<str>, Vec<Column>)> = fields.into_iter().collect();
    fields.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    for (path, mut columns) in fields {
        columns.sort_unstable_by_key(Column::kind);
        for column in columns {
            write_column(&path, column, file)?;
        }
    }
    Ok(())
}

fn write_column<F: ScratchFile>(
    path: &str,
    mut column: Column,
    file: &mut Appender<F>,
) -> Result<(), F::Error> {
    column.seal();
    // The lengths of paths are limited, and a column has at most as many values as pairs.
    let values = column.values().count() as u32;
    let documents = column.distinct_documents();
    for number in [path.len() as u32, column.kind() as u32, documents, values] {
        file.append(&number.to_le_bytes())?;
    }
    file.append(path.as_bytes())?;
    for value in column.values() {
        let mut scratch = [0; 8];
        let bytes = column.bytes(value.start, &mut scratch);
        file.append(&(bytes.len() as u64).to_le_bytes())?;
        file.append(&(value.len() as u32).to_le_bytes())?;
        file.append(bytes)?;
        for at in value {
            file.append(&column.document(at).to_le_bytes())?;
        }
    }
    Ok(())
}

/// A value of a column, in a run.
#[derive(Debug, Default)]
pub(super) struct Value {
    /// Its first bytes, at most [`PREFIX`].
    pub prefix: Vec<u8>,
    /// Where the others are.
    tail: Range<u64>,
}

impl Value {
    pub fn len(&self) -> u64 {
        self.prefix.len() as u64 + (self.tail.end - self.tail.start)
    }

    /// Appends its bytes.
    pub fn copy<F: ScratchFile>(&self, file: &F, out: &mut Appender<F>) -> Result<(), F::Error> {
        out.append(&self.prefix)?;
        read_in_pieces(file, self.tail.clone(), |piece| {
            out.append(piece).map(|()| true)
        })
    }

    /// Compares bytes.
    pub fn cmp<F: ScratchFile>(&self, other: &Self, file: &F) -> Result<Ordering, F::Error> {
        let mut order = self.prefix.cmp(&other.prefix);
        if order.is_eq() {
            let common = self.len().min(other.len()) - self.prefix.len() as u64;
            let (start, mut at) = (self.tail.start, other.tail.start);
            let mut theirs = Vec::new();
            read_in_pieces(file, start..start + common, |piece| {
                theirs.resize(piece.len(), 0);
                file.read_at(at, &mut theirs)?;
                at += piece.len() as u64;
                order = piece.cmp(&theirs);
                Ok(order.is_eq())
            })?;
        }
        Ok(order.then(self.len().cmp(&other.len())))
    }
}

/// Reads a run front to back: a column, its values, and of each its documents.
#[derive(Debug)]
pub(super) struct RunReader {
    bytes: RunBytes,
    /// Path and kind of the column, and how many documents have a value in it.
    pub path: Vec<u8>,
    pub kind: u32,
    pub documents: u32,
    /// Values of the column that come after this one.
    values: u32,
    pub value: Value,
    /// How many documents have the value.
    pub count: u32,
}

impl RunReader {
    pub fn new(bytes: RunBytes) -> Self {
        Self {
            bytes,
            path: Vec::new(),
            kind: 0,
            documents: 0,
            values: 0,
            value: Value::default(),
            count: 0,
        }
    }

    /// Goes to the next column, when all values of this one were read; `false` after the last.
    pub fn next_column<F: ScratchFile>(&mut self, file: &F) -> Result<bool, F::Error> {
        if self.bytes.is_empty() {
            return Ok(false);
        }
        let [path, kind, documents, values] = self.numbers(file)?;
        (self.kind, self.documents, self.values) = (kind, documents, values);
        self.path.resize(path as usize, 0);
        self.bytes.fill(&mut self.path, file)?;
        Ok(true)
    }

    /// Goes to the column's next value, when the documents of this one were read; `false` after the
    /// last.
    pub fn next_value<F: ScratchFile>(&mut self, file: &F) -> Result<bool, F::Error> {
        let Some(left) = self.values.checked_sub(1) else {
            return Ok(false);
        };
        self.values = left;
        let [low, high, count] = self.numbers(file)?;
        let length = u64::from(high) << 32 | u64::from(low);
        self.count = count;
        let prefix = &mut self.value.prefix;
        prefix.resize(length.min(PREFIX as u64) as usize, 0);
        self.bytes.fill(prefix, file)?;
        let tail = length - prefix.len() as u64;
        let start = self.bytes.position();
        self.value.tail = start..start + tail;
        self.bytes.skip(tail);
        Ok(true)
    }

    /// Appends the documents that have the value.
    pub fn copy_documents<F: ScratchFile>(
        &mut self,
        file: &F,
        out: &mut Appender<F>,
    ) -> Result<(), F::Error> {
        let bytes = u64::from(self.count) * 4;
        self.bytes
            .take(bytes, file, |documents| out.append(documents))
    }

    fn numbers<const N: usize, F: ScratchFile>(&mut self, file: &F) -> Result<[u32; N], F::Error> {
        let mut numbers = [0; N];
        for number in &mut numbers {
            let mut bytes = [0; 4];
            self.bytes.fill(&mut bytes, file)?;
            *number = u32::from_le_bytes(bytes);
        }
        Ok(numbers)
    }
}
