//! Exact MaxSim over decoded vectors, with the many that cannot win screened out.
//!
//! Screening multiplies in 16-bit integers, at twice the rate of f32, and knows how far its scores can be off
//! ([`Int16Panels::maxsim_error`]). A document whose score lies further below the `k`-th best than both could be off cannot be among
//! the first `k`; the others are scored again in f32. So the hits, their scores and their order are those of f32 throughout.

use super::rank::Ranking;
use super::{Query, SearchStats};
use crate::error::Result;
use crate::index::{DocId, Index};
use crate::segment::Segment;
use colidx_kernels::Int16Panels;
use rayon::prelude::*;
use std::ops::Range;

/// Vectors decoded at a time: they stay in the first-level cache until they are multiplied.
const BLOCK: usize = 48;

/// Documents that one thread takes at a time.
const CHUNK: usize = 16;

/// Scores documents and gives the best to `ranking`. With `parallel` the threads of the pool share the work.
pub(super) fn rank(
    index: &Index,
    query: &Query,
    documents: &[DocId],
    parallel: bool,
    ranking: &mut Ranking,
    stats: &mut SearchStats,
) -> Result<()> {
    let screened;
    let mut documents = documents;
    // Screening decodes to unit length, and pays where it can leave documents out.
    if index.codebook().unit_length && documents.len() > ranking.k() {
        let panels = query.screening();
        let scored = score_all(
            index,
            documents,
            parallel,
            stats,
            |scorer, document, stats| scorer.screen(panels, document, stats),
        )?;
        screened = contenders(scored, ranking.k(), panels.maxsim_error());
        documents = &screened;
    }
    let scored = score_all(
        index,
        documents,
        parallel,
        stats,
        |scorer, document, stats| {
            stats.documents_scored += 1;
            scorer.score(query, document, stats)
        },
    )?;
    for (score, document) in scored {
        ranking.push(score, document);
    }
    Ok(())
}

/// Documents that can be among the `k` best when every score may be off by `error`.
fn contenders(mut scored: Vec<(f64, DocId)>, k: usize, error: f64) -> Vec<DocId> {
    if scored.len() > k {
        let (_, kth, _) = scored.select_nth_unstable_by(k - 1, |a, b| b.0.total_cmp(&a.0));
        let least = kth.0 - 2.0 * error;
        scored.retain(|&(score, _)| score >= least);
    }
    let mut documents: Vec<DocId> = scored.into_iter().map(|(_, document)| document).collect();
    documents.sort_unstable();
    documents
}

/// The scores of all documents that have one, in the order of the documents.
fn score_all<S: Send>(
    index: &Index,
    documents: &[DocId],
    parallel: bool,
    stats: &mut SearchStats,
    score: impl Fn(&mut Scorer<'_>, DocId, &mut SearchStats) -> Result<Option<S>> + Sync,
) -> Result<Vec<(S, DocId)>> {
    let chunk = |scorer: &mut Scorer<'_>,
                 documents: &[DocId],
                 out: &mut Vec<(S, DocId)>,
                 stats: &mut SearchStats| {
        for &document in documents {
            if let Some(score) = score(scorer, document, stats)? {
                out.push((score, document));
            }
        }
        Ok::<_, crate::Error>(())
    };
    let mut all = Vec::with_capacity(documents.len());
    if !parallel {
        chunk(&mut Scorer::new(index), documents, &mut all, stats)?;
        return Ok(all);
    }
    let parts: Vec<(Vec<(S, DocId)>, SearchStats)> = documents
        .par_chunks(CHUNK)
        .map_init(
            || Scorer::new(index),
            |scorer, documents| {
                let (mut out, mut stats) = (Vec::new(), SearchStats::default());
                chunk(scorer, documents, &mut out, &mut stats)?;
                Ok((out, stats))
            },
        )
        .collect::<Result<_>>()?;
    for (part, work) in parts {
        all.extend(part);
        stats.add_work(&work);
    }
    Ok(all)
}

/// Scores documents one by one, keeping its buffers from one to the next.
struct Scorer<'a> {
    index: &'a Index,
    codes: Vec<u32>,
    rows: Vec<f32>,
    best: Vec<f32>,
    rows16: Vec<i16>,
    best16: Vec<i32>,
}

impl<'a> Scorer<'a> {
    fn new(index: &'a Index) -> Self {
        Self {
            index,
            codes: Vec::new(),
            rows: Vec::new(),
            best: Vec::new(),
            rows16: Vec::new(),
            best16: Vec::new(),
        }
    }

    /// The document's segment and where its vectors lie, or `None` when it has none.
    fn vectors(
        &self,
        document: DocId,
        stats: &mut SearchStats,
    ) -> Result<Option<(&'a Segment, Range<usize>)>> {
        let segment = &self.index.segments()[document.segment()];
        let range = segment.documents.vectors(document.document())?;
        if range.is_empty() {
            return Ok(None);
        }
        stats.vectors_decoded += range.len() as u64;
        stats.bytes_touched += segment.vectors.stored_bytes(range.len());
        Ok(Some((segment, range)))
    }

    /// The document's MaxSim, or `None` when it has no vectors.
    fn score(
        &mut self,
        query: &Query,
        document: DocId,
        stats: &mut SearchStats,
    ) -> Result<Option<f32>> {
        let Some((segment, range)) = self.vectors(document, stats)? else {
            return Ok(None);
        };
        let panels = query.panels();
        self.best.clear();
        self.best.resize(panels.padded_columns(), f32::NEG_INFINITY);
        for block in blocks(range) {
            let book = self.index.codebook();
            segment
                .vectors
                .decode(book, block, &mut self.codes, &mut self.rows)?;
            colidx_kernels::max_dots(&self.rows, panels, &mut self.best);
        }
        let best = &self.best[..panels.columns()];
        Ok(Some(best.iter().fold(0.0, |sum, best| sum + best)))
    }

    /// The document's MaxSim to within the panels' error, or `None` when it has no vectors.
    fn screen(
        &mut self,
        panels: &Int16Panels,
        document: DocId,
        stats: &mut SearchStats,
    ) -> Result<Option<f64>> {
        let Some((segment, range)) = self.vectors(document, stats)? else {
            return Ok(None);
        };
        stats.documents_screened += 1;
        self.best16.clear();
        self.best16.resize(panels.padded_columns(), i32::MIN);
        for block in blocks(range) {
            let book = self.index.codebook();
            segment
                .vectors
                .decode_int16(book, block, &mut self.codes, &mut self.rows16)?;
            colidx_kernels::int16_max_dots(&self.rows16, panels, &mut self.best16);
        }
        let best = &self.best16[..panels.columns()];
        let sum: i64 = best.iter().map(|&best| i64::from(best)).sum();
        Ok(Some(sum as f64 * panels.unit()))
    }
}

fn blocks(range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = range.end;
    range
        .step_by(BLOCK)
        .map(move |start| start..end.min(start + BLOCK))
}
