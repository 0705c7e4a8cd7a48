use proptest::prelude::*;

use super::*;
use crate::LANES;
use crate::kernels;
use crate::testing::{cases, up_to};

/// Values of all magnitudes, signed zeros and subnormals among them.
fn value() -> impl Strategy<Value = f32> {
    prop_oneof![
        8 => -1.0f32..1.0,
        1 => prop_oneof![Just(0.0f32), Just(-0.0), Just(f32::MIN_POSITIVE / 3.0)],
        1 => -1e18f32..1e18,
    ]
}

#[derive(Debug)]
struct Case {
    dim: usize,
    columns: usize,
    rows: Vec<f32>,
    values: Vec<f32>,
    bias: Option<Vec<f32>>,
}

impl Case {
    fn panels(&self) -> Panels {
        match &self.bias {
            Some(bias) => Panels::with_bias(&self.values, self.dim, bias),
            None => Panels::new(&self.values, self.dim),
        }
    }
}

fn case(rows: std::ops::Range<usize>) -> impl Strategy<Value = Case> {
    (1..=up_to(200), 0..=up_to(70), rows).prop_flat_map(|(dim, columns, rows)| {
        let floats = |n| prop::collection::vec(value(), n);
        (
            floats(rows * dim),
            floats(columns * dim),
            prop::option::of(floats(columns)),
        )
            .prop_map(move |(rows, values, bias)| Case {
                dim,
                columns,
                rows,
                values,
                bias,
            })
    })
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

/// The rule of the crate's documentation.
fn plain_dot(row: &[f32], column: &[f32], bias: f32) -> f32 {
    row.iter()
        .zip(column)
        .fold(bias, |acc, (x, p)| x.mul_add(*p, acc))
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn every_isa_gives_the_bits_of_the_oracle(case in case(0..up_to(40))) {
        let panels = case.panels();
        let n = case.rows.len() / case.dim;
        let room = n * panels.padded_columns();

        let mut dots = vec![f32::NAN; room];
        Kernels::SCALAR.dots(&case.rows, &panels, &mut dots);
        for (r, row) in case.rows.chunks(case.dim).enumerate() {
            for (c, column) in case.values.chunks(case.dim).enumerate() {
                let bias = case.bias.as_ref().map_or(0.0, |bias| bias[c]);
                let got = dots[r * panels.padded_columns() + c];
                prop_assert_eq!(got.to_bits(), plain_dot(row, column, bias).to_bits());
            }
        }

        let mut best = vec![-1.0; panels.padded_columns()];
        Kernels::SCALAR.max_dots(&case.rows, &panels, &mut best);
        let sum = Kernels::SCALAR.maxsim(&case.rows, &panels, &mut Vec::new());
        for kernels in Kernels::all_supported() {
            let mut out = vec![f32::NAN; room];
            kernels.dots(&case.rows, &panels, &mut out);
            prop_assert_eq!(bits(&out), bits(&dots), "dots at {}", kernels);

            let mut out = vec![-1.0; panels.padded_columns()];
            kernels.max_dots(&case.rows, &panels, &mut out);
            prop_assert_eq!(bits(&out), bits(&best), "max_dots at {}", kernels);

            let got = kernels.maxsim(&case.rows, &panels, &mut Vec::new());
            prop_assert_eq!(got.to_bits(), sum.to_bits(), "maxsim at {}", kernels);
        }
    }

    #[test]
    fn nearest_is_the_first_largest_column(case in case(0..up_to(30))) {
        let panels = case.panels();
        let n = if case.columns == 0 { 0 } else { case.rows.len() / case.dim };
        let rows = &case.rows[..n * case.dim];
        let stride = panels.padded_columns();
        let mut dots = vec![0.0; n * stride];
        Kernels::SCALAR.dots(rows, &panels, &mut dots);
        for kernels in Kernels::all_supported() {
            let mut got = vec![Nearest { index: 7, score: 7.0 }; n];
            kernels.nearest(rows, &panels, &mut got);
            for (r, got) in got.iter().enumerate() {
                let scores = &dots[r * stride..][..case.columns];
                let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let first = scores.iter().position(|&s| s == largest).unwrap();
                prop_assert_eq!(got.index as usize, first, "at {}", kernels);
                prop_assert_eq!(got.score.to_bits(), scores[first].to_bits(), "at {}", kernels);
            }
        }
    }
}

#[test]
fn blocks_of_rows_and_many_panels_agree() {
    // More rows than a block, more panels than a pair, and repeated columns, for many ties.
    let (dim, columns, n) = (5, up_to(16 * 7 + 3), up_to(203));
    let wave = |i: usize| ((i * 37 % 11) as f32 - 5.0) / 4.0;
    let values: Vec<f32> = (0..columns * dim).map(|i| wave(i % (dim * 13))).collect();
    let rows: Vec<f32> = (0..n * dim).map(|i| wave(i * 3 + 1)).collect();
    let panels = Panels::new(&values, dim);
    let none = Nearest {
        index: 0,
        score: 0.0,
    };
    let mut want = vec![none; n];
    let mut want_dots = vec![0.0; n * panels.padded_columns()];
    Kernels::SCALAR.nearest(&rows, &panels, &mut want);
    Kernels::SCALAR.dots(&rows, &panels, &mut want_dots);
    assert!(want.iter().all(|nearest| nearest.index < 13));
    for kernels in Kernels::all_supported() {
        let mut got = vec![none; n];
        kernels.nearest(&rows, &panels, &mut got);
        assert_eq!(got, want, "{kernels}");
        let mut got = vec![0.0; n * panels.padded_columns()];
        kernels.dots(&rows, &panels, &mut got);
        assert_eq!(bits(&got), bits(&want_dots), "{kernels}");
    }
}

#[test]
fn missing_columns_never_win_and_no_rows_score_minus_infinity() {
    for kernels in Kernels::all_supported() {
        for columns in 1..=2 * LANES + 1 {
            let panels = Panels::new(&vec![-1.0; columns], 1);
            let mut out = [Nearest {
                index: 9,
                score: 9.0,
            }];
            kernels.nearest(&[3.0], &panels, &mut out);
            let want = Nearest {
                index: 0,
                score: -3.0,
            };
            assert_eq!(out, [want], "{kernels}, {columns} columns");
        }
        let panels = Panels::new(&[1.0, 2.0], 2);
        let mut best = Vec::new();
        assert_eq!(kernels.maxsim(&[], &panels, &mut best), f32::NEG_INFINITY);
        assert_eq!(
            kernels.maxsim(&[1.0, 1.0, 2.0, 1.0], &panels, &mut best),
            4.0
        );
        assert_eq!(best[0], 4.0);
        kernels.nearest(&[], &Panels::new(&[], 3), &mut []);
    }
}

#[test]
fn columns_that_all_score_minus_infinity_give_the_first() {
    for kernels in Kernels::all_supported() {
        let panels = Panels::with_bias(&[0.0; 3], 1, &[f32::NEG_INFINITY; 3]);
        let mut out = [Nearest {
            index: 9,
            score: 9.0,
        }];
        kernels.nearest(&[1.0], &panels, &mut out);
        assert_eq!(out[0].index, 0, "{kernels}");
    }
}

#[test]
#[should_panic(expected = "padded_columns")]
fn a_short_output_is_refused() {
    kernels().dots(&[1.0; 4], &Panels::new(&[1.0; 2], 2), &mut [0.0; 31]);
}

#[test]
fn a_group_of_columns_lies_within_a_wider_matrix() {
    let (dim, columns, n, stride) = (9, 37, 101, 80);
    let value = |i: usize| ((i * 7919) % 1013) as f32 / 1013.0 - 0.5;
    let panels = Panels::new(&(0..columns * dim).map(value).collect::<Vec<_>>(), dim);
    let rows: Vec<f32> = (0..n * dim).map(value).collect();
    let width = panels.padded_columns();
    let mut want = vec![0.0; n * width];
    Kernels::SCALAR.dots(&rows, &panels, &mut want);
    for kernels in Kernels::all_supported() {
        let mut out = vec![7.0; (n - 1) * stride + width + 3];
        kernels.dots_strided(RowsView::new(&rows, dim), &panels, &mut out, stride);
        for (row, want) in out.chunks(stride).zip(want.chunks(width)) {
            assert_eq!(bits(&row[..width]), bits(want), "{kernels}");
            assert!(row[width..].iter().all(|&gap| gap == 7.0), "{kernels}");
        }
    }
}

#[test]
#[should_panic(expected = "`out` holds 2 rows of 16, 20 apart")]
fn a_strided_output_that_ends_early_is_refused() {
    kernels().dots_strided(
        RowsView::new(&[1.0; 4], 2),
        &Panels::new(&[1.0; 2], 2),
        &mut [0.0; 35],
        20,
    );
}
