use proptest::prelude::*;

use super::*;
use crate::kernels;
use crate::testing::{cases, noise, up_to};
use crate::{Codec, CodecI16, GAINS, LANES, Panels, packed_len};

/// The value of dimension `d` of a column, in units.
fn unit_at(panels: &PanelsI16, column: usize, d: usize) -> i16 {
    let depth = panels.dim().div_ceil(PAIR);
    let line = &panels.pairs()[column / LANES * depth + d / PAIR];
    line.0[column % LANES * PAIR + d % PAIR]
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn every_isa_gives_the_sums_of_the_definition(
        n in 0..up_to(150),
        columns in 0..up_to(40),
        dim in 1..up_to(90),
        seed in any::<u64>(),
        full in any::<bool>(),
    ) {
        let panels = PanelsI16::new(&noise(columns * dim, seed), dim);
        let stride = stride_i16(dim);
        let width = panels.padded_columns();
        // The full range, so that sums wrap, or the range of unit vectors.
        let scale = if full { 32_768.0 } else { 32_766.0 / (dim as f32).sqrt() };
        let mut words: Vec<i16> = noise(n * stride, seed ^ 1).iter().map(|x| (x * scale) as i16).collect();
        for row in words.chunks_mut(stride) {
            row[dim..].fill(0);
        }
        let dot = |row: &[i16], column: usize| {
            (0..dim).fold(0i32, |sum, d| {
                let unit = if column < columns { unit_at(&panels, column, d) } else { 0 };
                sum.wrapping_add(i32::from(row[d]).wrapping_mul(unit.into()))
            })
        };
        let start: Vec<i32> = noise(width, seed ^ 3).iter().map(|x| (x * 1e6) as i32).collect();
        let dots: Vec<i32> = words
            .chunks(stride)
            .flat_map(|row| (0..width).map(move |c| dot(row, c)))
            .collect();
        let mut best = start.clone();
        for row in dots.chunks(width.max(1)) {
            for (best, &dot) in best.iter_mut().zip(row) {
                *best = (*best).max(dot);
            }
        }
        for kernels in Kernels::all_supported() {
            let (mut products, mut got) = (vec![7; dots.len()], start.clone());
            kernels.dots_i16(&words, &panels, &mut products, &mut got);
            prop_assert_eq!(&products, &dots, "{}", kernels);
            prop_assert_eq!(&got, &best, "{}", kernels);
        }
    }

    #[test]
    fn scores_differ_by_no_more_than_the_bound(
        tokens in 1..up_to(40),
        columns in 1..up_to(40),
        dim in 1..up_to(160),
        nbits in prop::sample::select(vec![1usize, 2, 4, 8]),
        seed in any::<u64>(),
        exponent in -140i32..110,
        spread in 0i32..24,
        kind in 0..4,
    ) {
        // Steps and scales of dimensions: similar, all but one small, ties in rounding, or all
        // equal.
        let of = |d: usize| match kind {
            0 => 1.0,
            1 => if d == 0 { 1.0 } else { 1e-4 },
            2 => (d % 3) as f32,
            _ => 0.5,
        };
        let steps: Vec<f32> = (0..dim).map(|d| 0.01 * of(d)).collect();
        let scales: Vec<f32> = (0..dim).map(of).collect();
        let weights: Vec<f32> = match kind {
            3 => vec![0.25; GAINS * (2 << nbits)],
            _ => noise(GAINS * (2 << nbits), seed ^ 4),
        };
        let k = 7;
        let centroids: Vec<i8> = match kind {
            3 => vec![64; k * dim],
            _ => noise(k * dim, seed ^ 5).iter().map(|x| (x * 128.0) as i8).collect(),
        };
        let codec = Codec {
            dim,
            nbits,
            centroids: &centroids,
            steps: &steps,
            weights: &weights,
            scales: &scales,
        };
        let codes: Vec<u16> = (0..tokens).map(|t| ((t as u64 ^ seed) % (k * GAINS) as u64) as u16).collect();
        let bytes = noise(tokens * packed_len(dim, nbits), seed ^ 6);
        let residuals: Vec<u8> = bytes.iter().map(|x| (x * 128.0) as i8 as u8).collect();

        // Columns of all lengths, some parallel to a row, whose products are maximal.
        let mut rows = vec![0.0; tokens * dim];
        kernels().decode(&codec, &codes, &residuals, &mut rows).unwrap();
        kernels().normalize(&mut rows, dim);
        let mut query = noise(columns * dim, seed ^ 7);
        for (c, column) in query.chunks_mut(dim).enumerate() {
            if c % 2 == 1 {
                column.copy_from_slice(&rows[c % tokens * dim..][..dim]);
            }
            let scale = 2f32.powi(exponent - c as i32 % (spread + 1));
            column.iter_mut().for_each(|q| *q *= scale);
        }
        let exact = kernels().maxsim(&rows, &Panels::new(&query, dim), &mut Vec::new());

        let panels = PanelsI16::new(&query, dim);
        let mut words = vec![0; tokens * stride_i16(dim)];
        let tables = CodecI16::new(&codec);
        kernels().decode_i16(&codec, &tables, &codes, &residuals, &mut words).unwrap();
        let errors = panels.errors(tables.row_error());
        let mut best = vec![i32::MIN; panels.padded_columns()];
        let mut dots = vec![0; tokens * best.len()];
        kernels().dots_i16(&words, &panels, &mut dots, &mut best);
        let near: f64 = best[..columns].iter().map(|&b| f64::from(b) * panels.unit()).sum();
        let off = (near - f64::from(exact)).abs();
        prop_assert!(off <= errors.maxsim, "{} > {}", off, errors.maxsim);
        for (row, dots) in rows.chunks(dim).zip(dots.chunks(best.len())) {
            let mut exact = vec![f32::NEG_INFINITY; best.len()];
            kernels().max_dots(row, &Panels::new(&query, dim), &mut exact);
            for (exact, &dot) in exact.iter().zip(dots).take(columns) {
                let off = (f64::from(dot) * panels.unit() - f64::from(*exact)).abs();
                prop_assert!(off <= errors.dot, "{} > {}", off, errors.dot);
            }
        }
    }

    #[test]
    fn columns_are_within_half_a_step(
        columns in 1..up_to(40),
        dim in 1..up_to(90),
        seed in any::<u64>(),
        exponent in -126i32..120,
    ) {
        let scale = 2f32.powi(exponent);
        let values: Vec<f32> = noise(columns * dim, seed).iter().map(|x| x * scale).collect();
        let panels = PanelsI16::new(&values, dim);
        for (i, &value) in values.iter().enumerate() {
            let near = f64::from(unit_at(&panels, i / dim, i % dim)) * panels.step();
            prop_assert!((near - f64::from(value)).abs() <= panels.step() * 0.500_001);
        }
        let longest = (0..columns)
            .map(|c| (0..dim).map(|d| f64::from(unit_at(&panels, c, d)).powi(2)).sum::<f64>().sqrt())
            .fold(0.0, f64::max);
        prop_assert!((longest - 32_766.0).abs() <= (dim as f64).sqrt() / 2.0);
    }
}

#[test]
fn the_largest_integers_wrap() {
    let panels = PanelsI16::new(&[1.0; 3], 3);
    let q = i64::from(unit_at(&panels, 0, 0));
    for kernels in Kernels::all_supported() {
        let mut best = vec![i32::MIN; LANES];
        kernels.dots_i16(
            &[i16::MIN, i16::MIN, i16::MIN, 0],
            &panels,
            &mut [0; LANES],
            &mut best,
        );
        assert_eq!(best[0], (3 * -32_768 * q) as i32, "{kernels}");
        assert_eq!(best[1], 0, "{kernels}");
    }
}

#[test]
fn no_columns_zeros_and_what_is_not_finite() {
    let none = PanelsI16::new(&[], 5);
    assert_eq!(
        (none.columns(), none.padded_columns(), none.dim()),
        (0, 0, 5)
    );
    assert_eq!(none.errors(1.0).maxsim, 0.0);
    let zeros = PanelsI16::new(&[0.0; 6], 3);
    assert_eq!((zeros.unit(), zeros.errors(1.0).maxsim), (0.0, 0.0));
    for bad in [f32::NAN, f32::INFINITY] {
        let panels = PanelsI16::new(&[1.0, 0.5, bad], 3);
        let errors = panels.errors(0.0);
        assert!(errors.maxsim.is_infinite() && errors.dot.is_infinite());
        assert_eq!(unit_at(&panels, 0, 0), 0);
    }
    for kernels in Kernels::all_supported() {
        kernels.dots_i16(&[1; 6], &none, &mut [], &mut []);
        let mut best = [-3; LANES];
        kernels.dots_i16(&[9; 4], &zeros, &mut [0; LANES], &mut best);
        assert_eq!(best, [0; LANES]);
        kernels.dots_i16(&[], &zeros, &mut [], &mut best);
    }
}

#[test]
fn panels_lie_on_cache_lines() {
    let panels = PanelsI16::new(&noise(17 * 5, 1), 5);
    assert_eq!((panels.columns(), panels.padded_columns()), (17, 32));
    assert_eq!(panels.pairs().as_ptr() as usize % 64, 0);
    assert_eq!(panels.pairs()[2].0[1], 0);
}

#[test]
#[should_panic(expected = "`best` is [padded_columns]")]
fn short_maxima_are_refused() {
    kernels().dots_i16(
        &[1; 4],
        &PanelsI16::new(&[1.0; 2], 2),
        &mut [0; 32],
        &mut [0; 15],
    );
}
