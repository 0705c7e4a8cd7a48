//! A Parquet file with the key and the vectors of a document in each row.

use std::io;
use std::sync::Arc;

use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::data_type::{ByteArray, ByteArrayType, FloatType};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;
use colidx_data::{CompletedFile, OutputFile};
use half::f16;

use super::{ExportError, Records, Work};

pub(super) const FILE: &str = "vectors.parquet";

/// As Arrow names the parts of lists, of which none is ever null.
const SCHEMA: &str = "message documents {
    required binary _id (utf8);
    required group vectors (list) {
        repeated group list {
            required group element (list) {
                repeated group list {
                    required float element;
                }
            }
        }
    }
}";

/// Numbers in a row group, which is held in memory: 16 MiB, and as much for their levels.
const GROUP: usize = 1 << 22;

pub(super) fn write(
    work: &mut Work<'_>,
    half: bool,
    records: &mut Records,
) -> Result<Vec<CompletedFile>, ExportError> {
    let (out, dim) = (work.out, work.index.dim().max(1));
    let failed = |error: ParquetError| match error {
        ParquetError::External(error) => out.io(FILE)(io::Error::other(error)),
        error => out.io(FILE)(io::Error::other(error)),
    };
    let schema = parse_message_type(SCHEMA).map_err(failed)?;
    // Vectors repeat nothing that a dictionary or statistics could tell of.
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(::parquet::file::properties::EnabledStatistics::None);
    let mut writer = SerializedFileWriter::new(
        out.create(FILE)?,
        Arc::new(schema),
        Arc::new(properties.build()),
    )
    .map_err(failed)?;
    let mut group = Group::default();
    let mut take = |key: &str, vectors: &[f32]| -> Result<(), ExportError> {
        group.push(key, vectors, dim, half);
        match group.values.len() < GROUP {
            true => Ok(()),
            false => group.flush(&mut writer).map_err(failed),
        }
    };
    work.each(&mut take, records)?;
    if !group.keys.is_empty() {
        group.flush(&mut writer).map_err(failed)?;
    }
    let file = writer.into_inner().map_err(failed)?;
    Ok(vec![file.complete()?])
}

/// Documents that are not written yet.
#[derive(Default)]
struct Group {
    keys: Vec<ByteArray>,
    values: Vec<f32>,
    /// 2 for each number, 0 for a document without vectors.
    definitions: Vec<i16>,
    /// 0 where a document begins, 1 where a vector does, else 2.
    repetitions: Vec<i16>,
}

impl Group {
    fn push(&mut self, key: &str, vectors: &[f32], dim: usize, half: bool) {
        self.keys.push(key.into());
        if vectors.is_empty() {
            self.definitions.push(0);
            self.repetitions.push(0);
            return;
        }
        let levels = (0..vectors.len()).map(|at| match at {
            0 => 0,
            at if at % dim == 0 => 1,
            _ => 2,
        });
        self.repetitions.extend(levels);
        self.definitions.resize(self.repetitions.len(), 2);
        match half {
            true => {
                let rounded = vectors.iter().map(|&value| f16::from_f32(value).to_f32());
                self.values.extend(rounded);
            }
            false => self.values.extend(vectors),
        }
    }

    fn flush(&mut self, writer: &mut SerializedFileWriter<OutputFile>) -> Result<(), ParquetError> {
        let mut group = writer.next_row_group()?;
        if let Some(mut column) = group.next_column()? {
            let typed = column.typed::<ByteArrayType>();
            typed.write_batch(&self.keys, None, None)?;
            column.close()?;
        }
        if let Some(mut column) = group.next_column()? {
            let (definitions, repetitions) = (Some(&*self.definitions), Some(&*self.repetitions));
            let typed = column.typed::<FloatType>();
            typed.write_batch(&self.values, definitions, repetitions)?;
            column.close()?;
        }
        group.close()?;
        *self = Group::default();
        Ok(())
    }
}
