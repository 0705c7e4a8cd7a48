use proptest::prelude::*;

use super::*;
use crate::kernels;
use crate::testing::{Encoded, cases, noise, up_to};

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
            vec(-1.0f32..1.0, GAINS * (2 << nbits)),
            vec(0.5f32..2.0, dim),
            vec(0..(k * GAINS) as u16, n),
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
    fn every_isa_decodes_to_the_bits_of_the_oracle(case in case()) {
        let codec = case.codec();
        let mut want = vec![f32::NAN; case.codes.len() * case.dim];
        Kernels::SCALAR.decode(&codec, &case.codes, &case.residuals, &mut want).unwrap();

        let mut which = vec![0; case.dim];
        let packed = case.residuals.chunks(packed_len(case.dim, case.nbits));
        for ((code, packed), want) in case.codes.iter().zip(packed).zip(want.chunks(case.dim)) {
            unpack(packed, case.nbits, &mut which);
            let (centroid, gain) = (usize::from(*code) / GAINS, usize::from(*code) % GAINS);
            for (d, want) in want.iter().enumerate() {
                let units = case.centroids[centroid * case.dim + d];
                let base = case.steps[d] * f32::from(units);
                let weight = case.weights[gain * (2 << case.nbits) + usize::from(which[d])];
                let plain = case.scales[d].mul_add(weight, base);
                prop_assert_eq!(want.to_bits(), plain.to_bits());
            }
        }

        let wide: Vec<u32> = case.codes.iter().map(|&code| code.into()).collect();
        for kernels in Kernels::all_supported() {
            let mut got = vec![f32::NAN; want.len()];
            kernels.decode(&codec, &case.codes, &case.residuals, &mut got).unwrap();
            prop_assert_eq!(bits(&got), bits(&want), "u16 at {}", kernels);
            got.fill(f32::NAN);
            kernels.decode(&codec, &wide, &case.residuals, &mut got).unwrap();
            prop_assert_eq!(bits(&got), bits(&want), "u32 at {}", kernels);
        }
    }

    #[test]
    fn what_a_byte_names_depends_on_two_before(
        nbits in prop::sample::select(&NBITS[..]),
        bytes in prop::collection::vec(any::<u8>(), 0..70),
    ) {
        let mut which = vec![0; bytes.len() * 8 / nbits];
        unpack(&bytes, nbits, &mut which);
        let stored = |j: usize| usize::from(bytes[j * nbits / 8]) >> (j * nbits % 8) & ((1 << nbits) - 1);
        let chains = 8 / nbits;
        for (j, &which) in which.iter().enumerate() {
            let lowest = |n: usize| j.checked_sub(n * chains).map_or(0, |j| stored(j) & 1);
            let want = lowest(1) << nbits | stored(j) ^ lowest(2);
            prop_assert_eq!(usize::from(which), want, "dimension {}", j);
        }
    }

    #[test]
    fn no_other_bits_name_a_vector_nearer(
        nbits in prop::sample::select(&[1usize, 2, 4][..]),
        vector in prop::collection::vec(-1.2f32..1.2, 1..9),
        seed in any::<u64>(),
    ) {
        // Few enough bits to try all combinations.
        let vector = &vector[..vector.len().min(12 / nbits)];
        let mut weights = noise(2 << nbits, seed);
        weights.chunks_mut(1 << nbits).for_each(|row| row.sort_by(f32::total_cmp));
        let bytes = packed_len(vector.len(), nbits);
        let apart = |packed: &[u8]| {
            let mut which = vec![0; vector.len()];
            unpack(packed, nbits, &mut which);
            let pairs = vector.iter().zip(which);
            pairs.map(|(x, w)| f64::from(x - weights[usize::from(w)]).powi(2)).sum::<f64>()
        };
        let mut got = vec![0xa5; bytes];
        kernels().quantize(&Quantizer::new(&weights, nbits), vector, vector.len(), &mut got);
        let bits = vector.len() * nbits;
        let all = (0u64..1 << bits).map(|bits| apart(&bits.to_le_bytes()[..bytes]));
        let least = all.fold(f64::INFINITY, f64::min);
        prop_assert!(apart(&got) <= least + 1e-5, "{} > {}", apart(&got), least);
        if !bits.is_multiple_of(8) {
            prop_assert_eq!(got[bytes - 1] >> (bits % 8), 0);
        }
    }

    #[test]
    fn vectors_are_packed_alike_together_and_at_every_isa(
        nbits in prop::sample::select(&NBITS[..]),
        dim in 1..=up_to(140),
        n in 0usize..20,
        seed in any::<u64>(),
    ) {
        let vectors = noise(n * dim, seed);
        let mut weights = noise(2 << nbits, seed ^ 1);
        weights.chunks_mut(1 << nbits).for_each(|row| row.sort_by(f32::total_cmp));
        let quantizer = Quantizer::new(&weights, nbits);
        let bytes = packed_len(dim, nbits);
        let mut want = vec![0xa5; n * bytes];
        for (vector, out) in vectors.chunks(dim).zip(want.chunks_mut(bytes)) {
            Kernels::SCALAR.quantize(&quantizer, vector, dim, out);
        }
        for kernels in Kernels::all_supported() {
            let mut got = vec![0xa5; want.len()];
            kernels.quantize(&quantizer, &vectors, dim, &mut got);
            prop_assert_eq!(&got, &want, "{}", kernels);
        }
    }
}

#[test]
fn a_code_out_of_range_is_an_error_and_writes_nothing() {
    let codec = Codec {
        dim: 3,
        nbits: 2,
        centroids: &[0; 6],
        steps: &[1.0; 3],
        weights: &[0.0; GAINS * 8],
        scales: &[1.0; 3],
    };
    assert_eq!((codec.len(), codec.is_empty()), (2, false));
    for kernels in Kernels::all_supported() {
        let mut out = [5.0; 6];
        let error = kernels.decode(&codec, &[16u32, 32], &[0; 2], &mut out);
        assert_eq!(error, Err(CodeOutOfRange { code: 2, limit: 2 }));
        assert_eq!(out, [5.0; 6]);
        assert_eq!(kernels.decode::<u16>(&codec, &[], &[], &mut []), Ok(()));
    }
}

#[test]
fn bits_of_a_known_vector() {
    let mut out = [7; 8];
    unpack(&[0b0001, 0b1111, 0b0000, 0b0010], 4, &mut out);
    // The first byte has no predecessors. Its lowest bit moves the second byte's lower half into
    // the second row of weights and flips the lowest bit of the third, which the second moves into
    // the second row, and so on.
    assert_eq!(out, [1, 0, 31, 0, 17, 0, 3, 0]);
}

#[test]
#[should_panic(expected = "1, 2, 4 or 8 bits")]
fn three_bits_are_refused() {
    unpack(&[0], 3, &mut [0]);
}
