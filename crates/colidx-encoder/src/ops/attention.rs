//! Self-attention over packed sequences.

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use colidx_kernels::{LANES, Panels, RowsView, dots_strided, softmax};

use super::{Threads, elements};

/// One sequence of a packed batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sequence {
    /// Its rows in the batch.
    pub(crate) rows: Range<usize>,
    /// Its first tokens that are attended to; the rest attends and is not attended to.
    pub(crate) attended: usize,
}

/// Scaled dot-product attention (Vaswani et al., arXiv 1706.03762, section 3.2) of several heads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attention {
    pub(crate) heads: usize,
    /// Dimensions of a head.
    pub(crate) width: usize,
}

impl Attention {
    /// `[n, hidden]` for `qkv`, `[n, 3 hidden]`: queries, keys and values side by side, heads side by side in each.
    pub(crate) fn forward(
        self,
        qkv: &Tensor,
        sequences: &[Sequence],
        threads: Threads,
    ) -> Result<Tensor> {
        qkv.apply_op1_no_bwd(&Forward {
            attention: self,
            sequences,
            threads,
        })
    }

    fn hidden(self) -> usize {
        self.heads * self.width
    }

    /// What head `head` gives for the rows of `part` that `out` has room for: its `width` numbers, and perhaps zeros up to a multiple of [`LANES`], every `stride` floats of `out`.
    fn head(
        self,
        Part {
            qkv,
            attended,
            first,
        }: Part<'_>,
        head: usize,
        out: &mut [f32],
        stride: usize,
        room: &mut Room,
    ) {
        let Room {
            keys,
            values,
            weights,
        } = room;
        let (hidden, width) = (self.hidden(), self.width);
        let row = 3 * hidden;
        let part = |which: usize, rows: Range<usize>| {
            let start = which * hidden + head * width;
            let end = (rows.end - 1) * row + start + width;
            RowsView::strided(&qkv[rows.start * row + start..end], width, row)
        };
        keys.refill(part(1, 0..attended), 1.0 / (width as f32).sqrt());
        values.refill_columns_of(part(2, 0..attended));

        let padded = keys.padded_columns();
        let mut rows = first..first;
        for out in out.chunks_mut(BLOCK * stride) {
            rows = rows.end..rows.end + out.len().div_ceil(stride);
            weights.resize(rows.len() * padded, 0.0);
            dots_strided(part(0, rows.clone()), keys, weights, padded);
            softmax(weights, padded, attended);
            let weights = RowsView::strided(weights, attended, padded);
            dots_strided(weights, values, out, stride);
        }
    }

    /// What all heads give for the rows of `part` that `out`, `[n, hidden]`, has room for.
    fn rows(self, part: Part<'_>, out: &mut [f32]) {
        let (hidden, width) = (self.hidden(), self.width);
        let padded = width.next_multiple_of(LANES);
        let mut room = Room::default();
        let mut wide = Vec::new();
        for head in 0..self.heads {
            if padded == width {
                let out = &mut out[head * width..];
                self.head(part, head, out, hidden, &mut room);
                continue;
            }
            wide.resize(out.len() / hidden * padded, 0.0);
            self.head(part, head, &mut wide, padded, &mut room);
            let rows = wide.chunks_exact(padded);
            for (row, out) in rows.zip(out.chunks_exact_mut(hidden)) {
                out[head * width..][..width].copy_from_slice(&row[..width]);
            }
        }
    }
}

/// Rows of a sequence, from `first` on.
#[derive(Clone, Copy)]
struct Part<'a> {
    /// The whole sequence, `[n, 3 hidden]`.
    qkv: &'a [f32],
    attended: usize,
    first: usize,
}

/// Rows whose weights are computed together: they stay in the first-level cache.
const BLOCK: usize = 24;

/// Room to work in for one head after the other.
struct Room {
    keys: Panels,
    values: Panels,
    /// How much each token of a block attends to each key, `[BLOCK, keys rounded up to LANES]`.
    weights: Vec<f32>,
}

impl Default for Room {
    fn default() -> Room {
        Room {
            keys: Panels::empty(1),
            values: Panels::empty(1),
            weights: Vec::new(),
        }
    }
}

struct Forward<'a> {
    attention: Attention,
    sequences: &'a [Sequence],
    threads: Threads,
}

impl CustomOp1 for Forward<'_> {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let qkv = elements(self.name(), storage, layout)?;
        let (n, width) = layout.shape().dims2()?;
        let hidden = self.attention.hidden();
        if width != 3 * hidden {
            bail!(
                "attention: input of width {width} where {} was expected",
                3 * hidden
            );
        }
        let mut out = vec![0.0; n * hidden];
        for Sequence { rows, attended } in self.sequences {
            let qkv = &qkv[rows.start * width..rows.end * width];
            let out = &mut out[rows.start * hidden..rows.end * hidden];
            self.threads.by_rows(out, hidden, |first, out| {
                let part = Part {
                    qkv,
                    attended: *attended,
                    first,
                };
                self.attention.rows(part, out);
            });
        }
        Ok((CpuStorage::F32(out), (n, hidden).into()))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{D, Device};

    use super::*;
    use crate::ops::testing::random;

    /// The same with candle's own operations, for one sequence.
    fn oracle(qkv: &Tensor, attention: Attention, attended: usize) -> Result<Tensor> {
        let n = qkv.dim(0)?;
        let part = |which: usize| {
            qkv.narrow(1, which * attention.hidden(), attention.hidden())?
                .reshape((n, attention.heads, attention.width))?
                .transpose(0, 1)?
                .contiguous()
        };
        let (q, k, v) = (part(0)?, part(1)?, part(2)?);
        let (k, v) = (k.narrow(1, 0, attended)?, v.narrow(1, 0, attended)?);
        let scores = (q.matmul(&k.t()?)? / (attention.width as f64).sqrt())?;
        let weights = scores
            .broadcast_sub(&scores.max_keepdim(D::Minus1)?)?
            .exp()?;
        let weights = weights.broadcast_div(&weights.sum_keepdim(D::Minus1)?)?;
        let out = weights.contiguous()?.matmul(&v.contiguous()?)?;
        out.transpose(0, 1)?.reshape((n, attention.hidden()))
    }

    #[test]
    fn agrees_with_candle() -> Result<()> {
        let attention = Attention {
            heads: 3,
            width: 20,
        };
        let hidden = attention.hidden();
        let sequences = [
            Sequence {
                rows: 0..1,
                attended: 1,
            },
            Sequence {
                rows: 1..40,
                attended: 39,
            },
            Sequence {
                rows: 40..72,
                attended: 7,
            },
        ];
        let qkv = Tensor::from_vec(random(72 * 3 * hidden, 1), (72, 3 * hidden), &Device::Cpu)?;
        let qkv = (qkv * 3.0)?;
        let found = attention.forward(&qkv, &sequences, Threads::One)?;
        let parallel = attention.forward(&qkv, &sequences, Threads::All)?;
        assert_eq!(found.to_vec2::<f32>()?, parallel.to_vec2::<f32>()?);
        for Sequence { rows, attended } in sequences {
            let alone = qkv.narrow(0, rows.start, rows.len())?;
            let found = found.narrow(0, rows.start, rows.len())?;
            let expected = oracle(&alone, attention, attended)?;
            let difference = (&found - expected)?.abs()?.max_all()?.to_scalar::<f32>()?;
            assert!(difference < 1e-5, "{difference}");
            let whole = Sequence {
                rows: 0..rows.len(),
                attended,
            };
            let alone = attention.forward(&alone.contiguous()?, &[whole], Threads::One)?;
            assert_eq!(
                alone.to_vec2::<f32>()?,
                found.to_vec2::<f32>()?,
                "alone or in company"
            );
        }
        Ok(())
    }
}
