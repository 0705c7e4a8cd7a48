//! Exact MaxSim over decoded vectors, with the many that cannot win screened out.
//!
//! Screening multiplies in 16-bit integers, at twice the rate of f32, and knows how far its scores can be off. A document whose score
//! lies further below the `k`-th best than both could be off ([`ScoreErrors::maxsim`]) cannot be among the first `k`, nor can a
//! vector be a query token's best match whose product lies further below the greatest than both could be off
//! ([`ScoreErrors::dot`]). Only vectors that can be, of documents that can be, are multiplied again in f32. So the hits, their
//! scores and their order are those of f32 throughout.

use super::pool::Pooled;
use super::rank::Ranking;
use super::spread::spread;
use super::{Query, SearchStats, ahead};
use crate::error::Result;
use crate::index::{DocId, Index};
use crate::segment::Segment;
use crate::segment::vectors::{Vectors, room};
use colidx_kernels::{Int16Panels, Panels, ScoreErrors};
use std::ops::Range;

/// Vectors decoded at a time: they stay in the first-level cache until they are multiplied.
const BLOCK: usize = 64;

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
    k: usize,
    parallel: bool,
    /// Where vectors are of unit length.
    screening: Option<Screening<'a>>,
    contenders: Vec<Contender>,
    scored: Vec<(f32, DocId)>,
}

impl<'a> Exact<'a> {
    /// For the best `k` of the documents. With `parallel` the threads of the pool share the work.
    pub(super) fn new(index: &'a Index, query: &'a Query, k: usize, parallel: bool) -> Self {
        // Screening decodes to unit length. It pays even where it leaves no document out, for the vectors that it does.
        let screening = index.codebook().unit_length.then(|| {
            let panels = query.screening();
            let errors = panels.errors(index.codebook().row_error());
            Screening { panels, errors }
        });
        Self {
            index,
            query,
            k,
            parallel,
            screening,
            contenders: Vec::new(),
            scored: Vec::new(),
        }
    }

    /// Takes documents, and gives of each the score to within the error of screening; `None` when it has no vectors, or cannot be
    /// among the best.
    pub(super) fn take(
        &mut self,
        documents: &[DocId],
        stats: &mut SearchStats,
    ) -> Result<Vec<Option<f64>>> {
        ahead::vectors(self.index, documents)?;
        let Some(screening) = self.screening else {
            let scored = self.run(documents, stats, |scorer, documents, stats| {
                let scores = documents.iter().map(|&d| scorer.score(d, stats));
                scores.collect()
            })?;
            self.scored.extend(scored.iter().flatten());
            return Ok(scored.iter().map(|s| Some(f64::from((*s)?.0))).collect());
        };
        let contenders = self.run(documents, stats, |scorer, documents, stats| {
            scorer.screen(&screening, documents, stats)
        })?;
        let scores = contenders.iter().map(|c| Some(c.as_ref()?.score)).collect();
        self.contenders.extend(contenders.into_iter().flatten());
        Ok(scores)
    }

    /// Gives the best of the documents to `ranking`.
    pub(super) fn finish(mut self, ranking: &mut Ranking, stats: &mut SearchStats) -> Result<()> {
        if let Some(screening) = self.screening {
            let contenders = std::mem::take(&mut self.contenders);
            let best = best(contenders, self.k, screening.errors.maxsim);
            self.scored = self.run(&best, stats, |scorer, best, stats| {
                let scores = best.iter().map(|c| scorer.score_contender(c, stats));
                scores.collect()
            })?;
        }
        for (score, document) in self.scored {
            ranking.push(score, document);
        }
        Ok(())
    }

    /// What `score` gives for the items, in their order.
    fn run<T: Sync, S: Send>(
        &self,
        items: &[T],
        stats: &mut SearchStats,
        score: impl Fn(&mut Scorer<'a>, &[T], &mut SearchStats) -> Result<Vec<S>> + Sync + Send,
    ) -> Result<Vec<S>> {
        let scorer = || Scorer::new(self.index, self.query, self.k);
        spread(items, CHUNK, self.parallel, stats, scorer, score)
    }
}

/// What screening multiplies with, and how far its scores may be off.
#[derive(Clone, Copy)]
struct Screening<'a> {
    panels: &'a Int16Panels,
    errors: ScoreErrors,
}

/// A document that may be among the best.
struct Contender {
    document: DocId,
    /// Its MaxSim to within the error of screening.
    score: f64,
    /// Those of its segment's vectors that may be the best match of a query token.
    vectors: Box<[usize]>,
    /// Their codes.
    codes: Box<[u32]>,
}

/// Those that can be among the `k` best when every score may be off by `error`.
fn best(mut contenders: Vec<Contender>, k: usize, error: f64) -> Vec<Contender> {
    if contenders.len() > k {
        let (_, kth, _) =
            contenders.select_nth_unstable_by(k - 1, |a, b| b.score.total_cmp(&a.score));
        let least = kth.score - 2.0 * error;
        contenders.retain(|contender| contender.score >= least);
    }
    contenders.sort_unstable_by_key(|contender| contender.document);
    contenders
}

/// The `k`-th best of the scores that passed by, or less.
struct Floor {
    k: usize,
    scores: Vec<f64>,
    least: f64,
}

impl Floor {
    fn raise(&mut self, score: f64) {
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

/// Scores documents one by one.
struct Scorer<'a> {
    index: &'a Index,
    query: &'a Query,
    floor: Floor,
    buffers: Pooled<'a, Buffers>,
}

impl<'a> Scorer<'a> {
    fn new(index: &'a Index, query: &'a Query, k: usize) -> Self {
        Self {
            index,
            query,
            floor: Floor {
                k,
                scores: Vec::new(),
                least: f64::NEG_INFINITY,
            },
            buffers: index.pools().exact.take(),
        }
    }

    /// The document's segment and where its vectors lie, or `None` when it has none.
    fn vectors(&self, document: DocId) -> Result<Option<(&'a Segment, Range<usize>)>> {
        let segment = &self.index.segments()[document.segment()];
        let range = segment.documents.vectors(document.document())?;
        Ok((!range.is_empty()).then_some((segment, range)))
    }

    /// The document's MaxSim, or `None` when it has no vectors.
    fn score(&mut self, document: DocId, stats: &mut SearchStats) -> Result<Option<(f32, DocId)>> {
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
            colidx_kernels::max_dots(rows, panels, best);
        }
        Ok(Some((sum(best, panels), document)))
    }

    /// The same from the vectors that decide about it.
    fn score_contender(
        &mut self,
        contender: &Contender,
        stats: &mut SearchStats,
    ) -> Result<(f32, DocId)> {
        let (book, panels) = (self.index.codebook(), self.query.panels());
        let vectors = &self.index.segments()[contender.document.segment()].vectors;
        stats.documents_scored += 1;
        stats.vectors_decoded += contender.vectors.len() as u64;
        let Buffers {
            residuals,
            rows,
            best,
            ..
        } = &mut *self.buffers;
        start(best, panels);
        vectors.pick_residuals(&contender.vectors, residuals);
        vectors.decode(book, &contender.codes, residuals, rows)?;
        colidx_kernels::max_dots(rows, panels, best);
        Ok((sum(best, panels), contender.document))
    }

    /// Screens documents: `None` for one that has no vectors, or cannot be among the best.
    fn screen(
        &mut self,
        screening: &Screening,
        documents: &[DocId],
        stats: &mut SearchStats,
    ) -> Result<Vec<Option<Contender>>> {
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
        documents
            .iter()
            .zip(&places)
            .map(|(&document, place)| match place {
                Some((segment, range)) => {
                    stats.documents_screened += 1;
                    stats.vectors_decoded += range.len() as u64;
                    stats.bytes_touched += segment.vectors.stored_bytes(range.len());
                    self.screen_one(screening, document, &segment.vectors, range, &mut fetch)
                }
                None => Ok(None),
            })
            .collect()
    }

    /// Screens a document whose vectors are those in `range`, of which there are some.
    fn screen_one(
        &mut self,
        screening: &Screening,
        document: DocId,
        vectors: &Vectors,
        range: &Range<usize>,
        mut fetch: impl FnMut(),
    ) -> Result<Option<Contender>> {
        let Screening { panels, errors } = screening;
        let width = panels.padded_columns();
        let book = self.index.codebook();
        let Buffers {
            codes,
            rows16,
            dots,
            best16: best,
            reaching,
            ..
        } = &mut *self.buffers;
        let dots = room(dots, range.len() * width);
        best.clear();
        best.resize(width, i32::MIN);
        vectors.codes.read(range.clone(), codes);
        let of_blocks = codes.chunks(BLOCK).zip(dots.chunks_mut(BLOCK * width));
        for (block, (codes, dots)) in blocks(range.clone()).zip(of_blocks) {
            fetch();
            let rows = vectors.decode_int16(book, codes, vectors.residuals(block), rows16)?;
            colidx_kernels::int16_max_dots(rows, panels, dots, best);
        }
        let best_of_tokens = best[..panels.columns()].iter();
        let sum: i64 = best_of_tokens.map(|&best| i64::from(best)).sum();
        let score = sum as f64 * panels.unit();
        if score < self.floor.least - 2.0 * errors.maxsim {
            return Ok(None);
        }
        self.floor.raise(score);
        let slack = (2.0 * errors.dot / panels.unit()).ceil() as i32;
        let floors = best;
        floors
            .iter_mut()
            .for_each(|best| *best = best.saturating_sub(slack));
        // No column to be the best of.
        floors[panels.columns()..].fill(i32::MAX);
        reaching.clear();
        colidx_kernels::rows_reaching(dots, floors, reaching);
        Ok(Some(Contender {
            document,
            score,
            vectors: reaching
                .iter()
                .map(|&at| range.start + at as usize)
                .collect(),
            codes: reaching.iter().map(|&at| codes[at as usize]).collect(),
        }))
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
