//! Self-attention over packed sequences.

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Tensor, bail};
use colidx_kernels::{LANES, Panels, RowsView, dots_strided, softmax};

use super::batch::Padded;
use super::{Batch, Sequence, elements};

/// Scaled dot-product attention (Vaswani et al., arXiv 1706.03762, section 3.2) of several heads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attention {
    pub(crate) heads: usize,
    /// Dimensions of a head.
    pub(crate) width: usize,
    /// How many places before and behind its own a token attends to, if not all (Beltagy et al., arXiv 2004.05150).
    pub(crate) window: Option<usize>,
}

impl Attention {
    /// `[n, hidden]` for `qkv`, `[n, 3 hidden]`: queries, keys and values side by side, heads side by side in each.
    ///
    /// A token that attends to no token at all gets zeros.
    pub(crate) fn forward(self, qkv: &Tensor, batch: &Batch) -> Result<Tensor> {
        match batch.padded() {
            None => qkv.apply_op1_no_bwd(&Forward {
                attention: self,
                batch,
            }),
            Some(padded) => self.with_tensors(qkv, padded),
        }
    }

    fn hidden(self) -> usize {
        self.heads * self.width
    }

    fn with_tensors(self, qkv: &Tensor, padded: &Padded) -> Result<Tensor> {
        let (count, _, _, n) = padded.attended.dims4()?;
        let qkv = qkv
            .index_select(&padded.gather, 0)?
            .reshape((count, n, 3, self.heads, self.width))?;
        let part = |which| {
            qkv.narrow(2, which, 1)?
                .squeeze(2)?
                .transpose(1, 2)?
                .contiguous()
        };
        let (heads, width) = (self.heads, self.width);
        // Candle's broadcasts and reductions divide 64-bit integers for every element and dimension, which is most of a GPU's
        // time. Products do what they can of them: more columns bar keys in one and sum weights in the other.
        let shape = (count, heads, n, EXTRA);
        let ones = Tensor::ones(shape, DType::F32, qkv.device())?;
        // Together far below every score, and finite: a row without any allowed key must not become NaN.
        let barred = ((&padded.attended - 1.0)? * (BARRED / EXTRA as f64))?
            .reshape((count, 1, n, 1))?
            .broadcast_as(shape)?
            .contiguous()?;
        let queries = (part(0)? / (width as f64).sqrt())?;
        let queries = Tensor::cat(&[&queries, &ones], 3)?;
        let keys = Tensor::cat(&[&part(1)?, &barred], 3)?;
        let values = Tensor::cat(&[&part(2)?, &ones], 3)?;
        let mut scores = queries.matmul(&keys.t()?.contiguous()?)?;
        if let Some(window) = self.window {
            let far: Vec<f32> = (0..n * n)
                .map(|i| f32::from((i / n).abs_diff(i % n) > window) * -BARRED as f32)
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
        let any_allowed = highest.gt(-BARRED / 2.0)?.to_dtype(DType::F32)?;
        weighted
            .narrow(3, 0, width)?
            .broadcast_div(&weighted.narrow(3, width, 1)?)?
            .broadcast_mul(&any_allowed.reshape((count, heads, n, 1))?)?
            .transpose(1, 2)?
            .reshape((count * n, self.hidden()))?
            .index_select(&padded.scatter, 0)
    }

    /// What head `head` gives for the rows of `part` that `out` has room for: its `width` numbers, and perhaps zeros up to a
    /// multiple of [`LANES`], every `stride` floats of `out`.
    fn head(self, part: Part<'_>, head: usize, out: &mut [f32], stride: usize, room: &mut Room) {
        let (hidden, width) = (self.hidden(), self.width);
        let row = 3 * hidden;
        let view = |which: usize, rows: &Range<usize>| {
            let start = which * hidden + head * width;
            let end = (rows.end - 1) * row + start + width;
            RowsView::strided(&part.qkv[rows.start * row + start..end], width, row)
        };
        let mut loaded = 0..0;
        let mut rows = part.first..part.first;
        for out in out.chunks_mut(BLOCK * stride) {
            rows = rows.end..rows.end + out.len().div_ceil(stride);
            let keys = self.keys(&rows, part.attended);
            if keys.is_empty() {
                for row in out.chunks_mut(stride) {
                    row[..width].fill(0.0);
                }
                continue;
            }
            if keys != loaded {
                room.keys
                    .refill(view(1, &keys), 1.0 / (width as f32).sqrt());
                room.values.refill_columns_of(view(2, &keys));
                loaded = keys.clone();
            }
            let padded = room.keys.padded_columns();
            room.weights.resize(rows.len() * padded, 0.0);
            dots_strided(view(0, &rows), &room.keys, &mut room.weights, padded);
            self.bar(&mut room.weights, padded, &rows, &keys, f32::NEG_INFINITY);
            softmax(&mut room.weights, padded, keys.len());
            self.bar(&mut room.weights, padded, &rows, &keys, 0.0);
            let weights = RowsView::strided(&room.weights, keys.len(), padded);
            dots_strided(weights, &room.values, out, stride);
        }
    }

    /// The keys that the token at `row` attends to.
    fn keys_of(self, row: usize, attended: usize) -> Range<usize> {
        match self.window {
            None => 0..attended,
            Some(window) => {
                let end = attended.min(row.saturating_add(window + 1));
                row.saturating_sub(window).min(end)..end
            }
        }
    }

    /// The keys that any of `rows` attends to. They begin at a whole panel, so that a key keeps its lane, and sums their
    /// order, whatever rows it is computed for.
    fn keys(self, rows: &Range<usize>, attended: usize) -> Range<usize> {
        let first = self.keys_of(rows.start, attended);
        let last = self.keys_of(rows.end - 1, attended);
        if first.is_empty() {
            return 0..0;
        }
        first.start / LANES * LANES..first.end.max(last.end)
    }

    /// Writes `value` in place of the scores or weights of keys that are outside a row's window.
    fn bar(
        self,
        scores: &mut [f32],
        padded: usize,
        rows: &Range<usize>,
        keys: &Range<usize>,
        value: f32,
    ) {
        if self.window.is_none() {
            return;
        }
        for (row, scores) in rows.clone().zip(scores.chunks_exact_mut(padded)) {
            let own = self.keys_of(row, keys.end);
            scores[..own.start - keys.start].fill(value);
            scores[own.end - keys.start..].fill(value);
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
                self.head(part, head, &mut out[head * width..], hidden, &mut room);
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

/// What is taken from the score of a key that is not attended to, where operations are candle's own.
const BARRED: f64 = 1e9;
/// Columns beside a head's own there: a multiple of four, so that rows stay aligned.
const EXTRA: usize = 4;

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
    batch: &'a Batch,
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
        for Sequence { rows, attended } in &self.batch.sequences {
            let qkv = &qkv[rows.start * width..rows.end * width];
            let out = &mut out[rows.start * hidden..rows.end * hidden];
            self.batch.threads.by_rows(out, hidden, |first, out| {
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
    use crate::ops::{Placement, Threads};

    /// Lengths of sequences, and how many of their tokens are attended to.
    const LENGTHS: [(usize, usize); 4] = [(1, 1), (39, 38), (32, 7), (70, 70)];

    fn attentions() -> impl Iterator<Item = Attention> {
        [
            (20, None),
            (16, None),
            (20, Some(4)),
            (16, Some(0)),
            (32, Some(30)),
        ]
        .into_iter()
        .map(|(width, window)| Attention {
            heads: 3,
            width,
            window,
        })
    }

    fn qkv(attention: Attention) -> Result<Tensor> {
        let (n, width) = (142, 3 * attention.hidden());
        Tensor::from_vec(random(n * width, 1), (n, width), &Device::Cpu)? * 3.0
    }

    #[test]
    fn kernels_agree_with_candle() -> Result<()> {
        for attention in attentions() {
            let qkv = qkv(attention)?;
            let oracle = batch(&LENGTHS, Threads::One, &Placement::Tensors(Device::Cpu))?;
            let expected = attention.forward(&qkv, &oracle)?;
            for threads in [Threads::One, Threads::All] {
                let batch = batch(&LENGTHS, threads, &Placement::default())?;
                let found = attention.forward(&qkv, &batch)?;
                let difference = (found - &expected)?.abs()?.max_all()?.to_scalar::<f32>()?;
                assert!(difference < 1e-5, "{attention:?}: {difference}");
            }
        }
        Ok(())
    }

    #[test]
    fn a_sequence_is_the_same_alone_or_in_company() -> Result<()> {
        for attention in attentions() {
            let qkv = qkv(attention)?;
            let run = |qkv: &Tensor, lengths: &[(usize, usize)], threads| {
                let batch = batch(lengths, threads, &Placement::default())?;
                attention.forward(qkv, &batch)?.to_vec2::<f32>()
            };
            let together = run(&qkv, &LENGTHS, Threads::One)?;
            assert_eq!(run(&qkv, &LENGTHS, Threads::All)?, together);
            let mut start = 0;
            for length in LENGTHS {
                let alone = qkv.narrow(0, start, length.0)?;
                let alone = run(&alone, &[length], Threads::All)?;
                assert_eq!(alone, together[start..start + length.0]);
                start += length.0;
            }
        }
        Ok(())
    }
}
