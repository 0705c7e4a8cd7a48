//! The sample that the codebook is trained on.
//!
//! Its vectors go into the parts that training reads. Computed ones are also kept by document, in
//! spool files, so that nothing is encoded twice.

use super::assemble::BATCH_DOCUMENTS;
use super::batch_sizer::BatchSizer;
use super::journal::{self, Journal};
use super::memory::Memory;
use super::parts::{Parts, PartsWriter};
use super::read_ahead::read_ahead;
use super::reader::Reader;
use super::spool::{self, Spool};
use super::{BuildOptions, VectorBatch};
use crate::error::{Error, Result};
use crate::format::frame::Checkpoint;
use crate::progress::{Phase, Progress};
use crate::storage::{Bytes, Directory};
use colidx_cluster::TrainOptions;
use serde::{Deserialize, Serialize};
use std::ops::Range;

const VECTORS: &str = "vectors.spool";
const TOKEN_IDS: &str = "tokens.spool";
const LENGTHS: &str = "sample.spool";

/// Vectors to train on for each centroid (`docs/design/codebook.md`).
const VECTORS_PER_CENTROID: usize = 64;

/// Least vectors for each centroid of a small corpus. From 4,096 vectors on there are more anyway.
const VECTORS_LEFT: f64 = 4.0;

/// How the journal records the sample.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct SampleRecord {
    vectors: Checkpoint,
    token_ids: Checkpoint,
    lengths: Checkpoint,
    /// Whether it is large enough to train on.
    pub complete: bool,
}

/// The sampled documents.
pub(super) struct Sample {
    directory: Directory,
    pub dim: usize,
    /// Documents in a seeded order, each batch of them ascending: stored text is then decompressed
    /// once a block.
    order: Vec<u32>,
    so_far: Estimate,
    /// Whether vectors are kept, and not read from the source again.
    keeps: bool,
    spools: [Spool; 3],
    /// The kept vectors and their vocabulary ids, once they are complete.
    kept: Option<[Bytes; 2]>,
    /// Where each document's vectors are kept, by ordinal; `None` when they are not.
    places: Vec<Option<(u64, u32)>>,
    complete: bool,
    /// A write failed half way: the spools hold more than the other fields say.
    poisoned: bool,
}

impl Sample {
    /// An empty sample, or the one that the journal records.
    pub(super) fn open(
        directory: &Directory,
        reader: &Reader<'_>,
        options: &BuildOptions,
        from: Option<SampleRecord>,
    ) -> Result<Self> {
        let (documents, dim) = (reader.keys.len(), reader.dim());
        let mut order: Vec<u32> = (0..documents as u32).collect();
        order.sort_by_cached_key(|d| {
            xxhash_rust::xxh3::xxh3_64_with_seed(&u64::from(*d).to_le_bytes(), options.seed)
        });
        for batch in order.chunks_mut(BATCH_DOCUMENTS) {
            batch.sort_unstable();
        }
        let lengths: Vec<u32> = spool::read(directory, LENGTHS, from.map(|f| f.lengths))?;
        let keeps = !reader.source.rereads();
        let mut sample = Self {
            directory: directory.clone(),
            dim,
            order,
            so_far: Estimate {
                of: documents,
                asked: options.centroids,
                documents: 0,
                vectors: 0,
            },
            keeps,
            spools: [
                Spool::open(directory, VECTORS, from.map(|f| f.vectors))?,
                Spool::open(directory, TOKEN_IDS, from.map(|f| f.token_ids))?,
                Spool::open(directory, LENGTHS, from.map(|f| f.lengths))?,
            ],
            kept: None,
            places: vec![None; if keeps { documents } else { 0 }],
            complete: false,
            poisoned: false,
        };
        sample.place_all(&lengths);
        if let Some(from) = from {
            let check = |what, expected, got| journal::check(directory, what, expected, got);
            let vectors = sample.so_far.vectors * u64::from(keeps);
            let (values, ids) = (from.vectors.length, from.token_ids.length);
            check(
                "sampled documents",
                sample.so_far.documents as u64,
                lengths.len() as u64,
            )?;
            check("sample", vectors * dim as u64 * 4, values)?;
            check("its token ids", vectors * u64::from(ids > 0) * 4, ids)?;
        }
        Ok(sample)
    }

    /// Draws documents until there are enough vectors for the codebook, and puts these into parts.
    pub(super) fn draw(
        &mut self,
        reader: &mut Reader<'_>,
        options: &TrainOptions,
        memory: &Memory,
        journal: &mut Journal,
        progress: &dyn Progress,
    ) -> Result<Parts> {
        let writer = PartsWriter::new(&self.directory, self.dim, options, memory.chunks());
        let mut parts = Feed {
            writer,
            so_far: Estimate {
                documents: 0,
                vectors: 0,
                ..self.so_far
            },
        };
        let mut sizer = BatchSizer::new(memory.batch(), self.dim);
        progress.phase(Phase::Sample, None);
        if self.so_far.documents > 0 {
            progress.resume(self.so_far.documents as u64);
        }
        let mut take = |batch: &VectorBatch| parts.take(batch);
        if self.keeps {
            let mut batch = VectorBatch::default();
            loop {
                self.read(reader, &mut sizer, memory, journal, progress, &mut batch)?;
                if batch.lens.is_empty() {
                    break;
                }
            }
            self.complete()?;
            // Kept vectors, perhaps those of a stopped build, go into parts from their files.
            let mut order = self.order[..self.so_far.documents].iter();
            let room = memory.batch().max(1);
            let mut read = |batch: &mut VectorBatch| {
                while size_of_val(&batch.vectors[..]) < room
                    && let Some(&document) = order.next()
                {
                    self.append(document, batch);
                }
                self.advise_dontneed();
                Ok(())
            };
            read_ahead(&mut read, &mut take)?;
        } else {
            let mut read = |batch: &mut VectorBatch| {
                self.read(reader, &mut sizer, memory, journal, progress, batch)
            };
            read_ahead(&mut read, &mut take)?;
            self.complete()?;
        }
        parts.writer.finish()
    }

    /// Draws the next documents into `batch`; none when there are enough.
    fn read(
        &mut self,
        reader: &mut Reader<'_>,
        sizer: &mut BatchSizer,
        memory: &Memory,
        journal: &mut Journal,
        progress: &dyn Progress,
        batch: &mut VectorBatch,
    ) -> Result<()> {
        batch.clear();
        if self.is_enough(progress) {
            return Ok(());
        }
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
        let done = self.so_far.documents;
        let end = (done / BATCH_DOCUMENTS + 1) * BATCH_DOCUMENTS;
        let end = end.min(done + sizer.documents()).min(self.order.len());
        reader.read(&self.order[done..end], batch)?;
        sizer.saw(&batch.lens);
        self.push(batch)?;
        if self.so_far.documents == BATCH_DOCUMENTS.min(self.order.len()) {
            // The size of the codebook is known now, before the other documents are encoded.
            let vectors = self.so_far.expected_vectors();
            memory.with_codebook(self.so_far.centroids(), self.dim, vectors)?;
        }
        if journal.due() {
            self.keep(journal)?;
            journal.save()?;
        }
        Ok(())
    }

    /// The sample is drawn: maps the kept vectors.
    pub(super) fn complete(&mut self) -> Result<()> {
        self.complete = true;
        if self.keeps {
            self.spools.iter_mut().try_for_each(Spool::flush)?;
            let map = |name| self.directory.map(name);
            self.kept = Some([map(VECTORS)?, map(TOKEN_IDS)?]);
        }
        Ok(())
    }

    /// Whether there are enough; whole batches decide that.
    fn is_enough(&self, progress: &dyn Progress) -> bool {
        let Estimate {
            documents, vectors, ..
        } = self.so_far;
        if documents == self.order.len() {
            return true;
        }
        let whole = documents > 0 && documents.is_multiple_of(BATCH_DOCUMENTS);
        if whole {
            progress.phase(Phase::Sample, Some(self.so_far.expected_documents()));
        }
        progress.advance(documents as u64);
        whole && vectors >= self.so_far.enough()
    }

    fn push(&mut self, batch: &VectorBatch) -> Result<()> {
        let [vectors, token_ids, lengths] = &mut self.spools;
        self.poisoned = true;
        if self.keeps {
            vectors.write(&batch.vectors)?;
            token_ids.write(&batch.token_ids)?;
        }
        lengths.write(&batch.lens)?;
        self.poisoned = false;
        self.place_all(&batch.lens);
        Ok(())
    }

    /// Gives the next documents of the order their places.
    fn place_all(&mut self, lengths: &[u32]) {
        let so_far = &mut self.so_far;
        for (&document, &len) in self.order[so_far.documents..].iter().zip(lengths) {
            if let Some(place) = self.places.get_mut(document as usize) {
                *place = Some((so_far.vectors, len));
            }
            so_far.vectors += u64::from(len);
        }
        so_far.documents = self.order.len().min(so_far.documents + lengths.len());
    }

    /// Syncs the encoded vectors and records them in the journal.
    pub(super) fn keep(&mut self, journal: &mut Journal) -> Result<()> {
        let noted = journal.done().sample.is_some_and(|s| s.complete);
        if self.poisoned || (self.complete && noted) {
            return Ok(());
        }
        let [vectors, token_ids, lengths] = &mut self.spools;
        let record = SampleRecord {
            vectors: vectors.checkpoint()?,
            token_ids: token_ids.checkpoint()?,
            lengths: lengths.checkpoint()?,
            complete: self.complete,
        };
        journal.note(self.kept_documents(), |done| {
            done.sample = Some(record);
        });
        Ok(())
    }

    /// Documents of the corpus.
    pub(super) fn of(&self) -> u32 {
        self.order.len() as u32
    }

    /// Documents whose vectors are kept.
    pub(super) fn kept_documents(&self) -> u32 {
        if self.keeps {
            self.so_far.documents as u32
        } else {
            0
        }
    }

    /// Vectors drawn.
    pub(super) fn len(&self) -> u64 {
        self.so_far.vectors
    }

    /// Centroids to train.
    pub(super) fn centroids(&self) -> usize {
        self.so_far.centroids()
    }

    /// Whether a document's vectors are kept.
    pub(super) fn has(&self, document: u32) -> bool {
        self.place(document).is_some()
    }

    fn place(&self, document: u32) -> Option<Range<usize>> {
        let (start, len) = (*self.places.get(document as usize)?)?;
        Some(start as usize..start as usize + len as usize)
    }

    /// Appends a document to `batch`, if it is kept.
    pub(super) fn append(&self, document: u32, batch: &mut VectorBatch) {
        let (Some(rows), Some([vectors, token_ids])) = (self.place(document), &self.kept) else {
            return;
        };
        let bytes = |of: usize| rows.start * of * 4..rows.end * of * 4;
        vectors.advise_willneed(bytes(self.dim));
        batch.lens.push(rows.len() as u32);
        // The spools were written as f32 and u32.
        let values = bytemuck::cast_slice(&vectors[bytes(self.dim)]);
        batch.vectors.extend_from_slice(values);
        if let Some(ids) = token_ids.get(bytes(1)) {
            batch.token_ids.extend_from_slice(bytemuck::cast_slice(ids));
        }
    }

    /// Drops the pages of the kept vectors from memory.
    pub(super) fn advise_dontneed(&self) {
        for bytes in self.kept.iter().flatten() {
            bytes.advise_dontneed(0..bytes.len());
        }
    }
}

/// Estimates for the whole corpus from the documents so far.
#[derive(Debug, Clone, Copy)]
struct Estimate {
    /// Documents of the corpus.
    of: usize,
    /// Centroids asked for.
    asked: Option<usize>,
    /// Documents so far.
    documents: usize,
    /// Their vectors.
    vectors: u64,
}

impl Estimate {
    /// Vectors of the corpus.
    fn of_all(&self) -> f64 {
        self.vectors as f64 / self.documents.max(1) as f64 * self.of as f64
    }

    /// Centroids to train.
    fn centroids(&self) -> usize {
        self.asked
            .unwrap_or_else(|| default_centroids(self.of_all()))
    }

    /// Vectors to draw.
    fn enough(&self) -> u64 {
        (self.centroids() * VECTORS_PER_CENTROID) as u64
    }

    /// Vectors that the sample will have.
    fn expected_vectors(&self) -> u64 {
        self.enough().min(self.of_all() as u64)
    }

    /// Documents that the sample will have.
    fn expected_documents(&self) -> u64 {
        let (documents, vectors) = (self.documents as f64, self.vectors.max(1) as f64);
        let expected = (self.enough() as f64 * documents / vectors).ceil() as u64;
        expected.clamp(self.documents as u64, self.of as u64)
    }
}

/// Feeds the sample to its parts document by document, so that the division does not depend on
/// batches.
struct Feed {
    writer: PartsWriter,
    so_far: Estimate,
}

impl Feed {
    fn take(&mut self, batch: &VectorBatch) -> Result<()> {
        let dim = self.writer.dim();
        let mut row = 0;
        for &len in &batch.lens {
            let rows = row..row + len as usize;
            row = rows.end;
            self.so_far.documents += 1;
            self.so_far.vectors += u64::from(len);
            let ids = batch.token_ids.get(rows.clone()).unwrap_or_default();
            let vectors = &batch.vectors[rows.start * dim..rows.end * dim];
            let so_far = self.so_far;
            self.writer
                .push(vectors, ids, || so_far.expected_vectors())?;
        }
        Ok(())
    }
}

/// `16 * sqrt(vectors)` rounded down to a power of two, as ColBERTv2 and its successors choose, but
/// no more than leave [`VECTORS_LEFT`] to each: a vector alone with its centroid has no residual,
/// and weights that are learned from such would keep nothing of what is added later.
fn default_centroids(vectors: f64) -> usize {
    let target = (16.0 * vectors.sqrt()).min(vectors / VECTORS_LEFT);
    1 << (target.max(1.0).log2() as u32).min(20)
}
