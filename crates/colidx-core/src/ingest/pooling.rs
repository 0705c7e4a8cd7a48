//! Token pooling: vectors of a document that lie near each other become one, their mean.
//!
//! As B. Clavié, A. Chaffin and G. Adams, "Reducing the Footprint of Multi-Vector Retrieval with
//! Minimal Performance Impact via Token Pooling" (arXiv 2409.14683), and as PyLate does it: Ward's
//! method on the rows of the matrix of cosines, down to one cluster for `factor` vectors. The first
//! vectors of a document may be left as they are.

use super::VectorBatch;
use super::encode::has_unit_length;
use crate::format::pooling::Pooling;
use colidx_cluster::ward;
use rayon::prelude::*;
use std::ops::Range;

/// Most vectors that are pooled together; longer documents are pooled in pieces. Memory and time
/// grow with its square and cube.
const PIECE: usize = 2048;

impl Pooling {
    /// Pools every document of a batch of vectors of `dim` values.
    pub(crate) fn pool(self, dim: usize, batch: &mut VectorBatch) {
        let mut row = 0;
        let ranges: Vec<Range<usize>> = batch
            .lens
            .iter()
            .map(|&len| {
                let start = row;
                row += len as usize;
                start..row
            })
            .collect();
        // A source may have given wrong counts, which are refused later.
        if row * dim != batch.vectors.len() {
            return;
        }
        let document = |rows: &Range<usize>| {
            let vectors = &batch.vectors[rows.start * dim..rows.end * dim];
            let ids = batch.token_ids.get(rows.clone()).unwrap_or_default();
            self.document(dim, vectors, ids)
        };
        let pooled: Vec<VectorBatch> = ranges.par_iter().map(document).collect();
        batch.clear();
        for document in pooled {
            batch.lens.push((document.vectors.len() / dim) as u32);
            batch.vectors.extend(document.vectors);
            batch.token_ids.extend(document.token_ids);
        }
    }

    fn document(self, dim: usize, vectors: &[f32], token_ids: &[u32]) -> VectorBatch {
        let count = vectors.len() / dim;
        let kept = count.min(self.protected as usize);
        let mut out = VectorBatch {
            vectors: vectors[..kept * dim].to_vec(),
            lens: Vec::new(),
            token_ids: token_ids.get(..kept).unwrap_or_default().to_vec(),
        };
        let pieces = (count - kept).div_ceil(PIECE);
        let bound = |piece: usize| kept + (count - kept) * piece / pieces;
        for piece in 0..pieces {
            let rows = bound(piece)..bound(piece + 1);
            let ids = token_ids.get(rows.clone()).unwrap_or_default();
            let vectors = &vectors[rows.start * dim..rows.end * dim];
            self.piece(dim, vectors, ids, &mut out);
        }
        out
    }

    fn piece(self, dim: usize, vectors: &[f32], token_ids: &[u32], out: &mut VectorBatch) {
        let count = vectors.len() / dim;
        let clusters = (count / self.factor as usize).max(1);
        let labels = ward(&cosines(vectors, dim), count, clusters);
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); clusters];
        for (row, &label) in labels.iter().enumerate() {
            members[label as usize].push(row);
        }
        for members in members.iter().filter(|members| !members.is_empty()) {
            let row = |at: usize| &vectors[at * dim..][..dim];
            let mean = mean(dim, members.iter().map(|&at| row(at)));
            if !token_ids.is_empty() {
                // The token that the mean is most like.
                let like = |&at: &usize| dot(row(at), &mean);
                let best = members.iter().copied();
                let best = best.max_by(|a, b| like(a).total_cmp(&like(b)).then(b.cmp(a)));
                out.token_ids.extend(best.map(|at| token_ids[at]));
            }
            out.vectors.extend(mean);
        }
    }
}

/// The mean of vectors. Where all have unit length it has too; where these cancel each other out it
/// is the first of them.
fn mean<'a>(dim: usize, vectors: impl Iterator<Item = &'a [f32]>) -> Vec<f32> {
    let mut mean = vec![0.0f32; dim];
    let (mut count, mut unit) = (0.0f32, true);
    let mut first = None;
    for vector in vectors {
        first.get_or_insert(vector);
        count += 1.0;
        unit &= has_unit_length(vector);
        for (sum, value) in mean.iter_mut().zip(vector) {
            *sum += value;
        }
    }
    let length = dot(&mean, &mean).sqrt();
    let divisor = match unit {
        true if length < 1e-6 => return first.unwrap_or_default().to_vec(),
        true => length,
        false => count,
    };
    mean.iter_mut().for_each(|value| *value /= divisor);
    mean
}

/// The cosines of all pairs of `n` vectors, [n, n].
fn cosines(vectors: &[f32], dim: usize) -> Vec<f32> {
    let count = vectors.len() / dim;
    let row = |at: usize| &vectors[at * dim..][..dim];
    let lengths: Vec<f32> = (0..count)
        .map(|at| dot(row(at), row(at)).sqrt().max(f32::MIN_POSITIVE))
        .collect();
    let mut cosines = vec![0.0; count * count];
    for one in 0..count {
        for other in 0..=one {
            let cosine = dot(row(one), row(other)) / lengths[one] / lengths[other];
            cosines[one * count + other] = cosine;
            cosines[other * count + one] = cosine;
        }
    }
    cosines
}

/// In lanes, so that the compiler makes vector instructions of it.
fn dot(one: &[f32], other: &[f32]) -> f32 {
    const LANES: usize = 16;
    let (ones, rest) = one.as_chunks::<LANES>();
    let (others, other_rest) = other.as_chunks::<LANES>();
    let mut sums = [0.0f32; LANES];
    for (one, other) in ones.iter().zip(others) {
        for (sum, (a, b)) in sums.iter_mut().zip(one.iter().zip(other)) {
            *sum += a * b;
        }
    }
    let rest = rest.iter().zip(other_rest).map(|(a, b)| a * b);
    sums.iter().sum::<f32>() + rest.sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(x: f32, y: f32) -> [f32; 2] {
        let length = x.hypot(y);
        [x / length, y / length]
    }

    fn batch(documents: &[&[[f32; 2]]]) -> VectorBatch {
        VectorBatch {
            vectors: documents
                .iter()
                .flat_map(|d| d.as_flattened())
                .copied()
                .collect(),
            lens: documents.iter().map(|d| d.len() as u32).collect(),
            token_ids: Vec::new(),
        }
    }

    /// What scipy 1 gives for these vectors: `fcluster(linkage(1 - cosines, "ward"), n // factor,
    /// "maxclust")`, as PyLate 1.6 calls it, with clusters numbered by their first vectors.
    #[test]
    fn pools_are_those_of_pylate() {
        let value = |i: usize, d: usize| ((i * 37 + d * 11 + i * i * d % 7) as f64).sin() as f32;
        let vectors: Vec<f32> = (0..60)
            .flat_map(|i| {
                let row: Vec<f32> = (0..16).map(|d| value(i, d)).collect();
                let length = dot(&row, &row).sqrt();
                row.into_iter().map(move |x| x / length)
            })
            .collect();
        let expected: [(usize, [u32; 60]); 3] = [
            (
                2,
                [
                    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 6, 15, 16, 17, 18, 19, 20,
                    13, 5, 21, 21, 22, 23, 24, 19, 12, 4, 25, 15, 26, 0, 23, 18, 11, 3, 27, 28, 7,
                    26, 22, 17, 10, 2, 29, 14, 28, 15, 21, 16, 9, 1, 20, 29, 27, 25,
                ],
            ),
            (
                3,
                [
                    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 3, 11, 12, 13, 6, 14, 15, 15, 2, 1, 16, 12,
                    5, 17, 17, 9, 18, 16, 1, 11, 4, 19, 14, 8, 0, 18, 2, 3, 3, 5, 6, 7, 8, 9, 15,
                    10, 2, 12, 13, 6, 14, 17, 15, 9, 1, 16, 12, 5, 19,
                ],
            ),
            (
                4,
                [
                    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 3, 2, 11, 7, 6, 12, 13, 13, 2, 1, 10, 11, 5,
                    14, 14, 9, 0, 10, 1, 2, 4, 4, 12, 8, 0, 0, 2, 3, 3, 5, 6, 7, 8, 9, 13, 10, 2,
                    11, 7, 6, 12, 14, 13, 9, 1, 10, 11, 5, 4,
                ],
            ),
        ];
        for (factor, labels) in expected {
            assert_eq!(
                ward(&cosines(&vectors, 16), 60, 60 / factor),
                labels,
                "{factor}"
            );
        }
    }

    #[test]
    fn near_vectors_become_one_of_unit_length_and_the_first_stays() {
        let first = unit(-1.0, 0.0);
        let document = [
            first,
            unit(1.0, 0.1),
            unit(0.1, 1.0),
            unit(1.0, -0.1),
            unit(-0.1, 1.0),
        ];
        let mut out = batch(&[&document, &[], &[first]]);
        out.token_ids = vec![9, 1, 2, 1, 3, 7];
        Pooling::new(2).pool(2, &mut out);
        assert_eq!(out.lens, [3, 0, 1]);
        let expected = [first, [1.0, 0.0], [0.0, 1.0], first];
        for (got, expected) in out.vectors.iter().zip(expected.as_flattened()) {
            assert!((got - expected).abs() < 1e-6, "{:?}", out.vectors);
        }
        assert_eq!(out.token_ids, [9, 1, 2, 7]);

        let mut out = batch(&[&document]);
        Pooling::new(2).protected(0).pool(2, &mut out);
        assert_eq!(out.lens, [2]);
        let mut out = batch(&[&document]);
        Pooling::new(9).protected(99).pool(2, &mut out);
        assert_eq!(out, batch(&[&document]));
    }

    #[test]
    fn vectors_of_any_length_become_their_mean() {
        let mut out = batch(&[&[[3.0, 0.0], [1.0, 0.0], [0.0, 4.0], [0.0, 2.0]]]);
        Pooling::new(2).protected(0).pool(2, &mut out);
        assert_eq!(
            (&out.vectors[..], &out.lens[..]),
            (&[2.0, 0.0, 0.0, 3.0][..], &[2][..])
        );
    }

    #[test]
    fn of_vectors_that_cancel_each_other_out_the_first_counts() {
        let mut out = batch(&[&[[1.0, 0.0], [-1.0, 0.0]]]);
        Pooling::new(2).protected(0).pool(2, &mut out);
        assert_eq!(
            (&out.vectors[..], &out.lens[..]),
            (&[1.0, 0.0][..], &[1][..])
        );
    }

    #[test]
    fn long_documents_are_pooled_in_pieces() {
        let rows: Vec<[f32; 2]> = (0..PIECE + 2).map(|at| unit(1.0, at as f32)).collect();
        let mut out = batch(&[&rows]);
        Pooling::new(1000).pool(2, &mut out);
        // Two pieces of 1,025 vectors have one cluster each.
        assert_eq!(out.lens, [3]);
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        for bad in [
            Pooling::new(1),
            Pooling::new(1001),
            Pooling::new(2).protected(1001),
        ] {
            assert!(bad.check().is_err());
        }
        assert!(Pooling::new(1000).protected(0).check().is_ok());
    }
}
