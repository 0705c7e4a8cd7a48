use proptest::prelude::*;

use super::*;
use crate::testing::{Encoded, cases, up_to};

const NBITS: [usize; 4] = [1, 2, 4, 8];

fn case() -> impl Strategy<Value = Encoded> {
    use prop::collection::vec;
    let shape = (
        1..=up_to(200),
        prop::sample::select(&NBITS[..]),
        1usize..9,
        0usize..14,
    );
    shape.prop_flat_map(|(dim, nbits, k, n)| {
        (
            vec(any::<i8>(), k * dim),
            vec(-0.01f32..0.01, dim),
            vec(-1.0f32..1.0, 1 << nbits),
            vec(0.5f32..2.0, dim),
            vec(0..k as u16, n),
            vec(any::<u8>(), n * packed_len(dim, nbits)),
        )
            .prop_map(
                move |(centroids, steps, weights, scales, codes, residuals)| Encoded {
                    dim,
                    nbits,
                    centroids,
                    steps,
                    weights,
                    scales,
                    codes,
                    residuals,
                },
            )
    })
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn every_level_decodes_to_the_bits_of_the_oracle(case in case()) {
        let codec = case.codec();
        let mut want = vec![f32::NAN; case.codes.len() * case.dim];
        Level::Scalar.decode(&codec, &case.codes, &case.residuals, &mut want).unwrap();

        let mut buckets = vec![0; case.dim];
        let packed = case.residuals.chunks(packed_len(case.dim, case.nbits));
        for ((code, packed), want) in case.codes.iter().zip(packed).zip(want.chunks(case.dim)) {
            unpack(packed, case.nbits, &mut buckets);
            for (d, want) in want.iter().enumerate() {
                let units = case.centroids[usize::from(*code) * case.dim + d];
                let base = case.steps[d] * f32::from(units);
                let weight = case.weights[usize::from(buckets[d])];
                let plain = case.scales[d].mul_add(weight, base);
                prop_assert_eq!(want.to_bits(), plain.to_bits());
            }
        }

        let wide: Vec<u32> = case.codes.iter().map(|&code| code.into()).collect();
        for level in Level::supported() {
            let mut got = vec![f32::NAN; want.len()];
            level.decode(&codec, &case.codes, &case.residuals, &mut got).unwrap();
            prop_assert_eq!(bits(&got), bits(&want), "u16 at {}", level);
            got.fill(f32::NAN);
            level.decode(&codec, &wide, &case.residuals, &mut got).unwrap();
            prop_assert_eq!(bits(&got), bits(&want), "u32 at {}", level);
        }
    }

    #[test]
    fn what_is_packed_is_unpacked(
        nbits in prop::sample::select(&NBITS[..]),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let buckets: Vec<u8> = bytes.iter().map(|b| b >> (8 - nbits)).collect();
        let mut packed = vec![0xa5; packed_len(buckets.len(), nbits)];
        pack(&buckets, nbits, &mut packed);
        for (j, &bucket) in buckets.iter().enumerate() {
            for bit in 0..nbits {
                let at = j * nbits + bit;
                prop_assert_eq!(packed[at / 8] >> (at % 8) & 1, bucket >> bit & 1);
            }
        }
        if !(buckets.len() * nbits).is_multiple_of(8) {
            prop_assert_eq!(packed.last().unwrap() >> (buckets.len() * nbits % 8), 0);
        }
        let mut back = vec![0xff; buckets.len()];
        unpack(&packed, nbits, &mut back);
        prop_assert_eq!(back, buckets);
    }

    #[test]
    fn quantize_counts_the_cutoffs(
        nbits in prop::sample::select(&NBITS[..]),
        residual in prop::collection::vec(-1.0f32..1.0, 0..200),
        seed in any::<u64>(),
    ) {
        // Values from the residual itself among the cutoffs, so that equality is met.
        let mut cutoffs: Vec<f32> = (0..(1u64 << nbits) - 1)
            .map(|i| match residual.len() {
                0 => i as f32,
                n => residual[(seed.wrapping_mul(2 * i + 1) >> 7) as usize % n],
            })
            .collect();
        cutoffs.sort_by(f32::total_cmp);
        let inv_scales: Vec<f32> = (0..residual.len()).map(|j| [1.0, 0.7, 3.0][j % 3]).collect();
        let mut packed = vec![0xa5; packed_len(residual.len(), nbits)];
        quantize(&residual, &cutoffs, &inv_scales, nbits, &mut packed);

        let buckets: Vec<u8> = residual
            .iter()
            .zip(&inv_scales)
            .map(|(r, s)| cutoffs.iter().filter(|&&cutoff| cutoff <= r * s).count() as u8)
            .collect();
        let mut want = vec![0; packed.len()];
        pack(&buckets, nbits, &mut want);
        prop_assert_eq!(packed, want);
    }
}

#[test]
fn a_code_out_of_range_is_an_error_and_writes_nothing() {
    let codec = Codec {
        dim: 3,
        nbits: 2,
        centroids: &[0; 6],
        steps: &[1.0; 3],
        weights: &[0.0; 4],
        scales: &[1.0; 3],
    };
    assert_eq!((codec.len(), codec.is_empty()), (2, false));
    for level in Level::supported() {
        let mut out = [5.0; 6];
        let error = level.decode(&codec, &[1u32, 2], &[0; 2], &mut out);
        assert_eq!(error, Err(CodeOutOfRange { code: 2, limit: 2 }));
        assert_eq!(out, [5.0; 6]);
        assert_eq!(level.decode::<u16>(&codec, &[], &[], &mut []), Ok(()));
    }
}

#[test]
fn bits_of_a_known_vector() {
    let mut out = [0; 2];
    pack(&[1, 2, 3, 0, 2], 2, &mut out);
    assert_eq!(out, [0b0011_1001, 0b10]);
}

#[test]
#[should_panic(expected = "buckets lie below 4")]
fn a_bucket_too_large_is_refused() {
    pack(&[4], 2, &mut [0]);
}

#[test]
#[should_panic(expected = "1, 2, 4 or 8 bits")]
fn three_bits_are_refused() {
    unpack(&[0], 3, &mut [0]);
}
