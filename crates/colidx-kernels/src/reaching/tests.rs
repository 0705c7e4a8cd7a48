use proptest::prelude::*;

use super::*;
use crate::testing::{cases, up_to};

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn every_level_says_which_reach(
        values in prop::collection::vec(prop_oneof![any::<u32>(), 0u32..3, Just(u32::MAX)], 0..up_to(400)),
        least in prop_oneof![any::<u32>(), 0u32..3, Just(u32::MAX)],
    ) {
        for level in Level::supported() {
            let mut bits = vec![u64::MAX; values.len().div_ceil(WORD)];
            level.reaching(&values, least, &mut bits);
            for (i, &value) in values.iter().enumerate() {
                prop_assert_eq!(bits[i / WORD] >> (i % WORD) & 1 == 1, value >= least, "{}, {}", level, i);
            }
            let set: u32 = bits.iter().map(|word| word.count_ones()).sum();
            prop_assert_eq!(set as usize, values.iter().filter(|&&value| value >= least).count(), "{}", level);
        }
    }
}

#[test]
#[should_panic(expected = "a word for 64")]
fn bits_for_other_values_are_refused() {
    reaching(&[1; 65], 1, &mut [0]);
}
