//! Measures what searches of an index find, and how long they take, at each effort.

use super::Index;
use crate::error::{Error, Result};
use crate::format::recall_table::{RecallRow, RecallTable};
use crate::progress::{Phase, Progress};
use crate::search::{Query, SearchOptions};
use std::collections::HashSet;
use std::time::Duration;

/// Efforts at which recall is measured: candidates and reranked documents, in multiples of their
/// defaults.
const EFFORTS: [f64; 6] = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0];

/// Compares default searches with exact ones, for each number of hits.
pub(super) fn measure(
    index: &Index,
    queries: &[Query],
    ks: &[usize],
    progress: &dyn Progress,
) -> Result<RecallTable> {
    let mut ks: Vec<usize> = ks.iter().copied().filter(|&k| k > 0).collect();
    ks.sort_unstable();
    ks.dedup();
    let given = [
        ("number of queries", queries.len()),
        ("number of hits", ks.len()),
    ];
    if let Some((option, _)) = given.into_iter().find(|&(_, number)| number == 0) {
        return Err(Error::Option {
            option,
            got: "0".to_owned(),
            expected: "at least 1",
        });
    }
    let mut cells = vec![Cell::default(); ks.len() * EFFORTS.len()];
    let deepest = ks.last().copied().unwrap_or(0);
    progress.phase(Phase::Measure, Some(queries.len() as u64));
    for (number, query) in queries.iter().enumerate() {
        let exact = SearchOptions::default().k(deepest);
        let exact = index.search(query, &exact.exact(true).parallel(true))?.hits;
        let settings = ks.iter().flat_map(|&k| EFFORTS.map(|effort| (k, effort)));
        for ((k, effort), cell) in settings.zip(&mut cells) {
            let options = SearchOptions::default().k(k).effort(effort);
            let results = index.search(query, &options)?;
            let found: HashSet<_> = results.hits.iter().map(|hit| hit.doc).collect();
            let wanted = &exact[..k.min(exact.len())];
            cell.found += wanted.iter().filter(|hit| found.contains(&hit.doc)).count();
            cell.wanted += wanted.len();
            cell.times.push(results.stats.total_time);
        }
        progress.advance(number as u64 + 1);
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
    }
    let settings = ks.iter().flat_map(|&k| EFFORTS.map(|effort| (k, effort)));
    Ok(RecallTable {
        documents: index.num_documents(),
        queries: queries.len() as u64,
        rows: settings
            .zip(cells)
            .map(|((k, effort), cell)| cell.row(k, effort))
            .collect(),
    })
}

/// What searches with one setting found.
#[derive(Clone, Default)]
struct Cell {
    found: usize,
    wanted: usize,
    times: Vec<Duration>,
}

impl Cell {
    fn row(mut self, k: usize, effort: f64) -> RecallRow {
        self.times.sort_unstable();
        let median = self.times.get(self.times.len() / 2);
        RecallRow {
            k: u32::try_from(k).unwrap_or(u32::MAX),
            effort,
            // Of nothing, all is found.
            recall: match self.wanted {
                0 => 1.0,
                wanted => self.found as f64 / wanted as f64,
            },
            milliseconds: median.map_or(0.0, |time| time.as_secs_f64() * 1e3),
        }
    }
}
