//! The best documents of a segment, without scoring those that cannot be among them.
//!
//! MaxScore (Turtle and Flood, 1995) over windows of documents, with bounds of blocks (Ding and
//! Suel, SIGIR 2011). In a window some terms together add less than a document needs. Only documents
//! that have one of the other, essential terms can be hits: these terms are added up, one after the
//! other, and then the rest is looked up for documents that may still reach what they need.

use super::Place;
use super::bm25::{Bm25, length_at};
use super::top::Top;
use crate::error::Result;
use crate::format::{BLOCK, has_bit};
use crate::read::Reader;
use crate::read::list::{Cursor, List};
use std::cmp::Ordering;

/// Documents of a window.
const WINDOW: u32 = 2048;

/// Where a list has more postings than this in a window on average, the bound of the whole list
/// serves: that of so many blocks would hardly be lower.
const DENSE: u64 = 2 * BLOCK as u64;

struct Clause<'a> {
    cursor: Cursor<'a>,
    weight: f32,
    /// Bound of the list.
    most: u32,
    /// Bound in the window.
    bound: u32,
    /// Sum of its bound and those of all clauses before it, in the order of bounds.
    sum: u32,
    dense: bool,
}

/// Adds the best documents of a segment to `top`.
pub(super) fn search<B: AsRef<[u8]>, F: FnMut(Place, Place) -> Ordering>(
    segment: usize,
    reader: &Reader<B>,
    lists: &[Option<List<'_>>],
    bm25: &Bm25,
    hidden: &[u64],
    top: &mut Top<F>,
) -> Result<()> {
    let documents = reader.info().documents;
    let lengths = reader.lengths();
    let mut clauses = Vec::new();
    for (list, &weight) in lists.iter().zip(&bm25.weights) {
        if let Some(list) = list
            && weight > 0.0
        {
            clauses.push(clause(*list, weight, documents, bm25, lengths)?);
        }
    }
    let mut windows = Windows {
        lengths,
        bm25,
        hidden,
        scores: vec![0; WINDOW as usize],
        candidates: Vec::new(),
    };
    let mut start = Some(0);
    while let Some(window) = start {
        let end = (window + WINDOW).min(documents);
        windows.search(&mut clauses, window, end, segment, top)?;
        start = next_window(&mut clauses, end, documents, top.needed());
    }
    Ok(())
}

fn clause<'a>(
    list: List<'a>,
    weight: f32,
    documents: u32,
    bm25: &Bm25,
    lengths: &[[u8; 4]],
) -> Result<Clause<'a>> {
    let mut most = bm25.bound(weight, list.impacts);
    if list.impacts.is_empty() {
        let mut all = [0; BLOCK];
        Cursor::new(list).visit_below(0, u32::MAX, true, |documents, frequencies| {
            bm25.all(weight, documents, frequencies, lengths, &mut all);
            let added = all.iter().take(documents.len()).copied();
            most = added.fold(most, u32::max);
        })?;
    }
    Ok(Clause {
        cursor: Cursor::new(list),
        weight,
        most,
        bound: most,
        sum: 0,
        dense: u64::from(list.count) * u64::from(WINDOW) > DENSE * u64::from(documents),
    })
}

/// Where the next window begins that may hold a document with a score of `needed`.
fn next_window(clauses: &mut [Clause<'_>], end: u32, documents: u32, needed: u32) -> Option<u32> {
    clauses.sort_unstable_by_key(|clause| clause.most);
    let mut sum = 0;
    let essential = clauses.iter().filter(|clause| {
        sum += clause.most;
        sum >= needed && !clause.cursor.is_done()
    });
    let next = essential
        .map(|clause| clause.cursor.next_at_least())
        .min()?;
    let next = next.max(end);
    (next < documents).then_some(next)
}

struct Windows<'a> {
    lengths: &'a [[u8; 4]],
    bm25: &'a Bm25,
    hidden: &'a [u64],
    /// Scores of the window's documents; all 0 between windows.
    scores: Vec<u32>,
    /// Documents of the window that may still be hits, and what they have so far.
    candidates: Vec<(u32, u32)>,
}

impl Windows<'_> {
    fn search<F: FnMut(Place, Place) -> Ordering>(
        &mut self,
        clauses: &mut [Clause<'_>],
        start: u32,
        end: u32,
        segment: usize,
        top: &mut Top<F>,
    ) -> Result<()> {
        for clause in &mut *clauses {
            clause.bound = self.bound(clause, start, end);
        }
        clauses.sort_unstable_by_key(|clause| clause.bound);
        let mut sum = 0;
        for clause in &mut *clauses {
            sum += clause.bound;
            clause.sum = sum;
        }
        let needed = top.needed();
        let first = clauses.partition_point(|clause| clause.sum < needed);
        let (others, essential) = clauses.split_at_mut(first);
        if essential.is_empty() {
            return Ok(());
        }
        let rest = others.last().map_or(0, |clause| clause.sum);
        self.add_essential(essential, start, end, needed.saturating_sub(rest).max(1))?;
        for clause in others.iter_mut().rev() {
            self.add(clause, needed)?;
        }
        for &(document, score) in &self.candidates {
            if score >= top.needed() {
                top.push(score, (segment, document));
            }
        }
        Ok(())
    }

    /// The most that a clause adds in a window.
    fn bound(&self, clause: &Clause<'_>, start: u32, end: u32) -> u32 {
        let (cursor, list) = (&clause.cursor, &clause.cursor.list);
        if cursor.is_done() || cursor.next_at_least() >= end {
            return 0;
        }
        if clause.dense || list.impacts.is_empty() {
            return clause.most;
        }
        let mut bound = 0;
        let mut block = list.block_of(cursor.block, start);
        while block < list.blocks() && (block == 0 || list.last(block - 1) < end - 1) {
            bound = bound.max(self.bm25.bound(clause.weight, list.block_impacts(block)));
            block += 1;
        }
        // A writer's bound of the list is no lower, but other bytes may say so.
        bound.min(clause.most)
    }

    /// Makes candidates of the documents of a window whose essential terms give them `needed`.
    fn add_essential(
        &mut self,
        essential: &mut [Clause<'_>],
        start: u32,
        end: u32,
        needed: u32,
    ) -> Result<()> {
        self.candidates.clear();
        let (bm25, lengths, hidden) = (self.bm25, self.lengths, self.hidden);
        let mut added = [0; BLOCK];
        if let [clause] = essential {
            let candidates = &mut self.candidates;
            return clause
                .cursor
                .visit_below(start, end, true, |documents, frequencies| {
                    bm25.all(clause.weight, documents, frequencies, lengths, &mut added);
                    for (&document, &score) in documents.iter().zip(&added) {
                        if score >= needed && !has_bit(hidden, document) {
                            candidates.push((document, score));
                        }
                    }
                });
        }
        for clause in essential {
            let scores = &mut self.scores;
            clause
                .cursor
                .visit_below(start, end, true, |documents, frequencies| {
                    bm25.all(clause.weight, documents, frequencies, lengths, &mut added);
                    for (&document, &added) in documents.iter().zip(&added) {
                        if let Some(score) = scores.get_mut((document - start) as usize) {
                            *score += added;
                        }
                    }
                })?;
        }
        for (chunk, scores) in self.scores.chunks_exact_mut(16).enumerate() {
            // Signed numbers, which every processor compares many at a time.
            let needed_signed = needed as i32;
            if scores
                .iter()
                .fold(false, |any, &score| any | (score as i32 >= needed_signed))
            {
                for (at, &score) in scores.iter().enumerate() {
                    let document = start + (chunk * 16 + at) as u32;
                    if score >= needed && !has_bit(hidden, document) {
                        self.candidates.push((document, score));
                    }
                }
            }
            scores.fill(0);
        }
        Ok(())
    }

    /// Looks a term up for the candidates, without those that the terms left cannot lift to `needed`.
    fn add(&mut self, clause: &mut Clause<'_>, needed: u32) -> Result<()> {
        let at_least = needed.saturating_sub(clause.sum);
        self.candidates.retain(|&(_, score)| score >= at_least);
        for (document, score) in &mut self.candidates {
            if clause.cursor.seek(*document)? {
                let frequency = clause.cursor.frequency()?;
                let length = length_at(self.lengths, *document);
                *score += self.bm25.quanta(clause.weight, frequency, length);
            }
        }
        Ok(())
    }
}
