//! From documents to the files of a segment: sample, train, compress, invert.

use super::sample::Sample;
use super::{BuildOptions, Phase, Progress, SourceDocument, VectorBatch, VectorSource, entry};
use crate::codebook::NewCodebook;
use crate::codec::Quantizer;
use crate::error::{Error, Result};
use crate::format::frame::Frame;
use crate::format::manifest::FileEntry;
use crate::format::{file_name, kind};
use crate::segment::documents::KeyWriter;
use crate::segment::postings;
use crate::segment::text::{StoredText, Text};
use crate::segment::vectors::{CODES, VectorWriter, code_bytes, residual_bytes};
use crate::storage::Directory;
use colidx_cluster::{Assigner, Shape, TrainOptions};
use half::f16;
use half::slice::HalfFloatSliceExt;
use rayon::prelude::*;
use std::sync::Once;
use std::time::{Duration, Instant};

/// Documents asked of the source at a time: enough to fill its batches, few enough to hold.
pub(super) const BATCH_DOCUMENTS: usize = 256;

/// Residuals the quantiser is learned from: far more than its few hundred numbers need.
const QUANTIZER_VECTORS: usize = 1 << 17;

pub(super) struct Assembled {
    pub files: Vec<FileEntry>,
    pub documents: u32,
    pub vectors: u64,
    pub without_vectors: u64,
    pub unit_length: bool,
    pub centroids: usize,
    pub sample_vectors: u64,
}

/// Asks the source for documents' vectors and checks what comes.
pub(super) struct Reader<'a> {
    source: &'a mut dyn VectorSource,
    text: Option<Text>,
    keys: &'a KeyWriter,
}

impl Reader<'_> {
    pub(super) fn dim(&self) -> usize {
        self.source.dim()
    }

    pub(super) fn read(&mut self, documents: &[u32], batch: &mut VectorBatch) -> Result<()> {
        batch.clear();
        let (Some(&first), Some(&last)) = (documents.first(), documents.last()) else {
            return Ok(());
        };
        let texts: Vec<StoredText> = match &self.text {
            Some(text) => text.get_many(documents)?,
            None => vec![StoredText::default(); documents.len()],
        };
        let asked: Vec<SourceDocument<'_>> = documents
            .iter()
            .zip(&texts)
            .map(|(&ordinal, t)| SourceDocument {
                ordinal,
                title: &t.title,
                text: &t.text,
            })
            .collect();
        self.source
            .encode(&asked, batch)
            .map_err(|source| Error::Encode {
                first,
                last,
                source,
            })?;
        self.check(documents, batch)
    }

    fn check(&self, documents: &[u32], batch: &VectorBatch) -> Result<()> {
        let dim = self.dim();
        let count = |what, expected, got| {
            if expected == got {
                Ok(())
            } else {
                Err(Error::Source {
                    what,
                    expected,
                    got,
                })
            }
        };
        count("document lengths", documents.len(), batch.lens.len())?;
        let vectors: usize = batch.lens.iter().map(|&l| l as usize).sum();
        count("vector values", vectors * dim, batch.vectors.len())?;
        if !batch.token_ids.is_empty() {
            count("token ids", vectors, batch.token_ids.len())?;
        }
        let Some(at) = batch.vectors.iter().position(|v| !v.is_finite()) else {
            return Ok(());
        };
        let (mut row, mut index) = (at / dim, 0);
        while row >= batch.lens[index] as usize {
            row -= batch.lens[index] as usize;
            index += 1;
        }
        let key = String::from_utf8_lossy(self.keys.key(documents[index]));
        Err(Error::NonFinite {
            what: format!("document `{key}`"),
            row,
            column: at % dim,
            value: batch.vectors[at],
        })
    }
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
    let mut reader = Reader {
        source,
        text,
        keys: &keys,
    };
    let mut timed = |phase, started: Instant| phases.push((phase, started.elapsed()));

    let started = Instant::now();
    let sample = Sample::draw(
        directory,
        &mut reader,
        documents,
        options.centroids,
        options.seed,
        progress,
    )?;
    timed(Phase::Sample, started);

    let started = Instant::now();
    let (book, assigner) = train(&sample, dim, options, progress)?;
    let codebook_seal = book.write(directory, number)?;
    timed(Phase::Train, started);

    let started = Instant::now();
    let compressor = Compressor {
        book: &book,
        assigner: &assigner,
        dim,
        inverse_scales: book.quantizer.inverse_scales(),
        centroids: widen(&book.centroids),
    };
    let mut writer = VectorWriter::create(directory, number, book.centroids.len() / dim)?;
    let mut offsets = vec![0u64];
    let mut without_vectors = 0;
    let mut unit_length = true;
    progress.phase(Phase::Encode, Some(documents.into()));
    let mut batch = VectorBatch::default();
    let ordinals: Vec<u32> = (0..documents).collect();
    for chunk in ordinals.chunks(BATCH_DOCUMENTS) {
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
        let missing: Vec<u32> = chunk
            .iter()
            .copied()
            .filter(|&d| sample.place(d).is_none())
            .collect();
        reader.read(&missing, &mut batch)?;
        let gathered = gather(chunk, &sample, &batch, dim);
        for &len in &gathered.lens {
            offsets.push(offsets[offsets.len() - 1] + u64::from(len));
            without_vectors += u64::from(len == 0);
        }
        unit_length &= gathered.vectors.par_chunks(dim).all(has_unit_length);
        let (codes, residuals) = compressor.compress(&gathered);
        writer.push(&codes, &residuals)?;
        progress.advance(offsets.len() as u64 - 1);
    }
    let (codes_seal, residuals_seal) = writer.finish()?;
    timed(Phase::Encode, started);

    let started = Instant::now();
    progress.phase(Phase::Postings, None);
    let centroids = book.centroids.len() / dim;
    let codes = Frame::open(
        directory,
        &file_name(kind::CODES, number),
        kind::CODES,
        Some(codes_seal),
    )?;
    let postings_seal =
        postings::write(directory, number, centroids, options.memory / 4, |visit| {
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            scan(&codes, centroids, &offsets, visit)
        })?;
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
        sample_vectors: sample.len() as u64,
    })
}

/// Unit length but for the rounding of a vector stored as f16.
fn has_unit_length(vector: &[f32]) -> bool {
    (vector.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 0.01
}

fn widen(halves: &[f16]) -> Vec<f32> {
    let mut floats = vec![0.0; halves.len()];
    halves.convert_to_f32_slice(&mut floats);
    floats
}

/// Trains centroids and residual buckets on the sample.
fn train(
    sample: &Sample,
    dim: usize,
    options: &BuildOptions,
    progress: &dyn Progress,
) -> Result<(NewCodebook, Assigner)> {
    let token_ids = (!sample.token_ids.is_empty()).then_some(&sample.token_ids[..]);
    let train_options = TrainOptions {
        engine: options.engine,
        shape: if token_ids.is_some() {
            options.shape
        } else {
            Shape::Flat
        },
        seed: options.seed,
        ..TrainOptions::new(sample.centroids)
    };
    let length_known = Once::new();
    let watch = |p: colidx_cluster::Progress| {
        length_known.call_once(|| progress.phase(Phase::Train, Some(p.total)));
        progress.advance(p.done);
    };
    progress.phase(Phase::Train, None);
    let vectors = sample.vectors();
    let trained = colidx_cluster::train(
        &colidx_cluster::Sample {
            vectors,
            dim,
            token_ids,
        },
        &train_options,
        &watch,
    )?;
    if progress.cancelled() {
        return Err(Error::Cancelled);
    }
    let centroids: Vec<f16> = trained
        .centroids
        .iter()
        .map(|&v| f16::from_f32(v))
        .collect();
    let rounded = widen(&centroids);
    let assigner = Assigner::new(dim, &rounded, &trained.groups);

    let stride = sample.len().div_ceil(QUANTIZER_VECTORS).max(1);
    let picked: Vec<f32> = vectors
        .chunks_exact(dim)
        .step_by(stride)
        .flatten()
        .copied()
        .collect();
    let picked_ids: Option<Vec<u32>> =
        token_ids.map(|ids| ids.iter().step_by(stride).copied().collect());
    let mut codes = Vec::new();
    assigner.assign(&picked, picked_ids.as_deref(), &mut codes);
    let mut residuals = picked;
    for (row, &code) in residuals.chunks_exact_mut(dim).zip(&codes) {
        let centroid = &rounded[code as usize * dim..][..dim];
        row.iter_mut().zip(centroid).for_each(|(r, c)| *r -= c);
    }
    let squares: f64 = residuals.iter().map(|&r| f64::from(r) * f64::from(r)).sum();
    let book = NewCodebook {
        quantizer: Quantizer::train(&residuals, dim, options.nbits as usize),
        sample_error: squares / codes.len().max(1) as f64,
        centroids,
        groups: trained.groups,
    };
    Ok((book, assigner))
}

/// The vectors of consecutive documents, from the sample where they are in it and else from `batch`.
fn gather(documents: &[u32], sample: &Sample, batch: &VectorBatch, dim: usize) -> VectorBatch {
    let mut out = VectorBatch::default();
    let (mut next, mut next_vector) = (0, 0);
    let has_ids = !sample.token_ids.is_empty() || !batch.token_ids.is_empty();
    for &document in documents {
        let (vectors, ids, range) = match sample.place(document) {
            Some(range) => (sample.vectors(), &sample.token_ids, range),
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
    out
}

/// Turns vectors into codes and packed residuals.
struct Compressor<'a> {
    book: &'a NewCodebook,
    assigner: &'a Assigner,
    dim: usize,
    inverse_scales: Vec<f32>,
    centroids: Vec<f32>,
}

impl Compressor<'_> {
    fn compress(&self, batch: &VectorBatch) -> (Vec<u32>, Vec<u8>) {
        let token_ids = (!batch.token_ids.is_empty()).then_some(&batch.token_ids[..]);
        let mut codes = Vec::new();
        self.assigner.assign(&batch.vectors, token_ids, &mut codes);
        let quantizer = &self.book.quantizer;
        let stride = residual_bytes(self.dim, quantizer.nbits);
        let mut packed = vec![0u8; codes.len() * stride];
        packed
            .par_chunks_mut(stride * 64)
            .zip(codes.par_chunks(64))
            .zip(batch.vectors.par_chunks(self.dim * 64))
            .for_each(|((packed, codes), vectors)| {
                let mut residual = vec![0f32; self.dim];
                let rows = codes.iter().zip(vectors.chunks_exact(self.dim));
                for ((&code, vector), out) in rows.zip(packed.chunks_exact_mut(stride)) {
                    let centroid = &self.centroids[code as usize * self.dim..][..self.dim];
                    for ((r, v), c) in residual.iter_mut().zip(vector).zip(centroid) {
                        *r = v - c;
                    }
                    colidx_kernels::quantize(
                        &residual,
                        &quantizer.cutoffs,
                        &self.inverse_scales,
                        quantizer.nbits,
                        out,
                    );
                }
            });
        (codes, packed)
    }
}

/// Calls `visit` with every document and code of the segment being built.
fn scan(
    codes: &Frame,
    centroids: usize,
    offsets: &[u64],
    visit: &mut dyn FnMut(u32, u32),
) -> Result<()> {
    let each = |code_at: &dyn Fn(usize) -> u32, visit: &mut dyn FnMut(u32, u32)| {
        for (document, ends) in offsets.windows(2).enumerate() {
            for vector in ends[0]..ends[1] {
                visit(document as u32, code_at(vector as usize));
            }
        }
    };
    if code_bytes(centroids) == 2 {
        let codes = codes.section::<u16>(CODES)?;
        let codes: &[u16] = &codes;
        each(&|v| codes[v].into(), visit);
    } else {
        let codes = codes.section::<u32>(CODES)?;
        let codes: &[u32] = &codes;
        each(&|v| codes[v], visit);
    }
    Ok(())
}
