//! Gathering the vectors of documents in order, from the sample or from the source.

use super::VectorBatch;
use super::assemble::BATCH_DOCUMENTS;
use super::batch_sizer::BatchSizer;
use super::journal::Journal;
use super::memory::Memory;
use super::reader::Reader;
use super::sample::Sample;
use crate::error::{Error, Result};
use crate::progress::Progress;
use std::ops::Range;

/// The most vectors gathered at a time: enough that most groups of centroids get many of them.
const BATCH_VECTORS: usize = 1 << 15;

/// Documents whose vectors are gathered for compression.
pub(super) struct Gatherer<'a> {
    /// The next document to gather.
    next: u32,
    /// Number of documents.
    of: u32,
    dim: usize,
    /// Sampled documents, whose vectors are known already.
    pub sample: Option<&'a mut Sample>,
    sizer: BatchSizer,
    /// Values gathered at a time.
    room: usize,
    /// What the source gave last.
    read: VectorBatch,
    /// Documents encoded so far, including the sample's.
    encoded: u32,
}

impl<'a> Gatherer<'a> {
    /// For documents from `next` to `of`.
    pub(super) fn new(
        next: u32,
        of: u32,
        dim: usize,
        sample: Option<&'a mut Sample>,
        memory: &Memory,
    ) -> Self {
        let mut gatherer = Self {
            next,
            of,
            dim,
            sample,
            sizer: BatchSizer::new(memory.batch(), dim),
            room: (memory.gathered() / size_of::<f32>()).clamp(1, BATCH_VECTORS * dim.max(1)),
            read: VectorBatch::default(),
            encoded: 0,
        };
        let others = (0..next).filter(|&document| !gatherer.is_kept(document));
        let kept = gatherer.sample.as_ref().map_or(0, |s| s.kept_documents());
        gatherer.encoded = kept + others.count() as u32;
        gatherer
    }

    /// Number of documents.
    pub(super) fn of(&self) -> u32 {
        self.of
    }

    /// The next document to gather.
    pub(super) fn next(&self) -> u32 {
        self.next
    }

    pub(super) fn is_done(&self) -> bool {
        self.next >= self.of
    }

    /// Documents encoded so far, including the sample's.
    pub(super) fn encoded(&self) -> u32 {
        self.encoded
    }

    /// Whether the sample has kept a document's vectors.
    fn is_kept(&self, document: u32) -> bool {
        let sample = self.sample.as_deref();
        sample.is_some_and(|sample| sample.has(document))
    }

    /// Appends the next documents to `out` until there are enough, or a checkpoint is due.
    pub(super) fn gather(
        &mut self,
        reader: &mut Reader<'_>,
        journal: &Journal,
        progress: &dyn Progress,
        out: &mut VectorBatch,
    ) -> Result<()> {
        while !self.is_done() && out.vectors.len() < self.room {
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            let most = self.sizer.documents().min(BATCH_DOCUMENTS) as u32;
            let documents = self.next..self.of.min(self.next.saturating_add(most));
            let missing: Vec<u32> = documents.clone().filter(|&d| !self.is_kept(d)).collect();
            reader.read(&missing, &mut self.read)?;
            // The source may not have given all of them.
            let given = self.read.lens.len();
            let end = missing.get(given).copied().unwrap_or(documents.end);
            self.append(documents.start..end, out);
            self.next = end;
            self.encoded += given as u32;
            progress.advance(self.next.into());
            if journal.due() {
                break;
            }
        }
        Ok(())
    }

    /// Appends consecutive documents, from the sample where they are kept there and else from what
    /// was read.
    fn append(&mut self, documents: Range<u32>, out: &mut VectorBatch) {
        let dim = self.dim;
        let before = out.lens.len();
        let mut row = 0;
        let mut lens = self.read.lens.iter();
        for document in documents {
            let sample = self.sample.as_deref();
            if let Some(sample) = sample.filter(|sample| sample.has(document)) {
                sample.append(document, out);
            } else if let Some(&len) = lens.next() {
                let rows = row..row + len as usize;
                row = rows.end;
                out.lens.push(len);
                let vectors = &self.read.vectors[rows.start * dim..rows.end * dim];
                out.vectors.extend_from_slice(vectors);
                let ids = self.read.token_ids.get(rows).unwrap_or_default();
                out.token_ids.extend_from_slice(ids);
            }
        }
        if let Some(sample) = &self.sample {
            sample.advise_dontneed();
        }
        self.sizer.saw(&out.lens[before..]);
    }
}
