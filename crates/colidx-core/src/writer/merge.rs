//! Merging: several segments become one, without their deleted documents.
//!
//! The codebook stays, so codes, residuals, mean residuals and blocks of text are copied as they
//! are; posting lists and the documents' table are rebuilt.

use super::manifest_edit::NewSegment;
use crate::error::{Error, Result};
use crate::format::FileKind;
use crate::format::manifest::{Features, FileEntry, SegmentEntry};
use crate::index::Index;
use crate::ingest::{EncodedSegment, check_memory, finish_segment};
use crate::progress::{Phase, Progress};
use crate::segment::Segment;
use crate::segment::documents::KeyWriter;
use crate::segment::text::TextWriter;
use crate::segment::vectors::VectorWriter;
use crate::storage::Directory;

/// Documents copied at a time.
const BATCH_DOCUMENTS: usize = 1 << 10;

/// Vectors copied before the pages of their files are dropped from memory.
const BATCH_VECTORS: u64 = 1 << 18;

/// Merges the live documents of segments into one.
pub(super) struct Merger<'a> {
    index: &'a Index,
    /// The writer's handle.
    directory: &'a Directory,
    /// Of the index to be.
    features: &'a Features,
    parts: Vec<(&'a Segment, SegmentEntry)>,
    /// By part, its live documents.
    live: Vec<Vec<u32>>,
    number: u32,
}

impl<'a> Merger<'a> {
    /// The segments at `places`, as one whose files get this number. What they hold is checked
    /// against its checksums first, since what is copied gets new ones.
    pub(super) fn new(
        index: &'a Index,
        directory: &'a Directory,
        features: &'a Features,
        places: &[usize],
        number: u32,
    ) -> Result<Self> {
        let entries = &index.manifest().segments;
        let parts: Vec<_> = places
            .iter()
            .map(|&place| (&index.segments()[place], entries[place]))
            .collect();
        for (segment, _) in &parts {
            segment.check()?;
        }
        let live: Vec<Vec<u32>> = parts.iter().map(|(s, _)| s.live().collect()).collect();
        Ok(Self {
            index,
            directory,
            features,
            parts,
            live,
            number,
        })
    }

    /// Documents of the merged segment.
    pub(super) fn documents(&self) -> u64 {
        self.live.iter().map(|live| live.len() as u64).sum()
    }

    /// Their keys, in order.
    pub(super) fn keys(&self) -> Result<KeyWriter> {
        let max = u64::from(u32::MAX);
        if self.documents() > max {
            return Err(Error::TooManyDocuments { max });
        }
        let mut keys = KeyWriter::default();
        for ((segment, _), live) in self.parts.iter().zip(&self.live) {
            for &document in live {
                keys.push(segment.documents.key(document)?)?;
            }
        }
        Ok(keys)
    }

    /// Writes their text; `None` when no segment has any.
    pub(super) fn text(&self, progress: &dyn Progress) -> Result<Option<FileEntry>> {
        if self.parts.iter().all(|(segment, _)| segment.text.is_none()) {
            return Ok(None);
        }
        let mut writer = TextWriter::create(self.directory, self.number)?;
        for ((segment, _), live) in self.parts.iter().zip(&self.live) {
            for documents in live.chunks(BATCH_DOCUMENTS) {
                if progress.cancelled() {
                    return Err(Error::Cancelled);
                }
                match &segment.text {
                    Some(text) => {
                        writer.copy(text, &segment.documents, documents)?;
                        text.frame.advise_dontneed();
                    }
                    None => documents
                        .iter()
                        .try_for_each(|_| writer.push("", [""; 3]))?,
                }
            }
        }
        let digest = writer.finish()?;
        Ok(Some(FileEntry::new(FileKind::Text, self.number, digest)))
    }

    /// Writes the merged segment; `None` when no document is left.
    pub(super) fn write(
        self,
        memory: usize,
        progress: &dyn Progress,
    ) -> Result<Option<NewSegment>> {
        if self.documents() == 0 {
            return Ok(None);
        }
        progress.phase(Phase::Merge, Some(self.documents()));
        let (directory, number) = (self.directory, self.number);
        let book = self.index.codebook();
        let keys = self.keys()?;
        check_memory(memory, &keys)?;
        let text = self.text(progress)?;
        let mut writer = VectorWriter::create(directory, number, book.len())?;
        let mut offsets = vec![0u64];
        let mut codes = Vec::new();
        for ((segment, _), live) in self.parts.iter().zip(&self.live) {
            let mut released = offsets[offsets.len() - 1];
            for run in runs(live) {
                if progress.cancelled() {
                    return Err(Error::Cancelled);
                }
                let mut vectors = segment.documents.vectors(run[0])?;
                for &document in run {
                    let range = segment.documents.vectors(document)?;
                    offsets.push(offsets[offsets.len() - 1] + range.len() as u64);
                    vectors.end = range.end;
                }
                segment.vectors.advise_willneed(&vectors);
                segment
                    .vectors
                    .read_codes(book, vectors.clone(), &mut codes)?;
                let means = segment.mean_residuals.rows(run[0]..run[run.len() - 1] + 1);
                writer.push(&codes, segment.vectors.residuals(vectors), means)?;
                progress.advance(offsets.len() as u64 - 1);
                let copied = offsets[offsets.len() - 1];
                if copied - released >= BATCH_VECTORS {
                    segment.advise_dontneed();
                    released = copied;
                }
            }
            segment.advise_dontneed();
        }
        let vectors = writer.finish()?;
        let documents = keys.len() as u32;
        let files = finish_segment(EncodedSegment {
            directory,
            number,
            keys,
            offsets: &offsets,
            vectors,
            centroids: book.len(),
            text,
            features: self.features,
            memory,
            progress,
        })?;
        let segment = SegmentEntry {
            number,
            documents,
            vectors: offsets[offsets.len() - 1],
            deleted_documents: 0,
            deleted_vectors: 0,
            error: self.error(),
        };
        Ok(Some((segment, files)))
    }

    /// The mean error over all vectors of the parts.
    fn error(&self) -> f64 {
        let vectors: u64 = self.parts.iter().map(|(_, entry)| entry.vectors).sum();
        let errors = self.parts.iter().map(|(_, entry)| entry);
        let sum: f64 = errors.map(|entry| entry.error * entry.vectors as f64).sum();
        sum / vectors.max(1) as f64
    }
}

/// Runs of consecutive live documents, whose vectors are then consecutive too.
fn runs(live: &[u32]) -> impl Iterator<Item = &[u32]> {
    let runs = live.chunk_by(|a, b| a + 1 == *b);
    runs.flat_map(|run| run.chunks(BATCH_DOCUMENTS))
}
