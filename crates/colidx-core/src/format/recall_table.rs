//! What searches of an index find at each effort, as it was measured on the index itself.

use crate::error::UnknownRecall;
use serde::{Deserialize, Serialize};

/// Recall of the default search of one index at several efforts
/// ([`Index::measure_recall`](crate::Index::measure_recall)). Once
/// [`IndexWriter::tune`](crate::IndexWriter::tune) stored one, it decides what
/// [`SearchOptions::recall`](crate::SearchOptions::recall) does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecallTable {
    /// Documents of the index when it was measured.
    pub documents: u64,
    /// Queries that it was measured with.
    pub queries: u64,
    /// By `k`, then by effort, ascending.
    pub rows: Vec<RecallRow>,
}

/// What one effort finds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecallRow {
    /// Hits wanted.
    pub k: u32,
    /// Candidates and reranked documents, in multiples of their defaults. Above 1, probes and
    /// postings grow by its square root.
    pub effort: f64,
    /// Share of the exact top `k` that was found.
    pub recall: f64,
    /// Median time of a search on one thread.
    pub milliseconds: f64,
}

/// The largest effort that a table may hold.
const MAX_EFFORT: f64 = 1e6;

impl RecallTable {
    /// What is wrong with a table that was read, if anything is.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let in_order = |a: &RecallRow, b: &RecallRow| (a.k, a.effort) < (b.k, b.effort);
        let valid = |row: &RecallRow| {
            row.effort > 0.0
                && row.effort <= MAX_EFFORT
                && (0.0..=1.0).contains(&row.recall)
                && row.milliseconds >= 0.0
                && row.milliseconds.is_finite()
        };
        if !self.rows.is_sorted_by(in_order) {
            return Some("ascending by k and effort");
        }
        (!self.rows.iter().all(valid)).then_some("efforts above 0, recalls from 0 to 1")
    }

    /// Whether it tells of `k` hits of an index of `documents`: half to twice as many as were
    /// measured, and no more hits.
    pub(crate) fn holds_for(&self, documents: u64, k: usize) -> Result<(), UnknownRecall> {
        let measured = self.documents;
        if documents > measured.saturating_mul(2) || documents < measured / 2 {
            return Err(UnknownRecall::Resized {
                measured,
                documents,
            });
        }
        let measured = self.rows.last().map_or(0, |row| row.k);
        if (measured as usize) < k {
            return Err(UnknownRecall::TooManyHits { measured, k });
        }
        Ok(())
    }

    /// The least effort that finds a share `recall` of the exact top `k`, by the rows of the least
    /// number of hits that is no less than `k`; `None` where none was seen to.
    pub(crate) fn effort(&self, k: usize, recall: f64) -> Option<f64> {
        let measured = self.rows.iter().find(|row| row.k as usize >= k)?.k;
        let mut rows = self.rows.iter().filter(|row| row.k == measured);
        let enough = rows.find(|row| row.recall >= recall);
        enough.map(|row| row.effort)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[(u32, f64, f64)]) -> RecallTable {
        let row = |&(k, effort, recall)| RecallRow {
            k,
            effort,
            recall,
            milliseconds: 1.0,
        };
        RecallTable {
            documents: 9,
            queries: 3,
            rows: rows.iter().map(row).collect(),
        }
    }

    #[test]
    fn the_least_effort_that_finds_enough_is_chosen() {
        let rows = [
            (10, 0.5, 0.8),
            (10, 1.0, 0.9),
            (100, 1.0, 0.7),
            (100, 2.0, 0.95),
        ];
        let table = table(&rows);
        assert_eq!(table.fault(), None);
        assert_eq!(table.effort(10, 0.7), Some(0.5));
        assert_eq!(table.effort(3, 0.9), Some(1.0));
        // Of 11 hits by what 100 need.
        assert_eq!(table.effort(11, 0.8), Some(2.0));
        // None finds that many.
        assert_eq!(table.effort(10, 0.99), None);
    }

    #[test]
    fn a_table_tells_of_indexes_of_like_size_and_of_no_more_hits() {
        let table = table(&[(10, 1.0, 0.9), (100, 1.0, 0.8)]);
        let resized = |documents| UnknownRecall::Resized {
            measured: 9,
            documents,
        };
        for documents in [4, 9, 18] {
            assert_eq!(table.holds_for(documents, 100), Ok(()));
        }
        for documents in [0, 3, 19, u64::MAX] {
            assert_eq!(table.holds_for(documents, 1), Err(resized(documents)));
        }
        let deeper = UnknownRecall::TooManyHits {
            measured: 100,
            k: 101,
        };
        assert_eq!(table.holds_for(9, 101), Err(deeper));
    }

    #[test]
    fn a_table_in_another_order_or_with_other_values_has_a_fault() {
        assert!(table(&[(10, 1.0, 0.9), (10, 0.5, 0.8)]).fault().is_some());
        assert!(table(&[(10, 1.0, 1.1)]).fault().is_some());
        assert!(table(&[(10, f64::NAN, 0.9)]).fault().is_some());
        assert!(table(&[(10, 0.0, 0.9)]).fault().is_some());
        assert_eq!(table(&[]).fault(), None);
        assert_eq!(table(&[]).effort(10, 0.9), None);
    }
}
