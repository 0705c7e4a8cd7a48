//! Viterbi's algorithm, for eight chains at a time. `inline(always)`, so that it compiles inside
//! the functions of each instruction set.

use super::{LANES, Quantizer, STATES};
use crate::packed_len;

/// Up to this many weights of a set are compared one by one; larger sets are searched.
const LINEAR_UP_TO: usize = 16;

/// One value per chain.
type Lanes<T> = [T; LANES];

/// The best path to each state after a byte, and the choices there.
#[derive(Clone, Copy, Default)]
struct Step {
    /// Which of the two possible previous states the path comes from, by the older of their two
    /// bits.
    from: [Lanes<u32>; STATES],
    /// The index, within each set, of its weight nearest to the value.
    nearest: [Lanes<u32>; STATES],
}

/// A state is `newer * 2 + older`: the lowest bits stored for the two dimensions before.
#[inline(always)]
pub(super) fn quantize<const NBITS: usize>(
    quantizer: &Quantizer,
    vectors: &[f32],
    dim: usize,
    out: &mut [u8],
) {
    let bytes = packed_len(dim, NBITS);
    let mut steps = vec![Step::default(); bytes];
    // `NBITS` vectors, each with a chain for every dimension of a byte, take all lanes.
    for (vectors, out) in vectors
        .chunks(NBITS * dim)
        .zip(out.chunks_mut(NBITS * bytes))
    {
        let mut costs = [[f32::INFINITY; LANES]; STATES];
        costs[0] = [0.0; LANES];
        for (byte, step) in steps.iter_mut().enumerate() {
            let values = values::<NBITS>(vectors, dim, byte);
            let mut apart = [[0.0; LANES]; STATES];
            for (set, apart) in apart.iter_mut().enumerate() {
                nearest(quantizer, set, &values, &mut step.nearest[set], apart);
            }
            let chains = LANES / NBITS;
            if (byte + 1) * chains > dim {
                // Beyond the last dimension all choices are equal.
                for apart in apart.iter_mut().flat_map(|apart| apart.chunks_mut(chains)) {
                    apart[dim - byte * chains..].fill(0.0);
                }
            }
            costs = advance(&costs, &apart, &mut step.from);
        }
        trace::<NBITS>(&steps, &costs, dim, out);
    }
}

/// The values of the chains in a byte, zero beyond the last dimension or vector.
#[inline(always)]
fn values<const NBITS: usize>(vectors: &[f32], dim: usize, byte: usize) -> Lanes<f32> {
    let chains = LANES / NBITS;
    let mut values = [0.0; LANES];
    for (vector, values) in vectors.chunks(dim).zip(values.chunks_mut(chains)) {
        for (value, x) in values.iter_mut().zip(&vector[byte * chains..]) {
            *value = *x;
        }
    }
    values
}

/// The index of the weight of a set nearest to each value, and its squared error.
#[inline(always)]
fn nearest(
    quantizer: &Quantizer,
    set: usize,
    values: &Lanes<f32>,
    number: &mut Lanes<u32>,
    apart: &mut Lanes<f32>,
) {
    let (weights, middles) = (&quantizer.sets[set], &quantizer.middles[set]);
    let mut found = [weights[0].to_bits(); LANES];
    let mut numbers: Lanes<u32> = [0; LANES];
    if middles.len() < LINEAR_UP_TO {
        for (middle, weight) in middles.iter().zip(&weights[1..]) {
            let above = values.map(|value| u32::from(*middle <= value).wrapping_neg());
            for ((found, number), above) in found.iter_mut().zip(&mut numbers).zip(above) {
                // Branch-free: a branch on a value would be mispredicted half the time.
                *found = weight.to_bits() & above | *found & !above;
                *number = number.wrapping_sub(above);
            }
        }
    } else {
        for ((found, number), value) in found.iter_mut().zip(&mut numbers).zip(values) {
            let at = middles.partition_point(|middle| middle <= value);
            *found = weights[at].to_bits();
            *number = at as u32;
        }
    }
    *number = numbers;
    for ((apart, value), found) in apart.iter_mut().zip(values).zip(found) {
        let off = value - f32::from_bits(found);
        *apart = off * off;
    }
}

/// The least cost of each state, one dimension later.
#[inline(always)]
fn advance(
    costs: &[Lanes<f32>; STATES],
    apart: &[Lanes<f32>; STATES],
    from: &mut [Lanes<u32>; STATES],
) -> [Lanes<f32>; STATES] {
    let mut after = [[0.0; LANES]; STATES];
    for stored in 0..2 {
        for newer in 0..2 {
            let state = stored * 2 + newer;
            for lane in 0..LANES {
                // The row is the newer bit; the bucket's lowest bit is the stored bit xor the older
                // one.
                let a = costs[newer * 2][lane] + apart[newer * 2 + stored][lane];
                let b = costs[newer * 2 + 1][lane] + apart[newer * 2 + (stored ^ 1)][lane];
                from[state][lane] = u32::from(b < a);
                after[state][lane] = if b < a { b } else { a };
            }
        }
    }
    after
}

/// Follows the best path back and writes the stored bits.
#[inline(always)]
fn trace<const NBITS: usize>(
    steps: &[Step],
    costs: &[Lanes<f32>; STATES],
    dim: usize,
    out: &mut [u8],
) {
    let chains = LANES / NBITS;
    let bytes = steps.len();
    let mut states = [0; LANES];
    for (lane, state) in states.iter_mut().enumerate() {
        for other in 1..STATES {
            if costs[other][lane] < costs[*state][lane] {
                *state = other;
            }
        }
    }
    out.fill(0);
    let vectors = out.len() / bytes;
    // All chains go together, because each waits for memory at every step.
    for (byte, step) in steps.iter().enumerate().rev() {
        for (lane, state) in states[..vectors * chains].iter_mut().enumerate() {
            let (vector, chain) = (lane / chains, lane % chains);
            let (stored, newer) = (*state / 2, *state % 2);
            let older = step.from[*state][lane] as usize;
            let number = step.nearest[newer * 2 + (stored ^ older)][lane];
            if byte * chains + chain < dim {
                let bits = (number << 1) as u8 | stored as u8;
                out[vector * bytes + byte] |= bits << (chain * NBITS % 8);
            }
            *state = newer * 2 + older;
        }
    }
}
