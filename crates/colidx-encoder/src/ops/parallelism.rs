//! Parallelism within an operation.

use rayon::prelude::*;

/// Whether an operation uses one thread of the current rayon pool or all.
///
/// Many sequences are best distributed over threads as wholes, with sequential operations. A single
/// query can only be parallelized within the operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parallelism {
    Sequential,
    Parallel,
}

/// Fewest rows per task: the weights are read once per task.
const MIN_ROWS: usize = 4;

impl Parallelism {
    /// Runs `task(first row, rows)` on disjoint parts that cover `out`, `[n, width]`.
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
    fn every_row_is_processed_once() {
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
