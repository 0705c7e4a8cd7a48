//! Words and phrases that a document must or must not have.

use super::Segment;
use crate::error::{Error, Result};
use crate::query::{Phrase, Query};
use crate::read::list::{Cursor, List};

/// Refuses phrases where there are no positions.
pub(super) fn check<B: AsRef<[u8]>>(segments: &[Segment<'_, B>], query: &Query) -> Result<()> {
    if query.needs_positions() && segments.iter().any(|s| !s.reader.info().positions) {
        return Err(Error::NoPositions);
    }
    Ok(())
}

/// Bits of the documents that are no hits; `None` when the query demands nothing.
pub(super) fn hidden<B: AsRef<[u8]>>(
    segment: &Segment<'_, B>,
    lists: &[Option<List<'_>>],
    query: &Query,
) -> Result<Option<Vec<u64>>> {
    if !query.demands() {
        return Ok(None);
    }
    let words = (segment.reader.info().documents as usize).div_ceil(64);
    let mut hidden = vec![0; words];
    hidden
        .iter_mut()
        .zip(segment.hidden)
        .for_each(|(to, from)| *to = *from);
    // Each word is looked at once, however often the query demands it.
    for group in distinct(&query.required) {
        let having = having_all(group, lists, words)?;
        hidden
            .iter_mut()
            .zip(having)
            .for_each(|(to, having)| *to |= !having);
    }
    for group in distinct(&query.excluded) {
        let having = having_all(group, lists, words)?;
        hidden
            .iter_mut()
            .zip(having)
            .for_each(|(to, having)| *to |= having);
    }
    for phrase in distinct(&query.phrases) {
        let having = having_phrase(phrase, lists, &hidden)?;
        hidden
            .iter_mut()
            .zip(having)
            .for_each(|(to, having)| *to |= !having);
    }
    for phrase in distinct(&query.excluded_phrases) {
        let having = having_phrase(phrase, lists, &hidden)?;
        hidden
            .iter_mut()
            .zip(having)
            .for_each(|(to, having)| *to |= having);
    }
    Ok(Some(hidden))
}

fn distinct<T: Ord>(clauses: &[T]) -> Vec<&T> {
    let mut clauses: Vec<&T> = clauses.iter().collect();
    clauses.sort_unstable();
    clauses.dedup();
    clauses
}

/// Bits of the documents that have all terms.
fn having_all(terms: &[usize], lists: &[Option<List<'_>>], words: usize) -> Result<Vec<u64>> {
    let mut all = vec![u64::MAX; words];
    for &term in terms {
        let mut having = vec![0u64; words];
        if let Some(list) = lists[term] {
            Cursor::new(list).visit_below(0, u32::MAX, false, |documents, _| {
                for &document in documents {
                    set(&mut having, document);
                }
            })?;
        }
        all.iter_mut()
            .zip(having)
            .for_each(|(all, having)| *all &= having);
    }
    Ok(all)
}

fn set(words: &mut [u64], document: u32) {
    if let Some(word) = words.get_mut(document as usize / 64) {
        *word |= 1 << (document % 64);
    }
}

/// Bits of the documents, of those not hidden, that have a phrase.
fn having_phrase(phrase: &Phrase, lists: &[Option<List<'_>>], hidden: &[u64]) -> Result<Vec<u64>> {
    let mut having = vec![0u64; hidden.len()];
    let mut terms: Vec<usize> = phrase.iter().map(|&(term, _)| term).collect();
    terms.sort_unstable();
    terms.dedup();
    let mut all = having_all(&terms, lists, hidden.len())?;
    all.iter_mut()
        .zip(hidden)
        .for_each(|(all, hidden)| *all &= !hidden);
    let mut cursors: Vec<_> = terms
        .iter()
        .filter_map(|&t| lists[t].map(Cursor::new))
        .collect();
    let mut positions = vec![Vec::new(); terms.len()];
    for (word, &bits) in all.iter().enumerate() {
        let mut bits = bits;
        while bits != 0 {
            let document = word as u32 * 64 + bits.trailing_zeros();
            bits &= bits - 1;
            let mut found = true;
            for (cursor, positions) in cursors.iter_mut().zip(&mut positions) {
                found &= cursor.seek(document)?;
                if found {
                    cursor.positions(positions)?;
                }
            }
            if found && is_phrase(phrase, &terms, &positions) {
                set(&mut having, document);
            }
        }
    }
    Ok(having)
}

/// Whether the words of a phrase stand as far from the first as they should.
fn is_phrase(phrase: &Phrase, terms: &[usize], positions: &[Vec<u32>]) -> bool {
    let of = |term: usize| match terms.binary_search(&term) {
        Ok(at) => &positions[at][..],
        Err(_) => &[],
    };
    // The rarest word says where the phrase may begin.
    let rarest = phrase.iter().min_by_key(|&&(term, _)| of(term).len());
    let Some(&(rarest, offset)) = rarest else {
        return false;
    };
    let mut starts = of(rarest)
        .iter()
        .filter_map(|&position| position.checked_sub(offset));
    starts.any(|start| {
        phrase.iter().all(|&(term, from_first)| {
            let wanted = start.checked_add(from_first);
            wanted.is_some_and(|wanted| of(term).binary_search(&wanted).is_ok())
        })
    })
}
