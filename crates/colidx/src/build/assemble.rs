//! From documents to the files of a segment: sample, train, compress, invert.

use super::compress::Compressor;
use super::encode::{EncodedRecord, Encoding};
use super::journal::Journal;
use super::memory::Memory;
use super::reader::Reader;
use super::sample::Sample;
use super::train::{Trained, train, train_options};
use super::{BuildOptions, Phase, Progress, VectorSource, entry};
use crate::codebook::NewCodebook;
use crate::error::{Error, Result};
use crate::format::frame::{Frame, Seal};
use crate::format::manifest::FileEntry;
use crate::format::{Tag, file_name, kind};
use crate::segment::documents::KeyWriter;
use crate::segment::postings;
use crate::segment::text::Text;
use crate::segment::vectors::Codes;
use crate::storage::Directory;
use std::time::{Duration, Instant};

/// Documents asked of the source at a time: enough to fill its batches, few enough to hold.
pub(super) const BATCH_DOCUMENTS: usize = 256;

pub(super) struct Assembled {
    pub files: Vec<FileEntry>,
    pub documents: u32,
    pub vectors: u64,
    pub without_vectors: u64,
    pub unit_length: bool,
    pub centroids: usize,
    pub sample_vectors: u64,
}

/// Where a build works, and who watches.
pub(super) struct Site<'a> {
    pub directory: &'a Directory,
    pub number: u32,
    pub options: &'a BuildOptions,
    pub progress: &'a dyn Progress,
    pub phases: &'a mut Vec<(Phase, Duration)>,
}

impl Site<'_> {
    fn open(&self, kind: Tag, seal: Option<Seal>) -> Result<Frame> {
        let name = file_name(kind, self.number);
        Frame::open(self.directory, &name, kind, seal)
    }
}

pub(super) fn assemble(
    site: &mut Site<'_>,
    mut keys: KeyWriter,
    stores_text: bool,
    source: &mut dyn VectorSource,
    journal: &mut Journal,
) -> Result<Assembled> {
    keys.complete();
    let documents = keys.len() as u32;
    let total = site.options.memory;
    let memory = Memory::new(total, keys.len(), keys.bytes(), source.dim())?;
    let text = if stores_text && source.needs_text() {
        Some(Text::open(site.open(kind::TEXT, None)?)?)
    } else {
        None
    };
    let mut reader = Reader {
        source,
        text,
        keys: &keys,
    };
    let (codebook, encoded) = match (journal.done().codebook, journal.done().encoded) {
        (Some(codebook), Some(encoded)) => (codebook, encoded),
        _ => encode(site, &mut reader, &memory, journal)?,
    };

    let started = Instant::now();
    site.progress.phase(Phase::Postings, None);
    let centroids = encoded.centroids;
    let offsets = encoded.offsets(site.directory, documents)?;
    let vectors = offsets.last().copied().unwrap_or(0);
    let codes = Codes::open(
        &site.open(kind::CODES, Some(encoded.vectors.codes))?,
        vectors,
        centroids,
    )?;
    let postings = postings::write(
        site.directory,
        site.number,
        centroids,
        documents,
        memory.lists(),
        |visit| {
            if site.progress.cancelled() {
                return Err(Error::Cancelled);
            }
            scan(&codes, &offsets, visit);
            Ok(())
        },
    )?;
    let documents_seal = keys.write(site.directory, site.number, &offsets)?;
    site.phases.push((Phase::Postings, started.elapsed()));

    let entry = |kind, seal| entry(kind, site.number, seal);
    Ok(Assembled {
        files: vec![
            entry(kind::CODEBOOK, codebook),
            entry(kind::DOCUMENTS, documents_seal),
            entry(kind::CODES, encoded.vectors.codes),
            entry(kind::RESIDUALS, encoded.vectors.residuals),
            entry(kind::MEANS, encoded.vectors.means),
            entry(kind::POSTINGS, postings),
        ],
        documents,
        vectors,
        without_vectors: offsets.windows(2).filter(|w| w[0] == w[1]).count() as u64,
        unit_length: encoded.unit_length,
        centroids,
        sample_vectors: encoded.sample_vectors,
    })
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
    if encoded.is_err() {
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
    let trained = match journal.done().codebook {
        Some(seal) => {
            sample.complete()?;
            let frame = site.open(kind::CODEBOOK, Some(seal))?;
            let nbits = site.options.nbits as usize;
            (seal, NewCodebook::read(&frame, sample.dim, nbits)?.into())
        }
        None => {
            let started = Instant::now();
            let options = train_options(site.options);
            let parts = sample.draw(reader, &options, memory, journal, site.progress)?;
            site.phases.push((Phase::Sample, started.elapsed()));

            let started = Instant::now();
            let centroids = sample.centroids();
            let held = memory.with_codebook(centroids, sample.len())?.parts();
            let trained = train(parts, centroids, site.options, held, site.progress)?;
            let seal = trained.book.write(site.directory, site.number)?;
            journal.note(sample.kept_documents(), |done| done.codebook = Some(seal));
            site.phases.push((Phase::Train, started.elapsed()));
            (seal, trained)
        }
    };
    let (seal, trained): (Seal, Trained) = trained;

    let started = Instant::now();
    let from = journal.done().encoding;
    let compressor = Compressor::new(&trained);
    let (directory, number) = (site.directory, site.number);
    let mut encoding = Encoding::open(directory, number, sample, &compressor, memory, from)?;
    encoding.run(reader, journal, site.progress)?;
    let encoded = encoding.finish(journal)?;
    site.phases.push((Phase::Encode, started.elapsed()));
    Ok((seal, encoded))
}

/// Calls `visit` with every document and code of the segment being built.
fn scan(codes: &Codes, offsets: &[u64], visit: &mut dyn FnMut(u32, u32)) {
    let mut of_document = Vec::new();
    for (document, ends) in offsets.windows(2).enumerate() {
        if document % (1 << 14) == 0 {
            codes.release();
        }
        codes.read(ends[0] as usize..ends[1] as usize, &mut of_document);
        for &code in &of_document {
            visit(document as u32, code);
        }
    }
}
