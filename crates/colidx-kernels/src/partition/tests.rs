use proptest::prelude::*;

use super::*;
use crate::GAINS;
use crate::kernels;
use crate::testing::{cases, up_to};

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn every_isa_divides_alike(
        codes in prop::collection::vec(prop_oneof![0u32..4000, any::<u32>()], 0..up_to(100)),
        marks in prop::collection::vec(prop_oneof![any::<u32>(), Just(0)], 0..9),
        pieces in 1usize..40,
    ) {
        for kernels in Kernels::all_supported() {
            let mut partition = CodePartition::default();
            let mut want = CodePartition::default();
            for codes in codes.chunks(pieces) {
                kernels.partition_codes(codes, &marks, &mut partition);
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
            prop_assert_eq!(partition, want, "{}", kernels);
        }
    }
}

#[test]
fn a_division_is_emptied() {
    let mut partition = CodePartition::default();
    kernels().partition_codes(&[3, 40], &[1], &mut partition);
    assert_eq!(partition.places, [0]);
    partition.clear();
    assert_eq!(partition, CodePartition::default());
}
