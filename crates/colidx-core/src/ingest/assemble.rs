//! From documents to the files of a segment: sample, train, compress, invert.

use super::compress::Compressor;
use super::derived::derive;
use super::documents::StoredDocuments;
use super::encode::{EncodedRecord, Encoding};
use super::journal::Journal;
use super::memory::Memory;
use super::reader::{Reader, Requirements};
use super::sample::Sample;
use super::train::{Trained, train, train_options};
use super::{BuildOptions, VectorSource};
use crate::codebook::NewCodebook;
use crate::codebook::codes::centroid;
use crate::error::{Error, Result};
use crate::format::frame::{FileDigest, Frame};
use crate::format::manifest::{Features, FileEntry, SegmentEntry};
use crate::format::{FileKind, file_name};
use crate::progress::{Phase, Progress};
use crate::segment::documents::KeyWriter;
use crate::segment::postings;
use crate::segment::text::Text;
use crate::segment::vectors::{Codes, VectorDigests};
use crate::storage::Directory;
use std::time::{Duration, Instant};

/// Documents asked of the source at a time: enough to fill its batches, few enough to hold.
pub(super) const BATCH_DOCUMENTS: usize = 256;

/// A segment to write: where, how, and who watches.
pub(crate) struct SegmentJob<'a> {
    pub directory: &'a Directory,
    /// Number of the files.
    pub number: u32,
    pub options: &'a BuildOptions,
    pub features: &'a Features,
    pub progress: &'a dyn Progress,
    pub phases: &'a mut Vec<(Phase, Duration)>,
}

impl SegmentJob<'_> {
    fn open(&self, kind: FileKind, digest: Option<FileDigest>) -> Result<Frame> {
        let name = file_name(kind, self.number);
        Frame::open(self.directory, &name, kind, digest)
    }
}

/// Documents that become a segment, and the source of their vectors.
pub(crate) struct SegmentInput<'a> {
    pub documents: StoredDocuments,
    /// By document, its ordinal for the source; `None` when it is its place.
    pub ordinals: Option<Vec<u32>>,
    pub source: &'a mut dyn VectorSource,
    /// Whether the vectors are those of an index, as they decode.
    pub stored: bool,
}

impl SegmentInput<'_> {
    fn len(&self) -> u32 {
        self.documents.keys.len() as u32
    }

    /// The text that the source needs.
    fn text(&self, directory: &Directory) -> Result<Option<Text>> {
        if self.source.needs_text() {
            self.documents.open_text(directory)
        } else {
            Ok(None)
        }
    }

    fn reader(&mut self, text: Option<Text>, requirements: Requirements) -> Reader<'_> {
        Reader {
            source: self.source,
            text,
            keys: &self.documents.keys,
            ordinals: self.ordinals.as_deref(),
            requirements,
        }
    }
}

/// A segment that was written.
pub(crate) struct SegmentOutput {
    pub segment: SegmentEntry,
    pub files: Vec<FileEntry>,
    pub without_vectors: u64,
    /// Documents whose title and text are both empty, where others have text.
    pub without_text: u64,
    pub unit_length: bool,
}

/// A segment that was written, and the codebook trained for it.
pub(crate) struct Assembled {
    pub written: SegmentOutput,
    pub codebook: FileEntry,
    pub centroids: usize,
    pub sample_vectors: u64,
}

/// Trains a codebook on a sample of the documents, and writes it and the segment. Skips the steps
/// that the journal records as done.
pub(crate) fn assemble(
    job: &mut SegmentJob<'_>,
    mut input: SegmentInput<'_>,
    journal: &mut Journal,
) -> Result<Assembled> {
    colidx_threads::ready();
    input.documents.keys.complete();
    let memory = Memory::new(job.options.memory, &input.documents.keys)?;
    let text = input.text(job.directory)?;
    let requirements = Requirements {
        stored: input.stored,
        ..Requirements::default()
    };
    let mut reader = input.reader(text, requirements);
    let (codebook, encoded) = match (journal.done().codebook, journal.done().encoded) {
        (Some(codebook), Some(encoded)) => (codebook, encoded),
        _ => encode(job, &mut reader, &memory, journal)?,
    };
    Ok(Assembled {
        codebook: FileEntry::new(FileKind::Codebook, job.number, codebook),
        centroids: encoded.centroids,
        sample_vectors: encoded.sample_vectors,
        written: write(job, input.documents, encoded)?,
    })
}

/// As [`assemble`], but cannot be resumed.
pub(crate) fn assemble_without_journal(
    job: &mut SegmentJob<'_>,
    input: SegmentInput<'_>,
) -> Result<Assembled> {
    let mut journal = Journal::none(job.directory);
    assemble(job, input, &mut journal)
}

/// Writes a segment with an existing codebook. With `unit_length` every vector must have unit
/// length.
pub(crate) fn extend(
    job: &mut SegmentJob<'_>,
    mut input: SegmentInput<'_>,
    trained: &Trained,
    unit_length: bool,
) -> Result<SegmentOutput> {
    colidx_threads::ready();
    let started = Instant::now();
    let documents = input.len();
    input.documents.keys.complete();
    let memory = Memory::with_trained(
        job.options.memory,
        &input.documents.keys,
        trained.book.members.len(),
        input.source.dim(),
    )?;
    let text = input.text(job.directory)?;
    let requirements = Requirements {
        unit_length,
        token_ids: trained.needs_token_ids(),
        stored: input.stored,
    };
    let mut reader = input.reader(text, requirements);
    let mut journal = Journal::none(job.directory);
    let compressor = Compressor::new(trained);
    let mut encoding = Encoding::open(
        job.directory,
        job.number,
        documents,
        None,
        &compressor,
        &memory,
        None,
    )?;
    encoding.run(&mut reader, &mut journal, job.progress)?;
    let encoded = encoding.finish(&mut journal)?;
    job.phases.push((Phase::Encode, started.elapsed()));
    write(job, input.documents, encoded)
}

/// The steps that ask the source for vectors. Skips those that the journal records as done.
fn encode(
    job: &mut SegmentJob<'_>,
    reader: &mut Reader<'_>,
    memory: &Memory,
    journal: &mut Journal,
) -> Result<(FileDigest, EncodedRecord)> {
    // Vectors that are read and not computed are not kept: a sample not yet trained on is drawn
    // again.
    let done = journal.done();
    let useful = done.codebook.is_some() || !reader.source.rereads();
    let from = done.sample.filter(|_| useful);
    let mut sample = Sample::open(job.directory, reader, job.options, from)?;
    let encoded = encode_with(&mut sample, job, reader, memory, journal);
    if encoded.is_err() && journal.keeps() {
        // The first error counts.
        let _ = sample.keep(journal);
    }
    encoded
}

fn encode_with(
    sample: &mut Sample,
    job: &mut SegmentJob<'_>,
    reader: &mut Reader<'_>,
    memory: &Memory,
    journal: &mut Journal,
) -> Result<(FileDigest, EncodedRecord)> {
    let (digest, trained) = match journal.done().codebook {
        Some(digest) => {
            sample.complete()?;
            let frame = job.open(FileKind::Codebook, Some(digest))?;
            let book = NewCodebook::read(&frame, sample.dim, job.options.nbits as usize)?;
            memory.with_codebook(book.members.len(), sample.dim, 0)?;
            (digest, Trained::from(book))
        }
        None => {
            let started = Instant::now();
            let options = train_options(job.options);
            let parts = sample.draw(reader, &options, memory, journal, job.progress)?;
            job.phases.push((Phase::Sample, started.elapsed()));

            let started = Instant::now();
            let centroids = sample.centroids();
            let memory = memory.with_codebook(centroids, sample.dim, sample.len())?;
            let held = memory.parts();
            let trained = train(parts, centroids, job.options, held, job.progress)?;
            let digest = trained.book.write(job.directory, job.number)?;
            journal.note(sample.kept_documents(), |done| done.codebook = Some(digest));
            job.phases.push((Phase::Train, started.elapsed()));
            (digest, trained)
        }
    };

    let started = Instant::now();
    let from = journal.done().encoding;
    let compressor = Compressor::new(&trained);
    let of = sample.of();
    let mut encoding = Encoding::open(
        job.directory,
        job.number,
        of,
        Some(sample),
        &compressor,
        memory,
        from,
    )?;
    encoding.run(reader, journal, job.progress)?;
    let encoded = encoding.finish(journal)?;
    job.phases.push((Phase::Encode, started.elapsed()));
    Ok((digest, encoded))
}

/// Writes posting lists and the documents' table, and describes the segment.
fn write(
    job: &mut SegmentJob<'_>,
    documents: StoredDocuments,
    encoded: EncodedRecord,
) -> Result<SegmentOutput> {
    let started = Instant::now();
    job.progress.phase(Phase::Postings, None);
    let count = documents.keys.len() as u32;
    let offsets = encoded.offsets(job.directory, count)?;
    let vectors = offsets.last().copied().unwrap_or(0);
    let files = finish_segment(EncodedSegment {
        directory: job.directory,
        number: job.number,
        keys: documents.keys,
        offsets: &offsets,
        vectors: encoded.vectors,
        centroids: encoded.centroids,
        text: documents.text,
        features: job.features,
        memory: job.options.memory,
        progress: job.progress,
    })?;
    job.phases.push((Phase::Postings, started.elapsed()));
    Ok(SegmentOutput {
        segment: SegmentEntry {
            number: job.number,
            documents: count,
            vectors,
            deleted_documents: 0,
            deleted_vectors: 0,
            error: encoded.error(vectors),
        },
        files,
        without_vectors: offsets.windows(2).filter(|w| w[0] == w[1]).count() as u64,
        without_text: documents.without_text,
        unit_length: encoded.unit_length,
    })
}

/// Refuses a memory limit too low to finish a segment with these keys, before its vectors are
/// written.
pub(crate) fn check_memory(memory: usize, keys: &KeyWriter) -> Result<()> {
    Memory::new(memory, keys).map(drop)
}

/// A segment whose vectors are written.
pub(crate) struct EncodedSegment<'a> {
    pub directory: &'a Directory,
    pub number: u32,
    pub keys: KeyWriter,
    /// Where the vectors of each document begin, and the end of the last.
    pub offsets: &'a [u64],
    pub vectors: VectorDigests,
    pub centroids: usize,
    /// The stored text, if there is any.
    pub text: Option<FileEntry>,
    pub features: &'a Features,
    /// Most bytes of working memory.
    pub memory: usize,
    pub progress: &'a dyn Progress,
}

/// Writes posting lists, the documents' table, and what is made of the text. Returns the files of
/// the segment.
pub(crate) fn finish_segment(segment: EncodedSegment<'_>) -> Result<Vec<FileEntry>> {
    let EncodedSegment {
        directory,
        number,
        offsets,
        ..
    } = segment;
    let vectors = offsets.last().copied().unwrap_or(0);
    let memory = Memory::new(segment.memory, &segment.keys)?;
    let name = file_name(FileKind::Codes, number);
    let frame = Frame::open(
        directory,
        &name,
        FileKind::Codes,
        Some(segment.vectors.codes),
    )?;
    let codes = Codes::open(&frame, vectors, segment.centroids)?;
    let postings = postings::write(
        directory,
        number,
        segment.centroids,
        segment.keys.len() as u32,
        memory.lists(),
        |visit| {
            if segment.progress.cancelled() {
                return Err(Error::Cancelled);
            }
            scan(&codes, offsets, visit);
            Ok(())
        },
    )?;
    let documents = segment.keys.write(directory, number, offsets)?;
    let entry = |kind, digest| FileEntry::new(kind, number, digest);
    let mut files = vec![
        entry(FileKind::Documents, documents),
        entry(FileKind::Codes, segment.vectors.codes),
        entry(FileKind::Residuals, segment.vectors.residuals),
        entry(FileKind::MeanResiduals, segment.vectors.means),
        entry(FileKind::Postings, postings),
    ];
    if let Some(text) = &segment.text {
        files.push(*text);
        let (features, memory) = (segment.features, memory.derived());
        files.extend(derive(directory, text, features, memory, segment.progress)?);
    }
    Ok(files)
}

/// Calls `visit` with every document and centroid of the segment being built.
fn scan(codes: &Codes, offsets: &[u64], visit: &mut dyn FnMut(u32, u32)) {
    let mut of_document = Vec::new();
    for (document, ends) in offsets.windows(2).enumerate() {
        if document % (1 << 14) == 0 {
            codes.advise_dontneed();
        }
        codes.read(ends[0] as usize..ends[1] as usize, &mut of_document);
        for &code in &of_document {
            visit(document as u32, centroid(code));
        }
    }
}
