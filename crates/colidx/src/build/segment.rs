//! From stored documents to the files of a segment: encode, compress, invert.

use super::compress::Compressor;
use super::documents::StoredDocuments;
use super::reader::{Reader, locate};
use super::sample::Sample;
use super::{Phase, Progress, VectorBatch, VectorSource};
use crate::error::{Error, Result};
use crate::format::frame::{Frame, Seal};
use crate::format::manifest::{FileEntry, SegmentEntry};
use crate::format::{file_name, kind};
use crate::segment::documents::KeyWriter;
use crate::segment::postings;
use crate::segment::text::Text;
use crate::segment::vectors::{Codes, VectorWriter};
use crate::storage::Directory;
use rayon::prelude::*;
use std::time::{Duration, Instant};

/// Documents asked of the source at a time: enough to fill its batches, few enough to hold.
pub(super) const BATCH_DOCUMENTS: usize = 256;

/// Vectors compressed at a time: sorted by group, there are then many for most groups.
const BATCH_VECTORS: usize = 1 << 16;

/// Time spent in each phase, in order.
pub(crate) type Phases = Vec<(Phase, Duration)>;

/// Documents that become a segment, and what makes their vectors.
pub(crate) struct Input<'a> {
    directory: &'a Directory,
    documents: StoredDocuments,
    /// Which of the documents given to the source each is; `None` when they are the same.
    ordinals: Option<Vec<u32>>,
    source: &'a mut dyn VectorSource,
    /// Their text, when the source needs it.
    text: Option<Text>,
    /// Most bytes of working memory for phases that can choose.
    memory: usize,
    progress: &'a dyn Progress,
}

/// A segment that was written.
pub(crate) struct Written {
    pub segment: SegmentEntry,
    pub files: Vec<FileEntry>,
    pub without_vectors: u64,
    /// Documents whose title and text are both empty, where others have text.
    pub without_text: u64,
    pub unit_length: bool,
}

impl<'a> Input<'a> {
    pub(crate) fn new(
        directory: &'a Directory,
        documents: StoredDocuments,
        source: &'a mut dyn VectorSource,
        memory: usize,
        progress: &'a dyn Progress,
    ) -> Result<Self> {
        let dim = source.dim();
        if !(1..=crate::format::MAX_DIM).contains(&dim) {
            return Err(Error::Option {
                option: "the vectors' dimension",
                got: dim.to_string(),
                expected: "at least 1 and at most 4,096",
            });
        }
        let text = match source.needs_text() {
            true => documents.open_text(directory)?,
            false => None,
        };
        Ok(Self {
            directory,
            documents,
            ordinals: None,
            source,
            text,
            memory,
            progress,
        })
    }

    /// Says which of the documents given to the source each document is.
    pub(crate) fn with_ordinals(self, ordinals: Option<Vec<u32>>) -> Self {
        Self { ordinals, ..self }
    }

    pub(super) fn directory(&self) -> &'a Directory {
        self.directory
    }

    pub(super) fn progress(&self) -> &'a dyn Progress {
        self.progress
    }

    pub(super) fn number(&self) -> u32 {
        self.documents.number
    }

    pub(super) fn len(&self) -> u32 {
        self.documents.keys.len() as u32
    }

    pub(super) fn reader(&mut self) -> Reader<'_> {
        Reader {
            source: self.source,
            text: self.text.as_ref(),
            keys: &self.documents.keys,
            ordinals: self.ordinals.as_deref(),
        }
    }

    /// Encodes the documents, but for those whose vectors are in the `sample`, and writes the segment. With `unit_length`
    /// every vector must have it.
    pub(crate) fn write(
        mut self,
        compressor: &Compressor<'_>,
        sample: Option<&Sample>,
        unit_length: bool,
        phases: &mut Phases,
    ) -> Result<Written> {
        let (directory, progress, number) = (self.directory, self.progress, self.number());
        let documents = self.len();
        let dim = self.source.dim();
        let started = Instant::now();
        let mut writer = VectorWriter::create(directory, number, compressor.centroids())?;
        let mut offsets = vec![0u64];
        let mut without_vectors = 0;
        let mut squared_error = 0.0;
        let mut all_unit_length = true;
        progress.phase(Phase::Encode, Some(documents.into()));
        let mut reader = self.reader();
        let mut batch = VectorBatch::default();
        let mut gathered = VectorBatch::default();
        let numbers: Vec<u32> = (0..documents).collect();
        for chunk in numbers.chunks(BATCH_DOCUMENTS) {
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            let is_missing = |&d: &u32| sample.and_then(|s| s.place(d)).is_none();
            let missing: Vec<u32> = chunk.iter().copied().filter(is_missing).collect();
            reader.read(&missing, &mut batch)?;
            if compressor.needs_token_ids() && batch.token_ids.len() * dim < batch.vectors.len() {
                return Err(Error::NoTokenIds);
            }
            let done = gathered.lens.len();
            gather(chunk, sample, &batch, dim, &mut gathered);
            for &len in &gathered.lens[done..] {
                offsets.push(offsets[offsets.len() - 1] + u64::from(len));
                without_vectors += u64::from(len == 0);
            }
            progress.advance(offsets.len() as u64 - 1);
            let last = offsets.len() > documents as usize;
            if gathered.vectors.len() >= BATCH_VECTORS * dim || last {
                let other = gathered
                    .vectors
                    .par_chunks(dim)
                    .position_first(|vector| !has_unit_length(vector));
                if let Some(row) = other.filter(|_| unit_length) {
                    let (at, row) = locate(&gathered.lens, row);
                    let first = offsets.len() - 1 - gathered.lens.len();
                    return Err(Error::NotUnitLength {
                        key: reader.key((first + at) as u32),
                        row,
                    });
                }
                all_unit_length &= other.is_none();
                let compressed = compressor.compress(&gathered);
                squared_error += compressed.squared_error;
                writer.push(&compressed.codes, &compressed.residuals)?;
                gathered.clear();
            }
        }
        let (codes, residuals) = writer.finish()?;
        phases.push((Phase::Encode, started.elapsed()));

        let started = Instant::now();
        progress.phase(Phase::Postings, None);
        let vectors = offsets[offsets.len() - 1];
        let mut files: Vec<FileEntry> = self.documents.text.into_iter().collect();
        files.extend(finish(Finish {
            directory,
            number,
            keys: self.documents.keys,
            offsets: &offsets,
            codes,
            residuals,
            centroids: compressor.centroids(),
            memory: self.memory,
            progress,
        })?);
        phases.push((Phase::Postings, started.elapsed()));
        Ok(Written {
            segment: SegmentEntry {
                number,
                documents,
                vectors,
                deleted_documents: 0,
                deleted_vectors: 0,
                error: squared_error / vectors.max(1) as f64,
            },
            files,
            without_vectors,
            without_text: self.documents.without_text,
            unit_length: all_unit_length,
        })
    }
}

/// A segment whose codes and residuals are written.
pub(crate) struct Finish<'a> {
    pub directory: &'a Directory,
    pub number: u32,
    pub keys: KeyWriter,
    /// Where the vectors of each document begin, and the end.
    pub offsets: &'a [u64],
    pub codes: Seal,
    pub residuals: Seal,
    pub centroids: usize,
    pub memory: usize,
    pub progress: &'a dyn Progress,
}

/// Writes what follows from the codes: the posting lists and the documents file. Returns the files of the segment, but its text.
pub(crate) fn finish(segment: Finish<'_>) -> Result<Vec<FileEntry>> {
    let Finish {
        directory,
        number,
        offsets,
        centroids,
        ..
    } = segment;
    let frame = Frame::open(
        directory,
        &file_name(kind::CODES, number),
        kind::CODES,
        Some(segment.codes),
    )?;
    let codes = Codes::open(&frame, offsets[offsets.len() - 1], centroids)?;
    let postings = postings::write(
        directory,
        number,
        centroids,
        segment.keys.len() as u32,
        segment.memory / 4,
        |visit| {
            if segment.progress.cancelled() {
                return Err(Error::Cancelled);
            }
            scan(&codes, offsets, visit);
            Ok(())
        },
    )?;
    let documents = segment.keys.write(directory, number, offsets)?;
    Ok(vec![
        FileEntry::new(kind::DOCUMENTS, number, documents),
        FileEntry::new(kind::CODES, number, segment.codes),
        FileEntry::new(kind::RESIDUALS, number, segment.residuals),
        FileEntry::new(kind::POSTINGS, number, postings),
    ])
}

/// Unit length but for the rounding of a vector stored as f16.
fn has_unit_length(vector: &[f32]) -> bool {
    (vector.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 0.01
}

/// Appends the vectors of consecutive documents to `out`, from the sample where they are in it and else from `batch`.
fn gather(
    documents: &[u32],
    sample: Option<&Sample>,
    batch: &VectorBatch,
    dim: usize,
    out: &mut VectorBatch,
) {
    let (mut next, mut next_vector) = (0, 0);
    let has_ids = sample.is_some_and(|s| !s.token_ids.is_empty()) || !batch.token_ids.is_empty();
    for &document in documents {
        let sampled = sample.and_then(|s| Some((s, s.place(document)?)));
        let (vectors, ids, range) = match sampled {
            Some((sample, range)) => (sample.vectors(), &sample.token_ids, range),
            None => {
                let len = batch.lens[next] as usize;
                next += 1;
                next_vector += len;
                (
                    &batch.vectors[..],
                    &batch.token_ids,
                    next_vector - len..next_vector,
                )
            }
        };
        out.lens.push(range.len() as u32);
        out.vectors
            .extend_from_slice(&vectors[range.start * dim..range.end * dim]);
        if has_ids {
            out.token_ids.extend_from_slice(&ids[range]);
        }
    }
}

/// Calls `visit` with every document and code of the segment being built.
fn scan(codes: &Codes, offsets: &[u64], visit: &mut dyn FnMut(u32, u32)) {
    let mut of_document = Vec::new();
    for (document, ends) in offsets.windows(2).enumerate() {
        codes.read(ends[0] as usize..ends[1] as usize, &mut of_document);
        for &code in &of_document {
            visit(document as u32, code);
        }
    }
}
