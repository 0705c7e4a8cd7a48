use proptest::prelude::*;

use super::*;
use crate::LANES;
use crate::kernels;
use crate::testing::{cases, noise, up_to};

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn quantized(kernels: Kernels, rows: &[f32], dim: usize) -> RowsU8 {
    let mut quantized = RowsU8::default();
    kernels.quantize_rows(&mut quantized, rows, dim, dim);
    quantized
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn every_isa_gives_the_bits_of_the_oracle(
        n in 0..up_to(120),
        columns in 0..up_to(70),
        // Half of the dimensions are multiples of eight, which AMX tiles need.
        dim in prop_oneof![1..up_to(90), (1..up_to(30)).prop_map(|eights| 8 * eights)],
        gap in 0..up_to(20),
        seed in any::<u64>(),
        shift in -3.0f32..3.0,
    ) {
        let x: Vec<f32> = noise(n * dim, seed).iter().map(|x| x + shift).collect();
        let weights = noise(columns * dim, seed ^ 1);
        let bias = noise(columns, seed ^ 2);
        let columns = PanelsI8::new(&weights, dim, if gap % 2 == 0 { &bias } else { &[] });
        let rows = quantized(Kernels::SCALAR, &x, dim);
        let stride = columns.padded_columns() + gap;
        let mut expected = vec![7.0; n * stride];
        Kernels::SCALAR.dots_u8(&rows, &columns, &mut expected, stride);
        for kernels in Kernels::all_supported() {
            let again = quantized(kernels, &x, dim);
            prop_assert_eq!(again.values(), rows.values());
            prop_assert_eq!(again.ranges(), rows.ranges());
            let mut found = vec![7.0; n * stride];
            kernels.dots_u8(&rows, &columns, &mut found, stride);
            prop_assert_eq!(bits(&found), bits(&expected), "{}", kernels);
        }
    }

    #[test]
    fn rows_that_are_pushed_are_those_that_were_quantised(
        n in 1..up_to(9), dim in 1..up_to(40), seed in any::<u64>(),
    ) {
        let x = noise(n * dim, seed);
        let rows = quantized(kernels(), &x, dim);
        // Holds rows of other dimensions before.
        let mut picked = quantized(kernels(), &x, 1);
        picked.reset(dim);
        prop_assert!(picked.is_empty());
        (0..n).rev().for_each(|row| picked.push(&rows, row));
        prop_assert_eq!(picked.len(), n);
        for row in 0..n {
            prop_assert!(picked.row(n - 1 - row).eq(rows.row(row)));
            prop_assert_eq!(picked.step(n - 1 - row), rows.step(row));
        }
    }

    #[test]
    fn a_quantised_row_is_within_half_a_step(dim in 1..up_to(100), seed in any::<u64>(), shift in -5.0f32..5.0) {
        let x: Vec<f32> = noise(dim, seed).iter().map(|x| x + shift).collect();
        let rows = quantized(kernels(), &x, dim);
        let step = rows.ranges()[0].scale;
        for (x, back) in x.iter().zip(rows.row(0)) {
            prop_assert!((x - back).abs() <= 0.5001 * step + 1e-6, "{} {}", x, back);
        }
    }

    #[test]
    fn products_are_those_of_f32_to_the_steps_of_both(
        dim in 1..up_to(200),
        seed in any::<u64>(),
    ) {
        let (x, w) = (noise(dim, seed), noise(dim, seed ^ 1));
        let (rows, columns) = (quantized(kernels(), &x, dim), PanelsI8::new(&w, dim, &[0.5]));
        let mut out = [0.0; LANES];
        kernels().dots_u8(&rows, &columns, &mut out, LANES);
        let exact: f64 = x.iter().zip(&w).map(|(x, w)| f64::from(x * w)).sum::<f64>() + 0.5;
        // Each term is off by at most half a step of each side.
        let bound = dim as f64 * (0.5 / 127.0 + 0.5 * 2.0 / 255.0 + 1e-4) + 1e-5;
        prop_assert!((f64::from(out[0]) - exact).abs() < bound, "{} {}", out[0], exact);
        prop_assert_eq!(&out[1..], &[0.0; LANES - 1]);
    }
}

#[test]
fn every_isa_quantises_columns_alike() {
    for dim in [1, 15, 16, 37, 200] {
        let column = noise(dim, 11);
        let run = |kernels| {
            let mut values = vec![0; dim];
            let step = quantize::quantize_column(kernels, &column, &mut values);
            (values, step.to_bits())
        };
        let expected = run(Kernels::SCALAR);
        assert!(expected.0.iter().any(|value| value.abs() == 127));
        assert!(Kernels::all_supported().all(|kernels| run(kernels) == expected));
    }
}

#[test]
#[cfg_attr(miri, ignore = "long, and plain arithmetic")]
fn the_largest_sums_do_not_overflow() {
    let dim = MAX_DIM;
    let mut x = vec![255.0; dim];
    x[0] = 0.0;
    let columns = PanelsI8::new(&vec![-127.0; dim * 2], dim, &[]);
    for kernels in Kernels::all_supported() {
        let rows = quantized(kernels, &x, dim);
        let mut out = [0.0; LANES];
        kernels.dots_u8(&rows, &columns, &mut out, LANES);
        let exact = -127.0 * 255.0 * (dim - 1) as f64;
        assert!(
            (f64::from(out[1]) / exact - 1.0).abs() < 1e-6,
            "{kernels}: {}",
            out[1]
        );
    }
}

#[test]
fn what_is_not_finite_stays_so() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for at in [0, 5, 16, 35] {
            let mut x = noise(36, 3);
            x[at] = bad;
            for kernels in Kernels::all_supported() {
                let rows = quantized(kernels, &x, 36);
                let columns = PanelsI8::new(&noise(36, 4), 36, &[]);
                let mut out = [0.0; LANES];
                kernels.dots_u8(&rows, &columns, &mut out, LANES);
                assert!(
                    !out[0].is_finite(),
                    "{kernels}: {bad} at {at} gave {}",
                    out[0]
                );
            }
        }
    }
}

#[test]
fn constant_rows_and_empty_columns_are_exact() {
    let columns = PanelsI8::new(&[[0.0; 8], [1.0; 8]].concat(), 8, &[2.0, 0.0]);
    let rows = quantized(kernels(), &[3.0; 8], 8);
    let mut out = [0.0; LANES];
    kernels().dots_u8(&rows, &columns, &mut out, LANES);
    assert_eq!(out[0], 2.0);
    assert!((out[1] - 24.0).abs() < 1e-5);
    assert_eq!(PanelsI8::new(&[], 8, &[]).padded_columns(), 0);
}

#[test]
fn rows_are_taken_from_wider_ones() {
    let x = noise(3 * 20, 9);
    let narrow: Vec<f32> = x.chunks(20).flat_map(|row| row[..13].to_vec()).collect();
    let mut wide = RowsU8::default();
    kernels().quantize_rows(&mut wide, &noise(500, 1), 100, 100);
    kernels().quantize_rows(&mut wide, &x, 13, 20);
    let narrow = quantized(kernels(), &narrow, 13);
    assert_eq!((wide.len(), wide.dim()), (3, 13));
    assert_eq!(wide.values(), narrow.values());
    assert_eq!(wide.ranges(), narrow.ranges());
}

#[test]
#[should_panic(expected = "in the last row")]
fn too_short_an_output_is_refused() {
    let rows = quantized(kernels(), &[1.0; 16], 8);
    kernels().dots_u8(
        &rows,
        &PanelsI8::new(&[1.0; 8], 8, &[]),
        &mut [0.0; 31],
        LANES,
    );
}
