//! The best documents of a segment, without scoring those that cannot be among them.
//!
//! MaxScore (Turtle and Flood, 1995) over windows of documents, with bounds of blocks (Ding and
//! Suel, SIGIR 2011). In a window some terms together add less than a document needs. Only
//! documents that have one of the other, essential terms can be hits: these terms are added up, one
//! after the other, and then the rest is looked up for documents that may still reach what they
//! need.

use super::Place;
use super::bm25::Bm25;
use super::top::Top;
use crate::error::Result;
use crate::format::{BLOCK, has_bit};
use crate::read::Reader;
use crate::read::list::{Cursor, List};
use std::cmp::Ordering;

/// Documents of a window.
const WINDOW: u32 = 4096;

/// Scores looked at together.
const CHUNK: usize = 16;

struct Clause<'a> {
    cursor: Cursor<'a>,
    weight: f32,
    /// Bound of the list.
    most: u32,
    /// Bound in the window.
    bound: u32,
    /// Sum of its bound and those of all clauses before it, in the order of bounds.
    sum: u32,
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
            clauses.push(clause(*list, weight, bm25, lengths)?);
        }
    }
    let mut windows = Windows {
        lengths,
        bm25,
        hidden,
        scores: vec![0; WINDOW as usize],
        candidates: vec![(0, 0); WINDOW as usize + 1],
        count: 0,
    };
    let mut start = Some(0u32);
    while let Some(window) = start {
        let end = window.saturating_add(WINDOW).min(documents);
        windows.search(&mut clauses, window, end, segment, top)?;
        start = next_window(&clauses, end, documents, top.needed());
    }
    Ok(())
}

fn clause<'a>(list: List<'a>, weight: f32, bm25: &Bm25, lengths: &[[u8; 4]]) -> Result<Clause<'a>> {
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
    })
}

/// Where the next window begins that may hold a document with a score of `needed`.
fn next_window(clauses: &[Clause<'_>], end: u32, documents: u32, needed: u32) -> Option<u32> {
    // Any order is right; that of the bounds in the last window is nearly the best.
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
    /// Documents of the window that may still be hits, and what they have so far: the first
    /// `count`.
    candidates: Vec<(u32, u32)>,
    count: usize,
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
        for &(document, score) in &self.candidates[..self.count] {
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
        if list.impacts.is_empty() {
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
        self.count = 0;
        let (bm25, lengths) = (self.bm25, self.lengths);
        let mut added = [0; BLOCK];
        if let [clause] = essential {
            let cursor = &mut clause.cursor;
            return cursor.visit_below(start, end, true, |documents, frequencies| {
                bm25.all(clause.weight, documents, frequencies, lengths, &mut added);
                for (&document, &score) in documents.iter().zip(&added) {
                    self.candidate(document, score, needed);
                }
            });
        }
        for clause in essential {
            let (cursor, scores) = (&mut clause.cursor, &mut self.scores);
            cursor.visit_below(start, end, true, |documents, frequencies| {
                bm25.all(clause.weight, documents, frequencies, lengths, &mut added);
                for (&document, &added) in documents.iter().zip(&added) {
                    if let Some(score) = scores.get_mut((document - start) as usize) {
                        *score += added;
                    }
                }
            })?;
        }
        for chunk in 0..self.scores.len() / CHUNK {
            let chunk = chunk * CHUNK;
            let mut scores = [0; CHUNK];
            scores.swap_with_slice(&mut self.scores[chunk..chunk + CHUNK]);
            // Signed numbers, which every processor compares many at a time.
            let reaches = |any, &score: &u32| any | (score as i32 >= needed as i32);
            if scores.iter().fold(false, reaches) {
                for (document, score) in (start + chunk as u32..).zip(scores) {
                    self.candidate(document, score, needed);
                }
            }
        }
        Ok(())
    }

    /// Adds a candidate if it has `needed`. Without a branch, which nobody could predict.
    #[inline]
    fn candidate(&mut self, document: u32, score: u32, needed: u32) {
        if let Some(candidate) = self.candidates.get_mut(self.count) {
            *candidate = (document, score);
            self.count += usize::from((score >= needed) & !has_bit(self.hidden, document));
        }
    }

    /// Looks a term up for the candidates, without those that the terms left cannot lift to
    /// `needed`.
    fn add(&mut self, clause: &mut Clause<'_>, needed: u32) -> Result<()> {
        let at_least = needed.saturating_sub(clause.sum);
        let mut kept = 0;
        for at in 0..self.count {
            let candidate = self.candidates[at];
            self.candidates[kept] = candidate;
            kept += usize::from(candidate.1 >= at_least);
        }
        self.count = kept;
        // The candidates that have the term, as many as are scored at a time.
        let (mut places, mut documents, mut frequencies) = ([0; BLOCK], [0; BLOCK], [0; BLOCK]);
        let mut added = [0; BLOCK];
        for first in (0..kept).step_by(BLOCK) {
            let candidates = &mut self.candidates[first..kept.min(first + BLOCK)];
            let mut found = 0;
            for (place, &(document, _)) in candidates.iter().enumerate() {
                if clause.cursor.seek(document)? {
                    places[found] = place;
                    documents[found] = document;
                    frequencies[found] = clause.cursor.frequency()? - 1;
                    found += 1;
                }
            }
            let (documents, frequencies) = (&documents[..found], &frequencies[..found]);
            let (bm25, weight) = (self.bm25, clause.weight);
            bm25.all(weight, documents, frequencies, self.lengths, &mut added);
            for (&place, added) in places[..found].iter().zip(added) {
                candidates[place].1 += added;
            }
        }
        Ok(())
    }
}
