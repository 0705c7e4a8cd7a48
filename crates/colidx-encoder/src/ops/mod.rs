//! The operations of transformers, each in two implementations.
//!
//! The native backend is a candle custom operation over the kernels of colidx-kernels. It takes
//! contiguous f32 tensors of packed sequences, `[total tokens, width]`, and computes every row in
//! one fixed order, so a row's bits depend neither on other rows nor on the number of threads. The
//! other backend, for GPUs, uses candle's own operations; tests run it on the processor as the
//! reference. [`Backend`] chooses.

mod activation;
mod attention;
mod backend;
mod batch;
mod feed_forward;
mod heads;
mod int8;
mod linear;
mod norm;
mod parallelism;
mod rms_norm;
mod rotary;
mod short_convolution;

pub(crate) use activation::{ACTIVATIONS, parse as parse_activation};
pub(crate) use attention::{Attention, Window};
pub(crate) use backend::Backend;
pub(crate) use batch::{Batch, Sequence};
pub(crate) use feed_forward::FeedForward;
pub(crate) use heads::Heads;
pub(crate) use linear::Linear;
pub(crate) use norm::{LayerNorm, normalize};
pub(crate) use parallelism::Parallelism;
pub(crate) use rms_norm::{HeadNorm, RmsNorm};
pub(crate) use rotary::Rotary;
pub(crate) use short_convolution::ShortConvolution;

pub(crate) use colidx_kernels::Activation;

use candle_core::{CpuStorage, Layout, Result, bail};

/// The elements of a contiguous f32 tensor.
fn elements<'a>(op: &str, storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        bail!("{op}: a contiguous tensor is needed");
    };
    Ok(&storage.as_slice::<f32>()?[start..end])
}

#[cfg(test)]
mod testing {
    use candle_core::Result;

    use super::{Backend, Batch, Parallelism};

    /// `n` pseudo-random numbers in (-1, 1), determined by `seed`.
    pub(super) fn random(n: usize, seed: u64) -> Vec<f32> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        (0..n)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
            })
            .collect()
    }

    /// A batch of sequences with these lengths and numbers of attended tokens.
    pub(super) fn batch(
        lengths: &[(usize, usize)],
        parallelism: Parallelism,
        backend: &Backend,
    ) -> Result<Batch> {
        let ids: Vec<Vec<u32>> = lengths.iter().map(|&(n, _)| vec![0; n]).collect();
        let sequences = ids
            .iter()
            .zip(lengths)
            .map(|(ids, &(_, attended))| (&ids[..], attended));
        Batch::new(sequences, parallelism, backend)
    }
}
