use proptest::prelude::*;

use super::*;

/// The rule in words: dimension `d` is bits `d * nbits..` of the row, lowest bit of the bucket
/// first.
fn bucket(row: &[u8], nbits: usize, d: usize) -> usize {
    let bit = |at: usize| usize::from(row[at / 8] >> (7 - at % 8) & 1);
    (0..nbits).map(|k| bit(d * nbits + k) << k).sum()
}

fn codec(nbits: usize, dim: usize, lengths: Lengths) -> (Codec, Vec<f32>) {
    let buckets: Vec<f32> = (0..1 << nbits).map(|n| n as f32 - 1.5).collect();
    let codec = Codec {
        dim,
        row: dim * nbits / 8,
        kind: Kind::Residual {
            centroids: (0..3 * dim).map(|n| n as f32 * 0.25).collect(),
            weights: weights_of_bytes(&buckets, nbits),
            lengths,
        },
    };
    (codec, buckets)
}

#[test]
fn bytes_that_are_known() {
    let bucket_numbers = |nbits: usize, byte: u8| {
        let buckets: Vec<f32> = (0..1 << nbits).map(|n| n as f32).collect();
        let per_byte = 8 / nbits;
        weights_of_bytes(&buckets, nbits)[usize::from(byte) * per_byte..][..per_byte].to_vec()
    };
    assert_eq!(bucket_numbers(2, 0b10_11_01_00), [1.0, 3.0, 2.0, 0.0]);
    assert_eq!(bucket_numbers(4, 0b0010_1000), [4.0, 1.0]);
    assert_eq!(bucket_numbers(8, 0b0010_1000), [20.0]);
    let one = bucket_numbers(1, 0b1010_0001);
    assert_eq!(one, [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    let signs: Vec<f32> = signs(&[0b1000_0001]).collect();
    assert_eq!(signs, [1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, 1.0]);
}

#[test]
fn codes_without_a_centroid_are_refused() {
    let (codec, _) = codec(2, 8, Lengths::Kept);
    for code in [3, -1, i64::MAX, i64::MIN] {
        let result = codec.decode(&[0, code], &[0; 4], &mut Vec::new());
        assert_eq!(result, Err(NoCentroid(1, code)));
    }
}

proptest! {
    #[test]
    fn decoding_follows_the_rule(
        nbits in prop::sample::select(vec![1usize, 2, 4, 8]),
        bytes in 1usize..6,
        codes in prop::collection::vec(0i64..3, 1..6),
        seed: u64,
        normalise: bool,
    ) {
        let dim = bytes * 8 / nbits;
        let lengths = if normalise { Lengths::Unit } else { Lengths::Kept };
        let (codec, buckets) = codec(nbits, dim, lengths);
        let residuals: Vec<u8> = (0..codes.len() * bytes)
            .map(|n| (seed.wrapping_mul(n as u64 + 1) >> 24) as u8)
            .collect();
        let mut out = Vec::new();
        codec.decode(&codes, &residuals, &mut out).unwrap();
        prop_assert_eq!(out.len(), codes.len() * dim);
        for (at, row) in residuals.chunks(bytes).enumerate() {
            let mut expected: Vec<f32> = (0..dim)
                .map(|d| (codes[at] as usize * dim + d) as f32 * 0.25 + buckets[bucket(row, nbits, d)])
                .collect();
            if normalise {
                let length = expected.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-12);
                expected.iter_mut().for_each(|x| *x /= length);
            }
            prop_assert_eq!(&out[at * dim..][..dim], &expected[..]);
        }
    }
}

#[test]
fn half_precision_is_that_of_each_step() {
    let mut vector = [0.1f32, 0.2, -0.3, 0.4];
    let half = |x: f32| f16::from_f32(x);
    let stored = vector.map(half);
    let length = stored
        .iter()
        .map(|x| x.to_f32().powi(2))
        .sum::<f32>()
        .sqrt();
    let length = half(length).to_f32();
    let expected = stored.map(|x| half(x.to_f32() / length).to_f32());
    normalise_in_half(&mut vector);
    assert_eq!(vector, expected);
    let mut zero = [0.0, 0.0];
    normalise_in_half(&mut zero);
    assert_eq!(zero, [0.0, 0.0]);
}
