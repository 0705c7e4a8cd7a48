//! Candidates scored by their vectors that lie near the query: those of probed centroids, decoded.
//!
//! Centroids alone tell documents apart only roughly. Of a document's vectors few belong to a centroid that was probed for
//! any query token, and the best match of a query token is nearly always one of them; so decoding these few gives nearly
//! the document's MaxSim for a fraction of its cost. A query token none of them matches better gets the best score of
//! the document's other centroids where all were scored (see [`super::table`]) and else what imputation gives it (see
//! [`super::candidates`]), and what the document's mean residual adds to that (see [`super::lean`]).

use super::centroids::Probes;
use super::table::Table;
use super::{Query, SearchOptions, SearchStats};
use crate::error::Result;
use crate::index::{DocId, Index};
use crate::segment::means;
use crate::segment::vectors::resize;
use rayon::prelude::*;
use std::ops::Range;

/// How much of the product of a query token with the mean residual counts. The token's best match here is a vector that no list led to,
/// more like the others than a match that was found.
const BELIEVED: f32 = 0.6;

/// Documents that one thread takes at a time.
const CHUNK: usize = 32;

/// The candidates that are to be decoded whole: those with the best scores, in document order.
pub(super) fn best(
    index: &Index,
    query: &Query,
    probes: &Probes<'_>,
    candidates: &[DocId],
    options: &SearchOptions,
    stats: &mut SearchStats,
) -> Result<Vec<DocId>> {
    let count = options.finalists();
    let near = Near::new(index, query, probes);
    let mut scored: Vec<(i64, DocId)> = Vec::with_capacity(candidates.len());
    if options.parallel {
        let parts: Vec<(Vec<(i64, DocId)>, SearchStats)> = candidates
            .par_chunks(CHUNK)
            .map_init(Buffers::default, |buffers, chunk| {
                let (mut scored, mut stats) = (Vec::new(), SearchStats::default());
                near.score_all(chunk, buffers, &mut scored, &mut stats)?;
                Ok((scored, stats))
            })
            .collect::<Result<_>>()?;
        for (part, work) in parts {
            scored.extend(part);
            stats.add_work(&work);
        }
    } else {
        near.score_all(candidates, &mut Buffers::default(), &mut scored, stats)?;
    }
    if scored.len() > count {
        scored.select_nth_unstable_by(count, |a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        scored.truncate(count);
    }
    let mut documents: Vec<DocId> = scored.into_iter().map(|(_, document)| document).collect();
    documents.sort_unstable();
    Ok(documents)
}

struct Near<'a> {
    index: &'a Index,
    query: &'a Query,
    probes: &'a Probes<'a>,
    /// A bit a centroid: whether it was probed.
    probed: Vec<u64>,
    /// `[padded_columns]`: the score of the worst probed centroid of each query token.
    least: Vec<i32>,
    /// What one unit of the table is in units of the screening.
    far_unit: f32,
    /// `[dim]`: what one unit of a mean residual counts in a 16-bit row.
    lean: Vec<f32>,
}

/// Documents that are taken together, so that while one is scored the memory of the others is on its way.
const TOGETHER: usize = 8;

#[derive(Default)]
struct Buffers {
    /// The vectors of the documents taken together.
    ranges: Vec<Range<usize>>,
    codes: Vec<u32>,
    /// Vectors near the query and their codes, document after document.
    near: Vec<usize>,
    near_codes: Vec<u32>,
    /// By document, `[padded_columns]` of the table: the best scores of its other vectors' centroids.
    far: Vec<i16>,
    /// By document, where its part of `near` ends.
    ends: Vec<usize>,
    residuals: Vec<u8>,
    rows: Vec<i16>,
    dots: Vec<i32>,
    best: Vec<i32>,
}

impl<'a> Near<'a> {
    fn new(index: &'a Index, query: &'a Query, probes: &'a Probes<'a>) -> Self {
        let mut probed = vec![0u64; index.codebook().len().div_ceil(64)];
        for &(_, centroid) in probes.tokens.iter().flatten() {
            probed[centroid as usize / 64] |= 1 << (centroid % 64);
        }
        let panels = query.screening();
        let mut least = vec![0; panels.padded_columns()];
        for (least, &mean) in least.iter_mut().zip(query.merged().means()) {
            let token = &probes.tokens[mean];
            let score = token.last().map_or(0, |&(score, _)| score);
            *least = (f64::from(score) * probes.step / panels.unit()) as i32;
        }
        // A row of unit length has a length of `step / unit`.
        let one = panels.step() / panels.unit() / f64::from(means::UNITS);
        let scales = index.codebook().scales().iter();
        Self {
            index,
            query,
            probes,
            probed,
            least,
            far_unit: (probes.table.as_ref().map_or(0.0, Table::unit) * probes.step / panels.unit())
                as f32,
            lean: scales.map(|scale| scale * BELIEVED * one as f32).collect(),
        }
    }

    fn score_all(
        &self,
        candidates: &[DocId],
        buffers: &mut Buffers,
        scored: &mut Vec<(i64, DocId)>,
        stats: &mut SearchStats,
    ) -> Result<()> {
        for documents in candidates.chunks(TOGETHER) {
            self.select(documents, buffers, stats)?;
            let mut start = 0;
            for (at, &document) in documents.iter().enumerate() {
                let end = buffers.ends[at];
                // A document without vectors has no score.
                if !buffers.ranges[at].is_empty() {
                    scored.push((self.score(document, at, start..end, buffers)?, document));
                    stats.documents_near += 1;
                }
                start = end;
            }
        }
        Ok(())
    }

    /// Finds the vectors near the query of some documents.
    fn select(
        &self,
        documents: &[DocId],
        buffers: &mut Buffers,
        stats: &mut SearchStats,
    ) -> Result<()> {
        let segments = self.index.segments();
        buffers.ranges.clear();
        for document in documents {
            let segment = &segments[document.segment()];
            let range = segment.documents.vectors(document.document())?;
            segment.vectors.codes.prefetch(&range);
            buffers.ranges.push(range);
        }
        buffers.far.clear();
        buffers.near.clear();
        buffers.near_codes.clear();
        buffers.ends.clear();
        for (document, range) in documents.iter().zip(&buffers.ranges) {
            let vectors = &segments[document.segment()].vectors;
            vectors.codes.read(range.clone(), &mut buffers.codes);
            let before = buffers.near.len();
            let table = self.probes.table.as_ref();
            let far = table.map_or(0..0, |table| table.start(&mut buffers.far));
            let far = &mut buffers.far[far];
            for (vector, &code) in range.clone().zip(&buffers.codes) {
                let word = self.probed.get(code as usize / 64).copied().unwrap_or(0);
                if word >> (code % 64) & 1 == 1 {
                    buffers.near.push(vector);
                    buffers.near_codes.push(code);
                    colidx_kernels::prefetch(vectors.residuals(vector..vector + 1));
                } else if let Some(table) = table {
                    table.raise(far, code);
                }
            }
            let near = buffers.near.len() - before;
            stats.vectors_decoded += near as u64;
            stats.bytes_touched += vectors.code_bytes(range.len()) + vectors.residual_bytes(near);
            buffers.ends.push(buffers.near.len());
        }
        Ok(())
    }

    /// Gives each query token what it has without any vector near it.
    fn start(&self, document: DocId, at: usize, buffers: &mut Buffers) {
        let panels = self.query.screening();
        let segment = &self.index.segments()[document.segment()];
        let mean = segment.means.row(document.document()).iter();
        let row = mean
            .zip(&self.lean)
            .map(|(&mean, lean)| (f32::from(mean) * lean) as i16);
        buffers.rows.clear();
        buffers.rows.extend(row);
        buffers
            .rows
            .resize(colidx_kernels::int16_stride(panels.dim()), 0);
        resize(&mut buffers.dots, panels.padded_columns());
        buffers.best.clear();
        buffers.best.resize(panels.padded_columns(), i32::MIN);
        colidx_kernels::int16_max_dots(&buffers.rows, panels, &mut buffers.dots, &mut buffers.best);
        let means = self.query.merged().means().iter();
        let best = buffers.best.iter_mut().zip(&self.least).zip(means);
        match &self.probes.table {
            Some(table) => {
                let far = &buffers.far[at * table.columns()..][..table.columns()];
                best.for_each(|((best, least), &mean)| {
                    let far = (f32::from(far[mean]) * self.far_unit) as i32;
                    *best = best.saturating_add(far.min(*least));
                });
            }
            None => best.for_each(|((best, least), _)| *best = best.saturating_add(*least)),
        }
    }

    /// The score of a document, of whose vectors those at `near` count.
    fn score(
        &self,
        document: DocId,
        at: usize,
        near: Range<usize>,
        buffers: &mut Buffers,
    ) -> Result<i64> {
        self.start(document, at, buffers);
        let vectors = &self.index.segments()[document.segment()].vectors;
        buffers.residuals.clear();
        for &vector in &buffers.near[near.clone()] {
            let residual = vectors.residuals(vector..vector + 1);
            buffers.residuals.extend_from_slice(residual);
        }
        let codes = &buffers.near_codes[near];
        let book = self.index.codebook();
        vectors.decode_int16(book, codes, &buffers.residuals, &mut buffers.rows)?;
        let panels = self.query.screening();
        resize(&mut buffers.dots, codes.len() * buffers.best.len());
        colidx_kernels::int16_max_dots(&buffers.rows, panels, &mut buffers.dots, &mut buffers.best);
        let best = &buffers.best[..self.query.tokens()];
        Ok(best.iter().map(|&best| i64::from(best)).sum())
    }
}
