//! JSON Lines with the vectors of a document beside its text: an array of arrays of numbers.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess};
use serde::de::{SeqAccess, Visitor};

use super::{EmbeddingsError, Raw};
use crate::array::{open, unreadable};
use crate::{DEFAULT_LINE_LIMIT, InputError, LineFault, Place, file_name};

pub(super) struct Lines {
    path: PathBuf,
    file: File,
    field: String,
    pub(super) dim: usize,
    /// Where the lines that are not blank start in the file, and their numbers in it.
    lines: Vec<(u64, u64)>,
    end: u64,
    buffer: Vec<u8>,
}

impl Lines {
    /// Finds the lines, and reads the vectors of the first ones until their dimension is known.
    pub(super) fn open(path: &Path, field: &str) -> Result<Lines, EmbeddingsError> {
        let failed = |source| unreadable(path, source);
        let (lines, end) = lines(&mut BufReader::new(open(path)?)).map_err(failed)?;
        let mut file = Lines {
            path: path.to_owned(),
            file: open(path)?,
            field: field.to_owned(),
            dim: 0,
            lines,
            end,
            buffer: Vec::new(),
        };
        for document in 0..file.documents() {
            let rows = file.parse(document)?;
            if let Some(row) = rows.first() {
                file.dim = row.len();
                break;
            }
        }
        match file.dim {
            0 => Err(EmbeddingsError::NoDocuments { file: file.name() }),
            _ => Ok(file),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn field(&self) -> &str {
        &self.field
    }

    pub(super) fn name(&self) -> String {
        file_name(&self.path).to_string()
    }

    pub(super) fn documents(&self) -> u64 {
        self.lines.len() as u64
    }

    /// Appends a document that is there.
    pub(super) fn read(&mut self, document: u64, out: &mut Raw<'_>) -> Result<(), EmbeddingsError> {
        let rows = self.parse(document)?;
        for row in &rows {
            if row.len() != self.dim {
                return Err(EmbeddingsError::Dimension {
                    file: self.name(),
                    document,
                    expected: self.dim,
                    got: row.len(),
                });
            }
            out.vectors.extend(row);
        }
        out.lens.push(rows.len() as u32);
        Ok(())
    }

    fn parse(&mut self, document: u64) -> Result<Vec<Vec<f32>>, EmbeddingsError> {
        let Some(&(start, number)) = self.lines.get(document as usize) else {
            return Err(EmbeddingsError::OutOfRange {
                file: self.name(),
                asked: document,
                available: self.documents(),
            });
        };
        let next = self.lines.get(document as usize + 1);
        let length = next.map_or(self.end, |&(start, _)| start) - start;
        let fault = |fault| InputError::Line {
            place: Place {
                file: file_name(&self.path).to_string().into(),
                line: number,
            },
            fault,
        };
        if length > LIMIT {
            let limit = LIMIT as usize;
            return Err(fault(LineFault::TooLong { limit }).into());
        }
        self.buffer.clear();
        let read = self.file.seek(SeekFrom::Start(start));
        let read = read.and_then(|_| (&self.file).take(length).read_to_end(&mut self.buffer));
        read.map_err(|source| unreadable(&self.path, source))?;
        let mut json = serde_json::Deserializer::from_slice(&self.buffer);
        let field = &*self.field;
        let rows = Record { field }.deserialize(&mut json).map_err(|error| {
            fault(LineFault::Vectors {
                field: field.to_owned(),
                reason: error.to_string(),
            })
        })?;
        Ok(rows)
    }
}

/// Longest line: vectors as text take about twenty bytes a number.
const LIMIT: u64 = 64 * DEFAULT_LINE_LIMIT as u64;

/// Where the lines that are not blank start, with their numbers from 1, and where the last ends.
fn lines(reader: &mut impl BufRead) -> io::Result<(Vec<(u64, u64)>, u64)> {
    let (mut lines, mut at, mut number) = (Vec::new(), 0u64, 1u64);
    // Where the line starts that is being read, and whether it has something in it.
    let (mut start, mut blank) = (0u64, true);
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            break;
        }
        let (line, ended) = match buffer.iter().position(|&byte| byte == b'\n') {
            Some(end) => (&buffer[..=end], true),
            None => (buffer, false),
        };
        blank = blank && line.trim_ascii().is_empty();
        let taken = line.len();
        at += taken as u64;
        reader.consume(taken);
        if ended {
            if !blank {
                lines.push((start, number));
            }
            (start, blank, number) = (at, true, number + 1);
        }
    }
    if !blank {
        lines.push((start, number));
    }
    Ok((lines, at))
}

/// A JSON object of which one field matters.
struct Record<'a> {
    field: &'a str,
}

impl<'de> DeserializeSeed<'de> for Record<'_> {
    type Value = Vec<Vec<f32>>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Record<'_> {
    type Value = Vec<Vec<f32>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with a field \"{}\"", self.field)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut rows = None;
        while let Some(name) = fields.next_key::<Cow<'_, str>>()? {
            if name != self.field {
                fields.next_value::<IgnoredAny>()?;
            } else if rows.is_some() {
                return Err(A::Error::custom("it appears twice"));
            } else {
                let Rows(found) = fields.next_value()?;
                rows = Some(found);
            }
        }
        rows.ok_or_else(|| A::Error::custom("it is missing"))
    }
}

/// Vectors; null stands for none.
struct Rows(Vec<Vec<f32>>);

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Rows, D::Error> {
        json.deserialize_any(RowsVisitor).map(Rows)
    }
}

struct RowsVisitor;

impl<'de> Visitor<'de> for RowsVisitor {
    type Value = Vec<Vec<f32>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of arrays of numbers, one a vector")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut rows: Vec<Vec<f32>> = Vec::new();
        while let Some(row) = items.next_element()? {
            rows.push(row);
        }
        Ok(rows)
    }
}
