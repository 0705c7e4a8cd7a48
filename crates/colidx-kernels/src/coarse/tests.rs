use proptest::prelude::*;

use super::*;
use crate::LANES;
use crate::testing::{cases, noise, up_to};

/// The value of dimension `d` of a column, in units.
fn unit_at(panels: &CoarsePanels, column: usize, d: usize) -> i8 {
    let depth = panels.dim().div_ceil(QUAD);
    let quads = &panels.quads()[column / LANES * depth + d / QUAD];
    quads.0[column % LANES * QUAD + d % QUAD]
}

/// What every level must give, by the definition.
fn expected(rows: &[i8], panels: &CoarsePanels) -> Vec<i16> {
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

/// Rows and columns at their extremes in the ways of `kind`.
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
    fn every_level_gives_the_sums_of_the_definition(
        n in 0..up_to(150),
        columns in 0..up_to(70),
        dim in 1..up_to(140),
        seed in any::<u64>(),
        rows_kind in 0u8..7,
        columns_kind in 0u8..7,
    ) {
        let panels = CoarsePanels::new(&extreme(columns * dim, columns_kind, seed), dim);
        let rows: Vec<i8> = extreme(n * dim, rows_kind, seed ^ 1).iter().map(|x| (x * 128.0) as i8).collect();
        let want = expected(&rows, &panels);
        for level in Level::supported() {
            let mut got = vec![7; n * panels.padded_columns()];
            level.coarse_dots(&rows, &panels, &mut got);
            prop_assert_eq!(&got, &want, "{}", level);
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
        let panels = CoarsePanels::new(&values, dim);
        for (i, &value) in values.iter().enumerate() {
            let near = f64::from(unit_at(&panels, i / dim, i % dim)) * panels.step();
            prop_assert!((near - f64::from(value)).abs() <= panels.step() * 0.500_001);
        }
        let largest = values.iter().fold(0.0f32, |max, q| max.max(q.abs()));
        prop_assert_eq!(panels.step(), f64::from(largest) / 63.0);
    }

    #[test]
    fn sums_of_a_group_fit_16_bits(
        columns in 1..up_to(40),
        dim in 1..up_to(200),
        seed in any::<u64>(),
        kind in 0u8..7,
    ) {
        let panels = CoarsePanels::new(&extreme(columns * dim, kind, seed), dim);
        let depth = dim.div_ceil(QUAD);
        let ends = &panels.narrow().ends;
        prop_assert_eq!(ends.last(), Some(&depth));
        prop_assert!(ends.is_sorted_by(|a, b| a < b));
        for panel in panels.quads().chunks(depth) {
            let mut from = 0;
            for &end in ends {
                for lane in 0..2 * LANES {
                    let pairs = panel[from..end].iter().flat_map(|quads| &quads.0[2 * lane..][..2]);
                    let most = 128 * pairs.map(|&q| i32::from(q).abs()).sum::<i32>();
                    prop_assert!(most <= i32::from(i16::MAX));
                }
                from = end;
            }
        }
    }
}

#[test]
fn extremes_over_many_dimensions() {
    let dims: &[usize] = if cfg!(miri) {
        &[1, 5, 31]
    } else {
        &[1, 2, 3, 4, 5, 31, 128, 1021]
    };
    for &dim in dims {
        for q in [1.0, -1.0] {
            let panels = CoarsePanels::new(&vec![q; 33 * dim], dim);
            for x in [i8::MIN, i8::MAX] {
                for level in Level::supported() {
                    let mut out = vec![7; 7 * panels.padded_columns()];
                    level.coarse_dots(&vec![x; 7 * dim], &panels, &mut out);
                    let dot = dim as i32 * i32::from(x) * 63 * q as i32;
                    let dot = (dot >> panels.shift()) as i16;
                    for row in out.chunks(panels.padded_columns()) {
                        assert_eq!(row[..33], [dot; 33], "{level}, {dim} dimensions");
                        assert_eq!(row[33..], [0; 15], "{level}");
                    }
                }
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "long, and plain arithmetic")]
fn the_largest_integers_wrap() {
    let dim = 300_000;
    let panels = CoarsePanels::new(&vec![1.0; dim], dim);
    let want = ((dim as i64 * -128 * 63) as i32 >> panels.shift()) as i16;
    for level in Level::supported() {
        let mut out = vec![7; LANES];
        level.coarse_dots(&vec![i8::MIN; dim], &panels, &mut out);
        assert_eq!(out[..2], [want, 0], "{level}");
    }
}

#[test]
fn no_columns_zeros_and_what_is_not_finite() {
    let none = CoarsePanels::new(&[], 5);
    assert_eq!(
        (none.columns(), none.padded_columns(), none.dim()),
        (0, 0, 5)
    );
    let zeros = CoarsePanels::new(&[0.0; 6], 3);
    assert_eq!(zeros.step(), 0.0);
    for bad in [f32::NAN, f32::INFINITY] {
        let panels = CoarsePanels::new(&[1.0, 0.5, bad], 3);
        assert_eq!((panels.step(), unit_at(&panels, 0, 0)), (0.0, 0));
    }
    for level in Level::supported() {
        level.coarse_dots(&[1; 5], &none, &mut []);
        let mut out = [-3; LANES];
        level.coarse_dots(&[9; 3], &zeros, &mut out);
        assert_eq!(out, [0; LANES]);
        level.coarse_dots(&[], &zeros, &mut []);
    }
}

#[test]
fn panels_lie_on_cache_lines() {
    let panels = CoarsePanels::new(&noise(17 * 5, 1), 5);
    assert_eq!((panels.columns(), panels.padded_columns()), (17, 32));
    assert_eq!(panels.quads().as_ptr() as usize % 64, 0);
    assert_eq!(panels.narrow().starts.as_ptr() as usize % 64, 0);
    assert_eq!(panels.quads()[1].0[1..4], [0; 3]);
}

#[test]
#[should_panic(expected = "`out` is [n_rows, padded_columns]")]
fn short_outputs_are_refused() {
    coarse_dots(&[1; 4], &CoarsePanels::new(&[1.0; 2], 2), &mut [0; 31]);
}
