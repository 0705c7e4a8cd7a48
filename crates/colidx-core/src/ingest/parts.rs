//! The sample as it is trained on: its rows in parts, kept in a file and read back part by part.
//!
//! Rows come for any part in turn, so each part collects a chunk in memory before it goes to the
//! file. Values are kept in 16 bits with a step for each row, which is off by less than a
//! hundred-thousandth of the row's largest value: nothing compared to the residual.

use crate::error::Result;
use crate::storage::{Bytes, Directory, OutputFile};
use colidx_cluster::{CodebookKind, FIRST_BYTES, Partition, Rows, SHARED, TrainOptions};
use rayon::prelude::*;
use std::ops::Range;

const FILE: &str = "parts.spool";

/// The most bytes of a chunk: more makes reading no faster.
const MOST_CHUNK: usize = 256 << 10;

/// Rows on their way into parts.
pub(super) struct PartsWriter {
    directory: Directory,
    dim: usize,
    options: TrainOptions,
    /// Bytes of memory for chunks.
    memory: usize,
    /// The first rows, which decide how the others are divided.
    first: Rows,
    /// Rows that wait to be assigned as one batch.
    waiting: Rows,
    divided: Option<Divided>,
}

/// Rows assigned in one batch.
const BATCH: usize = 8192;

/// Rows, at least, that a thread takes at a time.
const TOGETHER: usize = 256;

struct Divided {
    partition: Partition,
    out: OutputFile,
    /// Numbers in a chunk.
    chunk: usize,
    chunks: Vec<Chunks>,
    labels: Vec<Option<u32>>,
    /// Rows of a batch as they are in the file.
    records: Vec<i16>,
}

/// The chunks of a part in the file, and the rows collected since.
#[derive(Default)]
struct Chunks {
    written: Vec<Range<usize>>,
    collected: Vec<i16>,
}

impl PartsWriter {
    pub(super) fn new(
        directory: &Directory,
        dim: usize,
        options: &TrainOptions,
        memory: usize,
    ) -> Self {
        Self {
            directory: directory.clone(),
            dim,
            options: options.clone(),
            memory,
            first: Rows::default(),
            waiting: Rows::default(),
            divided: None,
        }
    }

    pub(super) fn dim(&self) -> usize {
        self.dim
    }

    /// Appends rows, with their vocabulary ids where these are known. `expected` says how many the
    /// sample will have; it is asked once, when there are enough rows to learn from.
    pub(super) fn push(
        &mut self,
        vectors: &[f32],
        token_ids: &[u32],
        expected: impl FnOnce() -> u64,
    ) -> Result<()> {
        let token_ids = match self.options.kind {
            CodebookKind::TokenAware => token_ids,
            _ => &[],
        };
        let mut taken = 0;
        if self.divided.is_none() {
            let room = FIRST_BYTES / (self.dim * size_of::<f32>());
            let room = room.saturating_sub(self.first.vectors.len() / self.dim);
            taken = room.min(vectors.len() / self.dim);
            let ids = token_ids.get(..taken).unwrap_or_default();
            self.first.extend(&vectors[..taken * self.dim], ids);
            if taken < room {
                return Ok(());
            }
            self.divided = Some(self.divide(expected())?);
        }
        let ids = token_ids.get(taken..).unwrap_or_default();
        self.waiting.extend(&vectors[taken * self.dim..], ids);
        if let Some(divided) = &mut self.divided
            && self.waiting.vectors.len() >= BATCH * self.dim
        {
            divided.push(&self.waiting, self.dim)?;
            self.waiting.clear();
        }
        Ok(())
    }

    fn divide(&self, expected: u64) -> Result<Divided> {
        let partition = Partition::new(&self.first, self.dim, expected, &self.options);
        let record = record_len(self.dim);
        let share = (self.memory / partition.len()).min(MOST_CHUNK) / size_of::<i16>();
        let mut chunks = Vec::new();
        chunks.resize_with(partition.len(), Chunks::default);
        let mut divided = Divided {
            out: self.directory.create(FILE)?,
            chunk: (share / record).max(1) * record,
            chunks,
            labels: Vec::new(),
            records: Vec::new(),
            partition,
        };
        divided.push(&self.first, self.dim)?;
        Ok(divided)
    }

    /// Ends the input.
    pub(super) fn finish(mut self) -> Result<Parts> {
        let mut divided = match self.divided.take() {
            Some(divided) => divided,
            None => self.divide((self.first.vectors.len() / self.dim) as u64)?,
        };
        divided.push(&self.waiting, self.dim)?;
        for chunks in &mut divided.chunks {
            chunks.write(&mut divided.out)?;
        }
        divided.out.flush()?;
        let chunks = divided.chunks.into_iter().map(|chunks| chunks.written);
        Ok(Parts {
            dim: self.dim,
            bytes: self.directory.map(FILE)?,
            directory: self.directory,
            partition: divided.partition,
            first: self.first,
            chunks: chunks.collect(),
        })
    }
}

impl Divided {
    fn push(&mut self, rows: &Rows, dim: usize) -> Result<()> {
        self.partition
            .assign(&rows.vectors, &rows.token_ids, &mut self.labels);
        let record = record_len(dim);
        let batches = rows.vectors.chunks(BATCH * dim);
        for (first, (vectors, parts)) in (0..)
            .step_by(BATCH)
            .zip(batches.zip(self.labels.chunks(BATCH)))
        {
            self.records.resize(parts.len() * record, 0);
            let vectors = vectors.par_chunks_exact(dim);
            let records = self.records.par_chunks_exact_mut(record).zip(vectors);
            let numbered = records.enumerate().with_min_len(TOGETHER);
            numbered.for_each(|(at, (record, vector))| {
                let token_id = rows.token_ids.get(first + at).copied().unwrap_or(SHARED);
                encode(vector, token_id, record);
            });
            for (record, part) in self.records.chunks_exact(record).zip(parts) {
                let Some(part) = part else { continue };
                let chunks = &mut self.chunks[*part as usize];
                chunks.collected.extend_from_slice(record);
                if chunks.collected.len() >= self.chunk {
                    chunks.write(&mut self.out)?;
                }
            }
        }
        Ok(())
    }
}

impl Chunks {
    fn write(&mut self, out: &mut OutputFile) -> Result<()> {
        let start = out.position() as usize;
        out.write(bytemuck::cast_slice(&self.collected))?;
        self.written.push(start..out.position() as usize);
        self.collected.clear();
        Ok(())
    }
}

/// The sample in parts. Its file is removed with it.
pub(super) struct Parts {
    dim: usize,
    directory: Directory,
    pub partition: Partition,
    /// The first rows of the sample.
    pub first: Rows,
    bytes: Bytes,
    /// By part, where its chunks lie in the file.
    chunks: Vec<Vec<Range<usize>>>,
}

impl colidx_cluster::Parts for Parts {
    fn read(
        &self,
        part: usize,
        rows: &mut Rows,
    ) -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let record = record_len(self.dim);
        let chunks = &self.chunks[part];
        for chunk in chunks {
            self.bytes.advise_willneed(chunk.clone());
        }
        // The file was written as i16.
        let chunks = chunks.iter().map(|chunk| &self.bytes[chunk.clone()]);
        let records: Vec<&[i16]> = chunks
            .flat_map(|chunk| bytemuck::cast_slice(chunk).chunks_exact(record))
            .collect();
        rows.token_ids.clear();
        rows.token_ids
            .extend(records.iter().map(|record| token_id(record)));
        let mut order: Vec<u32> = (0..records.len() as u32).collect();
        order.sort_by_key(|&row| rows.token_ids[row as usize]);
        rows.vectors.resize(records.len() * self.dim, 0.0);
        let vectors = rows.vectors.par_chunks_exact_mut(self.dim);
        let ordered = vectors.zip(&order).with_min_len(TOGETHER);
        ordered.for_each(|(vector, &row)| decode(records[row as usize], vector));
        rows.token_ids.sort_unstable();
        // All of it, since more was read than used.
        self.bytes.advise_dontneed(0..self.bytes.len());
        Ok(())
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        // Best effort: what cannot be removed now is swept with the other files of an unfinished
        // build.
        let _ = self.directory.remove(FILE);
    }
}

/// Numbers of a row in the file: its step and its token id, two for each, and its values in steps.
fn record_len(dim: usize) -> usize {
    HEADER + dim
}

const HEADER: usize = 4;

fn encode(vector: &[f32], token_id: u32, out: &mut [i16]) {
    let (header, values) = out.split_at_mut(HEADER);
    let step = colidx_kernels::kernels().quantize_i16(vector, values);
    header[..2].copy_from_slice(&bytemuck::cast::<_, [i16; 2]>(step));
    header[2..].copy_from_slice(&bytemuck::cast::<_, [i16; 2]>(token_id));
}

fn token_id(record: &[i16]) -> u32 {
    bytemuck::cast([record[2], record[3]])
}

fn decode(record: &[i16], vector: &mut [f32]) {
    let step = bytemuck::cast([record[0], record[1]]);
    colidx_kernels::kernels().dequantize_i16(&record[HEADER..], step, vector);
}

#[cfg(test)]
mod tests {
    use super::*;
    use colidx_cluster::Parts as _;

    #[test]
    fn a_row_comes_back_nearly_as_it_was() {
        let rows: [&[f32]; 4] = [
            &[0.5, -0.25, 0.1],
            &[0.0, 0.0, 0.0],
            &[3e8, -1.0, 2e7],
            &[1e-30, -2e-30, 0.0],
        ];
        for row in rows {
            let (mut record, mut back) = (vec![0; record_len(3)], [0.0; 3]);
            encode(row, 7, &mut record);
            decode(&record, &mut back);
            assert_eq!(token_id(&record), 7);
            let largest = row.iter().fold(0f32, |l, x| l.max(x.abs()));
            for (x, y) in row.iter().zip(&back) {
                assert!((x - y).abs() <= 1.6e-5 * largest, "{x} {y}");
            }
        }
    }

    #[test]
    fn every_row_is_in_its_part_whatever_the_chunks() {
        let dim = 64;
        let n = FIRST_BYTES / (dim * 4) + 5000;
        let vectors: Vec<f32> = (0..n * dim).map(|i| (i % 997) as f32).collect();
        let ids: Vec<u32> = (0..n as u32)
            .map(|i| (i % 1009) * (i % 1009) % 83)
            .collect();
        let options = TrainOptions {
            part_bytes: 4 << 20,
            ..TrainOptions::new(1)
        };
        let parts = |memory: usize, piece: usize| {
            let directory = Directory::memory();
            let mut writer = PartsWriter::new(&directory, dim, &options, memory);
            for (vectors, ids) in vectors.chunks(piece * dim).zip(ids.chunks(piece)) {
                writer.push(vectors, ids, || n as u64).unwrap();
            }
            let parts = writer.finish().unwrap();
            assert_eq!(parts.first.token_ids.len(), FIRST_BYTES / (dim * 4));
            let mut read = Vec::new();
            for part in 0..parts.partition.len() {
                let mut rows = Rows::default();
                parts.read(part, &mut rows).unwrap();
                assert_eq!(rows.token_ids.len(), parts.partition.rows(part));
                read.push(rows);
            }
            drop(parts);
            assert!(directory.list().unwrap().is_empty());
            read
        };
        let read = parts(1 << 20, 3000);
        assert!(read.len() > 20, "{}", read.len());
        assert_eq!(
            read.iter().map(|rows| rows.token_ids.len()).sum::<usize>(),
            n
        );
        assert_eq!(read, parts(0, n));
    }
}
