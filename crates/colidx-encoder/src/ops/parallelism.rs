//! Whether an operation uses one thread or all.

use rayon::prelude::*;

/// How many threads of the current rayon pool an operation may use.
///
/// Many sequences are best spread over threads whole, each operation then running on one; a single query has nothing to
/// spread but the operations themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parallelism {
    Sequential,
    Parallel,
}

/// Rows that a thread is not woken for less of: weights are read once for all of them.
const MIN_ROWS: usize = 4;

impl Parallelism {
    /// Runs `task` on parts of `out`, `[n, width]`, that cover it: `task(first row, rows)`.
    pub(crate) fn by_rows(
        self,
        out: &mut [f32],
        width: usize,
        task: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        let n = out.len() / width;
        let rows = match self {
            Parallelism::Sequential => n,
            Parallelism::Parallel => n.div_ceil(rayon::current_num_threads()).max(MIN_ROWS),
        };
        if rows >= n {
            return task(0, out);
        }
        out.par_chunks_mut(rows * width)
            .enumerate()
            .for_each(|(part, out)| task(part * rows, out));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_done_once() {
        for parallelism in [Parallelism::Sequential, Parallelism::Parallel] {
            for n in [0, 1, 3, 4, 5, 32, 101] {
                let mut out = vec![0.0; n * 3];
                parallelism.by_rows(&mut out, 3, |first, out| {
                    for (row, out) in out.chunks_mut(3).enumerate() {
                        out.iter_mut()
                            .for_each(|x| *x += (first + row) as f32 + 1.0);
                    }
                });
                let expected: Vec<f32> = (0..n * 3).map(|i| (i / 3) as f32 + 1.0).collect();
                assert_eq!(out, expected);
            }
        }
    }
}
