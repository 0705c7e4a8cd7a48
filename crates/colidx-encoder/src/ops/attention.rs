//! Self-attention over packed sequences.

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Tensor};
use colidx_kernels::{LANES, Panels, RowsView, kernels};

use super::batch::Padded;
use super::{Batch, Heads, Sequence, elements};

/// Scaled dot-product attention (Vaswani et al., arXiv 1706.03762, section 3.2) of several heads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attention {
    pub(crate) heads: Heads,
    pub(crate) reach: Reach,
}

/// How many places before and behind its own a token attends to, if not all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reach {
    before: Option<usize>,
    behind: Option<usize>,
}

impl Reach {
    /// All places.
    pub(crate) const ALL: Reach = Reach {
        before: None,
        behind: None,
    };

    /// As many places on either side (Beltagy et al., arXiv 2004.05150).
    pub(crate) fn around(places: usize) -> Reach {
        Reach {
            before: Some(places),
            behind: Some(places),
        }
    }

    /// Its own place and what stands before it: all of it, or as many places.
    pub(crate) fn back(places: Option<usize>) -> Reach {
        Reach {
            before: places,
            behind: Some(0),
        }
    }

    /// The keys that the token at `row` attends to.
    fn keys_of(self, row: usize, attended: usize) -> Range<usize> {
        let behind = |places| attended.min(row.saturating_add(places).saturating_add(1));
        let end = self.behind.map_or(attended, behind);
        let start = self.before.map_or(0, |places| row.saturating_sub(places));
        start.min(end)..end
    }
}

impl Attention {
    /// `[n, heads.output()]` for `qkv`, `[n, heads.row()]`.
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
        // Each head of keys and of values as often as heads of queries share it.
        let shared = |first| {
            let shape = (count, keys, heads / keys, n, width);
            qkv.narrow(2, first, keys)?
                .transpose(1, 2)?
                .contiguous()?
                .unsqueeze(2)?
                .broadcast_as(shape)?
                .reshape((count, heads, n, width))
        };
        // Candle's broadcasts and reductions divide 64-bit integers for every element and dimension, which is most of a GPU's
        // time. Products do what they can of them: more columns bar keys in one and sum weights in the other.
        let shape = (count, heads, n, EXTRA);
        let ones = Tensor::ones(shape, DType::F32, qkv.device())?;
        // Together far below every score, and finite: a row without any allowed key must not become NaN.
        let barred = ((&padded.attended - 1.0)? * (BARRED / EXTRA as f64))?
            .reshape((count, 1, n, 1))?
            .broadcast_as(shape)?
            .contiguous()?;
        let queries = (queries / (width as f64).sqrt())?;
        let queries = Tensor::cat(&[&queries, &ones], 3)?;
        let values = Tensor::cat(&[&shared(heads + keys)?, &ones], 3)?;
        let keys = Tensor::cat(&[&shared(heads)?, &barred], 3)?;
        let mut scores = queries.matmul(&keys.t()?.contiguous()?)?;
        if self.reach != Reach::ALL {
            let far: Vec<f32> = (0..n * n)
                .map(|i| !self.reach.keys_of(i / n, n).contains(&(i % n)))
                .map(|far| f32::from(far) * -BARRED as f32)
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
            .reshape((count * n, self.heads.output()))?
            .index_select(&padded.scatter, 0)
    }

    /// What head `head` gives for the rows of `part` that `out` has room for: its `width` numbers, and perhaps zeros up to a
    /// multiple of [`LANES`], every `stride` floats of `out`.
    fn head(self, part: Part<'_>, head: usize, out: &mut [f32], stride: usize, room: &mut Room) {
        let Heads {
            queries,
            keys,
            width,
        } = self.heads;
        let row = self.heads.row();
        // The heads of queries lie first, then those of keys, then those of values.
        let key = queries + head / (queries / keys);
        let view = |head: usize, rows: &Range<usize>| {
            let start = head * width;
            let end = (rows.end - 1) * row + start + width;
            RowsView::strided(&part.qkv[rows.start * row + start..end], width, row)
        };
        let mut loaded = 0..0;
        let mut rows = part.first..part.first;
        for out in out.chunks_mut(BLOCK * stride) {
            rows = rows.end..rows.end + out.len().div_ceil(stride);
            let span = self.keys(&rows, part.attended);
            if span.is_empty() {
                for row in out.chunks_mut(stride) {
                    row[..width].fill(0.0);
                }
                continue;
            }
            if span != loaded {
                room.keys
                    .refill(view(key, &span), 1.0 / (width as f32).sqrt());
                room.values.refill_columns_of(view(key + keys, &span));
                loaded = span.clone();
            }
            let padded = room.keys.padded_columns();
            room.weights.resize(rows.len() * padded, 0.0);
            kernels().dots_strided(view(head, &rows), &room.keys, &mut room.weights, padded);
            self.bar(&mut room.weights, padded, &rows, &span, f32::NEG_INFINITY);
            kernels().softmax(&mut room.weights, padded, span.len());
            self.bar(&mut room.weights, padded, &rows, &span, 0.0);
            let weights = RowsView::strided(&room.weights, span.len(), padded);
            kernels().dots_strided(weights, &room.values, out, stride);
        }
    }

    /// The keys that any of `rows` attends to. They begin at a whole panel, so that a key keeps its lane, and sums their
    /// order, whatever rows it is computed for.
    fn keys(self, rows: &Range<usize>, attended: usize) -> Range<usize> {
        let first = self.reach.keys_of(rows.start, attended);
        let last = self.reach.keys_of(rows.end - 1, attended);
        if first.is_empty() {
            return 0..0;
        }
        first.start / LANES * LANES..first.end.max(last.end)
    }

    /// Writes `value` in place of the scores or weights of keys that are out of a row's reach.
    fn bar(
        self,
        scores: &mut [f32],
        padded: usize,
        rows: &Range<usize>,
        keys: &Range<usize>,
        value: f32,
    ) {
        if self.reach == Reach::ALL {
            return;
        }
        for (row, scores) in rows.clone().zip(scores.chunks_exact_mut(padded)) {
            let own = self.reach.keys_of(row, keys.end);
            scores[..own.start - keys.start].fill(value);
            scores[own.end - keys.start..].fill(value);
        }
    }

    /// What all heads give for the rows of `part` that `out`, `[n, hidden]`, has room for.
    fn rows(self, part: Part<'_>, out: &mut [f32]) {
        let (hidden, width) = (self.heads.output(), self.heads.width);
        let padded = width.next_multiple_of(LANES);
        let mut room = Room::default();
        let mut wide = Vec::new();
        for head in 0..self.heads.queries {
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
    /// The whole sequence, `[n, heads.row()]`.
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
        let hidden = self.attention.heads.output();
        self.attention.heads.check(self.name(), width)?;
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
            (3, 3, 20, Reach::ALL),
            (3, 3, 16, Reach::ALL),
            (3, 3, 20, Reach::around(4)),
            (3, 3, 16, Reach::around(0)),
            (3, 3, 32, Reach::around(30)),
            (6, 2, 16, Reach::ALL),
            (4, 1, 12, Reach::back(None)),
            (4, 2, 16, Reach::back(None)),
            (4, 2, 20, Reach::back(Some(5))),
        ]
        .into_iter()
        .map(|(queries, keys, width, reach)| Attention {
            heads: Heads {
                queries,
                keys,
                width,
            },
            reach,
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
