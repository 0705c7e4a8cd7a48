//! Candidates scored by their vectors that lie near the query: those of probed centroids, decoded.
//!
//! Centroids alone tell documents apart only roughly. Of a document's vectors few belong to a centroid that was probed for
//! any query token, and the best match of a query token is nearly always one of them; so decoding these few gives nearly
//! the document's MaxSim for a fraction of its cost. A query token none of them matches better gets the best score of
//! the document's other centroids where all were scored (see [`super::table`]) and else what imputation gives it (see
//! [`super::candidates`]), and what the document's mean residual adds to that (see [`super::traits`]).

use super::centroids::Probes;
use super::spread::spread;
use super::{Query, SearchStats};
use crate::error::Result;
use crate::index::{DocId, Index};
use crate::segment::vectors::room;
use crate::segment::{Segment, codes, means};
use std::ops::Range;

/// How much of the product of a query token with the mean residual counts. The token's best match here is a vector that no list led to,
/// more like the others than a match that was found.
const BELIEVED: f32 = 0.6;

/// What is known of a document then: its score, how many query tokens no near vector matched, and what the lean counted for these.
type Traits = [f32; TRAITS];

/// How many traits these are.
pub(super) const TRAITS: usize = 3;

/// What each mostly counts for MaxSim.
pub(super) const PRIOR: [f64; TRAITS] = [1.0, 0.0, 0.0];

/// Documents that one thread takes at a time.
const CHUNK: usize = 32;

/// Documents that are taken together.
const TOGETHER: usize = 8;

/// The query made ready to score documents by their near vectors.
pub(super) struct Near<'a> {
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

/// The codes of a document.
#[derive(Default)]
struct Codes {
    all: Vec<u32>,
    /// Where in `all` those of probed centroids are.
    hits: Vec<u32>,
    /// The centroids of the other ones.
    others: Vec<u32>,
}

impl Codes {
    /// Divides `all`, `probed` having a bit a centroid.
    fn divide(&mut self, probed: &[u64]) {
        let Self { all, hits, others } = self;
        hits.resize(all.len(), 0);
        others.resize(all.len(), 0);
        // No branch depends on a code: each is written to both, and stays where it belongs.
        let mut hit = 0;
        for (at, &code) in all.iter().enumerate() {
            let centroid = codes::centroid(code);
            let word = probed.get(centroid as usize / 64).copied().unwrap_or(0);
            hits[hit] = at as u32;
            others[at - hit] = centroid;
            hit += (word >> (centroid % 64) & 1) as usize;
        }
        hits.truncate(hit);
        others.truncate(all.len() - hit);
    }
}

/// Documents of one segment that are taken together, so that while some are scored the memory of others is on its way.
#[derive(Default)]
struct Group {
    /// The vectors of each document.
    ranges: Vec<Range<usize>>,
    codes: Codes,
    /// Centroids of vectors that are not near the query, document after document.
    others: Vec<u32>,
    /// By document, where its part of `others` ends.
    other_ends: Vec<usize>,
    /// Vectors near the query and their codes, document after document.
    near: Vec<usize>,
    near_codes: Vec<u32>,
    /// By document, where its part of `near` ends.
    ends: Vec<usize>,
    /// By document, `[padded_columns]` of the table: the best scores of its other vectors' centroids.
    far: Vec<i16>,
    residuals: Vec<u8>,
    rows: Vec<i16>,
    /// The mean residuals, in units of rows.
    means: Vec<i16>,
    dots: Vec<i32>,
    /// By document, `[padded_columns]`: what the lean counts for each query token, what each has without any vector near it, and
    /// with these.
    leans: Vec<i32>,
    begun: Vec<i32>,
    best: Vec<i32>,
}

impl<'a> Near<'a> {
    pub(super) fn new(index: &'a Index, query: &'a Query, probes: &'a Probes<'a>) -> Self {
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
            far_unit: (probes.step / panels.unit()) as f32,
            lean: scales.map(|scale| scale * BELIEVED * one as f32).collect(),
        }
    }

    /// The traits of documents, `None` for those without vectors. With `parallel` the threads of the pool share the work.
    pub(super) fn traits(
        &self,
        documents: &[DocId],
        parallel: bool,
        stats: &mut SearchStats,
    ) -> Result<Vec<Option<Traits>>> {
        let work = |group: &mut Group, documents: &[DocId], stats: &mut SearchStats| {
            self.traits_of(documents, group, stats)
        };
        spread(documents, CHUNK, parallel, stats, Group::default, work)
    }

    fn traits_of(
        &self,
        documents: &[DocId],
        group: &mut Group,
        stats: &mut SearchStats,
    ) -> Result<Vec<Option<Traits>>> {
        let mut traits = Vec::with_capacity(documents.len());
        let by_segment = documents.chunk_by(|a, b| a.segment() == b.segment());
        for documents in by_segment.flat_map(|documents| documents.chunks(TOGETHER)) {
            let segment = &self.index.segments()[documents[0].segment()];
            self.select(segment, documents, group, stats)?;
            self.start(segment, documents, group);
            self.match_near(segment, group)?;
            let of_documents = group.ranges.iter().enumerate();
            traits.extend(
                of_documents.map(|(at, range)| (!range.is_empty()).then(|| self.sum_up(at, group))),
            );
        }
        stats.documents_near += traits.iter().flatten().count() as u64;
        Ok(traits)
    }

    /// The traits of one of the documents.
    fn sum_up(&self, at: usize, group: &Group) -> Traits {
        let (width, tokens) = (self.least.len(), self.query.tokens());
        let of_document = at * width..at * width + tokens;
        let best = &group.best[of_document.clone()];
        let begun = &group.begun[of_document.clone()];
        let leans = &group.leans[of_document];
        let (mut score, mut unmatched, mut lean) = (0, 0, 0);
        for ((&best, &begun), &its_lean) in best.iter().zip(begun).zip(leans) {
            let matched = best > begun;
            score += i64::from(best);
            unmatched += u32::from(!matched);
            lean += i64::from(if matched { 0 } else { its_lean });
        }
        let unit = self.query.screening().unit();
        let units = |sum: i64| (sum as f64 * unit) as f32;
        [units(score), unmatched as f32, units(lean)]
    }

    /// Finds the vectors near the query.
    fn select(
        &self,
        segment: &Segment,
        documents: &[DocId],
        group: &mut Group,
        stats: &mut SearchStats,
    ) -> Result<()> {
        let vectors = &segment.vectors;
        group.ranges.clear();
        for document in documents {
            let range = segment.documents.vectors(document.document())?;
            vectors.codes.prefetch(&range);
            group.ranges.push(range);
        }
        group.others.clear();
        group.other_ends.clear();
        group.near.clear();
        group.near_codes.clear();
        group.ends.clear();
        for range in &group.ranges {
            let codes = &mut group.codes;
            vectors.codes.read(range.clone(), &mut codes.all);
            codes.divide(&self.probed);
            for &at in &codes.hits {
                let vector = range.start + at as usize;
                group.near.push(vector);
                group.near_codes.push(codes.all[at as usize]);
                colidx_kernels::prefetch(vectors.residuals(vector..vector + 1));
            }
            if self.probes.table.is_some() {
                group.others.extend_from_slice(&codes.others);
                group.other_ends.push(group.others.len());
            }
            let near = codes.hits.len();
            stats.vectors_decoded += near as u64;
            stats.bytes_touched += vectors.code_bytes(range.len()) + vectors.residual_bytes(near);
            group.ends.push(group.near.len());
        }
        group.far.clear();
        if let Some(table) = &self.probes.table {
            let mut start = 0;
            for &end in &group.other_ends {
                table.push_best(&group.others[start..end], &mut group.far);
                start = end;
            }
        }
        Ok(())
    }

    /// Gives each query token what it has without any vector near it.
    fn start(&self, segment: &Segment, documents: &[DocId], group: &mut Group) {
        let panels = self.query.screening();
        let width = panels.padded_columns();
        let stride = colidx_kernels::int16_stride(panels.dim());
        group.means.clear();
        for (at, document) in documents.iter().enumerate() {
            let mean = segment
                .means
                .row(document.document())
                .iter()
                .zip(&self.lean);
            let row = mean.map(|(&mean, lean)| (f32::from(mean) * lean) as i16);
            group.means.extend(row);
            group.means.resize((at + 1) * stride, 0);
        }
        group.leans.resize(documents.len() * width, 0);
        let mut greatest = vec![i32::MIN; width];
        colidx_kernels::int16_max_dots(&group.means, panels, &mut group.leans, &mut greatest);
        group.best.clear();
        group.best.extend_from_slice(&group.leans);
        let means = self.query.merged().means();
        for (at, best) in group.best.chunks_exact_mut(width).enumerate() {
            let best = best.iter_mut().zip(&self.least).zip(means);
            match &self.probes.table {
                Some(table) => {
                    let far = &group.far[at * table.columns()..][..table.columns()];
                    best.for_each(|((best, least), &mean)| {
                        let far = (f32::from(far[mean]) * self.far_unit) as i32;
                        *best = best.saturating_add(far.min(*least));
                    });
                }
                None => best.for_each(|((best, least), _)| *best = best.saturating_add(*least)),
            }
        }
        group.begun.clear();
        group.begun.extend_from_slice(&group.best);
    }

    /// Raises what each query token has to what the vectors near it give.
    fn match_near(&self, segment: &Segment, group: &mut Group) -> Result<()> {
        let panels = self.query.screening();
        let (width, dim) = (panels.padded_columns(), panels.dim());
        let stride = colidx_kernels::int16_stride(dim);
        group.residuals.clear();
        for &vector in &group.near {
            let residual = segment.vectors.residuals(vector..vector + 1);
            group.residuals.extend_from_slice(residual);
        }
        let book = self.index.codebook();
        let (codes, residuals) = (&group.near_codes, &group.residuals);
        let vectors = &segment.vectors;
        let all_rows = vectors.decode_int16(book, codes, residuals, &mut group.rows)?;
        let mut start = 0;
        for (&end, best) in group.ends.iter().zip(group.best.chunks_exact_mut(width)) {
            let rows = &all_rows[start * stride..end * stride];
            let dots = room(&mut group.dots, (end - start) * width);
            colidx_kernels::int16_max_dots(rows, panels, dots, best);
            start = end;
        }
        Ok(())
    }
}
