//! Whether an operation uses one thread or all.

use rayon::prelude::*;

/// How many threads of the current rayon pool an operation may use.
///
/// Many sequences are best spread over threads whole, each operation then running on one; a single query has nothing to
/// spread but the operations themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Threads {
    One,
    All,
}

impl Threads {
    /// `task(i)` for each `i` below `n`, in order.
    pub(crate) fn map<T: Send>(self, n: usize, task: impl Fn(usize) -> T + Sync) -> Vec<T> {
        match self {
            Threads::One => (0..n).map(task).collect(),
            Threads::All => (0..n).into_par_iter().map(&task).collect(),
        }
    }
}
