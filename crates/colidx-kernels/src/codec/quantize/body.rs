//! Viterbi's algorithm, for as many chains at a time as there are lanes. `inline(always)`, so that
//! it compiles inside the functions of each instruction set.

use super::{Quantizer, STATES};
use crate::packed_len;

/// Up to this many weights of a set are compared one by one; larger sets are searched.
const LINEAR_UP_TO: usize = 16;

/// Bits that hold the index of a weight within its set.
const INDEX_BITS: u32 = 8;

/// The choices of every chain in one byte.
#[derive(Clone, Copy)]
struct Step<const LANES: usize> {
    /// Bit `s`: which of the two possible previous states the best path to state `s` comes from, by
    /// the older of their two bits. Once the path is traced, the bits to store.
    path: [u32; LANES],
    /// Byte `s`: the index, within set `s`, of its weight nearest to the value.
    nearest: [u32; LANES],
}

/// A state is `newer * 2 + older`: the lowest bits stored for the two dimensions before.
#[inline(always)]
pub(super) fn quantize<const NBITS: usize, const LANES: usize>(
    quantizer: &Quantizer,
    vectors: &[f32],
    dim: usize,
    out: &mut [u8],
) {
    let bytes = packed_len(dim, NBITS);
    let chains = 8 / NBITS;
    let mut steps = vec![
        Step {
            path: [0; LANES],
            nearest: [0; LANES],
        };
        bytes
    ];
    // Each vector has one chain per dimension of a byte; this many vectors fill the lanes.
    let together = LANES / chains;
    for (vectors, out) in vectors
        .chunks(together * dim)
        .zip(out.chunks_mut(together * bytes))
    {
        let mut costs = [[f32::INFINITY; LANES]; STATES];
        costs[0] = [0.0; LANES];
        for (byte, step) in steps.iter_mut().enumerate() {
            let values = values::<NBITS, LANES>(vectors, dim, byte);
            let mut apart = [[0.0; LANES]; STATES];
            step.nearest = [0; LANES];
            for (set, apart) in apart.iter_mut().enumerate() {
                let indexes = nearest(quantizer, set, &values, apart);
                for (nearest, index) in step.nearest.iter_mut().zip(indexes) {
                    *nearest |= index << (INDEX_BITS * set as u32);
                }
            }
            if (byte + 1) * chains > dim {
                // Beyond the last dimension all choices are equal.
                for apart in apart.iter_mut().flat_map(|apart| apart.chunks_mut(chains)) {
                    apart[dim - byte * chains..].fill(0.0);
                }
            }
            costs = advance(&costs, &apart, &mut step.path);
        }
        trace(&mut steps, &costs);
        pack::<NBITS, LANES>(&steps, dim, out);
    }
}

/// The values of the chains in a byte, zero beyond the last dimension or vector.
#[inline(always)]
fn values<const NBITS: usize, const LANES: usize>(
    vectors: &[f32],
    dim: usize,
    byte: usize,
) -> [f32; LANES] {
    let chains = 8 / NBITS;
    let first = byte * chains;
    let mut values = [0.0; LANES];
    for (vector, values) in vectors
        .chunks_exact(dim)
        .zip(values.chunks_exact_mut(chains))
    {
        match vector.get(first..first + chains) {
            Some(whole) => values.copy_from_slice(whole),
            None => values[..dim - first].copy_from_slice(&vector[first..]),
        }
    }
    values
}

/// The index of the weight of a set nearest to each value; `apart` becomes its squared error.
#[inline(always)]
fn nearest<const LANES: usize>(
    quantizer: &Quantizer,
    set: usize,
    values: &[f32; LANES],
    apart: &mut [f32; LANES],
) -> [u32; LANES] {
    let (weights, middles) = (&quantizer.sets[set], &quantizer.middles[set]);
    let mut found = [weights[0].to_bits(); LANES];
    let mut indexes = [0u32; LANES];
    if middles.len() < LINEAR_UP_TO {
        for (middle, weight) in middles.iter().zip(&weights[1..]) {
            let above = values.map(|value| u32::from(*middle <= value).wrapping_neg());
            for ((found, index), above) in found.iter_mut().zip(&mut indexes).zip(above) {
                // Branch-free: a branch on a value would be mispredicted half the time.
                *found = weight.to_bits() & above | *found & !above;
                *index = index.wrapping_sub(above);
            }
        }
    } else {
        for ((found, index), value) in found.iter_mut().zip(&mut indexes).zip(values) {
            let at = middles.partition_point(|middle| middle <= value);
            *found = weights[at].to_bits();
            *index = at as u32;
        }
    }
    for ((apart, value), found) in apart.iter_mut().zip(values).zip(found) {
        let off = value - f32::from_bits(found);
        *apart = off * off;
    }
    indexes
}

/// The least cost of each state, one dimension later.
#[inline(always)]
fn advance<const LANES: usize>(
    costs: &[[f32; LANES]; STATES],
    apart: &[[f32; LANES]; STATES],
    path: &mut [u32; LANES],
) -> [[f32; LANES]; STATES] {
    let mut after = [[0.0; LANES]; STATES];
    *path = [0; LANES];
    for stored in 0..2 {
        for newer in 0..2 {
            let state = stored * 2 + newer;
            for lane in 0..LANES {
                // The row is the newer bit; the bucket's lowest bit is the stored bit xor the older
                // one.
                let a = costs[newer * 2][lane] + apart[newer * 2 + stored][lane];
                let b = costs[newer * 2 + 1][lane] + apart[newer * 2 + (stored ^ 1)][lane];
                path[lane] |= u32::from(b < a) << state;
                after[state][lane] = if b < a { b } else { a };
            }
        }
    }
    after
}

/// Follows the best path back and replaces it by the bits to store.
#[inline(always)]
fn trace<const LANES: usize>(steps: &mut [Step<LANES>], costs: &[[f32; LANES]; STATES]) {
    let mut states = [0u32; LANES];
    let mut least = costs[0];
    for (other, costs) in costs.iter().enumerate().skip(1) {
        for lane in 0..LANES {
            let less = costs[lane] < least[lane];
            least[lane] = if less { costs[lane] } else { least[lane] };
            states[lane] = if less { other as u32 } else { states[lane] };
        }
    }
    for Step { path, nearest } in steps.iter_mut().rev() {
        for lane in 0..LANES {
            let (stored, newer) = (states[lane] >> 1, states[lane] & 1);
            let older = path[lane] >> states[lane] & 1;
            let set = newer << 1 | (stored ^ older);
            let index = nearest[lane] >> (INDEX_BITS * set) & ((1 << INDEX_BITS) - 1);
            path[lane] = index << 1 | stored;
            states[lane] = newer << 1 | older;
        }
    }
}

/// Packs the stored bits of all chains.
#[inline(always)]
fn pack<const NBITS: usize, const LANES: usize>(steps: &[Step<LANES>], dim: usize, out: &mut [u8]) {
    let chains = 8 / NBITS;
    for (byte, step) in steps.iter().enumerate() {
        let kept = chains.min(dim - byte * chains);
        let vectors = out.chunks_exact_mut(steps.len());
        for (vector, stored) in vectors.zip(step.path.chunks_exact(chains)) {
            let shifted = stored[..kept].iter().zip((0..).step_by(NBITS));
            vector[byte] = shifted.fold(0, |bits, (&stored, by)| bits | (stored << by) as u8);
        }
    }
}
