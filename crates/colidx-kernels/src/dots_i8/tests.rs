use proptest::prelude::*;

use super::*;
use crate::LANES;
use crate::kernels;
use crate::testing::{cases, noise, up_to};

/// The value of dimension `d` of a column, in units.
fn unit_at(panels: &PanelsI7, column: usize, d: usize) -> i8 {
    let depth = panels.dim().div_ceil(QUAD);
    let quads = &panels.quads()[column / LANES * depth + d / QUAD];
    quads.0[column % LANES * QUAD + d % QUAD]
}

/// The expected result, by definition.
fn expected(rows: &[i8], panels: &PanelsI7) -> Vec<i16> {
    let dim = panels.dim();
    let dot = |row: &[i8], column| {
        let products = row
            .iter()
            .enumerate()
            .map(|(d, &x)| i32::from(x) * i32::from(unit_at(panels, column, d)));
        i16::try_from(products.sum::<i32>() >> panels.shift()).expect("it fits")
    };
    rows.chunks(dim)
        .flat_map(|row| {
            (0..panels.padded_columns())
                .map(|column| dot(row, column))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Rows and columns at their extremes, in several patterns.
fn extreme(n: usize, kind: u8, seed: u64) -> Vec<f32> {
    let sign = |x: f32| if x < 0.0 { -1.0 } else { 1.0 };
    noise(n, seed)
        .iter()
        .enumerate()
        .map(|(i, &x)| match kind {
            0 => x,
            1 => 1.0,
            2 => -1.0,
            3 => sign(x),
            4 => sign(i as f32 % 2.0 - 0.5),
            5 => {
                if x > 0.9 {
                    1.0
                } else {
                    x * 0.01
                }
            }
            _ => sign(x) * (1.0 - x.abs() * 0.02),
        })
        .collect()
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn every_isa_gives_the_sums_of_the_definition(
        n in 0..up_to(150),
        columns in 0..up_to(70),
        // Half of the dimensions are multiples of eight, which AMX tiles need.
        dim in prop_oneof![1..up_to(140), (1..up_to(40)).prop_map(|eights| 8 * eights)],
        seed in any::<u64>(),
        rows_kind in 0u8..7,
        columns_kind in 0u8..7,
    ) {
        let rows: Vec<i8> = extreme(n * dim, rows_kind, seed ^ 1).iter().map(|x| (x * 128.0) as i8).collect();
        let longest = max_chunk_norm(&rows, dim);
        let panels = PanelsI7::new(&extreme(columns * dim, columns_kind, seed), dim, longest);
        let want = expected(&rows, &panels);
        for kernels in Kernels::all_supported() {
            let mut got = vec![7; n * panels.padded_columns()];
            kernels.dots_i8(&rows, &panels, &mut got);
            prop_assert_eq!(&got, &want, "{}", kernels);
        }
    }

    #[test]
    fn columns_are_within_half_a_step(
        columns in 1..up_to(40),
        dim in 1..up_to(300),
        longest in 0f64..1025.0,
        seed in any::<u64>(),
        exponent in -126i32..120,
    ) {
        let scale = 2f32.powi(exponent);
        let values: Vec<f32> = noise(columns * dim, seed).iter().map(|x| x * scale).collect();
        let panels = PanelsI7::new(&values, dim, longest);
        for (i, &value) in values.iter().enumerate() {
            let near = f64::from(unit_at(&panels, i / dim, i % dim)) * panels.step();
            prop_assert!((near - f64::from(value)).abs() <= panels.step() * 0.500_001);
        }
        let largest = values.iter().fold(0.0f32, |max, q| max.max(q.abs()));
        prop_assert!(panels.step() >= f64::from(largest) / 63.0);
        let free = PanelsI7::new(&values, dim, 0.0);
        prop_assert_eq!(free.step(), f64::from(largest) / 63.0);
    }

    #[test]
    fn sums_of_a_chunk_fit_16_bits(
        columns in 1..up_to(40),
        dim in 1..up_to(300),
        seed in any::<u64>(),
        kind in 0u8..7,
        longest in 0f64..1025.0,
    ) {
        let panels = PanelsI7::new(&extreme(columns * dim, kind, seed), dim, longest);
        for panel in panels.quads().chunks(dim.div_ceil(QUAD)) {
            for chunk in panel.chunks(CHUNK) {
                for lane in 0..2 * LANES {
                    let pairs = chunk.iter().flat_map(|quads| &quads.0[2 * lane..][..2]);
                    let square = pairs.map(|&q| i32::from(q).pow(2)).sum::<i32>();
                    prop_assert!(f64::from(square).sqrt() * longest < f64::from(i16::MAX) + 1e-6);
                }
            }
        }
    }

    #[test]
    fn no_half_of_a_row_is_longer_than_the_longest(
        dim in 1..up_to(300),
        rows in prop::collection::vec(any::<i8>(), 300..up_to(2000)),
    ) {
        let rows = &rows[..rows.len() / dim * dim];
        let mut longest = 0;
        for chunk in rows.chunks(dim).flat_map(|row| row.chunks(CHUNK * QUAD)) {
            for half in [[0, 1], [2, 3]] {
                let values = chunk.iter().enumerate().filter(|(d, _)| half.contains(&(d % QUAD)));
                longest = longest.max(values.map(|(_, &x)| i32::from(x).pow(2)).sum());
            }
        }
        prop_assert_eq!(max_chunk_norm(rows, dim), f64::from(longest).sqrt());
    }
}

/// The largest possible products: all values of a row and of a column are extreme.
#[test]
fn extremes_over_many_dimensions() {
    let dims: &[usize] = if cfg!(miri) {
        &[1, 5, 31]
    } else {
        &[1, 2, 3, 4, 5, 31, 128, 129, 1021, 4096]
    };
    for &dim in dims {
        for (q, x) in [
            (1.0, i8::MIN),
            (-1.0, i8::MIN),
            (1.0, i8::MAX),
            (-1.0, i8::MAX),
        ] {
            let longest = max_chunk_norm(&vec![x; dim], dim);
            let panels = PanelsI7::new(&vec![q; 33 * dim], dim, longest);
            assert!(unit_at(&panels, 0, 0).abs() >= 3);
            let dot = dim as i32 * i32::from(x) * i32::from(unit_at(&panels, 0, 0));
            let dot = i16::try_from(dot >> panels.shift()).unwrap();
            for kernels in Kernels::all_supported() {
                let mut out = vec![7; 7 * panels.padded_columns()];
                kernels.dots_i8(&vec![x; 7 * dim], &panels, &mut out);
                for row in out.chunks(panels.padded_columns()) {
                    assert_eq!(row[..33], [dot; 33], "{kernels}, {dim} dimensions");
                    assert_eq!(row[33..], [0; 15], "{kernels}");
                }
            }
        }
    }
}

/// A damaged file gives arbitrary scores, and no panic.
#[test]
fn rows_that_are_too_long_are_no_panic() {
    let panels = PanelsI7::new(&[1.0; 3 * 200], 200, 1.0);
    for kernels in Kernels::all_supported() {
        let mut out = vec![7; 5 * panels.padded_columns()];
        kernels.dots_i8(&[i8::MIN; 5 * 200], &panels, &mut out);
    }
}

#[test]
fn no_columns_zeros_and_what_is_not_finite() {
    let none = PanelsI7::new(&[], 5, 1.0);
    assert_eq!(
        (none.columns(), none.padded_columns(), none.dim()),
        (0, 0, 5)
    );
    let zeros = PanelsI7::new(&[0.0; 6], 3, 9.0);
    assert_eq!(zeros.step(), 0.0);
    for bad in [f32::NAN, f32::INFINITY] {
        let panels = PanelsI7::new(&[1.0, 0.5, bad], 3, 1.0);
        assert_eq!((panels.step(), unit_at(&panels, 0, 0)), (0.0, 0));
    }
    for kernels in Kernels::all_supported() {
        kernels.dots_i8(&[1; 5], &none, &mut []);
        let mut out = [-3; LANES];
        kernels.dots_i8(&[9; 3], &zeros, &mut out);
        assert_eq!(out, [0; LANES]);
        kernels.dots_i8(&[], &zeros, &mut []);
    }
}

#[test]
fn panels_lie_on_cache_lines() {
    let panels = PanelsI7::new(&noise(17 * 5, 1), 5, 1.0);
    assert_eq!((panels.columns(), panels.padded_columns()), (17, 32));
    assert_eq!(panels.quads().as_ptr() as usize % 64, 0);
    assert_eq!(panels.narrow().as_ptr() as usize % 64, 0);
    assert_eq!(panels.quads()[1].0[1..4], [0; 3]);
}

#[test]
#[should_panic(expected = "`out` is [n_rows, padded_columns]")]
fn short_outputs_are_refused() {
    kernels().dots_i8(&[1; 4], &PanelsI7::new(&[1.0; 2], 2, 2.0), &mut [0; 31]);
}
