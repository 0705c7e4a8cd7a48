//! Products of 8-bit integers that keep the digits of uneven numbers.
//!
//! A number that is far larger than those beside it leaves them few of the 255 levels that they share with it. Trained models
//! have such numbers: a few dimensions of every token, a few weights of an output. Two things are done about them.
//!
//! - Dimensions that all outputs weigh little, or much, are brought to one size: inputs are multiplied by a power of two and
//!   weights divided by it. A dimension that is large because its weights are small so becomes like the others.
//! - What a token or an output still loses is quantised again and multiplied as well. Whether it is depends on its own numbers
//!   alone, and so do its results.

use std::f32::consts::SQRT_2;

use colidx_kernels::{PanelsI8, RowsU8, kernels};

/// How large one level may be against the mean magnitude of the numbers that are quantised. An even distribution of weights
/// has about 0.03, one of activations too.
const COARSE: f32 = 0.2;
/// How often numbers are quantised at most: three times eight bits are all that an f32 holds.
const TIMES: usize = 3;

/// The weights of a layer.
pub(super) struct Int8Weights {
    inputs: usize,
    /// What inputs are multiplied by, `[inputs]`, if any by another number than 1.
    sizes: Option<Vec<f32>>,
    /// `[padded outputs]`.
    bias: Vec<f32>,
    all: PanelsI8,
    /// What the quantised weights of uneven outputs lack, in turn.
    lacking: Vec<Lacking>,
}

struct Lacking {
    outputs: Vec<usize>,
    panels: PanelsI8,
}

/// Room that a thread has to work in.
#[derive(Default)]
pub(super) struct Room {
    sized: Vec<f32>,
    rows: RowsU8,
    /// What quantised rows lack.
    lacking: Vec<f32>,
    /// Which rows those are, each with the largest step that it may have.
    uneven: Vec<(usize, f32)>,
    products: Vec<f32>,
    of_lacking: Vec<f32>,
}

impl Int8Weights {
    /// Quantises `weight`, `[outputs, inputs]`; `bias` is `[outputs]` or empty.
    pub(super) fn new(weight: &[f32], inputs: usize, bias: &[f32]) -> Int8Weights {
        let sizes = sizes(weight, inputs);
        let divided: Vec<f32>;
        let weight = match &sizes {
            None => weight,
            Some(sizes) => {
                let weight = weight.iter().zip(sizes.iter().cycle());
                // A size of 0 stands for weights that are 0.
                divided = weight
                    .map(|(w, &size)| if size > 0.0 { w / size } else { 0.0 })
                    .collect();
                &divided
            }
        };
        let all = PanelsI8::new(weight, inputs, bias);
        let mut uneven: Vec<(usize, f32)> = (weight.chunks_exact(inputs).enumerate())
            .map(|(output, weight)| (output, coarse(weight)))
            .filter(|&(output, coarse)| all.step(output) > coarse)
            .collect();
        let mut rest: Vec<f32> = uneven
            .iter()
            .flat_map(|&(output, _)| {
                let weight = &weight[output * inputs..][..inputs];
                weight.iter().zip(all.column(output)).map(|(w, q)| w - q)
            })
            .collect();
        let mut lacking = Vec::new();
        while !uneven.is_empty() && lacking.len() + 1 < TIMES {
            let panels = PanelsI8::new(&rest, inputs, &[]);
            let outputs = uneven.iter().map(|&(output, _)| output).collect();
            let still: Vec<usize> = (0..uneven.len())
                .filter(|&i| panels.step(i) > uneven[i].1)
                .collect();
            rest = (still.iter())
                .flat_map(|&i| {
                    let weight = &rest[i * inputs..][..inputs];
                    weight.iter().zip(panels.column(i)).map(|(w, q)| w - q)
                })
                .collect();
            uneven = still.into_iter().map(|i| uneven[i]).collect();
            lacking.push(Lacking { outputs, panels });
        }
        let mut bias = bias.to_vec();
        bias.resize(all.padded_columns(), 0.0);
        Int8Weights {
            inputs,
            sizes,
            bias,
            all,
            lacking,
        }
    }

    /// The products of every row of `x` with every output, bias included, into `out`, `[n, padded outputs]`.
    pub(super) fn products(&self, x: &[f32], room: &mut Room, out: &mut [f32]) {
        let (inputs, stride) = (self.inputs, self.all.padded_columns());
        let x = match &self.sizes {
            None => x,
            Some(sizes) => {
                room.sized.clear();
                for row in x.chunks_exact(inputs) {
                    room.sized
                        .extend(row.iter().zip(sizes).map(|(x, size)| x * size));
                }
                &room.sized
            }
        };
        kernels().quantize_rows(&mut room.rows, x, inputs, inputs);
        self.of_quantised(&room.rows, &mut room.of_lacking, out);

        room.uneven.clear();
        room.lacking.clear();
        for (i, row) in x.chunks_exact(inputs).enumerate() {
            let coarse = coarse(row);
            if room.rows.step(i) > coarse {
                room.uneven.push((i, coarse));
                let lacking = row.iter().zip(room.rows.row(i)).map(|(x, q)| x - q);
                room.lacking.extend(lacking);
            }
        }
        for _ in 1..TIMES {
            if room.uneven.is_empty() {
                break;
            }
            kernels().quantize_rows(&mut room.rows, &room.lacking, inputs, inputs);
            room.products.resize(room.uneven.len() * stride, 0.0);
            self.of_quantised(&room.rows, &mut room.of_lacking, &mut room.products);
            let products = room.products.chunks_exact(stride);
            for ((i, _), products) in room.uneven.iter().zip(products) {
                let out = &mut out[i * stride..][..stride];
                for ((out, product), bias) in out.iter_mut().zip(products).zip(&self.bias) {
                    *out += product - bias;
                }
            }
            let mut kept = 0;
            for k in 0..room.uneven.len() {
                let (i, coarse) = room.uneven[k];
                if room.rows.step(k) > coarse {
                    for (at, q) in (0..inputs).zip(room.rows.row(k)) {
                        room.lacking[kept * inputs + at] = room.lacking[k * inputs + at] - q;
                    }
                    room.uneven[kept] = (i, coarse);
                    kept += 1;
                }
            }
            room.uneven.truncate(kept);
            room.lacking.truncate(kept * inputs);
        }
    }

    /// The products of rows that are quantised already.
    fn of_quantised(&self, rows: &RowsU8, of_lacking: &mut Vec<f32>, out: &mut [f32]) {
        let stride = self.all.padded_columns();
        kernels().dots_u8(rows, &self.all, out, stride);
        for Lacking { outputs, panels } in &self.lacking {
            let width = panels.padded_columns();
            of_lacking.resize(rows.len() * width, 0.0);
            kernels().dots_u8(rows, panels, of_lacking, width);
            for (out, products) in out.chunks_mut(stride).zip(of_lacking.chunks_exact(width)) {
                for (&output, product) in outputs.iter().zip(products) {
                    out[output] += product;
                }
            }
        }
    }
}

/// For each input the power of two nearest to the mean magnitude of its weights, against that of the input in the middle; 0
/// for an input that no output weighs. None if all are 1.
fn sizes(weight: &[f32], inputs: usize) -> Option<Vec<f32>> {
    let mut means = vec![0.0f32; inputs];
    for weight in weight.chunks_exact(inputs) {
        for (mean, weight) in means.iter_mut().zip(weight) {
            *mean += weight.abs();
        }
    }
    let mut sorted: Vec<f32> = means.iter().copied().filter(|&mean| mean > 0.0).collect();
    sorted.sort_by(f32::total_cmp);
    let middle = *sorted.get(sorted.len() / 2)?;
    let size = |mean: f32| {
        if mean == 0.0 {
            return 0.0;
        }
        // Without the digits behind the first it is rounded down; far within what an f32 holds.
        let ratio = (SQRT_2 * mean / middle).clamp(1e-9, 1e9);
        f32::from_bits(ratio.to_bits() >> 23 << 23)
    };
    let sizes: Vec<f32> = means.into_iter().map(size).collect();
    sizes.iter().any(|&size| size != 1.0).then_some(sizes)
}

/// The largest step that `values` may be quantised with: [`COARSE`] of their mean magnitude. They are added in an order that
/// depends on their number alone.
fn coarse(values: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0f32; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += value.abs();
        }
    }
    for (sum, value) in sums.iter_mut().zip(rest) {
        *sum += value.abs();
    }
    COARSE * (sums.iter().sum::<f32>() / values.len() as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::random;

    const INPUTS: usize = 96;

    /// The greatest difference from exact products.
    fn error(x: &[f32], weight: &[f32]) -> f64 {
        let outputs = weight.len() / INPUTS;
        let bias = random(outputs, 3);
        let stride = outputs.next_multiple_of(16);
        let mut found = vec![0.0; x.len() / INPUTS * stride];
        let weights = Int8Weights::new(weight, INPUTS, &bias);
        weights.products(x, &mut Room::default(), &mut found);
        let mut greatest = 0.0f64;
        for (x, found) in x.chunks_exact(INPUTS).zip(found.chunks_exact(stride)) {
            for ((weight, bias), found) in weight.chunks_exact(INPUTS).zip(&bias).zip(found) {
                let products = x
                    .iter()
                    .zip(weight)
                    .map(|(x, w)| f64::from(*x) * f64::from(*w));
                let expected = products.sum::<f64>() + f64::from(*bias);
                greatest = greatest.max((expected - f64::from(*found)).abs());
            }
        }
        greatest
    }

    /// Every `step`th number from `first` on, changed.
    fn change(values: &mut [f32], first: usize, step: usize, change: impl Fn(f32) -> f32) {
        let values = values.iter_mut().skip(first).step_by(step);
        values.for_each(|value| *value = change(*value));
    }

    #[test]
    fn uneven_numbers_lose_little_more_than_even_ones() {
        let x = || random(9 * INPUTS, 1);
        let weight = || random(40 * INPUTS, 2);
        let even = error(&x(), &weight());
        assert!(even < 0.2, "{even}");
        for factor in [20.0, 100.0, 1e4, 1e6] {
            // The outputs' root mean square is three. Quantised once, they would be six and more off from 100 on.
            let allowed = 1.5 + 1e-5 * f64::from(factor);
            // A dimension of every token is large, and its weights are what 8 bits hold.
            let (mut tokens, mut weights) = (x(), weight());
            change(&mut tokens, 5, INPUTS, |x| factor * (2.0 + x));
            weights
                .iter_mut()
                .for_each(|w| *w = (*w * 127.0).round() / 127.0);
            change(&mut weights, 5, INPUTS, |w| w.signum() * 64.0 / 127.0);
            for (output, weights) in weights.chunks_exact_mut(INPUTS).enumerate() {
                weights[6 + output] = 1.0;
            }
            let error_of_tokens = error(&tokens, &weights);
            assert!(error_of_tokens < allowed, "{factor}: {error_of_tokens}");

            // A weight of some outputs is large, and what it is multiplied with is nothing.
            let (mut tokens, mut weights) = (x(), weight());
            change(&mut tokens, 5, INPUTS, |_| 0.0);
            change(&mut weights, 5, 3 * INPUTS, |w| factor * w);
            let error_of_outputs = error(&tokens, &weights);
            assert!(error_of_outputs < allowed, "{factor}: {error_of_outputs}");

            // Dimensions of every token are large because their weights are small, and the other way round.
            for factor in [factor, 1.0 / factor] {
                let (mut tokens, mut weights) = (x(), weight());
                change(&mut tokens, 3, 8, |x| x * factor);
                change(&mut weights, 3, 8, |w| w / factor);
                let error_of_both = error(&tokens, &weights);
                assert!(error_of_both < 3.0 * even, "{factor}: {error_of_both}");
            }
        }
    }

    #[test]
    fn dimensions_without_weights_do_not_matter() {
        let (mut x, mut weight) = (random(9 * INPUTS, 1), random(40 * INPUTS, 2));
        change(&mut weight, 5, INPUTS, |_| 0.0);
        let expected = error(&x, &weight);
        change(&mut x, 5, INPUTS, |_| 1e30);
        assert_eq!(error(&x, &weight), expected);
        assert!(sizes(&[0.0; 2 * INPUTS], INPUTS).is_none());
        assert!(sizes(&[1.0; 2 * INPUTS], INPUTS).is_none());
    }
}
