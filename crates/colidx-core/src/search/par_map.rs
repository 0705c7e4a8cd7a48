//! A map over chunks of a list, on one thread or on all of the pool.

use super::{Context, SearchStats};
use crate::error::Result;
use rayon::prelude::*;

/// Maps `items` with `work`, in order, and adds the work it took to `stats`.
///
/// Where the search is parallel, threads take `chunk` items at a time, and each makes one `state`.
/// Otherwise one call takes all.
pub(super) fn par_map_chunks<T: Sync, W, S: Send>(
    context: Context<'_>,
    items: &[T],
    chunk: usize,
    stats: &mut SearchStats,
    state: impl Fn() -> W + Sync + Send,
    work: impl Fn(&mut W, &[T], &mut SearchStats) -> Result<Vec<S>> + Sync + Send,
) -> Result<Vec<S>> {
    if !context.options.parallel {
        return work(&mut state(), items, stats);
    }
    let parts: Vec<(Vec<S>, SearchStats)> = items
        .par_chunks(chunk)
        .map_init(state, |state, items| {
            let mut stats = SearchStats::default();
            Ok((work(state, items, &mut stats)?, stats))
        })
        .collect::<Result<_>>()?;
    let mut all = Vec::with_capacity(items.len());
    for (part, work) in parts {
        all.extend(part);
        stats.add_work(&work);
    }
    Ok(all)
}
