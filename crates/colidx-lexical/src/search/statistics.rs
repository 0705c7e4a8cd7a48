//! Counts over all segments, of documents that are not deleted.

use super::Segment;
use crate::error::Result;
use crate::query::Query;
use crate::read::list::{Cursor, List};

#[derive(Debug)]
pub(crate) struct Statistics {
    pub documents: u64,
    pub tokens: u64,
    /// Documents that have each term of the query.
    pub frequencies: Vec<u64>,
}

impl Statistics {
    /// Counts; `lists` has the list of each term for each segment.
    pub fn new<B: AsRef<[u8]>>(
        segments: &[Segment<'_, B>],
        lists: &[Vec<Option<List<'_>>>],
        query: &Query,
    ) -> Result<Self> {
        let mut frequencies = vec![0; query.terms().len()];
        for (segment, lists) in segments.iter().zip(lists) {
            for (frequency, list) in frequencies.iter_mut().zip(lists) {
                if let Some(list) = list {
                    *frequency += count(list, segment)?;
                }
            }
        }
        Ok(Self {
            documents: segments.iter().map(|s| u64::from(s.live.documents)).sum(),
            tokens: segments.iter().map(|s| s.live.tokens).sum(),
            frequencies,
        })
    }

    /// Terms of a document on average, never 0.
    pub fn average(&self) -> f64 {
        (self.tokens.max(1) as f64) / (self.documents.max(1) as f64)
    }
}

/// The documents of a list that are not deleted.
fn count<B>(list: &List<'_>, segment: &Segment<'_, B>) -> Result<u64> {
    if segment.live.deleted.is_empty() {
        return Ok(list.count.into());
    }
    let mut count = 0;
    Cursor::new(*list).visit_below(0, u32::MAX, false, |documents, _| {
        let live = documents.iter().filter(|&&d| !segment.live.is_deleted(d));
        count += live.count() as u64;
    })?;
    Ok(count)
}
