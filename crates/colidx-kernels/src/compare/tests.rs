use proptest::prelude::*;

use super::*;
use crate::kernels;
use crate::testing::{cases, noise, up_to};

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn every_isa_says_which_reach(
        values in prop::collection::vec(prop_oneof![any::<u32>(), 0u32..3, Just(u32::MAX)], 0..up_to(400)),
        least in prop_oneof![any::<u32>(), 0u32..3, Just(u32::MAX)],
    ) {
        for kernels in Kernels::all_supported() {
            let mut bits = vec![u64::MAX; values.len().div_ceil(WORD)];
            kernels.mask_ge(&values, least, &mut bits);
            for (i, &value) in values.iter().enumerate() {
                prop_assert_eq!(bits[i / WORD] >> (i % WORD) & 1 == 1, value >= least, "{}, {}", kernels, i);
            }
            let set: u32 = bits.iter().map(|word| word.count_ones()).sum();
            prop_assert_eq!(set as usize, values.iter().filter(|&&value| value >= least).count(), "{}", kernels);
        }
    }

    #[test]
    fn every_isa_says_which_sums_reach_and_which_value_is_greatest(
        values in prop::collection::vec(
            prop_oneof![-2.0f32..2.0, (0i8..3).prop_map(f32::from), Just(f32::NAN)],
            0..up_to(400),
        ),
        least in prop_oneof![-2.0f32..2.0, Just(1.0)],
        seed in any::<u64>(),
    ) {
        let more = noise(values.len(), seed);
        let sums: Vec<f32> = values.iter().zip(&more).map(|(value, more)| value + more).collect();
        let numbers = values.iter().filter(|value| !value.is_nan());
        let greatest = numbers.max_by(|a, b| a.total_cmp(b));
        let position = values.iter().position(|value| Some(value) == greatest);
        for kernels in Kernels::all_supported() {
            let mut bits = vec![u64::MAX; values.len().div_ceil(WORD)];
            kernels.mask_sum_ge(&values, &more, least, &mut bits);
            let set: Vec<bool> =
                (0..bits.len() * WORD).map(|i| bits[i / WORD] >> (i % WORD) & 1 == 1).collect();
            let reach = sums.iter().map(|&sum| sum >= least);
            let want: Vec<bool> = reach.chain(std::iter::repeat(false)).take(set.len()).collect();
            prop_assert_eq!(set, want, "{}", kernels);
            prop_assert_eq!(kernels.position_of_max(&values), position.unwrap_or(0), "{}", kernels);
        }
    }

    #[test]
    fn every_isa_says_what_is_greatest_of_each_row(
        columns in 1usize..70,
        n in 0..up_to(20),
        seed in any::<u64>(),
    ) {
        let mut values = noise(n * columns, seed);
        values.iter_mut().step_by(7).for_each(|value| *value = f32::NAN);
        let greatest = |row: &[f32]| row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let want: Vec<f32> = values.chunks(columns).map(greatest).collect();
        for kernels in Kernels::all_supported() {
            let mut got = vec![0.0; n];
            kernels.row_maxima(&values, columns, &mut got);
            prop_assert_eq!(&got, &want, "{}", kernels);
        }
    }

    #[test]
    fn every_isa_says_which_rows_reach(
        width in 1usize..40,
        n in 0..up_to(30),
        seed in any::<u64>(),
        high in 0i32..4,
    ) {
        let number = |x: &f32| (x * 8.0) as i32;
        let values: Vec<i32> = noise(n * width, seed).iter().map(number).collect();
        let mut least: Vec<i32> = noise(width, seed ^ 1).iter().map(|x| number(x) + 4 + high).collect();
        least[seed as usize % width] = [i32::MIN, i32::MAX, 0][seed as usize % 3];
        for kernels in Kernels::all_supported() {
            let mut rows = vec![77];
            kernels.rows_any_ge(&values, &least, &mut rows);
            let reaches = |row: &[i32]| row.iter().zip(&least).any(|(value, least)| value >= least);
            let numbers = (0..).zip(values.chunks(width)).filter(|(_, row)| reaches(row));
            let want: Vec<u32> = [77].into_iter().chain(numbers.map(|(number, _)| number)).collect();
            prop_assert_eq!(rows, &want[..], "{}", kernels);
            let narrow = |values: &[i32]| -> Vec<i16> {
                let fits = |&x: &i32| x.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
                values.iter().map(fits).collect()
            };
            let mut rows = vec![77];
            kernels.rows_any_ge_i16(&narrow(&values), &narrow(&least), &mut rows);
            prop_assert_eq!(rows, want, "{}, 16 bits", kernels);
        }
    }
}

#[test]
#[should_panic(expected = "a word for 64")]
fn bits_for_other_values_are_refused() {
    kernels().mask_ge(&[1; 65], 1, &mut [0]);
}

#[test]
#[should_panic(expected = "no whole number of rows of 3")]
fn a_torn_row_is_refused() {
    kernels().rows_any_ge(&[1; 8], &[1; 3], &mut Vec::new());
}

#[test]
#[should_panic(expected = "no whole number of rows of 3")]
fn a_torn_row_of_16_bits_is_refused() {
    kernels().rows_any_ge_i16(&[1; 8], &[1; 3], &mut Vec::new());
}
