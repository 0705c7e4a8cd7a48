//! Collecting the columns of a segment, and writing them.

mod column;

use self::column::Column;
use super::document::{Scalar, walk};
use super::layout::{
    COLUMNS, ColumnEntry, DOCUMENTS, FIELDS, FLOATS, FieldEntry, INTEGERS, Kind, PATHS, STARTS,
    STRING_STARTS, STRINGS,
};
use super::{MetadataError, TAGS};
use std::collections::HashMap;

/// Bytes handed over at a time.
const PIECE: usize = 64 << 10;

/// So many that their columns can be counted, but no memory has room for them.
const MAX_SEGMENT_FIELDS: usize = u32::MAX as usize / Kind::COUNT;

/// Where columns are written to: sections with tags, one after the other. Each must later be read
/// from an address that is a multiple of 8.
pub trait Sections {
    /// Why writing fails.
    type Error;

    /// Ends the section before and begins one.
    fn begin(&mut self, tag: [u8; 4]) -> Result<(), Self::Error>;

    /// Appends to the section begun last.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;
}

/// Collects the metadata of a segment's documents.
///
/// It holds 12 bytes for every number, 8 for every string, 4 for every other value, and every
/// distinct string of a field once, with about 30 bytes.
#[derive(Debug, Default)]
pub struct ColumnsWriter {
    /// The columns of every path.
    fields: HashMap<Box<str>, Vec<Column>>,
    documents: u32,
}

impl ColumnsWriter {
    /// A writer without documents.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the metadata of the next document: a JSON object, or nothing. Fails for metadata that
    /// [`check`](super::check) refuses, except for too many fields; the writer is of no use then.
    pub fn push(&mut self, metadata: &str) -> Result<(), MetadataError> {
        let document = self.documents;
        self.documents = document
            .checked_add(1)
            .ok_or(MetadataError::TooManyDocuments { max: u32::MAX })?;
        walk(metadata, &mut |path, scalar| {
            let added = match self.fields.get_mut(path) {
                Some(columns) => add(columns, scalar, document),
                None => {
                    let mut columns = Vec::with_capacity(1);
                    let added = add(&mut columns, scalar, document);
                    self.fields.insert(path.into(), columns);
                    added
                }
            };
            if added && self.fields.len() <= MAX_SEGMENT_FIELDS {
                return Ok(());
            }
            let field = path.into();
            Err(MetadataError::SegmentFull { field })
        })
    }

    /// How many documents were added.
    pub fn documents(&self) -> u32 {
        self.documents
    }

    /// Whether no document has a field: then there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Writes the sections of [`TAGS`], all of them and in that order.
    pub fn finish<S: Sections>(self, sections: &mut S) -> Result<(), S::Error> {
        let mut fields: Vec<(Box<str>, Vec<Column>)> = self.fields.into_iter().collect();
        fields.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        for (_, columns) in &mut fields {
            columns.sort_unstable_by_key(Column::kind);
            columns.iter_mut().for_each(Column::seal);
        }
        for tag in TAGS {
            sections.begin(tag)?;
            let mut out = Out {
                sections,
                buffer: Vec::new(),
            };
            write_section(tag, &fields, &mut out)?;
            out.flush()?;
        }
        Ok(())
    }
}

/// Adds a value to the column of its kind; `false` where that is full.
fn add(columns: &mut Vec<Column>, scalar: Scalar<'_>, document: u32) -> bool {
    let kind = scalar.kind();
    let at = columns.iter().position(|column| column.kind() == kind);
    let at = at.unwrap_or_else(|| {
        columns.push(Column::new(kind));
        columns.len() - 1
    });
    columns[at].push(scalar, document)
}

fn write_section<S: Sections>(
    tag: [u8; 4],
    fields: &[(Box<str>, Vec<Column>)],
    out: &mut Out<'_, S>,
) -> Result<(), S::Error> {
    let mut columns = fields.iter().flat_map(|(_, columns)| columns);
    match tag {
        FIELDS => write_fields(fields, out),
        PATHS => fields.iter().try_for_each(|(p, _)| out.put(p.as_bytes())),
        COLUMNS => write_columns(columns, out),
        INTEGERS => columns.try_for_each(|c| c.integers().try_for_each(|n| out.u64(n as u64))),
        FLOATS => columns.try_for_each(|c| c.floats().try_for_each(|n| out.u64(n.to_bits()))),
        STRING_STARTS => {
            let mut start = 0;
            for string in columns.flat_map(Column::strings) {
                out.u64(start)?;
                start += string.len() as u64;
            }
            out.u64(start)
        }
        STRINGS => columns.try_for_each(|c| c.strings().try_for_each(|s| out.put(s))),
        STARTS => columns.try_for_each(|c| c.starts().try_for_each(|at| out.u32(at))),
        DOCUMENTS => columns.try_for_each(|c| c.documents().try_for_each(|d| out.u32(d))),
        _ => Ok(()),
    }
}

fn write_fields<S: Sections>(
    fields: &[(Box<str>, Vec<Column>)],
    out: &mut Out<'_, S>,
) -> Result<(), S::Error> {
    let (mut path, mut first) = (0, 0);
    for (name, columns) in fields {
        let entry = FieldEntry {
            path,
            columns: first,
            reserved: 0,
        };
        out.put(bytemuck::bytes_of(&entry))?;
        path += name.len() as u64;
        first += columns.len() as u32;
    }
    Ok(())
}

fn write_columns<'c, S: Sections>(
    columns: impl Iterator<Item = &'c Column>,
    out: &mut Out<'_, S>,
) -> Result<(), S::Error> {
    let (mut first, mut postings) = (0, 0);
    let mut typed = [0; Kind::COUNT];
    for column in columns {
        let kind = column.kind();
        let typed = &mut typed[kind as usize];
        let values = column.starts().count() as u64;
        let entry = ColumnEntry {
            kind: kind as u32,
            documents: column.distinct_documents(),
            first,
            typed: *typed,
            postings,
        };
        out.put(bytemuck::bytes_of(&entry))?;
        first += values;
        postings += column.len() as u64;
        if matches!(kind, Kind::I64 | Kind::F64 | Kind::String) {
            *typed += values;
        }
    }
    Ok(())
}

/// Gathers small writes.
struct Out<'s, S> {
    sections: &'s mut S,
    buffer: Vec<u8>,
}

impl<S: Sections> Out<'_, S> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), S::Error> {
        if self.buffer.len() + bytes.len() > PIECE {
            self.flush()?;
        }
        if bytes.len() > PIECE {
            return self.sections.write(bytes);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn u32(&mut self, number: u32) -> Result<(), S::Error> {
        self.put(&number.to_le_bytes())
    }

    fn u64(&mut self, number: u64) -> Result<(), S::Error> {
        self.put(&number.to_le_bytes())
    }

    fn flush(&mut self) -> Result<(), S::Error> {
        if !self.buffer.is_empty() {
            self.sections.write(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }
}
