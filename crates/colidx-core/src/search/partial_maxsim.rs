//! Step 4: partial MaxSim, over the vectors of a candidate that lie near the query.
//!
//! Few of a document's vectors have a centroid that was probed for any query token, and the best
//! match of a query token is nearly always one of them. So decoding these alone gives nearly the
//! document's MaxSim, for a fraction of its cost.
//!
//! A query token that none of them matches better gets the best centroid score of the document's
//! other vectors where all centroids were scored, else that of its worst probed centroid. Either is
//! corrected by the document's residual bias ([`super::features`]).

use super::centroids::Probes;
use super::par_map::par_map_chunks;
use super::scratch::{Pooled, Reusable};
use super::tuning;
use super::{Context, SearchStats};
use crate::error::Result;
use crate::segment::vectors::room;
use crate::segment::{Segment, mean_residuals};
use crate::snapshot::Place;
use colidx_kernels::CodePartition;
use std::ops::Range;

/// Features of a document after this step: its score, the number of query tokens without a match
/// among its near vectors, and the residual bias of these tokens.
pub(super) type Features = [f32; FEATURES];

/// How many these are.
pub(super) const FEATURES: usize = 3;

/// Scores documents by partial MaxSim.
pub(super) struct PartialScorer<'a> {
    context: Context<'a>,
    probes: &'a Probes<'a>,
    /// A bit a centroid: whether it was probed for any token.
    probed: Vec<u32>,
    /// `[padded_columns]`: the score of each query token's worst probed centroid.
    imputed: Vec<i32>,
    /// One unit of a centroid score, in units of a 16-bit score.
    centroid_unit: f32,
    /// `[dim]`: one unit of a mean residual, weighted, in units of a 16-bit row.
    bias_scales: Vec<f32>,
}

/// Stages of the pipeline: prefetch the codes of a batch; find its near vectors and prefetch them;
/// score them. Each stage works on another batch, so that what one prefetches has arrived when the
/// next needs it.
const STAGES: usize = 3;

/// The batches of all stages.
pub(super) type Batches = [Batch; STAGES];

/// Documents of one segment that are scored together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// The vectors of each document.
    ranges: Vec<Range<usize>>,
    /// The codes of one document.
    codes: Vec<u32>,
    /// The codes of near vectors, and the centroids of the others, document after document.
    partition: CodePartition,
    /// Near vectors, document after document.
    near: Vec<usize>,
    /// By document: where its part of `near` ends.
    ends: Vec<usize>,
    /// By document, `[padded_columns]`: the best centroid scores of its other vectors.
    far: Vec<i16>,
    residuals: Vec<u8>,
    rows: Vec<i16>,
    /// The mean residuals, weighted, in units of rows.
    mean_residuals: Vec<i16>,
    dots: Vec<i32>,
    /// By document, `[padded_columns]`: the residual bias of each query token.
    biases: Vec<i32>,
    /// Maxima over documents, which the kernel computes along with the biases. Not used.
    maxima: Vec<i32>,
    /// As `biases`: the score without near vectors.
    unmatched: Vec<i32>,
    /// As `biases`: the score with them.
    best: Vec<i32>,
}

impl Reusable for Batches {
    fn bytes(&self) -> usize {
        self.iter().map(Batch::bytes).sum()
    }
}

impl Batch {
    fn bytes(&self) -> usize {
        let CodePartition {
            places,
            marked,
            others,
        } = &self.partition;
        let words = [&self.codes, places, marked, others].map(Reusable::bytes);
        let sums = [
            &self.dots,
            &self.biases,
            &self.maxima,
            &self.unmatched,
            &self.best,
        ]
        .map(Reusable::bytes);
        let rows = [&self.far, &self.rows, &self.mean_residuals].map(Reusable::bytes);
        let places = self.near.bytes() + self.ends.bytes() + self.ranges.bytes();
        let all = words.iter().chain(&sums).chain(&rows);
        all.sum::<usize>() + places + self.residuals.bytes()
    }

    /// Takes the documents of a new batch and prefetches their codes.
    fn fetch(&mut self, segment: &Segment, documents: &[Place]) -> Result<()> {
        self.ranges.clear();
        for document in documents {
            let range = segment.documents.vectors(document.document())?;
            segment.vectors.codes.prefetch(&range);
            self.ranges.push(range);
        }
        Ok(())
    }
}

impl<'a> PartialScorer<'a> {
    pub(super) fn new(context: Context<'a>, probes: &'a Probes<'a>) -> Self {
        let (book, query) = (context.snapshot.codebook(), context.query);
        let mut probed = vec![0u32; book.len().div_ceil(32)];
        for &(_, centroid) in probes.tokens.iter().flatten() {
            probed[centroid as usize / 32] |= 1 << (centroid % 32);
        }
        let panels = query.screening();
        let mut imputed = vec![0; panels.padded_columns()];
        for (imputed, &cluster) in imputed.iter_mut().zip(query.pooled().clusters()) {
            let token = &probes.tokens[cluster];
            let score = token.last().map_or(0, |&(score, _)| score);
            *imputed = (f64::from(score) * probes.step / panels.unit()) as i32;
        }
        // A row of unit length has the length `step / unit` as it is stored.
        let one = panels.step() / panels.unit() / f64::from(mean_residuals::UNITS);
        let scales = book.scales().iter();
        Self {
            context,
            probes,
            probed,
            imputed,
            centroid_unit: (probes.step / panels.unit()) as f32,
            bias_scales: scales
                .map(|scale| scale * tuning::MEAN_RESIDUAL_WEIGHT * one as f32)
                .collect(),
        }
    }

    /// The features of documents, `None` for those without vectors.
    pub(super) fn features(
        &self,
        documents: &[Place],
        stats: &mut SearchStats,
    ) -> Result<Vec<Option<Features>>> {
        let batches = || self.context.scratch.partial.take();
        let work = |batches: &mut Pooled<Batches>, documents: &[Place], stats: &mut SearchStats| {
            self.features_of(documents, batches, stats)
        };
        par_map_chunks(
            self.context,
            documents,
            tuning::PARTIAL_CHUNK,
            stats,
            batches,
            work,
        )
    }

    fn features_of<'d>(
        &self,
        documents: &'d [Place],
        batches: &mut Batches,
        stats: &mut SearchStats,
    ) -> Result<Vec<Option<Features>>> {
        let mut features = Vec::with_capacity(documents.len());
        let by_segment = documents.chunk_by(|a, b| a.segment() == b.segment());
        let chunks = by_segment.flat_map(|documents| documents.chunks(tuning::PARTIAL_BATCH));
        let segments = self.context.snapshot.segments();
        let batch = |documents: &'d [Place]| (&segments[documents[0].segment()], documents);
        let mut next = chunks.map(batch).fuse();
        let mut stages = [None; STAGES];
        loop {
            self.context.options.check_limits()?;
            stages.rotate_right(1);
            batches.rotate_right(1);
            stages[0] = next.next();
            if stages.iter().all(Option::is_none) {
                break;
            }
            let [to_fetch, to_select, to_score] = batches;
            if let Some((segment, documents)) = stages[0] {
                to_fetch.fetch(segment, documents)?;
            }
            if let Some((segment, _)) = stages[1] {
                self.select(segment, to_select, stats);
            }
            if let Some((segment, documents)) = stages[2] {
                self.start(segment, documents, to_score);
                self.match_near(segment, to_score)?;
                for (at, range) in to_score.ranges.iter().enumerate() {
                    features.push((!range.is_empty()).then(|| self.sum_up(at, to_score)));
                }
            }
        }
        stats.documents_partial += features.iter().flatten().count() as u64;
        Ok(features)
    }

    /// The features of one document of a batch.
    fn sum_up(&self, at: usize, batch: &Batch) -> Features {
        let (width, tokens) = (self.imputed.len(), self.context.query.tokens());
        let of_document = at * width..at * width + tokens;
        let best = &batch.best[of_document.clone()];
        let unmatched = &batch.unmatched[of_document.clone()];
        let biases = &batch.biases[of_document];
        let (mut score, mut count, mut sum_of_biases) = (0, 0, 0);
        for ((&best, &unmatched), &bias) in best.iter().zip(unmatched).zip(biases) {
            let matched = best > unmatched;
            score += i64::from(best);
            count += u32::from(!matched);
            sum_of_biases += i64::from(if matched { 0 } else { bias });
        }
        let unit = self.context.query.screening().unit();
        let units = |sum: i64| (sum as f64 * unit) as f32;
        [units(score), count as f32, units(sum_of_biases)]
    }

    /// Finds the near vectors and prefetches them.
    fn select(&self, segment: &Segment, batch: &mut Batch, stats: &mut SearchStats) {
        let vectors = &segment.vectors;
        batch.partition.clear();
        batch.near.clear();
        batch.ends.clear();
        batch.far.clear();
        for range in &batch.ranges {
            vectors.codes.read(range.clone(), &mut batch.codes);
            let (seen, others_seen) = (batch.near.len(), batch.partition.others.len());
            colidx_kernels::kernels().partition_codes(
                &batch.codes,
                &self.probed,
                &mut batch.partition,
            );
            for &place in &batch.partition.places[seen..] {
                let vector = range.start + place as usize;
                batch.near.push(vector);
                colidx_kernels::prefetch(vectors.residuals(vector..vector + 1));
            }
            if let Some(scores) = &self.probes.all {
                scores.push_max(&batch.partition.others[others_seen..], &mut batch.far);
            }
            let near = batch.near.len() - seen;
            stats.vectors_decoded += near as u64;
            stats.bytes_touched += vectors.code_bytes(range.len()) + vectors.residual_bytes(near);
            batch.ends.push(batch.near.len());
        }
    }

    /// Gives each query token its score without near vectors.
    fn start(&self, segment: &Segment, documents: &[Place], batch: &mut Batch) {
        let panels = self.context.query.screening();
        let width = panels.padded_columns();
        let stride = colidx_kernels::stride_i16(panels.dim());
        batch.mean_residuals.clear();
        for (at, document) in documents.iter().enumerate() {
            let mean = segment
                .mean_residuals
                .row(document.document())
                .iter()
                .zip(&self.bias_scales);
            let row = mean.map(|(&mean, scale)| (f32::from(mean) * scale) as i16);
            batch.mean_residuals.extend(row);
            batch.mean_residuals.resize((at + 1) * stride, 0);
        }
        batch.biases.resize(documents.len() * width, 0);
        batch.maxima.resize(width, i32::MIN);
        colidx_kernels::kernels().dots_i16(
            &batch.mean_residuals,
            panels,
            &mut batch.biases,
            &mut batch.maxima,
        );
        batch.best.clear();
        batch.best.extend_from_slice(&batch.biases);
        let clusters = self.context.query.pooled().clusters();
        for (at, best) in batch.best.chunks_exact_mut(width).enumerate() {
            let best = best.iter_mut().zip(&self.imputed).zip(clusters);
            match &self.probes.all {
                Some(scores) => {
                    let far = &batch.far[at * scores.columns()..][..scores.columns()];
                    best.for_each(|((best, imputed), &cluster)| {
                        let far = (f32::from(far[cluster]) * self.centroid_unit) as i32;
                        *best = best.saturating_add(far.min(*imputed));
                    });
                }
                None => best.for_each(|((best, imputed), _)| *best = best.saturating_add(*imputed)),
            }
        }
        batch.unmatched.clear();
        batch.unmatched.extend_from_slice(&batch.best);
    }

    /// Raises the score of each query token to its best match among the near vectors.
    fn match_near(&self, segment: &Segment, batch: &mut Batch) -> Result<()> {
        let panels = self.context.query.screening();
        let (width, dim) = (panels.padded_columns(), panels.dim());
        let stride = colidx_kernels::stride_i16(dim);
        segment
            .vectors
            .pick_residuals(batch.near.iter().copied(), &mut batch.residuals);
        let book = self.context.snapshot.codebook();
        let (codes, residuals) = (&batch.partition.marked, &batch.residuals);
        let vectors = &segment.vectors;
        let all_rows = vectors.decode_i16(book, codes, residuals, &mut batch.rows)?;
        let mut start = 0;
        for (&end, best) in batch.ends.iter().zip(batch.best.chunks_exact_mut(width)) {
            let rows = &all_rows[start * stride..end * stride];
            let dots = room(&mut batch.dots, (end - start) * width);
            colidx_kernels::kernels().dots_i16(rows, panels, dots, best);
            start = end;
        }
        Ok(())
    }
}
