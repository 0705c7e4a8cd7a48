use proptest::prelude::*;

use super::*;
use crate::kernels;
use crate::testing::cases;

fn every_isa_gives(expected: &[f32], run: impl Fn(Kernels) -> Vec<f32>) {
    for kernels in Kernels::all_supported() {
        let found = run(kernels);
        let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&found), bits(expected), "{kernels}");
    }
}

const ALL: [Activation; 8] = [
    Activation::Identity,
    Activation::Gelu,
    Activation::GeluTanh,
    Activation::GeluQuick,
    Activation::Relu,
    Activation::Silu,
    Activation::Tanh,
    Activation::Sigmoid,
];

#[test]
fn activations_have_the_values_of_their_formulas() {
    for (activation, expected) in ALL.into_iter().zip([
        -1.5,
        -0.100_210_8,
        -0.100_427_6,
        -0.108_337_8,
        0.0,
        -0.273_638_3,
        -0.905_148_3,
        0.182_425_5,
    ]) {
        let mut values = [-1.5f32];
        kernels().activate(activation, &mut values);
        assert!(
            (values[0] - expected).abs() < 1e-6,
            "{activation:?}: {}",
            values[0]
        );
    }
}

#[test]
fn weights_sum_to_one_and_padding_is_zero() {
    let mut scores = vec![7.0; 32];
    scores[..3].copy_from_slice(&[1.0, 1000.0, 999.0]);
    scores[16..19].copy_from_slice(&[-1e30, -1e30, -1e30]);
    kernels().softmax(&mut scores, 16, 3);
    assert!((scores[..3].iter().sum::<f32>() - 1.0).abs() < 1e-6);
    assert!((scores[1] / scores[2] - 1f32.exp()).abs() < 1e-5);
    assert!(scores[3..16].iter().chain(&scores[19..]).all(|&w| w == 0.0));
    assert!(scores[16..19].iter().all(|&w| (w - 1.0 / 3.0).abs() < 1e-6));
}

#[test]
fn layer_norm_centres_and_scales() {
    let mut out = [0.0; 4];
    kernels().layer_norm(
        &[1.0, 2.0, 3.0, 4.0],
        None,
        &[2.0; 4],
        &[1.0; 4],
        0.0,
        &mut out,
    );
    let deviation = 1.25f32.sqrt();
    for (i, out) in out.iter().enumerate() {
        let expected = (i as f32 - 1.5) / deviation * 2.0 + 1.0;
        assert!((out - expected).abs() < 1e-6, "{out} {expected}");
    }
}

#[test]
fn rms_norm_scales_and_does_not_centre() {
    let mut out = [0.0; 4];
    kernels().rms_norm(&[1.0, 7.0, 3.0, 4.0], &[2.0, 1.0], 0.5, &mut out);
    for (i, (x, squares)) in [(1.0, 25.0), (7.0, 25.0), (3.0, 12.5), (4.0, 12.5)]
        .into_iter()
        .enumerate()
    {
        let expected = x / (squares + 0.5f32).sqrt() * [2.0, 1.0][i % 2];
        assert!((out[i] - expected).abs() < 1e-6, "{} {expected}", out[i]);
    }
}

#[test]
#[should_panic(expected = "a multiple of 16")]
fn softmax_refuses_rows_that_are_no_whole_panels() {
    kernels().softmax(&mut [0.0; 24], 12, 3);
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn isas_agree(values in prop::collection::vec(-40f32..40.0, 1..200), n in 1usize..48) {
        for activation in ALL {
            let run = |kernels: Kernels| {
                let mut values = values.clone();
                kernels.activate(activation, &mut values);
                values
            };
            every_isa_gives(&run(Kernels::SCALAR), run);
        }

        let mut scores = values.clone();
        scores.resize(values.len().next_multiple_of(48), -3.0);
        let run = |kernels: Kernels| {
            let mut scores = scores.clone();
            kernels.softmax(&mut scores, 48, n);
            scores
        };
        every_isa_gives(&run(Kernels::SCALAR), run);

        let reversed: Vec<f32> = values.iter().rev().copied().collect();
        let run = |kernels: Kernels| {
            let mut out = vec![0.0; values.len()];
            kernels.layer_norm(&values, Some(&reversed), &values, &reversed, 1e-12, &mut out);
            out
        };
        every_isa_gives(&run(Kernels::SCALAR), run);

        let run = |kernels: Kernels| {
            let mut out = vec![0.0; values.len()];
            kernels.rms_norm(&values, &reversed, 1e-6, &mut out);
            out
        };
        every_isa_gives(&run(Kernels::SCALAR), run);
    }
}
