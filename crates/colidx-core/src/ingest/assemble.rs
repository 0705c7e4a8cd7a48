//! From documents to the files of a segment: sample, train, compress, invert.

use super::compress::Compressor;
use super::documents::StoredDocuments;
use super::encode::{EncodedRecord, Encoding};
use super::journal::Journal;
use super::memory::Memory;
use super::reader::{Must, Reader};
use super::sample::Sample;
use super::train::{Trained, train, train_options};
use super::{BuildOptions, Phase, Progress, VectorSource};
use crate::codebook::NewCodebook;
use crate::codebook::codes::centroid;
use crate::error::{Error, Result};
use crate::format::frame::{Frame, Seal};
use crate::format::manifest::{FileEntry, SegmentEntry};
use crate::format::{FileKind, file_name};
use crate::segment::documents::KeyWriter;
use crate::segment::postings;
use crate::segment::text::Text;
use crate::segment::vectors::{Codes, VectorSeals};
use crate::storage::Directory;
use std::time::{Duration, Instant};

/// Documents asked of the source at a time: enough to fill its batches, few enough to hold.
pub(super) const BATCH_DOCUMENTS: usize = 256;

/// Where a segment is written, and who watches.
pub(crate) struct Site<'a> {
    pub directory: &'a Directory,
    /// Number of the files.
    pub number: u32,
    pub options: &'a BuildOptions,
    pub progress: &'a dyn Progress,
    pub phases: &'a mut Vec<(Phase, Duration)>,
}

impl Site<'_> {
    fn open(&self, kind: FileKind, seal: Option<Seal>) -> Result<Frame> {
        let name = file_name(kind, self.number);
        Frame::open(self.directory, &name, kind, seal)
    }
}

/// Documents that become a segment, and what makes their vectors.
pub(crate) struct Input<'a> {
    pub documents: StoredDocuments,
    /// Which of the documents that the source knows each is; `None` when they are the same.
    pub ordinals: Option<Vec<u32>>,
    pub source: &'a mut dyn VectorSource,
    /// Whether the source gives the vectors of an index.
    pub stored: bool,
}

impl Input<'_> {
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

    fn reader(&mut self, text: Option<Text>, must: Must) -> Reader<'_> {
        Reader {
            source: self.source,
            text,
            keys: &self.documents.keys,
            ordinals: self.ordinals.as_deref(),
            must,
        }
    }
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

/// A segment that was written, and the codebook that was trained for it.
pub(crate) struct Assembled {
    pub written: Written,
    pub codebook: FileEntry,
    pub centroids: usize,
    pub sample_vectors: u64,
}

/// Trains a codebook on a sample of the documents and writes both it and the segment. What the journal says is done is not done
/// again.
pub(super) fn assemble(
    site: &mut Site<'_>,
    mut input: Input<'_>,
    journal: &mut Journal,
) -> Result<Assembled> {
    colidx_threads::ready();
    input.documents.keys.complete();
    let memory = Memory::new(site.options.memory, &input.documents.keys)?;
    let text = input.text(site.directory)?;
    let must = Must {
        stored: input.stored,
        ..Must::default()
    };
    let mut reader = input.reader(text, must);
    let (codebook, encoded) = match (journal.done().codebook, journal.done().encoded) {
        (Some(codebook), Some(encoded)) => (codebook, encoded),
        _ => encode(site, &mut reader, &memory, journal)?,
    };
    Ok(Assembled {
        codebook: FileEntry::new(FileKind::Codebook, site.number, codebook),
        centroids: encoded.centroids,
        sample_vectors: encoded.sample_vectors,
        written: write(site, input.documents, encoded)?,
    })
}

/// As a build does, but what is stopped is not continued.
pub(crate) fn assemble_anew(site: &mut Site<'_>, input: Input<'_>) -> Result<Assembled> {
    let mut journal = Journal::none(site.directory);
    assemble(site, input, &mut journal)
}

/// Writes a segment with a codebook that there is. With `unit_length` every vector must have it.
pub(crate) fn extend(
    site: &mut Site<'_>,
    mut input: Input<'_>,
    trained: &Trained,
    unit_length: bool,
) -> Result<Written> {
    colidx_threads::ready();
    let started = Instant::now();
    let documents = input.len();
    input.documents.keys.complete();
    let memory = Memory::with_trained(
        site.options.memory,
        &input.documents.keys,
        trained.book.members.len(),
        input.source.dim(),
    )?;
    let text = input.text(site.directory)?;
    let must = Must {
        unit_length,
        token_ids: trained.needs_token_ids(),
        stored: input.stored,
    };
    let mut reader = input.reader(text, must);
    let mut journal = Journal::none(site.directory);
    let compressor = Compressor::new(trained);
    let mut encoding = Encoding::open(
        site.directory,
        site.number,
        documents,
        None,
        &compressor,
        &memory,
        None,
    )?;
    encoding.run(&mut reader, &mut journal, site.progress)?;
    let encoded = encoding.finish(&mut journal)?;
    site.phases.push((Phase::Encode, started.elapsed()));
    write(site, input.documents, encoded)
}

/// Everything that asks the source for vectors: what the journal says is done is not done again.
fn encode(
    site: &mut Site<'_>,
    reader: &mut Reader<'_>,
    memory: &Memory,
    journal: &mut Journal,
) -> Result<(Seal, EncodedRecord)> {
    // What is read and not computed is not kept, so that a sample not yet trained on is drawn again.
    let done = journal.done();
    let useful = done.codebook.is_some() || !reader.source.rereads();
    let from = done.sample.filter(|_| useful);
    let mut sample = Sample::open(site.directory, reader, site.options, from)?;
    let encoded = encode_with(&mut sample, site, reader, memory, journal);
    if encoded.is_err() && journal.keeps() {
        // The error to tell of is the first.
        let _ = sample.keep(journal);
    }
    encoded
}

fn encode_with(
    sample: &mut Sample,
    site: &mut Site<'_>,
    reader: &mut Reader<'_>,
    memory: &Memory,
    journal: &mut Journal,
) -> Result<(Seal, EncodedRecord)> {
    let (seal, trained) = match journal.done().codebook {
        Some(seal) => {
            sample.complete()?;
            let frame = site.open(FileKind::Codebook, Some(seal))?;
            let book = NewCodebook::read(&frame, sample.dim, site.options.nbits as usize)?;
            (seal, Trained::from(book))
        }
        None => {
            let started = Instant::now();
            let options = train_options(site.options);
            let parts = sample.draw(reader, &options, memory, journal, site.progress)?;
            site.phases.push((Phase::Sample, started.elapsed()));

            let started = Instant::now();
            let centroids = sample.centroids();
            let memory = memory.with_codebook(centroids, sample.dim, sample.len())?;
            let held = memory.parts();
            let trained = train(parts, centroids, site.options, held, site.progress)?;
            let seal = trained.book.write(site.directory, site.number)?;
            journal.note(sample.kept_documents(), |done| done.codebook = Some(seal));
            site.phases.push((Phase::Train, started.elapsed()));
            (seal, trained)
        }
    };

    let started = Instant::now();
    let from = journal.done().encoding;
    let compressor = Compressor::new(&trained);
    let of = sample.of();
    let mut encoding = Encoding::open(
        site.directory,
        site.number,
        of,
        Some(sample),
        &compressor,
        memory,
        from,
    )?;
    encoding.run(reader, journal, site.progress)?;
    let encoded = encoding.finish(journal)?;
    site.phases.push((Phase::Encode, started.elapsed()));
    Ok((seal, encoded))
}

/// Writes what follows from the vectors.
fn write(
    site: &mut Site<'_>,
    documents: StoredDocuments,
    encoded: EncodedRecord,
) -> Result<Written> {
    let started = Instant::now();
    site.progress.phase(Phase::Postings, None);
    let count = documents.keys.len() as u32;
    let offsets = encoded.offsets(site.directory, count)?;
    let vectors = offsets.last().copied().unwrap_or(0);
    let mut files: Vec<FileEntry> = documents.text.into_iter().collect();
    files.extend(finish(Finish {
        directory: site.directory,
        number: site.number,
        keys: documents.keys,
        offsets: &offsets,
        vectors: encoded.vectors,
        centroids: encoded.centroids,
        memory: site.options.memory,
        progress: site.progress,
    })?);
    site.phases.push((Phase::Postings, started.elapsed()));
    Ok(Written {
        segment: SegmentEntry {
            number: site.number,
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

/// Refuses memory that is too little to finish a segment with these keys, before its vectors are written.
pub(crate) fn check_memory(memory: usize, keys: &KeyWriter) -> Result<()> {
    Memory::new(memory, keys).map(drop)
}

/// A segment whose vectors are written.
pub(crate) struct Finish<'a> {
    pub directory: &'a Directory,
    pub number: u32,
    pub keys: KeyWriter,
    /// Where the vectors of each document begin, and the end.
    pub offsets: &'a [u64],
    pub vectors: VectorSeals,
    pub centroids: usize,
    /// Most bytes of working memory.
    pub memory: usize,
    pub progress: &'a dyn Progress,
}

/// Writes posting lists and the documents' table. Returns the files of the segment, but for its text.
pub(crate) fn finish(segment: Finish<'_>) -> Result<Vec<FileEntry>> {
    let Finish {
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
    let entry = |kind, seal| FileEntry::new(kind, number, seal);
    Ok(vec![
        entry(FileKind::Documents, documents),
        entry(FileKind::Codes, segment.vectors.codes),
        entry(FileKind::Residuals, segment.vectors.residuals),
        entry(FileKind::MeanResiduals, segment.vectors.means),
        entry(FileKind::Postings, postings),
    ])
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
