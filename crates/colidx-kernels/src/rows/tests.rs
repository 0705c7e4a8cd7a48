use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_level_gives_the_columns_maxima(
        width in 1usize..=14,
        (table, codes) in (1usize..40).prop_flat_map(|k| (
            prop::collection::vec(any::<u8>(), k * 14 * LANES),
            prop::collection::vec(0..k as u16, 0..60),
        )),
        start in any::<u8>(),
    ) {
        let stride = width * LANES;
        let rows = table.len() / (14 * LANES);
        let table = &table[..rows * stride];
        let mut want = vec![start; stride];
        for code in &codes {
            for (j, want) in want.iter_mut().enumerate() {
                *want = (*want).max(table[usize::from(*code) * stride + j]);
            }
        }
        let wide: Vec<u32> = codes.iter().map(|&code| code.into()).collect();
        for level in Level::supported() {
            let mut got = vec![start; stride];
            level.max_rows(table, stride, &codes, &mut got).unwrap();
            prop_assert_eq!(&got, &want, "u16 at {}", level);
            let mut got = vec![start; stride];
            level.max_rows(table, stride, &wide, &mut got).unwrap();
            prop_assert_eq!(&got, &want, "u32 at {}", level);
        }
    }
}

#[test]
fn a_code_out_of_range_is_an_error_and_writes_nothing() {
    for level in Level::supported() {
        let mut acc = [3; 16];
        let error = level.max_rows(&[9; 32], 16, &[1u16, 2], &mut acc);
        assert_eq!(error, Err(CodeOutOfRange { code: 2, limit: 2 }));
        assert_eq!(acc, [3; 16]);
        let error = level.max_rows(&[], 16, &[0u32], &mut acc);
        assert_eq!(error, Err(CodeOutOfRange { code: 0, limit: 0 }));
    }
}

#[test]
#[should_panic(expected = "multiple of 16")]
fn an_odd_stride_is_refused() {
    let _ = max_rows(&[0; 24], 12, &[0u16], &mut [0; 12]);
}
