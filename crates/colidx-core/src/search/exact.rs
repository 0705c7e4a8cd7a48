//! Exact MaxSim over decoded vectors, with the many that cannot win screened out.
//!
//! Screening multiplies in 16-bit integers, at twice the rate of f32, and knows how far its scores can be off. A document whose score
//! lies further below the `k`-th best than both could be off ([`ScoreErrors::maxsim`]) cannot be among the first `k`, nor can a
//! vector be a query token's best match whose product lies further below the greatest than both could be off
//! ([`ScoreErrors::dot`]). Only vectors that can be, of documents that can be, are multiplied again in f32, at once, while the
//! caches still hold them. So the hits, their scores and their order are those of f32 throughout.

use super::pool::{Pooled, Reusable};
use super::rank::Ranking;
use super::spread::spread;
use super::{Query, SearchStats, ahead};
use crate::error::Result;
use crate::index::{Index, Place};
use crate::segment::Segment;
use crate::segment::vectors::{Vectors, room};
use colidx_kernels::{Panels, PanelsI16, ScoreErrors};
use std::ops::Range;

/// Vectors decoded at a time: they stay in the first-level cache until they are multiplied, by tiles of twelve rows or six.
const BLOCK: usize = 60;

/// Blocks between the fetch of vectors from memory and their use.
const AHEAD: usize = 2;

/// Documents that one thread takes at a time.
const CHUNK: usize = 16;

/// Documents to take at a time where they are many: their vectors are read ahead together.
pub(super) const TOGETHER: usize = 4096;

/// Exact scores of documents, which come some at a time.
pub(super) struct Exact<'a> {
    index: &'a Index,
    query: &'a Query,
    parallel: bool,
    /// Where vectors are of unit length.
    screening: Option<Screening<'a>>,
}

impl<'a> Exact<'a> {
    /// With `parallel` the threads of the pool share the work.
    pub(super) fn new(index: &'a Index, query: &'a Query, parallel: bool) -> Self {
        // Screening decodes to unit length. It pays even where it leaves no document out, for the vectors that it does.
        let screening = index.codebook().unit_length.then(|| {
            let panels = query.screening();
            let errors = panels.errors(index.codebook().row_error());
            Screening { panels, errors }
        });
        Self {
            index,
            query,
            parallel,
            screening,
        }
    }

    /// Gives `ranking` those of the documents that may be among the best, and returns of each document the score to within the
    /// error of screening; `None` when it has no vectors.
    pub(super) fn take(
        &self,
        documents: &[Place],
        ranking: &mut Ranking,
        stats: &mut SearchStats,
    ) -> Result<Vec<Option<f64>>> {
        ahead::vectors(self.index, documents)?;
        let (k, least) = (ranking.k(), ranking.least());
        let scorer = || Scorer::new(self.index, self.query, Floor::new(k, least));
        let score = |scorer: &mut Scorer<'a>, documents: &[Place], stats: &mut SearchStats| {
            let Some(screening) = self.screening else {
                let scores = documents.iter().map(|&d| scorer.score(d, stats));
                return scores.collect();
            };
            scorer.screen(&screening, documents, stats)
        };
        let scores = spread(documents, CHUNK, self.parallel, stats, scorer, score)?;
        for (&document, score) in documents.iter().zip(&scores) {
            if let Some(exact) = score.and_then(|score| score.exact) {
                self.index.check_score(exact, document)?;
                ranking.push(exact, document);
            }
        }
        Ok(scores.iter().map(|score| Some((*score)?.near)).collect())
    }
}

/// What a document scores.
#[derive(Clone, Copy)]
struct Score {
    /// To within the error of screening. Unlike which documents are scored exactly, it does not depend on what came before, so
    /// that what is learned from it is the same however many threads there are.
    near: f64,
    /// The MaxSim, of a document that may be among the best.
    exact: Option<f32>,
}

/// What screening multiplies with, and how far its scores may be off.
#[derive(Clone, Copy)]
struct Screening<'a> {
    panels: &'a PanelsI16,
    errors: ScoreErrors,
}

/// The `k`-th best of the scores that passed by, or less.
struct Floor {
    k: usize,
    scores: Vec<f32>,
    least: f32,
}

impl Floor {
    /// Of scores of which the `k`-th best is `least` at present.
    fn new(k: usize, least: f32) -> Self {
        let scores = Vec::new();
        Self { k, scores, least }
    }

    fn raise(&mut self, score: f32) {
        if score <= self.least {
            return;
        }
        self.scores.push(score);
        if self.scores.len() >= self.k.saturating_mul(2) {
            self.scores
                .select_nth_unstable_by(self.k - 1, |a, b| b.total_cmp(a));
            self.scores.truncate(self.k);
            self.least = self.scores[self.k - 1];
        }
    }
}

/// What scoring a document is done in, kept for the next.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    codes: Vec<u32>,
    residuals: Vec<u8>,
    rows: Vec<f32>,
    best: Vec<f32>,
    rows16: Vec<i16>,
    /// `[vectors, padded_columns]`: the products of all vectors of a document.
    dots: Vec<i32>,
    best16: Vec<i32>,
    /// Those of a document's vectors that may be the best match of a query token.
    reaching: Vec<u32>,
}

impl Reusable for Buffers {
    fn bytes(&self) -> usize {
        let words = [&self.codes, &self.reaching].map(Reusable::bytes);
        let floats = [&self.rows, &self.best].map(Reusable::bytes);
        let sums = [&self.dots, &self.best16].map(Reusable::bytes);
        let all = words.iter().chain(&floats).chain(&sums);
        all.sum::<usize>() + self.residuals.bytes() + self.rows16.bytes()
    }
}

/// Scores documents one by one.
struct Scorer<'a> {
    index: &'a Index,
    query: &'a Query,
    floor: Floor,
    buffers: Pooled<'a, Buffers>,
}

impl<'a> Scorer<'a> {
    fn new(index: &'a Index, query: &'a Query, floor: Floor) -> Self {
        Self {
            index,
            query,
            floor,
            buffers: index.pools().exact.take(),
        }
    }

    /// The document's segment and where its vectors lie, or `None` when it has none.
    fn vectors(&self, document: Place) -> Result<Option<(&'a Segment, Range<usize>)>> {
        let segment = &self.index.segments()[document.segment()];
        let range = segment.documents.vectors(document.document())?;
        Ok((!range.is_empty()).then_some((segment, range)))
    }

    /// What a document scores, or `None` when it has no vectors.
    fn score(&mut self, document: Place, stats: &mut SearchStats) -> Result<Option<Score>> {
        let Some((segment, range)) = self.vectors(document)? else {
            return Ok(None);
        };
        stats.documents_scored += 1;
        stats.vectors_decoded += range.len() as u64;
        stats.bytes_touched += segment.vectors.stored_bytes(range.len());
        let (book, panels) = (self.index.codebook(), self.query.panels());
        let vectors = &segment.vectors;
        let Buffers {
            codes, rows, best, ..
        } = &mut *self.buffers;
        start(best, panels);
        for block in blocks(range) {
            vectors.codes.read(block.clone(), codes);
            vectors.decode(book, codes, vectors.residuals(block), rows)?;
            colidx_kernels::kernels().max_dots(rows, panels, best);
        }
        let score = sum(best, panels);
        Ok(Some(Score {
            near: f64::from(score),
            exact: Some(score),
        }))
    }

    /// As [`Scorer::score`] of documents, exactly of those alone that may be among the best.
    fn screen(
        &mut self,
        screening: &Screening,
        documents: &[Place],
        stats: &mut SearchStats,
    ) -> Result<Vec<Option<Score>>> {
        let places: Vec<_> = documents
            .iter()
            .map(|&document| self.vectors(document))
            .collect::<Result<_>>()?;
        // While a block is multiplied the next ones are on their way, of this document or another.
        let mut coming = places.iter().flatten().flat_map(|(segment, range)| {
            blocks(range.clone()).map(move |block| (&segment.vectors, block))
        });
        let mut fetch = || {
            if let Some((vectors, block)) = coming.next() {
                vectors.prefetch(&block);
            }
        };
        (0..AHEAD).for_each(|_| fetch());
        let scores = places.iter().map(|place| match place {
            Some((segment, range)) => {
                stats.documents_screened += 1;
                stats.vectors_decoded += range.len() as u64;
                stats.bytes_touched += segment.vectors.stored_bytes(range.len());
                let score =
                    self.screen_one(screening, &segment.vectors, range, stats, &mut fetch)?;
                if let Some(exact) = score.exact {
                    self.floor.raise(exact);
                }
                Ok(Some(score))
            }
            None => Ok(None),
        });
        scores.collect()
    }

    /// What a document scores whose vectors are those in `range`, of which there are some.
    fn screen_one(
        &mut self,
        screening: &Screening,
        vectors: &Vectors,
        range: &Range<usize>,
        stats: &mut SearchStats,
        mut fetch: impl FnMut(),
    ) -> Result<Score> {
        let Screening { panels, errors } = screening;
        let width = panels.padded_columns();
        let book = self.index.codebook();
        let Buffers {
            codes,
            residuals,
            rows,
            best,
            rows16,
            dots,
            best16,
            reaching,
        } = &mut *self.buffers;
        let dots = room(dots, range.len() * width);
        best16.clear();
        best16.resize(width, i32::MIN);
        vectors.codes.read(range.clone(), codes);
        let of_blocks = codes.chunks(BLOCK).zip(dots.chunks_mut(BLOCK * width));
        for (block, (codes, dots)) in blocks(range.clone()).zip(of_blocks) {
            fetch();
            let rows = vectors.decode_i16(book, codes, vectors.residuals(block), rows16)?;
            colidx_kernels::kernels().dots_i16(rows, panels, dots, best16);
        }
        let best_of_tokens = best16[..panels.columns()].iter();
        let sum_of_best: i64 = best_of_tokens.map(|&best| i64::from(best)).sum();
        let near = sum_of_best as f64 * panels.unit();
        if near < f64::from(self.floor.least) - errors.maxsim {
            return Ok(Score { near, exact: None });
        }
        let slack = (2.0 * errors.dot / panels.unit()).ceil() as i32;
        let floors = best16;
        floors
            .iter_mut()
            .for_each(|best| *best = best.saturating_sub(slack));
        // No column to be the best of.
        floors[panels.columns()..].fill(i32::MAX);
        reaching.clear();
        colidx_kernels::kernels().rows_any_ge(dots, floors, reaching);

        let panels = self.query.panels();
        stats.documents_scored += 1;
        stats.vectors_decoded += reaching.len() as u64;
        let picks = reaching.iter().map(|&at| range.start + at as usize);
        vectors.pick_residuals(picks, residuals);
        for (to, &at) in reaching.iter().enumerate() {
            // Those that reach are in order, so none is overwritten that is yet to be read.
            codes[to] = codes[at as usize];
        }
        start(best, panels);
        vectors.decode(book, &codes[..reaching.len()], residuals, rows)?;
        colidx_kernels::kernels().max_dots(rows, panels, best);
        let exact = Some(sum(best, panels));
        Ok(Score { near, exact })
    }
}

/// Begins a maximum for each query token.
fn start(best: &mut Vec<f32>, panels: &Panels) {
    best.clear();
    best.resize(panels.padded_columns(), f32::NEG_INFINITY);
}

/// The sum of the maxima.
fn sum(best: &[f32], panels: &Panels) -> f32 {
    let best = best[..panels.columns()].iter();
    best.fold(0.0, |sum, best| sum + best)
}

fn blocks(range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = range.end;
    range
        .step_by(BLOCK)
        .map(move |start| start..end.min(start + BLOCK))
}
