//! The fused operations that transformers are made of, as candle custom operations.
//!
//! Each works on contiguous f32 tensors of packed sequences, `[total tokens, width]`, and computes every row by itself in
//! one fixed order, so that a row's bits depend neither on the other rows nor on the number of threads.

mod activation;
mod attention;
mod linear;
mod norm;
mod threads;

pub(crate) use activation::{ACTIVATIONS, parse as parse_activation};
pub(crate) use attention::{Attention, Sequence};
pub(crate) use linear::{FeedForward, Linear};
pub(crate) use norm::{LayerNorm, normalize};
pub(crate) use threads::Threads;

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
    /// `n` numbers in (-1, 1) that depend on `seed` alone.
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
}
