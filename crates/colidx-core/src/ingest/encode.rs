//! Encoding all documents and compressing their vectors: the long part of a build.

use super::VectorBatch;
use super::compress::Compressor;
use super::gather::Gatherer;
use super::journal::{self, Journal};
use super::memory::Memory;
use super::read_ahead::read_ahead;
use super::reader::Reader;
use super::sample::Sample;
use super::spool::{self, Spool};
use crate::error::Result;
use crate::format::frame::Checkpoint;
use crate::progress::{Phase, Progress};
use crate::segment::vectors::{Safe, VectorDigests, VectorWriter, VectorsCheckpoint};
use crate::storage::Directory;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

const LENGTHS: &str = "lengths.spool";

/// How the journal records vectors that are being encoded.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct EncodingRecord {
    lengths: Checkpoint,
    vectors: VectorsCheckpoint,
    unit_length: bool,
    /// Bits of the sum of all vectors' squared distances from their centroids, since JSON may round
    /// a number.
    squared_error: u64,
}

/// How the journal records vectors that have all been encoded.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct EncodedRecord {
    lengths: Checkpoint,
    pub vectors: VectorDigests,
    pub unit_length: bool,
    squared_error: u64,
    pub centroids: usize,
    pub sample_vectors: u64,
}

impl EncodedRecord {
    /// Mean squared distance of the vectors, `vectors` in number, from their centroids; 0 without
    /// any.
    pub(super) fn error(&self, vectors: u64) -> f64 {
        f64::from_bits(self.squared_error) / vectors.max(1) as f64
    }

    /// Where each document's vectors begin, and the end of the last.
    pub(super) fn offsets(&self, directory: &Directory, documents: u32) -> Result<Vec<u64>> {
        let lengths = spool::read(directory, LENGTHS, Some(self.lengths))?;
        let got = lengths.len() as u64;
        journal::check(directory, "encoded documents", documents.into(), got)?;
        Ok(offsets(&lengths))
    }
}

fn offsets(lengths: &[u32]) -> Vec<u64> {
    let mut offsets = vec![0];
    append(&mut offsets, lengths);
    offsets
}

fn append(offsets: &mut Vec<u64>, lengths: &[u32]) {
    let mut end = offsets.last().copied().unwrap_or(0);
    offsets.extend(lengths.iter().map(|&len| {
        end += u64::from(len);
        end
    }));
}

/// The vectors of all documents on their way into the segment.
pub(super) struct Encoding<'a> {
    gatherer: Gatherer<'a>,
    writer: Writer<'a>,
}

/// Vectors that are compressed and written.
struct Writer<'a> {
    compressor: &'a Compressor<'a>,
    vectors: VectorWriter,
    lengths: Spool,
    offsets: Vec<u64>,
    unit_length: bool,
    /// Summed one by one, so that it does not depend on batches.
    squared_error: f64,
    /// A write failed half way: the files hold more than `offsets` says.
    poisoned: bool,
}

impl<'a> Encoding<'a> {
    /// Begins, or resumes from a record of the journal.
    pub(super) fn open(
        directory: &Directory,
        number: u32,
        of: u32,
        sample: Option<&'a mut Sample>,
        compressor: &'a Compressor<'a>,
        memory: &Memory,
        from: Option<EncodingRecord>,
    ) -> Result<Self> {
        let lengths = from.map(|from| from.lengths);
        let offsets = offsets(&spool::read(directory, LENGTHS, lengths)?);
        let (written, documents) = (offsets.len() as u64 - 1, u64::from(of));
        let possible = written.min(documents);
        journal::check(directory, "encoded documents", possible, written)?;
        let centroids = compressor.centroids();
        let safe = Safe {
            documents: written,
            vectors: offsets.last().copied().unwrap_or(0),
            dim: compressor.dim(),
            residual_bytes: compressor.residual_bytes(),
        };
        Ok(Self {
            gatherer: Gatherer::new(written as u32, of, compressor.dim(), sample, memory),
            writer: Writer {
                compressor,
                vectors: match from.map(|from| from.vectors) {
                    Some(from) => VectorWriter::resume(directory, number, centroids, safe, from)?,
                    None => VectorWriter::create(directory, number, centroids)?,
                },
                lengths: Spool::open(directory, LENGTHS, lengths)?,
                offsets,
                unit_length: from.is_none_or(|from| from.unit_length),
                squared_error: from.map_or(0.0, |from| f64::from_bits(from.squared_error)),
                poisoned: false,
            },
        })
    }

    /// Encodes and writes the remaining documents; on failure, checkpoints what was done.
    pub(super) fn run(
        &mut self,
        reader: &mut Reader<'_>,
        journal: &mut Journal,
        progress: &dyn Progress,
    ) -> Result<()> {
        let result = self.encode(reader, journal, progress);
        if result.is_err() && journal.keeps() {
            // The first error counts.
            let _ = self.keep(journal);
        }
        result
    }

    fn encode(
        &mut self,
        reader: &mut Reader<'_>,
        journal: &mut Journal,
        progress: &dyn Progress,
    ) -> Result<()> {
        progress.phase(Phase::Encode, Some(self.gatherer.of().into()));
        if self.gatherer.next() > 0 {
            progress.resume(self.gatherer.next().into());
        }
        loop {
            let Self { gatherer, writer } = self;
            let mut first = true;
            let mut read = |out: &mut VectorBatch| {
                // Once a checkpoint is due, nothing more is read, so that all that was read is
                // written before it is recorded.
                if !first && journal.due() {
                    return Ok(());
                }
                first = false;
                gatherer.gather(reader, journal, progress, out)
            };
            read_ahead(&mut read, &mut |batch| writer.push(batch))?;
            if gatherer.is_done() {
                return Ok(());
            }
            self.keep(journal)?;
            journal.save()?;
        }
    }

    /// Syncs the encoded vectors and records them in the journal.
    fn keep(&mut self, journal: &mut Journal) -> Result<()> {
        let Self { gatherer, writer } = self;
        if writer.poisoned {
            return Ok(());
        }
        if let Some(sample) = &mut gatherer.sample {
            sample.keep(journal)?;
        }
        let record = EncodingRecord {
            lengths: writer.lengths.checkpoint()?,
            vectors: writer.vectors.checkpoint()?,
            unit_length: writer.unit_length,
            squared_error: writer.squared_error.to_bits(),
        };
        journal.note(gatherer.encoded(), |done| done.encoding = Some(record));
        Ok(())
    }

    /// Closes and syncs the files, and records them in the journal.
    pub(super) fn finish(self, journal: &mut Journal) -> Result<EncodedRecord> {
        let Self {
            gatherer,
            mut writer,
        } = self;
        let record = EncodedRecord {
            lengths: writer.lengths.checkpoint()?,
            vectors: writer.vectors.finish()?,
            unit_length: writer.unit_length,
            squared_error: writer.squared_error.to_bits(),
            centroids: writer.compressor.centroids(),
            sample_vectors: gatherer.sample.as_ref().map_or(0, |s| s.len()),
        };
        journal.note(gatherer.encoded(), |done| done.encoded = Some(record));
        Ok(record)
    }
}

impl Writer<'_> {
    /// Compresses documents and writes them.
    fn push(&mut self, batch: &VectorBatch) -> Result<()> {
        let dim = self.compressor.dim();
        self.unit_length &= batch.vectors.par_chunks(dim).all(has_unit_length);
        let compressed = self.compressor.compress(batch);
        self.poisoned = true;
        self.vectors
            .push(&compressed.codes, &compressed.residuals, &compressed.means)?;
        self.lengths.write(&batch.lens)?;
        self.poisoned = false;
        let errors = compressed.squared_errors.iter().map(|&e| f64::from(e));
        self.squared_error = errors.fold(self.squared_error, |sum, error| sum + error);
        append(&mut self.offsets, &batch.lens);
        Ok(())
    }
}

/// Unit length, within the rounding of a vector stored as f16.
pub(super) fn has_unit_length(vector: &[f32]) -> bool {
    (colidx_kernels::kernels().squared_length(vector) - 1.0).abs() < 0.01
}
