//! Parquet files with the vectors of a document in a row: a column of lists of lists of floats.
//!
//! Rows are read forwards. A row before the last one read decodes its row group again.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use ::parquet::basic::{LogicalType, Repetition, Type as Physical};
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::{
    ByteArray, DoubleType, FixedLenByteArray, FixedLenByteArrayType, FloatType,
};
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};
use half::f16;

use super::{EmbeddingsError, Raw};
use crate::array::open;
use crate::file_name;

/// Columns that are taken for keys, the first of them that there is.
const KEYS: [&str; 3] = ["_id", "id", "key"];

pub(super) struct Table {
    path: PathBuf,
    reader: SerializedFileReader<File>,
    column: usize,
    levels: Levels,
    pub(super) dim: usize,
    pub(super) keys: Option<Vec<String>>,
    /// The first row of each row group, and the number of rows.
    starts: Vec<u64>,
    open: Option<Group>,
}

/// A row group that is being read.
struct Group {
    values: Values,
    /// Its first row that was not read.
    next: u64,
    end: u64,
}

enum Values {
    F32(ColumnReaderImpl<FloatType>),
    F64(ColumnReaderImpl<DoubleType>),
    F16(ColumnReaderImpl<FixedLenByteArrayType>),
}

/// What the definition levels of a list of lists mean.
#[derive(Clone, Copy)]
struct Levels {
    /// From this on the row has a vector.
    vector: i16,
    /// From this on the vector has a number.
    number: i16,
    /// The number is not null.
    full: i16,
}

impl Table {
    /// Finds the column: the one called `field`, or the only one that has vectors.
    pub(super) fn open(path: &Path, field: &str) -> Result<Table, EmbeddingsError> {
        guarded(path, || Table::find(path, field))
    }

    fn find(path: &Path, field: &str) -> Result<Table, EmbeddingsError> {
        let reader = SerializedFileReader::new(open(path)?).map_err(|error| bad(path, error))?;
        let metadata = reader.metadata();
        let schema = metadata.file_metadata().schema_descr();
        let (column, levels) = column(schema, field).map_err(|got| wrong(path, got))?;
        let mut starts = vec![0u64];
        for group in metadata.row_groups() {
            let rows = u64::try_from(group.num_rows()).ok();
            let before = starts.last().copied().unwrap_or_default();
            let end = rows.and_then(|rows| before.checked_add(rows));
            starts.push(end.ok_or_else(|| wrong(path, "a number of rows below 0".to_owned()))?);
        }
        let mut table = Table {
            path: path.to_owned(),
            column,
            levels,
            dim: 0,
            keys: keys(&reader).map_err(|got| wrong(path, got))?,
            reader,
            starts,
            open: None,
        };
        table.find_dim()?;
        let rows = table.documents();
        match table.keys.as_ref().filter(|keys| keys.len() as u64 != rows) {
            Some(keys) => {
                let got = format!("{} keys for {rows} rows", keys.len());
                Err(wrong(path, got))
            }
            None => Ok(table),
        }
    }

    pub(super) fn documents(&self) -> u64 {
        self.starts.last().copied().unwrap_or_default()
    }

    pub(super) fn name(&self) -> String {
        file_name(&self.path).to_string()
    }

    /// Reads rows until one has a vector.
    fn find_dim(&mut self) -> Result<(), EmbeddingsError> {
        for document in 0..self.documents() {
            let (vectors, lens) = self.row(document)?;
            if !lens.is_empty() {
                self.dim = vectors.len() / lens.len();
                return Ok(());
            }
        }
        Err(EmbeddingsError::NoDocuments { file: self.name() })
    }

    /// Appends a document.
    pub(super) fn read(&mut self, document: u64, out: &mut Raw<'_>) -> Result<(), EmbeddingsError> {
        let path = self.path.clone();
        let (vectors, lens) = guarded(&path, || self.row(document)).inspect_err(|_| {
            self.open = None;
        })?;
        if let Some(&got) = lens.iter().find(|&&len| len != self.dim) {
            return Err(EmbeddingsError::Dimension {
                file: self.name(),
                document,
                expected: self.dim,
                got,
            });
        }
        out.vectors.extend(vectors);
        out.lens.push(lens.len() as u32);
        Ok(())
    }

    /// The numbers of a row, and how many each of its vectors has.
    fn row(&mut self, document: u64) -> Result<(Vec<f32>, Vec<usize>), EmbeddingsError> {
        let group = match self.open.take() {
            Some(group) if (group.next..group.end).contains(&document) => group,
            _ => self.group(document)?,
        };
        let group = self.open.insert(group);
        let failed = |error| bad(&self.path, error);
        let (mut values, mut definitions, mut repetitions) = (Vec::new(), Vec::new(), Vec::new());
        let mut rows = 1;
        // The reader's own way to skip rows does not end at some damaged pages.
        for _ in group.next..=document {
            values.clear();
            definitions.clear();
            repetitions.clear();
            let read = (group.values).row(&mut definitions, &mut repetitions, &mut values);
            rows = read.map_err(failed)?;
            if rows == 0 {
                break;
            }
        }
        group.next = document + 1;
        let lens = (self.levels).lens(rows, &definitions, &repetitions, values.len());
        match lens {
            Ok(lens) => Ok((values, lens)),
            Err(got) => Err(wrong(&self.path, format!("{got} in row {document}"))),
        }
    }

    /// Begins the row group that has a row.
    fn group(&self, document: u64) -> Result<Group, EmbeddingsError> {
        let at = self.starts.partition_point(|&start| start <= document);
        let bounds = at.checked_sub(1).zip(self.starts.get(at));
        let Some((at, &end)) = bounds else {
            return Err(EmbeddingsError::OutOfRange {
                file: self.name(),
                asked: document,
                available: self.documents(),
            });
        };
        let group = self.reader.get_row_group(at);
        let column = group.and_then(|group| group.get_column_reader(self.column));
        let values = match column.map_err(|error| bad(&self.path, error))? {
            ColumnReader::FloatColumnReader(reader) => Values::F32(reader),
            ColumnReader::DoubleColumnReader(reader) => Values::F64(reader),
            ColumnReader::FixedLenByteArrayColumnReader(reader) => Values::F16(reader),
            _ => return Err(wrong(&self.path, "a column of another type".to_owned())),
        };
        Ok(Group {
            values,
            next: self.starts[at],
            end,
        })
    }
}

impl Values {
    /// Reads one row and says how many there were.
    fn row(
        &mut self,
        definitions: &mut Vec<i16>,
        repetitions: &mut Vec<i16>,
        values: &mut Vec<f32>,
    ) -> Result<usize, ParquetError> {
        let (definitions, repetitions) = (Some(definitions), Some(repetitions));
        match self {
            Values::F32(reader) => {
                let read = reader.read_records(1, definitions, repetitions, values)?;
                Ok(read.0)
            }
            Values::F64(reader) => {
                let mut wide: Vec<f64> = Vec::new();
                let read = reader.read_records(1, definitions, repetitions, &mut wide)?;
                values.extend(wide.into_iter().map(|value| value as f32));
                Ok(read.0)
            }
            Values::F16(reader) => {
                let mut halves: Vec<FixedLenByteArray> = Vec::new();
                let read = reader.read_records(1, definitions, repetitions, &mut halves)?;
                let bytes = |half: &FixedLenByteArray| half.data().try_into().unwrap_or([0; 2]);
                values.extend(
                    halves
                        .iter()
                        .map(|half| f16::from_le_bytes(bytes(half)).to_f32()),
                );
                Ok(read.0)
            }
        }
    }
}

impl Levels {
    /// How many numbers each vector of a row has.
    fn lens(
        self,
        rows: usize,
        definitions: &[i16],
        repetitions: &[i16],
        values: usize,
    ) -> Result<Vec<usize>, &'static str> {
        let mut lens: Vec<usize> = Vec::new();
        for (&definition, &repetition) in definitions.iter().zip(repetitions) {
            match lens.last_mut() {
                _ if definition < self.vector => continue,
                _ if definition < self.number => return Err("a vector without numbers"),
                _ if definition < self.full => return Err("a number that is null"),
                Some(len) if repetition > 1 => *len += 1,
                _ => lens.push(1),
            }
        }
        match rows == 1 && lens.iter().sum::<usize>() == values {
            true => Ok(lens),
            false => Err("fewer numbers than the file promises"),
        }
    }
}

/// The column of vectors, or what there is in its place.
fn column(schema: &SchemaDescriptor, field: &str) -> Result<(usize, Levels), String> {
    let fits = |column: &ColumnDescriptor| {
        column.max_rep_level() == 2
            && match column.physical_type() {
                Physical::FLOAT | Physical::DOUBLE => true,
                Physical::FIXED_LEN_BYTE_ARRAY => {
                    column.logical_type_ref() == Some(&LogicalType::Float16)
                }
                _ => false,
            }
    };
    let name = |column: &ColumnDescriptor| column.path().parts().first().cloned();
    let all = || (0..).zip(schema.columns());
    let mut named = all().filter(|(_, column)| name(column).as_deref() == Some(field));
    let mut fitting = all().filter(|(_, column)| fits(column));
    let (at, column) = match (named.next(), fitting.next(), fitting.next()) {
        (Some(named), ..) => named,
        (None, Some(only), None) => only,
        (None, ..) => {
            let names: Vec<String> = schema.columns().iter().filter_map(|c| name(c)).collect();
            return Err(format!("no column `{field}` but {}", names.join(", ")));
        }
    };
    match levels(schema, column) {
        Some(levels) if fits(column) => Ok((at, levels)),
        _ => Err(format!(
            "a column `{}` of another type",
            column.path().string()
        )),
    }
}

/// Counts the optional and repeated groups on the way to a column.
fn levels(schema: &SchemaDescriptor, column: &ColumnDescriptor) -> Option<Levels> {
    let (mut level, mut repeated) = (0, Vec::new());
    let mut at = schema.root_schema();
    for part in column.path().parts() {
        let field = at.get_fields().iter().find(|field| field.name() == part)?;
        match field.get_basic_info().repetition() {
            Repetition::REQUIRED => {}
            Repetition::OPTIONAL => level += 1,
            Repetition::REPEATED => {
                level += 1;
                repeated.push(level);
            }
        }
        at = field;
        // The last part is no group.
        if at.is_primitive() {
            break;
        }
    }
    let &[vector, number] = &repeated[..] else {
        return None;
    };
    Some(Levels {
        vector,
        number,
        full: column.max_def_level(),
    })
}

/// The keys of all rows, if a column has them.
fn keys(reader: &SerializedFileReader<File>) -> Result<Option<Vec<String>>, String> {
    let schema = reader.metadata().file_metadata().schema_descr();
    let at = |name: &&str| {
        let is = |column: &ColumnDescriptor| column.path().parts() == [(*name).to_owned()];
        schema.columns().iter().position(|column| is(column))
    };
    let Some(at) = KEYS.iter().find_map(at) else {
        return Ok(None);
    };
    let name = schema.column(at).path().string();
    let words = |error: ParquetError| error.to_string();
    let mut keys = Vec::new();
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(words)?;
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        let before = keys.len();
        match group.get_column_reader(at).map_err(words)? {
            ColumnReader::ByteArrayColumnReader(mut reader) => {
                let mut found: Vec<ByteArray> = Vec::new();
                let mut levels = Vec::new();
                let read = reader.read_records(rows, Some(&mut levels), None, &mut found);
                read.map_err(words)?;
                for key in found {
                    let text = key.as_utf8().map_err(words)?;
                    keys.push(text.to_owned());
                }
            }
            ColumnReader::Int64ColumnReader(mut reader) => {
                let (mut found, mut levels): (Vec<i64>, Vec<i16>) = (Vec::new(), Vec::new());
                let read = reader.read_records(rows, Some(&mut levels), None, &mut found);
                read.map_err(words)?;
                keys.extend(found.iter().map(i64::to_string));
            }
            ColumnReader::Int32ColumnReader(mut reader) => {
                let (mut found, mut levels): (Vec<i32>, Vec<i16>) = (Vec::new(), Vec::new());
                let read = reader.read_records(rows, Some(&mut levels), None, &mut found);
                read.map_err(words)?;
                keys.extend(found.iter().map(i32::to_string));
            }
            _ => return Err(format!("keys `{name}` that are no text")),
        }
        if keys.len() - before != rows {
            return Err(format!("keys `{name}` of which some are null"));
        }
    }
    Ok(Some(keys))
}

/// The reader of Parquet panics at some damaged pages.
fn guarded<T>(
    path: &Path,
    read: impl FnOnce() -> Result<T, EmbeddingsError>,
) -> Result<T, EmbeddingsError> {
    let damaged = |_| Err(wrong(path, "damaged pages".to_owned()));
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(damaged)
}

fn bad(path: &Path, error: ParquetError) -> EmbeddingsError {
    wrong(path, error.to_string())
}

fn wrong(path: &Path, got: String) -> EmbeddingsError {
    EmbeddingsError::Parquet {
        file: file_name(path).to_string(),
        got,
    }
}

#[cfg(test)]
mod tests;
