use proptest::prelude::*;

use super::*;
use crate::kernels;
use crate::testing::{cases, up_to};

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn every_isa_gives_the_bits(
        width in 1usize..=32,
        packed in prop::collection::vec(any::<u8>(), 0..up_to(300)),
        first in 0usize..100,
        count in 0usize..up_to(120),
    ) {
        let bit = |at: usize| packed.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1);
        let code = |i: usize| (0..width).map(|b| u32::from(bit(i * width + b)) << b).sum::<u32>();
        let want: Vec<u32> = (first..first + count).map(code).collect();
        for kernels in Kernels::all_supported() {
            let mut got = vec![7; count];
            kernels.unpack_codes(&packed, width, first, &mut got);
            prop_assert_eq!(&got, &want, "{}", kernels);
        }
    }
}

#[test]
#[should_panic(expected = "33 is not 1 to 32 bits")]
fn codes_are_of_32_bits_at_most() {
    kernels().unpack_codes(&[0; 9], 33, 0, &mut [0]);
}
