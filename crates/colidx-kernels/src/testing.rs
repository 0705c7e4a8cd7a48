//! Helpers of tests.

use proptest::prelude::ProptestConfig;

use crate::Codec;

/// `n` random cases of a property, and few under Miri, which runs a thousand times slower.
pub(crate) fn cases(n: u32) -> ProptestConfig {
    ProptestConfig::with_cases(if cfg!(miri) { n.min(3) } else { n })
}

/// The end of a range of sizes, nearer under Miri.
pub(crate) fn up_to(n: usize) -> usize {
    if cfg!(miri) { n.div_ceil(4) } else { n }
}

/// Values in -1..1 that depend on the seed alone.
pub(crate) fn noise(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    })
    .take(n)
    .collect()
}

/// Token vectors as stored, and the tables that decode them.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub dim: usize,
    pub nbits: usize,
    pub centroids: Vec<i8>,
    pub steps: Vec<f32>,
    pub weights: Vec<f32>,
    pub scales: Vec<f32>,
    pub codes: Vec<u16>,
    pub residuals: Vec<u8>,
}

impl Encoded {
    pub(crate) fn codec(&self) -> Codec<'_> {
        Codec {
            dim: self.dim,
            nbits: self.nbits,
            centroids: &self.centroids,
            steps: &self.steps,
            weights: &self.weights,
            scales: &self.scales,
        }
    }
}
