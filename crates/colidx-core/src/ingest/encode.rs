//! Encoding all documents and compressing their vectors: the long part of a build.

use super::VectorBatch;
use super::assemble::BATCH_DOCUMENTS;
use super::batch_sizer::BatchSizer;
use super::compress::Compressor;
use super::journal::{self, Journal};
use super::memory::Memory;
use super::reader::Reader;
use super::sample::Sample;
use super::spool::{self, Spool};
use crate::error::{Error, Result};
use crate::format::frame::Checkpoint;
use crate::progress::{Phase, Progress};
use crate::segment::vectors::{Safe, VectorDigests, VectorWriter, VectorsCheckpoint};
use crate::storage::Directory;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

const LENGTHS: &str = "lengths.spool";

/// The most vectors compressed at a time: enough that most groups of centroids get many of them.
const BATCH_VECTORS: usize = 1 << 16;

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
    /// Number of documents.
    of: u32,
    /// Sampled documents, whose vectors are known already.
    sample: Option<&'a mut Sample>,
    compressor: &'a Compressor<'a>,
    writer: VectorWriter,
    lengths: Spool,
    offsets: Vec<u64>,
    unit_length: bool,
    /// Summed one by one, so that it does not depend on batches.
    squared_error: f64,
    sizer: BatchSizer,
    /// Values gathered before they are compressed.
    room: usize,
    /// Documents that are encoded and not yet written.
    gathered: VectorBatch,
    /// Documents encoded so far, including the sample's.
    encoded: u32,
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
        let mut encoding = Self {
            of,
            compressor,
            writer: match from.map(|from| from.vectors) {
                Some(from) => VectorWriter::resume(directory, number, centroids, safe, from)?,
                None => VectorWriter::create(directory, number, centroids)?,
            },
            lengths: Spool::open(directory, LENGTHS, lengths)?,
            offsets,
            unit_length: from.is_none_or(|from| from.unit_length),
            squared_error: from.map_or(0.0, |from| f64::from_bits(from.squared_error)),
            sizer: BatchSizer::new(memory.batch(), compressor.dim()),
            room: (memory.gathered() / size_of::<f32>()).min(BATCH_VECTORS * compressor.dim()),
            gathered: VectorBatch::default(),
            encoded: 0,
            sample,
            poisoned: false,
        };
        let others = (0..encoding.written()).filter(|&d| !encoding.has(d));
        let kept = encoding.sample.as_ref().map_or(0, |s| s.kept_documents());
        encoding.encoded = kept + others.count() as u32;
        Ok(encoding)
    }

    /// Whether the sample has kept a document's vectors.
    fn has(&self, document: u32) -> bool {
        let sample = self.sample.as_deref();
        sample.is_some_and(|sample| sample.has(document))
    }

    fn written(&self) -> u32 {
        self.offsets.len() as u32 - 1
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
        progress.phase(Phase::Encode, Some(self.of.into()));
        if self.written() > 0 {
            progress.resume(self.written().into());
        }
        let mut batch = VectorBatch::default();
        let ordinals: Vec<u32> = (self.written()..self.of).collect();
        let mut left = &ordinals[..];
        while !left.is_empty() {
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            let documents = self.sizer.next(&left[..BATCH_DOCUMENTS.min(left.len())]);
            let missing = documents.iter().copied().filter(|&d| !self.has(d));
            let missing: Vec<u32> = missing.collect();
            reader.read(&missing, &mut batch)?;
            // The source may not have given all of them.
            let given = batch.lens.len();
            let end = match missing.get(given) {
                Some(&next) => documents.partition_point(|&document| document < next),
                None => documents.len(),
            };
            self.gather(&documents[..end], &batch);
            left = &left[end..];
            self.encoded += given as u32;
            progress.advance(u64::from(self.written()) + self.gathered.lens.len() as u64);
            if self.gathered.vectors.len() >= self.room {
                self.push()?;
            }
            if journal.due() {
                self.keep(journal)?;
                journal.save()?;
            }
        }
        self.push()
    }

    /// Appends the vectors of consecutive documents, from the sample where they are kept there and
    /// else from `batch`.
    fn gather(&mut self, documents: &[u32], batch: &VectorBatch) {
        let (dim, out) = (self.compressor.dim(), &mut self.gathered);
        let before = out.lens.len();
        let mut row = 0;
        let mut lens = batch.lens.iter();
        for &document in documents {
            let sample = self.sample.as_deref();
            if let Some(sample) = sample.filter(|sample| sample.has(document)) {
                sample.append(document, out);
            } else if let Some(&len) = lens.next() {
                let rows = row..row + len as usize;
                row = rows.end;
                out.lens.push(len);
                let vectors = &batch.vectors[rows.start * dim..rows.end * dim];
                out.vectors.extend_from_slice(vectors);
                let ids = batch.token_ids.get(rows).unwrap_or_default();
                out.token_ids.extend_from_slice(ids);
            }
        }
        if let Some(sample) = &self.sample {
            sample.advise_dontneed();
        }
        self.sizer.saw(&out.lens[before..]);
    }

    /// Compresses and writes what was gathered.
    fn push(&mut self) -> Result<()> {
        let vectors = &self.gathered.vectors;
        let dim = self.compressor.dim();
        self.unit_length &= vectors.par_chunks(dim).all(has_unit_length);
        let compressed = self.compressor.compress(&self.gathered);
        self.poisoned = true;
        self.writer
            .push(&compressed.codes, &compressed.residuals, &compressed.means)?;
        self.lengths.write(&self.gathered.lens)?;
        self.poisoned = false;
        let errors = compressed.squared_errors.iter().map(|&e| f64::from(e));
        self.squared_error = errors.fold(self.squared_error, |sum, error| sum + error);
        append(&mut self.offsets, &self.gathered.lens);
        self.gathered.clear();
        Ok(())
    }

    /// Syncs the encoded vectors and records them in the journal.
    fn keep(&mut self, journal: &mut Journal) -> Result<()> {
        if self.poisoned {
            return Ok(());
        }
        if let Some(sample) = &mut self.sample {
            sample.keep(journal)?;
        }
        self.push()?;
        let record = EncodingRecord {
            lengths: self.lengths.checkpoint()?,
            vectors: self.writer.checkpoint()?,
            unit_length: self.unit_length,
            squared_error: self.squared_error.to_bits(),
        };
        journal.note(self.encoded, |done| done.encoding = Some(record));
        Ok(())
    }

    /// Closes and syncs the files, and records them in the journal.
    pub(super) fn finish(mut self, journal: &mut Journal) -> Result<EncodedRecord> {
        let lengths = self.lengths.checkpoint()?;
        let vectors = self.writer.finish()?;
        let record = EncodedRecord {
            lengths,
            vectors,
            unit_length: self.unit_length,
            squared_error: self.squared_error.to_bits(),
            centroids: self.compressor.centroids(),
            sample_vectors: self.sample.as_ref().map_or(0, |s| s.len()),
        };
        journal.note(self.encoded, |done| done.encoded = Some(record));
        Ok(record)
    }
}

/// Unit length, within the rounding of a vector stored as f16.
pub(super) fn has_unit_length(vector: &[f32]) -> bool {
    (colidx_kernels::kernels().squared_length(vector) - 1.0).abs() < 0.01
}
