use proptest::prelude::*;

use super::*;
use crate::GAINS;
use crate::testing::{cases, up_to};

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn every_level_divides_alike(
        codes in prop::collection::vec(prop_oneof![0u32..4000, any::<u32>()], 0..up_to(100)),
        marks in prop::collection::vec(prop_oneof![any::<u32>(), Just(0)], 0..9),
        pieces in 1usize..40,
    ) {
        for level in Level::supported() {
            let mut division = Division::default();
            let mut want = Division::default();
            for codes in codes.chunks(pieces) {
                level.divide_codes(codes, &marks, &mut division);
                for (place, &code) in codes.iter().enumerate() {
                    let centroid = code / GAINS as u32;
                    let word = marks.get(centroid as usize / 32);
                    if word.is_some_and(|word| word >> (centroid % 32) & 1 == 1) {
                        want.places.push(place as u32);
                        want.marked.push(code);
                    } else {
                        want.others.push(centroid);
                    }
                }
            }
            prop_assert_eq!(division, want, "{}", level);
        }
    }
}

#[test]
fn a_division_is_emptied() {
    let mut division = Division::default();
    division.push(&[3, 40], &[1]);
    assert_eq!(division.places, [0]);
    division.clear();
    assert_eq!(division, Division::default());
}
