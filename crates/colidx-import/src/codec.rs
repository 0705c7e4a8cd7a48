//! Token vectors from codes and residuals.
//!
//! A row of residuals is a stream of bits, the most significant of each byte first. A dimension has
//! `nbits` of them, the lowest of its bucket number first.

use half::f16;

use crate::array::Array;
use crate::error::ImportError;

/// Values of centroids that are read however few vectors there are: 64 MiB.
const FREE_VALUES: u64 = 1 << 24;

/// How vectors are decoded.
#[derive(Debug)]
pub(crate) struct Codec {
    pub(crate) dim: usize,
    /// Bytes of residuals of a vector.
    pub(crate) row: usize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The nearest centroid plus the weights of the buckets.
    Residual {
        /// `[centroids, dim]`.
        centroids: Vec<f32>,
        /// The weights that a byte stands for, `[256, 8 / nbits]`.
        weights: Vec<f32>,
        lengths: Lengths,
    },
    /// One bit a dimension: 1 or -1.
    Signs,
}

/// What an engine makes of the sums of centroids and weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lengths {
    /// Nothing.
    Kept,
    /// Vectors of unit length.
    Unit,
    /// The same with every step rounded to f16, as fast-plaid does it: scores of about 6 else
    /// differ by up to 2.4e-3 from its own.
    UnitInHalf,
}

/// A code that no centroid has: its place, and it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoCentroid(pub(crate) usize, pub(crate) i64);

impl Codec {
    /// The codec of `centroids` and one table of bucket `weights` for all dimensions, without the
    /// values of the centroids: those are read once it is known how many vectors there are.
    pub(crate) fn residual(
        centroids: &Array,
        weights: &Array,
        lengths: Lengths,
    ) -> Result<Codec, ImportError> {
        let dim = Codec::dim_of(centroids)?;
        let mut buckets = weights.few_floats("2, 4, 16 or 256 bucket weights")?;
        if lengths == Lengths::UnitInHalf {
            to_half(&mut buckets);
        }
        let nbits = match buckets.len() {
            2 => 1,
            4 => 2,
            16 => 4,
            256 => 8,
            _ => return Err(weights.unfit("2, 4, 16 or 256 bucket weights")),
        };
        if dim * nbits % 8 != 0 {
            return Err(centroids.unfit(format!(
                "a dim whose residuals of {nbits} bits are whole bytes"
            )));
        }
        Ok(Codec {
            dim,
            row: dim * nbits / 8,
            kind: Kind::Residual {
                centroids: Vec::new(),
                weights: weights_of_bytes(&buckets, nbits),
                lengths,
            },
        })
    }

    /// Reads the centroids of an index of `vectors` vectors. A build makes fewer centroids than it
    /// has vectors; only where most documents were deleted since may there be more.
    pub(crate) fn read_centroids(
        &mut self,
        array: &Array,
        vectors: u64,
    ) -> Result<(), ImportError> {
        let Kind::Residual {
            centroids, lengths, ..
        } = &mut self.kind
        else {
            return Ok(());
        };
        let most = vectors.max(FREE_VALUES / self.dim as u64);
        array.at_most(most, "centroids")?;
        *centroids = array.floats()?;
        if *lengths == Lengths::UnitInHalf {
            to_half(centroids);
        }
        Ok(())
    }

    /// The codec that keeps signs only; the centroids tell the dim.
    pub(crate) fn signs(centroids: &Array) -> Result<Codec, ImportError> {
        let dim = Codec::dim_of(centroids)?;
        Ok(Codec {
            dim,
            row: dim.div_ceil(8),
            kind: Kind::Signs,
        })
    }

    fn dim_of(centroids: &Array) -> Result<usize, ImportError> {
        let expected = "floats of shape [centroids, dim], dim from 1 to 65,536";
        let [_, dim] = centroids.rows(expected)?;
        if !centroids.dtype().is_float() || !(1..=1 << 16).contains(&dim) {
            return Err(centroids.unfit(expected));
        }
        Ok(dim as usize)
    }

    /// Appends the vectors of `residuals`, as many as there are `codes`; both may be long.
    pub(crate) fn decode(
        &self,
        codes: &[i64],
        residuals: &[u8],
        out: &mut Vec<f32>,
    ) -> Result<(), NoCentroid> {
        out.reserve(codes.len() * self.dim);
        for (at, (&code, row)) in codes
            .iter()
            .zip(residuals.chunks_exact(self.row))
            .enumerate()
        {
            match &self.kind {
                Kind::Residual {
                    centroids,
                    weights,
                    lengths,
                } => {
                    let centroid = usize::try_from(code)
                        .ok()
                        .and_then(|code| centroids.chunks_exact(self.dim).nth(code))
                        .ok_or(NoCentroid(at, code))?;
                    let start = out.len();
                    add(centroid, weights, row, out);
                    match lengths {
                        Lengths::Kept => {}
                        Lengths::Unit => normalise_row(&mut out[start..]),
                        Lengths::UnitInHalf => normalise_in_half(&mut out[start..]),
                    }
                }
                Kind::Signs => out.extend(signs(row).take(self.dim)),
            }
        }
        Ok(())
    }
}

/// The weights that each byte stands for.
fn weights_of_bytes(buckets: &[f32], nbits: usize) -> Vec<f32> {
    let weight = |byte: usize, slot: usize| {
        let bits = byte >> (8 - nbits * (slot + 1));
        let bucket = (0..nbits).fold(0, |bucket, bit| bucket << 1 | bits >> bit & 1);
        buckets[bucket]
    };
    (0..256)
        .flat_map(|byte| (0..8 / nbits).map(move |slot| weight(byte, slot)))
        .collect()
}

fn add(centroid: &[f32], weights: &[f32], row: &[u8], out: &mut Vec<f32>) {
    let per_byte = weights.len() / 256;
    for (&byte, values) in row.iter().zip(centroid.chunks_exact(per_byte)) {
        let weights = &weights[usize::from(byte) * per_byte..][..per_byte];
        out.extend(
            values
                .iter()
                .zip(weights)
                .map(|(value, weight)| value + weight),
        );
    }
}

/// All engines that normalise divide by the length, or by 1e-12 where it is less.
fn normalise_row(vector: &mut [f32]) {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector
        .iter_mut()
        .for_each(|value| *value /= length.max(1e-12));
}

/// As [`normalise_row`], with sums, length and quotients rounded to f16.
fn normalise_in_half(vector: &mut [f32]) {
    to_half(vector);
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    let length = f16::from_f32(length).to_f32().max(1e-12);
    vector.iter_mut().for_each(|value| *value /= length);
    to_half(vector);
}

fn to_half(values: &mut [f32]) {
    let round = |value: &mut f32| *value = f16::from_f32(*value).to_f32();
    values.iter_mut().for_each(round);
}

fn signs(row: &[u8]) -> impl Iterator<Item = f32> {
    let bits = row
        .iter()
        .flat_map(|byte| (0..8).map(move |bit| byte << bit & 0x80));
    bits.map(|bit| if bit == 0 { -1.0 } else { 1.0 })
}

#[cfg(test)]
mod tests;
