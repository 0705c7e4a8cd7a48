//! Self-attention over packed sequences.

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Tensor};
use colidx_kernels::{LANES, Panels, RowsView, kernels};

use super::batch::Padded;
use super::{Batch, Heads, Sequence, elements};

/// Scaled dot-product attention (Vaswani et al., arXiv 1706.03762, section 3.2) with several heads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attention {
    pub(crate) heads: Heads,
    pub(crate) window: Window,
}

/// The positions before and after its own that a token attends to; none for no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    before: Option<usize>,
    after: Option<usize>,
}

impl Window {
    /// All positions.
    pub(crate) const ALL: Window = Window {
        before: None,
        after: None,
    };

    /// This many positions on either side (Beltagy et al., arXiv 2004.05150).
    pub(crate) fn symmetric(positions: usize) -> Window {
        Window {
            before: Some(positions),
            after: Some(positions),
        }
    }

    /// Its own position and those before it, limited to `positions` of them if given.
    pub(crate) fn causal(positions: Option<usize>) -> Window {
        Window {
            before: positions,
            after: Some(0),
        }
    }

    /// The keys that the token at `row` attends to.
    fn keys_of(self, row: usize, attended: usize) -> Range<usize> {
        let after = |positions| attended.min(row.saturating_add(positions).saturating_add(1));
        let end = self.after.map_or(attended, after);
        let start = self
            .before
            .map_or(0, |positions| row.saturating_sub(positions));
        start.min(end)..end
    }
}

impl Attention {
    /// Computes `[n, heads.output()]` from `qkv`, `[n, heads.row()]`.
    ///
    /// The output of a token that attends to none is zero.
    pub(crate) fn forward(self, qkv: &Tensor, batch: &Batch) -> Result<Tensor> {
        match batch.padded() {
            None => qkv.apply_op1_no_bwd(&Forward {
                attention: self,
                batch,
            }),
            Some(padded) => self.with_tensors(qkv, padded),
        }
    }

    fn with_tensors(self, qkv: &Tensor, padded: &Padded) -> Result<Tensor> {
        let (count, _, _, n) = padded.attended.dims4()?;
        let Heads {
            queries: heads,
            keys,
            width,
        } = self.heads;
        let qkv =
            qkv.index_select(&padded.gather, 0)?
                .reshape((count, n, heads + 2 * keys, width))?;
        let queries = qkv.narrow(2, 0, heads)?.transpose(1, 2)?.contiguous()?;
        // Repeats each key and value head for the query heads that share it.
        let shared = |first| {
            let shape = (count, keys, heads / keys, n, width);
            qkv.narrow(2, first, keys)?
                .transpose(1, 2)?
                .contiguous()?
                .unsqueeze(2)?
                .broadcast_as(shape)?
                .reshape((count, heads, n, width))
        };
        // Candle's broadcasts and reductions divide 64-bit integers per element and dimension,
        // which dominates on a GPU. So products replace them: extra columns mask keys in one
        // product and sum weights in the other.
        let shape = (count, heads, n, EXTRA_COLUMNS);
        let ones = Tensor::ones(shape, DType::F32, qkv.device())?;
        // The columns add up to far below every score, yet finite: a row without any key must not
        // become NaN.
        let masked = ((&padded.attended - 1.0)? * (MASKED / EXTRA_COLUMNS as f64))?
            .reshape((count, 1, n, 1))?
            .broadcast_as(shape)?
            .contiguous()?;
        let queries = (queries / (width as f64).sqrt())?;
        let queries = Tensor::cat(&[&queries, &ones], 3)?;
        let values = Tensor::cat(&[&shared(heads + keys)?, &ones], 3)?;
        let keys = Tensor::cat(&[&shared(heads)?, &masked], 3)?;
        let mut scores = queries.matmul(&keys.t()?.contiguous()?)?;
        if self.window != Window::ALL {
            let far: Vec<f32> = (0..n * n)
                .map(|i| !self.window.keys_of(i / n, n).contains(&(i % n)))
                .map(|far| f32::from(far) * -MASKED as f32)
                .collect();
            let far = Tensor::from_vec(far, (1, 1, n, n), qkv.device())?;
            scores = scores.broadcast_add(&far)?;
        }
        let scores = scores.reshape((count * heads * n, n))?;
        let highest = scores.max_keepdim(1)?;
        let weighted = scores
            .broadcast_sub(&highest)?
            .exp()?
            .reshape((count, heads, n, n))?
            .matmul(&values)?;
        let any_allowed = highest.gt(-MASKED / 2.0)?.to_dtype(DType::F32)?;
        weighted
            .narrow(3, 0, width)?
            .broadcast_div(&weighted.narrow(3, width, 1)?)?
            .broadcast_mul(&any_allowed.reshape((count, heads, n, 1))?)?
            .transpose(1, 2)?
            .reshape((count * n, self.heads.output()))?
            .index_select(&padded.scatter, 0)
    }

    /// Computes head `head` for as many rows of `part` as fit `out`. Each row has `width` numbers,
    /// perhaps followed by zeros up to a multiple of [`LANES`], and starts `stride` floats after
    /// the one before.
    fn head(
        self,
        part: Part<'_>,
        head: usize,
        out: &mut [f32],
        stride: usize,
        workspace: &mut Workspace,
    ) {
        let Heads {
            queries,
            keys,
            width,
        } = self.heads;
        let row = self.heads.row();
        // Query heads come first, then key heads, then value heads.
        let key = queries + head / (queries / keys);
        let view = |head: usize, rows: &Range<usize>| {
            let start = head * width;
            let end = (rows.end - 1) * row + start + width;
            RowsView::strided(&part.qkv[rows.start * row + start..end], width, row)
        };
        let mut loaded = 0..0;
        let mut rows = part.first..part.first;
        for out in out.chunks_mut(BLOCK_ROWS * stride) {
            rows = rows.end..rows.end + out.len().div_ceil(stride);
            let span = self.keys(&rows, part.attended);
            if span.is_empty() {
                for row in out.chunks_mut(stride) {
                    row[..width].fill(0.0);
                }
                continue;
            }
            if span != loaded {
                workspace
                    .keys
                    .refill(view(key, &span), 1.0 / (width as f32).sqrt());
                workspace.values.refill_columns_of(view(key + keys, &span));
                loaded = span.clone();
            }
            let padded = workspace.keys.padded_columns();
            workspace.weights.resize(rows.len() * padded, 0.0);
            kernels().dots_strided(
                view(head, &rows),
                &workspace.keys,
                &mut workspace.weights,
                padded,
            );
            self.mask(
                &mut workspace.weights,
                padded,
                &rows,
                &span,
                f32::NEG_INFINITY,
            );
            kernels().softmax(&mut workspace.weights, padded, span.len());
            self.mask(&mut workspace.weights, padded, &rows, &span, 0.0);
            let weights = RowsView::strided(&workspace.weights, span.len(), padded);
            kernels().dots_strided(weights, &workspace.values, out, stride);
        }
    }

    /// The keys that any of `rows` attends to. They begin at a panel boundary, so that a key's
    /// lane, and with it the order of sums, does not depend on the rows.
    fn keys(self, rows: &Range<usize>, attended: usize) -> Range<usize> {
        let first = self.window.keys_of(rows.start, attended);
        let last = self.window.keys_of(rows.end - 1, attended);
        if first.is_empty() {
            return 0..0;
        }
        first.start / LANES * LANES..first.end.max(last.end)
    }

    /// Writes `value` to the scores or weights of keys outside a row's window.
    fn mask(
        self,
        scores: &mut [f32],
        padded: usize,
        rows: &Range<usize>,
        keys: &Range<usize>,
        value: f32,
    ) {
        if self.window == Window::ALL {
            return;
        }
        for (row, scores) in rows.clone().zip(scores.chunks_exact_mut(padded)) {
            let own = self.window.keys_of(row, keys.end);
            scores[..own.start - keys.start].fill(value);
            scores[own.end - keys.start..].fill(value);
        }
    }

    /// Computes all heads for as many rows of `part` as fit `out`, `[n, hidden]`.
    fn rows(self, part: Part<'_>, out: &mut [f32]) {
        let (hidden, width) = (self.heads.output(), self.heads.width);
        let padded = width.next_multiple_of(LANES);
        let mut workspace = Workspace::default();
        let mut wide = Vec::new();
        for head in 0..self.heads.queries {
            if padded == width {
                self.head(part, head, &mut out[head * width..], hidden, &mut workspace);
                continue;
            }
            wide.resize(out.len() / hidden * padded, 0.0);
            self.head(part, head, &mut wide, padded, &mut workspace);
            let rows = wide.chunks_exact(padded);
            for (row, out) in rows.zip(out.chunks_exact_mut(hidden)) {
                out[head * width..][..width].copy_from_slice(&row[..width]);
            }
        }
    }
}

/// Rows of a sequence, beginning at `first`.
#[derive(Clone, Copy)]
struct Part<'a> {
    /// The whole sequence, `[n, heads.row()]`.
    qkv: &'a [f32],
    attended: usize,
    first: usize,
}

/// Subtracted from the scores of masked keys by candle's operations.
const MASKED: f64 = 1e9;
/// Extra columns of a head there; a multiple of four keeps rows aligned.
const EXTRA_COLUMNS: usize = 4;

/// Rows whose weights are computed together, so that they stay in the L1 cache.
const BLOCK_ROWS: usize = 24;

/// Buffers reused from head to head.
struct Workspace {
    keys: Panels,
    values: Panels,
    /// Attention weights, `[BLOCK_ROWS, keys rounded up to LANES]`.
    weights: Vec<f32>,
}

impl Default for Workspace {
    fn default() -> Workspace {
        Workspace {
            keys: Panels::empty(1),
            values: Panels::empty(1),
            weights: Vec::new(),
        }
    }
}

struct Forward<'a> {
    attention: Attention,
    batch: &'a Batch,
}

impl CustomOp1 for Forward<'_> {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let qkv = elements(self.name(), storage, layout)?;
        let (n, width) = layout.shape().dims2()?;
        let hidden = self.attention.heads.output();
        self.attention.heads.check(self.name(), width)?;
        let mut out = vec![0.0; n * hidden];
        for Sequence { rows, attended } in &self.batch.sequences {
            let qkv = &qkv[rows.start * width..rows.end * width];
            let out = &mut out[rows.start * hidden..rows.end * hidden];
            self.batch.parallelism.by_rows(out, hidden, |first, out| {
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
    use candle_core::Device;

    use super::*;
    use crate::ops::testing::{batch, random};
    use crate::ops::{Backend, Parallelism};

    /// Lengths of sequences, and how many of their tokens are attended to.
    const LENGTHS: [(usize, usize); 4] = [(1, 1), (39, 38), (32, 7), (70, 70)];

    fn attentions() -> impl Iterator<Item = Attention> {
        [
            (3, 3, 20, Window::ALL),
            (3, 3, 16, Window::ALL),
            (3, 3, 20, Window::symmetric(4)),
            (3, 3, 16, Window::symmetric(0)),
            (3, 3, 32, Window::symmetric(30)),
            (6, 2, 16, Window::ALL),
            (4, 1, 12, Window::causal(None)),
            (4, 2, 16, Window::causal(None)),
            (4, 2, 20, Window::causal(Some(5))),
        ]
        .into_iter()
        .map(|(queries, keys, width, window)| Attention {
            heads: Heads {
                queries,
                keys,
                width,
            },
            window,
        })
    }

    fn qkv(attention: Attention) -> Result<Tensor> {
        let (n, width) = (142, attention.heads.row());
        Tensor::from_vec(random(n * width, 1), (n, width), &Device::Cpu)? * 3.0
    }

    #[test]
    fn kernels_agree_with_candle() -> Result<()> {
        for attention in attentions() {
            let qkv = qkv(attention)?;
            let oracle = batch(
                &LENGTHS,
                Parallelism::Sequential,
                &Backend::Candle(Device::Cpu),
            )?;
            let expected = attention.forward(&qkv, &oracle)?;
            for parallelism in [Parallelism::Sequential, Parallelism::Parallel] {
                let batch = batch(&LENGTHS, parallelism, &Backend::default())?;
                let found = attention.forward(&qkv, &batch)?;
                let difference = (found - &expected)?.abs()?.max_all()?.to_scalar::<f32>()?;
                assert!(difference < 1e-5, "{attention:?}: {difference}");
            }
        }
        Ok(())
    }

    #[test]
    fn a_sequence_does_not_depend_on_other_sequences() -> Result<()> {
        for attention in attentions() {
            let qkv = qkv(attention)?;
            let run = |qkv: &Tensor, lengths: &[(usize, usize)], parallelism| {
                let batch = batch(lengths, parallelism, &Backend::default())?;
                attention.forward(qkv, &batch)?.to_vec2::<f32>()
            };
            let together = run(&qkv, &LENGTHS, Parallelism::Sequential)?;
            assert_eq!(run(&qkv, &LENGTHS, Parallelism::Parallel)?, together);
            let mut start = 0;
            for length in LENGTHS {
                let alone = qkv.narrow(0, start, length.0)?;
                let alone = run(&alone, &[length], Parallelism::Parallel)?;
                assert_eq!(alone, together[start..start + length.0]);
                start += length.0;
            }
        }
        Ok(())
    }
}
