//! The sample that the codebook is trained on, kept in spool files so that nothing is encoded twice.

use super::assemble::BATCH_DOCUMENTS;
use super::journal::{self, Journal};
use super::reader::Reader;
use super::spool::{self, Spool};
use super::{Phase, Progress, VectorBatch};
use crate::error::{Error, Result};
use crate::format::frame::Prefix;
use crate::storage::{Bytes, Directory};
use serde::{Deserialize, Serialize};
use std::ops::Range;

const VECTORS: &str = "vectors.spool";
const TOKEN_IDS: &str = "tokens.spool";
const LENGTHS: &str = "sample.spool";

/// Vectors to train on for each centroid (`docs/codebook.md`).
const VECTORS_PER_CENTROID: usize = 64;

/// How the journal records the sample.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct SampleRecord {
    vectors: Prefix,
    token_ids: Prefix,
    lengths: Prefix,
    /// Whether it is large enough to train on.
    pub complete: bool,
}

/// Vectors of the sampled documents.
pub(super) struct Sample {
    directory: Directory,
    pub dim: usize,
    /// Documents in a seeded order, each batch of them ascending: stored text is then decompressed once a block.
    order: Vec<u32>,
    /// How many of these are sampled.
    sampled: usize,
    spools: [Spool; 3],
    /// Vectors in the spool.
    spooled: u64,
    /// The spooled vectors, once they are complete.
    bytes: Option<Bytes>,
    /// Vocabulary ids in spool order, or empty when the source gives none.
    pub token_ids: Vec<u32>,
    /// Spool position of each document, by ordinal; `None` when it was not sampled.
    places: Vec<Option<(u64, u32)>>,
    /// Centroids to train.
    pub centroids: usize,
    /// A write failed half way: the spools hold more than the other fields say.
    torn: bool,
}

impl Sample {
    /// An empty sample, or what the journal says of one.
    pub(super) fn open(
        directory: &Directory,
        documents: u32,
        dim: usize,
        seed: u64,
        from: Option<SampleRecord>,
    ) -> Result<Self> {
        let mut order: Vec<u32> = (0..documents).collect();
        order.sort_by_cached_key(|d| {
            xxhash_rust::xxh3::xxh3_64_with_seed(&u64::from(*d).to_le_bytes(), seed)
        });
        for batch in order.chunks_mut(BATCH_DOCUMENTS) {
            batch.sort_unstable();
        }
        let lengths: Vec<u32> = spool::read(directory, LENGTHS, from.map(|f| f.lengths))?;
        let mut sample = Self {
            directory: directory.clone(),
            dim,
            sampled: 0,
            spools: [
                Spool::open(directory, VECTORS, from.map(|f| f.vectors))?,
                Spool::open(directory, TOKEN_IDS, from.map(|f| f.token_ids))?,
                Spool::open(directory, LENGTHS, from.map(|f| f.lengths))?,
            ],
            spooled: 0,
            bytes: None,
            token_ids: spool::read(directory, TOKEN_IDS, from.map(|f| f.token_ids))?,
            places: vec![None; documents as usize],
            centroids: 0,
            order,
            torn: false,
        };
        sample.place_all(&lengths);
        if let Some(from) = from {
            let ids = sample.token_ids.len() as u64;
            let check = |what, expected, got| journal::check(directory, what, expected, got);
            check(
                "sampled documents",
                sample.sampled as u64,
                lengths.len() as u64,
            )?;
            check(
                "sample",
                sample.spooled * dim as u64 * 4,
                from.vectors.length,
            )?;
            check("its token ids", sample.spooled * u64::from(ids > 0), ids)?;
        }
        Ok(sample)
    }

    /// Draws documents until there are enough vectors for the codebook.
    pub(super) fn draw(
        &mut self,
        reader: &mut Reader<'_>,
        centroids: Option<usize>,
        journal: &mut Journal,
        progress: &dyn Progress,
    ) -> Result<()> {
        progress.phase(Phase::Sample, None);
        if self.sampled > 0 {
            progress.resume(self.sampled as u64);
        }
        let mut batch = VectorBatch::default();
        while !self.is_enough(centroids, progress) {
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            let end = self.order.len().min(self.sampled + BATCH_DOCUMENTS);
            reader.read(&self.order[self.sampled..end], &mut batch)?;
            self.push(&batch)?;
            if journal.due() {
                self.keep(journal)?;
                journal.save()?;
            }
        }
        self.spools.iter_mut().try_for_each(Spool::flush)?;
        self.bytes = Some(self.directory.map(VECTORS)?);
        Ok(())
    }

    fn is_enough(&mut self, centroids: Option<usize>, progress: &dyn Progress) -> bool {
        let (sampled, documents) = (self.sampled, self.order.len());
        self.centroids = match centroids {
            Some(centroids) => centroids,
            None if sampled == 0 => 0,
            None => default_centroids(self.spooled as f64 / sampled as f64 * documents as f64),
        };
        if sampled == 0 {
            return documents == 0;
        }
        let enough = (self.centroids * VECTORS_PER_CENTROID) as u64;
        let expected = enough as f64 * sampled as f64 / self.spooled.max(1) as f64;
        let expected = (expected.ceil() as u64).clamp(sampled as u64, documents as u64);
        progress.phase(Phase::Sample, Some(expected));
        progress.advance(sampled as u64);
        self.spooled >= enough || sampled == documents
    }

    fn push(&mut self, batch: &VectorBatch) -> Result<()> {
        let [vectors, token_ids, lengths] = &mut self.spools;
        self.torn = true;
        vectors.write(&batch.vectors)?;
        token_ids.write(&batch.token_ids)?;
        lengths.write(&batch.lens)?;
        self.torn = false;
        self.token_ids.extend_from_slice(&batch.token_ids);
        self.place_all(&batch.lens);
        Ok(())
    }

    /// Gives the next documents of the order their places.
    fn place_all(&mut self, lengths: &[u32]) {
        for (&document, &len) in self.order[self.sampled..].iter().zip(lengths) {
            self.places[document as usize] = Some((self.spooled, len));
            self.spooled += u64::from(len);
        }
        self.sampled = self.order.len().min(self.sampled + lengths.len());
    }

    /// Makes safe what was encoded, and notes it.
    pub(super) fn keep(&mut self, journal: &mut Journal) -> Result<()> {
        let complete = self.bytes.is_some();
        if self.torn || (complete && journal.done().sample.is_some_and(|s| s.complete)) {
            return Ok(());
        }
        let [vectors, token_ids, lengths] = &mut self.spools;
        let record = SampleRecord {
            vectors: vectors.checkpoint()?,
            token_ids: token_ids.checkpoint()?,
            lengths: lengths.checkpoint()?,
            complete,
        };
        journal.note(self.documents(), |done| {
            done.sample = Some(record);
        });
        Ok(())
    }

    /// Documents of the corpus.
    pub(super) fn of(&self) -> u32 {
        self.order.len() as u32
    }

    /// Documents sampled.
    pub(super) fn documents(&self) -> u32 {
        self.sampled as u32
    }

    /// `[n, dim]` f32 row-major; empty before the sample is drawn.
    pub(super) fn vectors(&self) -> &[f32] {
        // The spool was written as f32.
        self.bytes.as_deref().map_or(&[], bytemuck::cast_slice)
    }

    pub(super) fn len(&self) -> usize {
        self.vectors().len() / self.dim.max(1)
    }

    /// Which vectors of the sample are the document's.
    pub(super) fn place(&self, document: u32) -> Option<Range<usize>> {
        let (start, len) = self.places[document as usize]?;
        Some(start as usize..start as usize + len as usize)
    }
}

/// `16 * sqrt(vectors)` rounded down to a power of two, as ColBERTv2 and its successors choose.
fn default_centroids(vectors: f64) -> usize {
    let target = 16.0 * vectors.sqrt();
    1 << (target.max(1.0).log2() as u32).min(20)
}
