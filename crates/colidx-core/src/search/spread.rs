//! Work on many items, spread over threads.

use super::SearchStats;
use crate::error::Result;
use rayon::prelude::*;

/// What `work` makes of the items, in their order, with the work it took added to `stats`. With `parallel` the threads of the pool take
/// `chunk` items at a time; each has a worker of its own.
pub(super) fn spread<T: Sync, W, S: Send>(
    items: &[T],
    chunk: usize,
    parallel: bool,
    stats: &mut SearchStats,
    worker: impl Fn() -> W + Sync + Send,
    work: impl Fn(&mut W, &[T], &mut SearchStats) -> Result<Vec<S>> + Sync + Send,
) -> Result<Vec<S>> {
    if !parallel {
        return work(&mut worker(), items, stats);
    }
    let parts: Vec<(Vec<S>, SearchStats)> = items
        .par_chunks(chunk)
        .map_init(worker, |worker, items| {
            let mut stats = SearchStats::default();
            Ok((work(worker, items, &mut stats)?, stats))
        })
        .collect::<Result<_>>()?;
    let mut all = Vec::with_capacity(items.len());
    for (part, work) in parts {
        all.extend(part);
        stats.add_work(&work);
    }
    Ok(all)
}
