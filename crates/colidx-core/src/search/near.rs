//! Candidates scored by their vectors that lie near the query: those of probed centroids, decoded.
//!
//! Centroids alone tell documents apart only roughly. Of a document's vectors few belong to a centroid that was probed for
//! any query token, and the best match of a query token is nearly always one of them; so decoding these few gives nearly
//! the document's MaxSim for a fraction of its cost. A query token none of them matches better gets the best score of
//! the document's other centroids where all were scored (see [`super::table`]) and else what imputation gives it (see
//! [`super::candidates`]), and what the document's mean residual adds to that (see [`super::traits`]).

use super::centroids::Probes;
use super::pool::{Pooled, Reusable};
use super::spread::spread;
use super::{Query, SearchStats};
use crate::error::Result;
use crate::index::{Index, Place};
use crate::segment::vectors::room;
use crate::segment::{Segment, means};
use colidx_kernels::CodePartition;
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
    probed: Vec<u32>,
    /// `[padded_columns]`: the score of the worst probed centroid of each query token.
    least: Vec<i32>,
    /// What one unit of the table is in units of the screening.
    far_unit: f32,
    /// `[dim]`: what one unit of a mean residual counts in a 16-bit row.
    lean: Vec<f32>,
}

/// Steps that are under way at a time, each with documents of its own: their codes are fetched, their vectors near the query are
/// found and fetched, and these are scored. What a step fetches is there when the next one comes.
const STEPS: usize = 3;

/// Those of all steps.
pub(super) type Groups = [Group; STEPS];

/// Documents of one segment that are taken together.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// The vectors of each document.
    ranges: Vec<Range<usize>>,
    /// Those of a document.
    codes: Vec<u32>,
    /// The codes of vectors near the query, and the centroids of the others, document after document.
    partition: CodePartition,
    /// Vectors near the query, document after document.
    near: Vec<usize>,
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

impl Reusable for Groups {
    fn bytes(&self) -> usize {
        self.iter().map(Group::bytes).sum()
    }
}

impl Group {
    fn bytes(&self) -> usize {
        let CodePartition {
            places,
            marked,
            others,
        } = &self.partition;
        let words = [&self.codes, places, marked, others].map(Reusable::bytes);
        let sums = [&self.dots, &self.leans, &self.begun, &self.best].map(Reusable::bytes);
        let rows = [&self.far, &self.rows, &self.means].map(Reusable::bytes);
        let places = self.near.bytes() + self.ends.bytes() + self.ranges.bytes();
        let all = words.iter().chain(&sums).chain(&rows);
        all.sum::<usize>() + places + self.residuals.bytes()
    }

    /// Takes documents in the place of others and has their codes fetched.
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

impl<'a> Near<'a> {
    pub(super) fn new(index: &'a Index, query: &'a Query, probes: &'a Probes<'a>) -> Self {
        let mut probed = vec![0u32; index.codebook().len().div_ceil(32)];
        for &(_, centroid) in probes.tokens.iter().flatten() {
            probed[centroid as usize / 32] |= 1 << (centroid % 32);
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
        documents: &[Place],
        parallel: bool,
        stats: &mut SearchStats,
    ) -> Result<Vec<Option<Traits>>> {
        let groups = || self.index.pools().near.take();
        let work = |groups: &mut Pooled<Groups>, documents: &[Place], stats: &mut SearchStats| {
            self.traits_of(documents, groups, stats)
        };
        spread(documents, CHUNK, parallel, stats, groups, work)
    }

    fn traits_of(
        &self,
        documents: &[Place],
        groups: &mut Groups,
        stats: &mut SearchStats,
    ) -> Result<Vec<Option<Traits>>> {
        let mut traits = Vec::with_capacity(documents.len());
        let by_segment = documents.chunk_by(|a, b| a.segment() == b.segment());
        let taken = by_segment.flat_map(|documents| documents.chunks(TOGETHER));
        let taken =
            taken.map(|documents| (&self.index.segments()[documents[0].segment()], documents));
        let mut taken = taken.fuse();
        let mut steps = [None; STEPS];
        loop {
            steps.rotate_right(1);
            groups.rotate_right(1);
            steps[0] = taken.next();
            if steps.iter().all(Option::is_none) {
                break;
            }
            let [to_fetch, to_select, to_score] = groups;
            if let Some((segment, documents)) = steps[0] {
                to_fetch.fetch(segment, documents)?;
            }
            if let Some((segment, _)) = steps[1] {
                self.select(segment, to_select, stats);
            }
            if let Some((segment, documents)) = steps[2] {
                self.start(segment, documents, to_score);
                self.match_near(segment, to_score)?;
                traits.extend(
                    to_score
                        .ranges
                        .iter()
                        .enumerate()
                        .map(|(at, range)| (!range.is_empty()).then(|| self.sum_up(at, to_score))),
                );
            }
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
    fn select(&self, segment: &Segment, group: &mut Group, stats: &mut SearchStats) {
        let vectors = &segment.vectors;
        group.partition.clear();
        group.near.clear();
        group.ends.clear();
        group.far.clear();
        for range in &group.ranges {
            vectors.codes.read(range.clone(), &mut group.codes);
            let (seen, others_seen) = (group.near.len(), group.partition.others.len());
            colidx_kernels::kernels().partition_codes(
                &group.codes,
                &self.probed,
                &mut group.partition,
            );
            for &place in &group.partition.places[seen..] {
                let vector = range.start + place as usize;
                group.near.push(vector);
                colidx_kernels::prefetch(vectors.residuals(vector..vector + 1));
            }
            if let Some(table) = &self.probes.table {
                table.push_best(&group.partition.others[others_seen..], &mut group.far);
            }
            let near = group.near.len() - seen;
            stats.vectors_decoded += near as u64;
            stats.bytes_touched += vectors.code_bytes(range.len()) + vectors.residual_bytes(near);
            group.ends.push(group.near.len());
        }
    }

    /// Gives each query token what it has without any vector near it.
    fn start(&self, segment: &Segment, documents: &[Place], group: &mut Group) {
        let panels = self.query.screening();
        let width = panels.padded_columns();
        let stride = colidx_kernels::stride_i16(panels.dim());
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
        colidx_kernels::kernels().dots_i16(&group.means, panels, &mut group.leans, &mut greatest);
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
        let stride = colidx_kernels::stride_i16(dim);
        segment
            .vectors
            .pick_residuals(group.near.iter().copied(), &mut group.residuals);
        let book = self.index.codebook();
        let (codes, residuals) = (&group.partition.marked, &group.residuals);
        let vectors = &segment.vectors;
        let all_rows = vectors.decode_i16(book, codes, residuals, &mut group.rows)?;
        let mut start = 0;
        for (&end, best) in group.ends.iter().zip(group.best.chunks_exact_mut(width)) {
            let rows = &all_rows[start * stride..end * stride];
            let dots = room(&mut group.dots, (end - start) * width);
            colidx_kernels::kernels().dots_i16(rows, panels, dots, best);
            start = end;
        }
        Ok(())
    }
}
