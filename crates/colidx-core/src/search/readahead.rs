//! Read-ahead: a step asks the disk for everything it is about to read at once, instead of waiting
//! for it page by page.
//!
//! Asking costs a system call a range, which is wasted while the index is in memory. So searches
//! ask only for a while after one that waited for the disk, as the system's count of the thread's
//! major faults tells.

use super::Context;
use super::centroids::Probes;
use super::tuning::{READAHEAD_GAP, READAHEAD_SEARCHES};
use crate::error::Result;
use crate::format::frame::Section;
use crate::snapshot::Place;
use crate::storage;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

/// Whether searches of an index should read ahead.
#[derive(Debug)]
pub(crate) struct ReadAhead {
    /// Searches to come that will.
    left: AtomicU32,
}

/// An index that was just opened may not be in memory at all.
impl Default for ReadAhead {
    fn default() -> Self {
        Self {
            left: AtomicU32::new(READAHEAD_SEARCHES),
        }
    }
}

impl ReadAhead {
    /// Runs a search and notes whether it waited for the disk.
    pub(super) fn watch<T>(&self, search: impl FnOnce() -> T) -> T {
        let before = storage::major_faults();
        let result = search();
        let left = self.left.load(Ordering::Relaxed);
        let next = if storage::major_faults() > before {
            READAHEAD_SEARCHES
        } else {
            left.saturating_sub(1)
        };
        if next != left {
            self.left.store(next, Ordering::Relaxed);
        }
        result
    }

    fn is_on(&self) -> bool {
        self.left.load(Ordering::Relaxed) > 0
    }
}

/// Reads ahead the posting lists of the probed centroids.
pub(super) fn posting_lists(context: Context<'_>, probes: &Probes<'_>) -> Result<()> {
    if !context.scratch.readahead.is_on() {
        return Ok(());
    }
    for segment in context.snapshot.segments() {
        let postings = &segment.postings;
        let mut places = Vec::new();
        for &(_, centroid) in probes.tokens.iter().flatten() {
            places.extend(postings.bytes_of(centroid)?);
        }
        places.sort_unstable_by_key(|place| place.start);
        advise_willneed(postings.lists(), places);
    }
    Ok(())
}

/// Reads ahead the mean residuals of documents, which come in order.
pub(super) fn mean_residuals(context: Context<'_>, documents: impl Iterator<Item = Place> + Clone) {
    if !context.scratch.readahead.is_on() {
        return;
    }
    for (at, segment) in context.snapshot.segments().iter().enumerate() {
        let of_segment = documents.clone().filter(|d| d.segment() == at);
        let rows = of_segment.map(|d| segment.mean_residuals.bytes_of(d.document()));
        advise_willneed(segment.mean_residuals.section(), rows);
    }
}

/// Reads ahead the codes and residuals of documents, which come in order.
pub(super) fn vectors(context: Context<'_>, documents: &[Place]) -> Result<()> {
    if !context.scratch.readahead.is_on() {
        return Ok(());
    }
    for of_segment in documents.chunk_by(|a, b| a.segment() == b.segment()) {
        let segment = &context.snapshot.segments()[of_segment[0].segment()];
        let ranges = of_segment
            .iter()
            .map(|d| segment.documents.vectors(d.document()));
        let ranges = ranges.collect::<Result<Vec<_>>>()?;
        let vectors = &segment.vectors;
        advise_willneed(
            vectors.codes.section(),
            ranges.iter().map(|r| vectors.codes.bytes_of(r)),
        );
        advise_willneed(
            vectors.residual_section(),
            ranges.iter().map(|r| vectors.residual_bytes_of(r)),
        );
    }
    Ok(())
}

/// Asks for ascending ranges of a section. Ranges close together are asked for as one.
fn advise_willneed<T>(section: &Section<T>, ranges: impl IntoIterator<Item = Range<usize>>) {
    let mut open: Option<Range<usize>> = None;
    for range in ranges {
        match &mut open {
            Some(open) if range.start <= open.end.saturating_add(READAHEAD_GAP) => {
                open.end = open.end.max(range.end);
            }
            _ => {
                if let Some(done) = open.replace(range) {
                    section.advise_willneed(done);
                }
            }
        }
    }
    if let Some(done) = open {
        section.advise_willneed(done);
    }
}
