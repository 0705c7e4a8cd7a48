//! Both backends give the same vectors for all fixtures.

use crate::checkpoint::Checkpoint;
use crate::ops::Backend;
use crate::{Encoder, EncoderOptions, Precision};

const TEXTS: [&str; 5] = [
    "The cat and the dog",
    "",
    "water water water water water water water water water water water water water water water",
    "Protein-protein interactions (PPI) in human cells: a study of 1,234 patients.",
    ".",
];

/// A GPU runs Candle's own operations; this test runs them on the processor.
#[test]
fn both_backends_compute_the_same_vectors() {
    for folder in super::fixtures().into_iter().flatten() {
        let open = |backend: Backend| Encoder {
            checkpoint: Checkpoint::open(&folder, &EncoderOptions::default(), &backend).unwrap(),
        };
        let native = open(Backend::Native(Precision::F32));
        let candle = open(Backend::Candle(candle_core::Device::Cpu));
        let name = &native.info().name;
        let close = |a: &[f32], b: &[f32]| {
            assert_eq!(a.len(), b.len());
            for (a, b) in a.iter().zip(b) {
                assert!((a - b).abs() < 2e-5, "{name}: {a} {b}");
            }
        };
        let expected = native.encode_documents(&TEXTS).unwrap();
        for (expected, found) in expected
            .iter()
            .zip(candle.encode_documents(&TEXTS).unwrap())
        {
            assert_eq!(found.token_ids, expected.token_ids);
            close(&found.vectors, &expected.vectors);
        }
        let expected = native.encode_queries(&TEXTS).unwrap();
        for (expected, found) in expected.iter().zip(candle.encode_queries(&TEXTS).unwrap()) {
            close(&found.vectors, &expected.vectors);
        }
    }
}
