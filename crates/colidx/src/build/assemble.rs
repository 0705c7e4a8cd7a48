//! From documents to the files of a segment: sample, train, compress, invert.

use super::batches::Batches;
use super::compress::Compressor;
use super::memory::Memory;
use super::reader::Reader;
use super::sample::Sample;
use super::train::{train, train_options};
use super::{BuildOptions, Phase, Progress, VectorBatch, VectorSource, entry};
use crate::error::{Error, Result};
use crate::format::frame::Frame;
use crate::format::manifest::FileEntry;
use crate::format::{file_name, kind};
use crate::segment::documents::KeyWriter;
use crate::segment::postings;
use crate::segment::text::Text;
use crate::segment::vectors::{Codes, VectorWriter};
use crate::storage::Directory;
use rayon::prelude::*;
use std::time::{Duration, Instant};

/// Documents read between two looks at whether to stop.
const STEP_DOCUMENTS: usize = 256;

/// Vectors compressed at a time: sorted by group, there are then many for most groups.
const BATCH_VECTORS: usize = 1 << 16;

pub(super) struct Assembled {
    pub files: Vec<FileEntry>,
    pub documents: u32,
    pub vectors: u64,
    pub without_vectors: u64,
    pub unit_length: bool,
    pub centroids: usize,
    pub sample_vectors: u64,
}

#[expect(
    clippy::too_many_arguments,
    reason = "one call, from the builder whose parts these are"
)]
pub(super) fn assemble(
    directory: &Directory,
    number: u32,
    options: &BuildOptions,
    keys: KeyWriter,
    stores_text: bool,
    source: &mut dyn VectorSource,
    progress: &dyn Progress,
    phases: &mut Vec<(Phase, Duration)>,
) -> Result<Assembled> {
    let documents = keys.len() as u32;
    let dim = source.dim();
    if !(1..=crate::format::MAX_DIM).contains(&dim) {
        return Err(Error::Option {
            option: "the vectors' dimension",
            got: dim.to_string(),
            expected: "at least 1 and at most 4,096",
        });
    }
    let text = if stores_text && source.needs_text() {
        let name = file_name(kind::TEXT, number);
        Some(Text::open(Frame::open(
            directory,
            &name,
            kind::TEXT,
            None,
        )?)?)
    } else {
        None
    };
    let memory = Memory::new(options.memory);
    let reader = Reader {
        source,
        text,
        keys: &keys,
    };
    let mut source = Batches::new(reader, memory.batch());
    let mut timed = |phase, started: Instant| phases.push((phase, started.elapsed()));

    let started = Instant::now();
    let mut sample = Sample::draw(
        directory,
        &mut source,
        options.centroids,
        &train_options(options),
        memory.chunks(),
        progress,
    )?;
    let sample_vectors = sample.vectors;
    source.keep(sample.encoded.take());
    timed(Phase::Sample, started);

    let started = Instant::now();
    let (book, assigner) = train(sample, dim, options, memory.parts(), progress)?;
    let codebook_seal = book.write(directory, number)?;
    timed(Phase::Train, started);

    let started = Instant::now();
    let compressor = Compressor::new(&book, &assigner, dim);
    let mut writer = VectorWriter::create(directory, number, book.members.len())?;
    let mut offsets = vec![0u64];
    let mut without_vectors = 0;
    let mut unit_length = true;
    progress.phase(Phase::Encode, Some(documents.into()));
    let mut gathered = VectorBatch::default();
    let mut compress = |gathered: &mut VectorBatch| {
        unit_length &= gathered.vectors.par_chunks(dim).all(has_unit_length);
        let (codes, residuals) = compressor.compress(gathered);
        gathered.clear();
        writer.push(&codes, &residuals)
    };
    for first in (0..documents).step_by(STEP_DOCUMENTS) {
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
        let step: Vec<u32> = (first..documents).take(STEP_DOCUMENTS).collect();
        source.read(&step, &mut |_, batch| {
            for &len in &batch.lens {
                offsets.push(offsets[offsets.len() - 1] + u64::from(len));
                without_vectors += u64::from(len == 0);
            }
            gathered.vectors.extend_from_slice(&batch.vectors);
            gathered.token_ids.extend_from_slice(&batch.token_ids);
            if gathered.vectors.len() >= BATCH_VECTORS * dim {
                compress(&mut gathered)?;
            }
            Ok(())
        })?;
        progress.advance(offsets.len() as u64 - 1);
    }
    compress(&mut gathered)?;
    let (codes_seal, residuals_seal) = writer.finish()?;
    timed(Phase::Encode, started);

    let started = Instant::now();
    progress.phase(Phase::Postings, None);
    let centroids = book.members.len();
    let codes = Frame::open(
        directory,
        &file_name(kind::CODES, number),
        kind::CODES,
        Some(codes_seal),
    )?;
    let codes = Codes::open(&codes, offsets[offsets.len() - 1], centroids)?;
    let postings_seal = postings::write(
        directory,
        number,
        centroids,
        documents,
        options.memory / 4,
        |visit| {
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            scan(&codes, &offsets, visit);
            Ok(())
        },
    )?;
    let documents_seal = keys.write(directory, number, &offsets)?;
    timed(Phase::Postings, started);

    Ok(Assembled {
        files: vec![
            entry(kind::CODEBOOK, number, codebook_seal),
            entry(kind::DOCUMENTS, number, documents_seal),
            entry(kind::CODES, number, codes_seal),
            entry(kind::RESIDUALS, number, residuals_seal),
            entry(kind::POSTINGS, number, postings_seal),
        ],
        documents,
        vectors: offsets[offsets.len() - 1],
        without_vectors,
        unit_length,
        centroids,
        sample_vectors,
    })
}

/// Unit length but for the rounding of a vector stored as f16.
fn has_unit_length(vector: &[f32]) -> bool {
    (vector.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 0.01
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
