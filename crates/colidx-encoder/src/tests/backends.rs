//! Both backends give the same vectors for all fixtures.

use std::path::PathBuf;

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
fn tensors_and_kernels_give_the_same_vectors() {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut names = 0;
    for folder in std::fs::read_dir(fixtures).unwrap() {
        let open = |backend: Backend| Encoder {
            checkpoint: {
                let path = folder.as_ref().unwrap().path();
                Checkpoint::open(&path, &EncoderOptions::default(), &backend).unwrap()
            },
        };
        let kernels = open(Backend::Native(Precision::F32));
        let tensors = open(Backend::Candle(candle_core::Device::Cpu));
        let name = &kernels.info().name;
        let close = |a: &[f32], b: &[f32]| {
            assert_eq!(a.len(), b.len());
            for (a, b) in a.iter().zip(b) {
                assert!((a - b).abs() < 2e-5, "{name}: {a} {b}");
            }
        };
        let expected = kernels.encode_documents(&TEXTS).unwrap();
        for (expected, found) in expected
            .iter()
            .zip(tensors.encode_documents(&TEXTS).unwrap())
        {
            assert_eq!(found.token_ids, expected.token_ids);
            close(&found.vectors, &expected.vectors);
        }
        let expected = kernels.encode_queries(&TEXTS).unwrap();
        for (expected, found) in expected.iter().zip(tensors.encode_queries(&TEXTS).unwrap()) {
            close(&found.vectors, &expected.vectors);
        }
        names += 1;
    }
    assert!(names >= 46);
}
