//! Columns in sorted runs of a scratch file.
//!
//! A run is a list of columns, ordered by path and kind. A column has a head: length of the path,
//! kind, how many documents, how many values, all of 32 bits, and the path. Then come its values in
//! order, each with its length of 64 bits, how many documents have it, its bytes, and the documents.
//! Runs have different documents, and those of a later run are later.

use super::column::Column;
use super::{Scratch, ScratchFile};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::ops::Range;

/// Bytes written at a time.
const WRITE: usize = 32 << 10;

/// The least and the largest buffer to read a run through.
const LEAST_BUFFER: usize = 1 << 10;
const MOST_BUFFER: usize = 1 << 20;

/// Bytes of a value that are held to compare it. The rest of a longer one is read when it is needed.
const PREFIX: usize = 256;

/// A scratch file, appended to through a buffer.
#[derive(Debug)]
pub(super) struct Appender<F> {
    file: F,
    buffer: Vec<u8>,
    flushed: u64,
}

impl<F: ScratchFile> Appender<F> {
    pub fn create<S: Scratch<File = F, Error = F::Error>>(
        scratch: &mut S,
    ) -> Result<Self, F::Error> {
        Ok(Self {
            file: scratch.create()?,
            buffer: Vec::new(),
            flushed: 0,
        })
    }

    pub fn position(&self) -> u64 {
        self.flushed + self.buffer.len() as u64
    }

    pub fn append(&mut self, bytes: &[u8]) -> Result<(), F::Error> {
        if self.buffer.len() + bytes.len() > WRITE {
            self.flush()?;
        }
        if bytes.len() > WRITE {
            self.file.append(bytes)?;
            self.flushed += bytes.len() as u64;
        } else {
            self.buffer.extend_from_slice(bytes);
        }
        Ok(())
    }

    pub fn flush(&mut self) -> Result<(), F::Error> {
        if !self.buffer.is_empty() {
            self.file.append(&self.buffer)?;
            self.flushed += self.buffer.len() as u64;
            self.buffer.clear();
        }
        Ok(())
    }

    /// Calls `visit` with all bytes, a buffer at a time.
    pub fn copy(
        mut self,
        mut visit: impl FnMut(&[u8]) -> Result<(), F::Error>,
    ) -> Result<(), F::Error> {
        self.flush()?;
        read_in_pieces(&self.file, 0..self.flushed, |piece| {
            visit(piece).map(|()| true)
        })
    }
}

/// Calls `visit` with the bytes of a range, some at a time, while it returns `true`.
fn read_in_pieces<F: ScratchFile>(
    file: &F,
    mut range: Range<u64>,
    mut visit: impl FnMut(&[u8]) -> Result<bool, F::Error>,
) -> Result<(), F::Error> {
    let mut buffer = [0; 8 << 10];
    while !range.is_empty() {
        let length = (range.end - range.start).min(buffer.len() as u64) as usize;
        file.read_at(range.start, &mut buffer[..length])?;
        if !visit(&buffer[..length])? {
            break;
        }
        range.start += length as u64;
    }
    Ok(())
}

/// Sorted runs in one scratch file.
#[derive(Debug)]
pub(super) struct Runs<F> {
    file: Appender<F>,
    ranges: Vec<Range<u64>>,
}

impl<F: ScratchFile> Runs<F> {
    pub fn create<S: Scratch<File = F, Error = F::Error>>(
        scratch: &mut S,
    ) -> Result<Self, F::Error> {
        Ok(Self {
            file: Appender::create(scratch)?,
            ranges: Vec::new(),
        })
    }

    /// Appends the columns of fields as a run.
    pub fn add(&mut self, fields: HashMap<Box<str>, Vec<Column>>) -> Result<(), F::Error> {
        let start = self.file.position();
        let mut fields: Vec<(Box<str>, Vec<Column>)> = fields.into_iter().collect();
        fields.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        for (path, mut columns) in fields {
            columns.sort_unstable_by_key(Column::kind);
            for column in columns {
                self.column(&path, column)?;
            }
        }
        self.file.flush()?;
        self.ranges.push(start..self.file.position());
        Ok(())
    }

    fn column(&mut self, path: &str, mut column: Column) -> Result<(), F::Error> {
        column.seal();
        let file = &mut self.file;
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

    /// The file, and readers of all runs, whose buffers together have this many bytes.
    pub fn readers(&self, memory: usize) -> (&F, Vec<RunReader>) {
        let capacity = (memory / self.ranges.len().max(1)).clamp(LEAST_BUFFER, MOST_BUFFER);
        let reader = |rest: &Range<u64>| RunReader::new(rest.clone(), capacity);
        (&self.file.file, self.ranges.iter().map(reader).collect())
    }
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
    /// What is not in the buffer yet.
    rest: Range<u64>,
    buffer: Vec<u8>,
    at: usize,
    capacity: usize,
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
    fn new(rest: Range<u64>, capacity: usize) -> Self {
        Self {
            rest,
            buffer: Vec::new(),
            at: 0,
            capacity,
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
        if self.at == self.buffer.len() && self.rest.is_empty() {
            return Ok(false);
        }
        let [path, kind, documents, values] = self.numbers(file)?;
        (self.kind, self.documents, self.values) = (kind, documents, values);
        self.path.resize(path as usize, 0);
        let mut read = std::mem::take(&mut self.path);
        self.fill(&mut read, file)?;
        self.path = read;
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
        let mut value = std::mem::take(&mut self.value);
        value.prefix.resize(length.min(PREFIX as u64) as usize, 0);
        self.fill(&mut value.prefix, file)?;
        let tail = length - value.prefix.len() as u64;
        let start = self.rest.start - (self.buffer.len() - self.at) as u64;
        value.tail = start..start + tail;
        self.value = value;
        self.skip(tail);
        Ok(true)
    }

    /// Appends the documents that have the value.
    pub fn copy_documents<F: ScratchFile>(
        &mut self,
        file: &F,
        out: &mut Appender<F>,
    ) -> Result<(), F::Error> {
        let mut left = u64::from(self.count) * 4;
        while left > 0 {
            let held = self.held(file)?;
            let taken = held.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            out.append(&held[..taken])?;
            self.at += taken;
            left -= taken as u64;
        }
        Ok(())
    }

    fn numbers<const N: usize, F: ScratchFile>(&mut self, file: &F) -> Result<[u32; N], F::Error> {
        let mut numbers = [0; N];
        for number in &mut numbers {
            let mut bytes = [0; 4];
            self.fill(&mut bytes, file)?;
            *number = u32::from_le_bytes(bytes);
        }
        Ok(numbers)
    }

    /// Fills `out` with the bytes that come next.
    fn fill<F: ScratchFile>(&mut self, mut out: &mut [u8], file: &F) -> Result<(), F::Error> {
        while !out.is_empty() {
            let held = self.held(file)?;
            let taken = held.len().min(out.len());
            let (head, tail) = out.split_at_mut(taken);
            head.copy_from_slice(&held[..taken]);
            self.at += taken;
            out = tail;
        }
        Ok(())
    }

    /// What is in the buffer and not read; it is filled when that is nothing.
    fn held<F: ScratchFile>(&mut self, file: &F) -> Result<&[u8], F::Error> {
        if self.at == self.buffer.len() {
            let length = (self.rest.end - self.rest.start).min(self.capacity as u64) as usize;
            // What was written comes back whole, so there are always bytes where some are asked
            // for.
            self.buffer.resize(length.max(1), 0);
            file.read_at(self.rest.start, &mut self.buffer[..length])?;
            self.rest.start += length as u64;
            self.at = 0;
        }
        Ok(&self.buffer[self.at..])
    }

    /// Goes past bytes.
    fn skip(&mut self, bytes: u64) {
        let held = (self.buffer.len() - self.at) as u64;
        let from_buffer = bytes.min(held);
        self.at += from_buffer as usize;
        self.rest.start += bytes - from_buffer;
    }
}
