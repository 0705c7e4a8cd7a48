use proptest::prelude::*;

use super::*;
use crate::kernels;
use crate::testing::{cases, up_to};
use crate::{PanelsI7, max_chunk_norm};

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn every_isa_gives_the_sums_of_the_definition(
        dim in 1..up_to(140),
        rows in prop::collection::vec(any::<i8>(), 140..up_to(2000)),
        column in prop::collection::vec(any::<i16>(), 140),
        picks in prop::collection::vec(any::<u32>(), 0..40),
    ) {
        let (n, column) = (rows.len() / dim, &column[..dim]);
        let rows = &rows[..n * dim];
        let picks: Vec<u32> = picks.iter().map(|pick| pick % n as u32).collect();
        let want: Vec<i32> = picks
            .iter()
            .map(|&pick| {
                let row = &rows[pick as usize * dim..][..dim];
                row.iter().zip(column).map(|(&x, &q)| i32::from(x) * i32::from(q)).sum()
            })
            .collect();
        for kernels in Kernels::all_supported() {
            let mut got = vec![7; picks.len()];
            kernels.gather_dots(rows, &picks, column, &mut got);
            prop_assert_eq!(&got, &want, "{}", kernels);
        }
    }

    #[test]
    fn every_isa_raises_to_the_greatest(
        panels in 1usize..4,
        rows in prop::collection::vec(any::<i16>(), 0..up_to(2000)),
        picks in prop::collection::vec(0u32..60, 0..40),
        before in any::<i16>(),
    ) {
        let columns = panels * LANES;
        let rows = &rows[..rows.len() - rows.len() % columns];
        let mut want = vec![before; columns];
        for (column, want) in want.iter_mut().enumerate() {
            for &pick in &picks {
                // Some picks are out of range.
                let score = rows.get(pick as usize * columns + column);
                *want = score.map_or(*want, |score| (*want).max(*score));
            }
        }
        for kernels in Kernels::all_supported() {
            let mut got = vec![before; columns];
            kernels.gather_max(rows, &picks, &mut got);
            prop_assert_eq!(&got, &want, "{}", kernels);
        }
    }

    #[test]
    fn they_are_the_coarse_scores(
        dim in 1..up_to(100),
        columns in prop::collection::vec(-1f32..1.0, 3300),
        rows in prop::collection::vec(any::<i8>(), up_to(1000)),
    ) {
        let n = rows.len() / dim;
        let rows = &rows[..n * dim];
        let panels = PanelsI7::new(&columns[..33 * dim], dim, max_chunk_norm(rows, dim));
        let mut all = vec![0; n * panels.padded_columns()];
        kernels().dots_i8(rows, &panels, &mut all);
        let picks: Vec<u32> = (0..n as u32).rev().collect();
        let mut out = vec![0; n];
        for number in [0, 15, 16, 32] {
            kernels().gather_dots(rows, &picks, &panels.column(number), &mut out);
            for (&pick, &dot) in picks.iter().zip(&out) {
                let dense = all[pick as usize * panels.padded_columns() + number];
                prop_assert_eq!(dot >> panels.shift(), i32::from(dense));
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "long, and plain arithmetic")]
fn the_largest_integers_wrap() {
    let dim = 70_000;
    let want = (dim as i64 * -128 * i64::from(i16::MIN)) as i32;
    for kernels in Kernels::all_supported() {
        let mut out = [7];
        kernels.gather_dots(&vec![-128; dim], &[0], &vec![i16::MIN; dim], &mut out);
        assert_eq!(out, [want], "{kernels}");
    }
}

#[test]
#[should_panic(expected = "out of range")]
fn picks_that_are_no_rows_are_refused() {
    kernels().gather_dots(&[1; 6], &[3], &[1; 2], &mut [0]);
}

#[test]
#[should_panic(expected = "17 columns are no panels of 16")]
fn columns_that_are_no_panels_are_refused() {
    kernels().gather_max(&[1; 17], &[0], &mut [0; 17]);
}
