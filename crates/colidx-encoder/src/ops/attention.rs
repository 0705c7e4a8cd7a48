//! Self-attention over packed sequences.

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use colidx_kernels::{LANES, Panels, dots, softmax};

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

    /// What head `head` gives for the sequence `qkv`, `[n, 3 hidden]`, into `room.out`, `[n, width rounded up to LANES]`.
    fn head(self, qkv: &[f32], attended: usize, head: usize, room: &mut Room) {
        let (hidden, width) = (self.hidden(), self.width);
        let n = qkv.len() / (3 * hidden);
        let rows = || qkv.chunks_exact(3 * hidden);
        let query = head * width..(head + 1) * width;
        let key = hidden + query.start..hidden + query.end;
        let value = hidden + key.start..hidden + key.end;

        let scale = 1.0 / (width as f32).sqrt();
        room.part.clear();
        for row in rows().take(attended) {
            room.part.extend_from_slice(&row[key.clone()]);
        }
        let keys = Panels::new(&room.part, width);
        room.part.clear();
        for row in rows() {
            room.part
                .extend(row[query.clone()].iter().map(|q| q * scale));
        }
        let padded = keys.padded_columns();
        room.weights.resize(n * padded, 0.0);
        dots(&room.part, &keys, &mut room.weights);
        softmax(&mut room.weights, padded, attended);

        // Keys that are padding have weight zero; their values must be there and finite.
        room.part.clear();
        for row in rows().take(attended) {
            room.part.extend_from_slice(&row[value.clone()]);
        }
        room.part.resize(padded * width, 0.0);
        let values = Panels::of_matrix(&room.part, padded);
        room.out.resize(n * values.padded_columns(), 0.0);
        dots(&room.weights, &values, &mut room.out);
    }

    fn sequence(self, qkv: &[f32], attended: usize, out: &mut [f32], threads: Threads) {
        let padded = self.width.next_multiple_of(LANES);
        let place = |head: usize, result: &[f32], out: &mut [f32]| {
            let rows = result.chunks_exact(padded);
            for (row, out) in rows.zip(out.chunks_exact_mut(self.hidden())) {
                out[head * self.width..][..self.width].copy_from_slice(&row[..self.width]);
            }
        };
        match threads {
            Threads::One => {
                let mut room = Room::default();
                for head in 0..self.heads {
                    self.head(qkv, attended, head, &mut room);
                    place(head, &room.out, out);
                }
            }
            Threads::All => {
                let results = threads.map(self.heads, |head| {
                    let mut room = Room::default();
                    self.head(qkv, attended, head, &mut room);
                    room.out
                });
                for (head, result) in results.iter().enumerate() {
                    place(head, result, out);
                }
            }
        }
    }
}

/// Room to work in for one head after the other.
#[derive(Default)]
struct Room {
    /// The head's keys, queries or values.
    part: Vec<f32>,
    /// How much each token attends to each key, `[n, keys rounded up to LANES]`.
    weights: Vec<f32>,
    /// The head's output.
    out: Vec<f32>,
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
            self.attention.sequence(qkv, *attended, out, self.threads);
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
