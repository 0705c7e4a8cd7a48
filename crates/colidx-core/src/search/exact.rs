//! Step 5: exact MaxSim over all vectors of a document, with most work screened out.
//!
//! Screening multiplies in 16-bit integers, at twice the rate of f32, with proven error bounds. A
//! document more than the error bound below the k-th best score cannot enter the top k
//! ([`ScoreErrors::maxsim`]). A vector more than twice the bound of one product below a query
//! token's maximum cannot be its match ([`ScoreErrors::dot`]). What remains is multiplied again in
//! f32, while the caches still hold it. So hits, scores and order are those of f32 throughout.

use super::par_map::par_map_chunks;
use super::ranking::Ranking;
use super::scratch::{Pooled, Reusable};
use super::tuning::{EXACT_BLOCK, EXACT_CHUNK, PREFETCH_BLOCKS};
use super::{Context, SearchStats, readahead};
use crate::error::Result;
use crate::segment::Segment;
use crate::segment::vectors::{Vectors, room};
use crate::snapshot::Place;
use colidx_kernels::{Panels, PanelsI16, ScoreErrors};
use std::ops::Range;

/// Scores documents by exact MaxSim, one batch after another.
pub(super) struct ExactScorer<'a> {
    context: Context<'a>,
    /// Where all vectors have unit length.
    screening: Option<Screening<'a>>,
}

impl<'a> ExactScorer<'a> {
    pub(super) fn new(context: Context<'a>) -> Self {
        let book = context.snapshot.codebook();
        // Screening decodes to unit length. It pays even where it screens out no document, for the
        // vectors that it screens out.
        let screening = book.unit_length.then(|| {
            let panels = context.query.screening();
            let errors = panels.errors(book.row_error());
            Screening { panels, errors }
        });
        Self { context, screening }
    }

    /// Ranks those of the documents that may be among the best. Returns each document's score to
    /// within the error of screening; `None` when it has no vectors.
    pub(super) fn rank(
        &self,
        documents: &[Place],
        ranking: &mut Ranking,
        stats: &mut SearchStats,
    ) -> Result<Vec<Option<f64>>> {
        readahead::vectors(self.context, documents)?;
        let (k, kth_score) = (ranking.k(), ranking.kth_score());
        let scorer = || Scorer::new(self.context, Threshold::new(k, kth_score));
        let score = |scorer: &mut Scorer<'a>, documents: &[Place], stats: &mut SearchStats| {
            let Some(screening) = self.screening else {
                let scores = documents.iter().map(|&d| scorer.score(d, stats));
                return scores.collect();
            };
            scorer.screen(&screening, documents, stats)
        };
        let scores = par_map_chunks(self.context, documents, EXACT_CHUNK, stats, scorer, score)?;
        for (&document, score) in documents.iter().zip(&scores) {
            if let Some(exact) = score.and_then(|score| score.exact) {
                self.context.snapshot.check_score(exact, document)?;
                ranking.push(exact, document);
            }
        }
        Ok(scores
            .iter()
            .map(|score| Some((*score)?.approximate))
            .collect())
    }
}

/// What a document scores.
#[derive(Clone, Copy)]
struct Score {
    /// To within the error of screening. Unlike `exact` it does not depend on the documents before,
    /// so that weights fitted to it do not depend on the number of threads.
    approximate: f64,
    /// The MaxSim, for a document that may be among the best.
    exact: Option<f32>,
}

/// The query in 16 bits, and the error bounds of its products.
#[derive(Clone, Copy)]
struct Screening<'a> {
    panels: &'a PanelsI16,
    errors: ScoreErrors,
}

/// A lower bound of the `k`-th best score so far.
struct Threshold {
    k: usize,
    scores: Vec<f32>,
    kth_score: f32,
}

impl Threshold {
    fn new(k: usize, kth_score: f32) -> Self {
        Self {
            k,
            scores: Vec::new(),
            kth_score,
        }
    }

    /// Takes a score.
    fn raise(&mut self, score: f32) {
        if score <= self.kth_score {
            return;
        }
        self.scores.push(score);
        if self.scores.len() >= self.k.saturating_mul(2) {
            self.scores
                .select_nth_unstable_by(self.k - 1, |a, b| b.total_cmp(a));
            self.scores.truncate(self.k);
            self.kth_score = self.scores[self.k - 1];
        }
    }
}

/// Buffers to score a document in, kept for the next.
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
    /// Vectors of a document that may be the best match of a query token.
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
    context: Context<'a>,
    threshold: Threshold,
    buffers: Pooled<'a, Buffers>,
}

impl<'a> Scorer<'a> {
    fn new(context: Context<'a>, threshold: Threshold) -> Self {
        Self {
            context,
            threshold,
            buffers: context.scratch.exact.take(),
        }
    }

    /// The document's segment and where its vectors lie, or `None` when it has none.
    fn vectors(&self, document: Place) -> Result<Option<(&'a Segment, Range<usize>)>> {
        let segment = &self.context.snapshot.segments()[document.segment()];
        let range = segment.documents.vectors(document.document())?;
        Ok((!range.is_empty()).then_some((segment, range)))
    }

    /// A document's score, or `None` when it has no vectors.
    fn score(&mut self, document: Place, stats: &mut SearchStats) -> Result<Option<Score>> {
        self.context.options.check_limits()?;
        let Some((segment, range)) = self.vectors(document)? else {
            return Ok(None);
        };
        stats.documents_scored += 1;
        stats.vectors_decoded += range.len() as u64;
        stats.bytes_touched += segment.vectors.stored_bytes(range.len());
        let (book, panels) = (
            self.context.snapshot.codebook(),
            self.context.query.panels(),
        );
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
            approximate: f64::from(score),
            exact: Some(score),
        }))
    }

    /// As [`Scorer::score`] of documents, exactly only of those that may be among the best.
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
        // While a block is multiplied, the next ones are prefetched, of this document or another.
        let mut coming = places.iter().flatten().flat_map(|(segment, range)| {
            blocks(range.clone()).map(move |block| (&segment.vectors, block))
        });
        let mut fetch = || {
            if let Some((vectors, block)) = coming.next() {
                vectors.prefetch(&block);
            }
        };
        (0..PREFETCH_BLOCKS).for_each(|_| fetch());
        let scores = places.iter().map(|place| match place {
            Some((segment, range)) => {
                self.context.options.check_limits()?;
                stats.documents_screened += 1;
                stats.vectors_decoded += range.len() as u64;
                stats.bytes_touched += segment.vectors.stored_bytes(range.len());
                let score =
                    self.screen_one(screening, &segment.vectors, range, stats, &mut fetch)?;
                if let Some(exact) = score.exact {
                    self.threshold.raise(exact);
                }
                Ok(Some(score))
            }
            None => Ok(None),
        });
        scores.collect()
    }

    /// The score of a document whose vectors are those in `range`, at least one.
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
        let book = self.context.snapshot.codebook();
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
        let of_blocks = codes
            .chunks(EXACT_BLOCK)
            .zip(dots.chunks_mut(EXACT_BLOCK * width));
        for (block, (codes, dots)) in blocks(range.clone()).zip(of_blocks) {
            fetch();
            let rows = vectors.decode_i16(book, codes, vectors.residuals(block), rows16)?;
            colidx_kernels::kernels().dots_i16(rows, panels, dots, best16);
        }
        let best_of_tokens = best16[..panels.columns()].iter();
        let sum_of_best: i64 = best_of_tokens.map(|&best| i64::from(best)).sum();
        let approximate = sum_of_best as f64 * panels.unit();
        if approximate < f64::from(self.threshold.kth_score) - errors.maxsim {
            return Ok(Score {
                approximate,
                exact: None,
            });
        }
        let slack = (2.0 * errors.dot / panels.unit()).ceil() as i32;
        let thresholds = best16;
        thresholds
            .iter_mut()
            .for_each(|best| *best = best.saturating_sub(slack));
        // Padding matches nothing.
        thresholds[panels.columns()..].fill(i32::MAX);
        reaching.clear();
        colidx_kernels::kernels().rows_any_ge(dots, thresholds, reaching);

        let panels = self.context.query.panels();
        stats.documents_scored += 1;
        stats.vectors_decoded += reaching.len() as u64;
        let picks = reaching.iter().map(|&at| range.start + at as usize);
        vectors.pick_residuals(picks, residuals);
        for (to, &at) in reaching.iter().enumerate() {
            // They are ascending, so none is overwritten before it is read.
            codes[to] = codes[at as usize];
        }
        start(best, panels);
        vectors.decode(book, &codes[..reaching.len()], residuals, rows)?;
        colidx_kernels::kernels().max_dots(rows, panels, best);
        let exact = Some(sum(best, panels));
        Ok(Score { approximate, exact })
    }
}

/// Starts the maximum of each query token.
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
        .step_by(EXACT_BLOCK)
        .map(move |start| start..end.min(start + EXACT_BLOCK))
}
