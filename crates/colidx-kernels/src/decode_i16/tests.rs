use proptest::prelude::*;

use super::*;
use crate::kernels;
use crate::testing::{Encoded, cases, noise, up_to};
use crate::{GAINS, PanelsI16};

const NBITS: [usize; 4] = [1, 2, 4, 8];

/// Token vectors about 1 long.
struct Case(Encoded);

impl Case {
    /// Residuals are `spread` times as long as centroids, and vectors `length` times as long as
    /// encoded.
    fn new(dim: usize, nbits: usize, tokens: usize, spread: f32, length: f32, seed: u64) -> Case {
        const K: usize = 7;
        let one = length / (dim as f32 / 3.0).sqrt();
        let of = |d: usize| [1.0, 0.7, 1.3][d % 3];
        let bytes = noise(tokens * packed_len(dim, nbits), seed ^ 3);
        Case(Encoded {
            dim,
            nbits,
            centroids: noise(K * dim, seed)
                .iter()
                .map(|x| (x * 128.0) as i8)
                .collect(),
            steps: (0..dim).map(|d| one / 128.0 * of(d)).collect(),
            weights: noise(GAINS * (2 << nbits), seed ^ 1),
            scales: (0..dim).map(|d| one * spread * of(d + 1)).collect(),
            codes: (0..tokens)
                .map(|t| ((t as u64 ^ seed) % (K * GAINS) as u64) as u16)
                .collect(),
            residuals: bytes.iter().map(|x| (x * 128.0) as i8 as u8).collect(),
        })
    }

    fn codec(&self) -> Codec<'_> {
        self.0.codec()
    }

    /// As f32 decodes them, `[n, dim]` at unit length.
    fn exactly(&self) -> Vec<f32> {
        let mut rows = vec![0.0; self.0.codes.len() * self.0.dim];
        Kernels::SCALAR
            .decode(&self.codec(), &self.0.codes, &self.0.residuals, &mut rows)
            .unwrap();
        Kernels::SCALAR.normalize(&mut rows, self.0.dim);
        rows
    }

    /// Checks that every instruction set decodes the same rows, and returns them.
    fn rows(&self, tables: &CodecI16) -> Vec<i16> {
        let codec = self.codec();
        let decode = |kernels: Kernels, codes: &[u32]| {
            let mut rows = vec![7; codes.len() * stride_i16(self.0.dim)];
            kernels
                .decode_i16(&codec, tables, codes, &self.0.residuals, &mut rows)
                .unwrap();
            rows
        };
        let wide: Vec<u32> = self.0.codes.iter().map(|&code| code.into()).collect();
        let want = decode(Kernels::SCALAR, &wide);
        for kernels in Kernels::all_supported() {
            assert_eq!(decode(kernels, &wide), want, "u32 at {kernels}");
            let mut rows = vec![7; want.len()];
            kernels
                .decode_i16(&codec, tables, &self.0.codes, &self.0.residuals, &mut rows)
                .unwrap();
            assert_eq!(rows, want, "u16 at {kernels}");
        }
        want
    }
}

/// The largest distance of a row from its vector.
fn furthest(rows: &[i16], vectors: &[f32], dim: usize) -> f64 {
    let rows = rows.chunks(stride_i16(dim)).zip(vectors.chunks(dim));
    let apart = rows.map(|(row, vector)| {
        assert!(row[dim..].iter().all(|&x| x == 0));
        let pairs = row.iter().zip(vector);
        let squares = pairs.map(|(&x, &v)| (f64::from(x) / 32_766.0 - f64::from(v)).powi(2));
        squares.sum::<f64>().sqrt()
    });
    apart.fold(0.0, f64::max)
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn rows_are_those_of_the_oracle_and_no_further_from_f32_than_the_bound(
        dim in 1..=up_to(200),
        nbits in prop::sample::select(&NBITS[..]),
        tokens in 0usize..14,
        spread in 0.0f32..0.6,
        length in 0.6f32..1.5,
        seed in any::<u64>(),
    ) {
        let case = Case::new(dim, nbits, tokens, spread, length, seed);
        let tables = CodecI16::new(&case.codec());
        let off = furthest(&case.rows(&tables), &case.exactly(), dim);
        prop_assert!(off <= tables.row_error(), "{off} > {}", tables.row_error());
    }

    #[test]
    fn vectors_far_from_unit_length_are_decoded_in_f32(
        dim in 1..=up_to(70),
        nbits in prop::sample::select(&NBITS[..]),
        grow in prop::sample::select(vec![-60i32, -20, -2, 2, 20, 60]),
        seed in any::<u64>(),
    ) {
        let case = Case::new(dim, nbits, 9, 0.3, 2f32.powi(grow), seed);
        let rows = case.rows(&CodecI16::new(&case.codec()));
        for (row, vector) in rows.chunks(stride_i16(dim)).zip(case.exactly().chunks(dim)) {
            for (&x, v) in row.iter().zip(vector) {
                prop_assert_eq!(x, (v * 32_766.0).round_ties_even() as i16);
            }
        }
    }
}

#[test]
fn vectors_that_normalizing_makes_too_long_do_not_wrap() {
    let seeds = if cfg!(miri) { 1 } else { 50 };
    // At these lengths f32 has few bits for the square, so the quotient can be longer than 1.
    for (length, seed) in [-58, -60, -62, -70]
        .into_iter()
        .flat_map(|grow| (0..seeds).map(move |seed| (2f32.powi(grow), seed)))
    {
        let case = Case::new(1, 1, 9, 0.3, length, seed);
        let rows = case.rows(&CodecI16::new(&case.codec()));
        for (row, v) in rows.chunks(stride_i16(1)).zip(case.exactly()) {
            assert_eq!(row[0], (v * 32_766.0).round_ties_even() as i16);
        }
    }
}

#[test]
fn vectors_of_a_model_are_brought_to_unit_length_in_integers() {
    let dims: &[usize] = if cfg!(miri) { &[48] } else { &[48, 96, 128] };
    for (dim, nbits) in dims.iter().flat_map(|&dim| NBITS.map(|n| (dim, n))) {
        let tokens = if cfg!(miri) { 5 } else { 300 };
        let case = Case::new(dim, nbits, tokens, 0.2, 1.0, 5);
        let tables = CodecI16::new(&case.codec());
        assert!(!tables.is_unfit());
        let mut odd = Vec::new();
        let mut rows = vec![0; tokens * stride_i16(dim)];
        let all = Tokens {
            codec: &case.codec(),
            tables: &tables,
            codes: &case.0.codes,
            residuals: &case.0.residuals,
        };
        scalar::decode(&all, &mut rows, &mut odd);
        // The lengths of random vectors vary more than those of a model.
        assert!(odd.len() * 50 <= tokens, "{odd:?}");
        // The bound is not much above the observed error.
        let off = furthest(&case.rows(&tables), &case.exactly(), dim);
        assert!(
            (off..0.001).contains(&tables.row_error()),
            "{off}, {}",
            tables.row_error()
        );
    }
}

#[test]
fn the_bound_of_a_query_is_two_hundredths() {
    let (columns, dim) = (32, 96);
    let mut query = noise(columns * dim, 3);
    kernels().normalize(&mut query, dim);
    let case = Case::new(dim, 4, 0, 0.2, 1.0, 5);
    let errors = PanelsI16::new(&query, dim).errors(CodecI16::new(&case.codec()).row_error());
    assert!((0.005..0.025).contains(&errors.maxsim), "{errors:?}");
}

#[test]
fn vectors_without_a_length_are_zeros() {
    for weight in [0.0, 1e-30, f32::NAN, f32::INFINITY, 1e30] {
        for dim in [3, 96] {
            let mut weights = [1.0; GAINS * 32];
            // The vector of zero bytes, with a gain of 1.
            weights[32] = weight;
            let codec = Codec {
                dim,
                nbits: 4,
                centroids: &vec![0; dim],
                steps: &vec![0.001; dim],
                weights: &weights,
                scales: &vec![1.0 / (dim as f32).sqrt(); dim],
            };
            let tables = CodecI16::new(&codec);
            let bytes = packed_len(dim, 4);
            let residuals = vec![0; 2 * bytes];
            for kernels in Kernels::all_supported() {
                let mut out = vec![7; 2 * stride_i16(dim)];
                kernels
                    .decode_i16(&codec, &tables, &[1u16, 0], &residuals, &mut out)
                    .unwrap();
                let (without, with) = out.split_at(stride_i16(dim));
                assert!(without.iter().all(|&x| x == 0), "{kernels}, {weight}");
                let unit = (32_766.0 / (dim as f32).sqrt()).round() as i16;
                assert!(
                    with[..dim].iter().all(|x| (x - unit).abs() <= 2),
                    "{kernels}"
                );
            }
        }
    }
}

#[test]
fn a_code_out_of_range_is_an_error_and_writes_nothing() {
    let case = Case::new(3, 2, 2, 0.1, 1.0, 1);
    let (codec, tables) = (case.codec(), CodecI16::new(&case.codec()));
    for kernels in Kernels::all_supported() {
        let mut out = [5; 8];
        let error = kernels.decode_i16(&codec, &tables, &[1u32, 7 * 16], &[0; 2], &mut out);
        assert_eq!(error, Err(CodeOutOfRange { code: 7, limit: 7 }));
        assert_eq!(out, [5; 8]);
        assert_eq!(
            kernels.decode_i16::<u16>(&codec, &tables, &[], &[], &mut []),
            Ok(())
        );
    }
}

#[test]
#[should_panic(expected = "`tables` is of the codec")]
fn numbers_of_another_codec_are_refused() {
    let (case, other) = (
        Case::new(3, 2, 0, 0.1, 1.0, 1),
        Case::new(3, 4, 0, 0.1, 1.0, 1),
    );
    let tables = CodecI16::new(&other.codec());
    kernels()
        .decode_i16::<u16>(&case.codec(), &tables, &[], &[], &mut [])
        .unwrap();
}
