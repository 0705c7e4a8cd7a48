//! What 8-bit integers change, and what they must not.

use std::path::PathBuf;

use colidx_encoder::{Encoder, EncoderOptions, Precision};

const TEXTS: [&str; 6] = [
    "The cat and the dog",
    "How does late interaction rank a document?",
    "Protein-protein interactions (PPI) in human cells: a study of 1,234 patients.",
    "",
    "the sun is a star. the sun is a star. the sun is a star. the sun is a star.",
    "rust",
];

fn open(precision: Precision) -> Encoder {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert");
    let options = EncoderOptions {
        precision,
        ..EncoderOptions::default()
    };
    Encoder::open_with(&folder, &options).unwrap()
}

#[test]
fn int8_vectors_lie_near_those_of_f32() {
    let (exact, rounded) = (open(Precision::F32), open(Precision::Int8));
    let dim = exact.info().dim;
    let pairs = exact.encode_documents(&TEXTS).unwrap().into_iter();
    let mut cosines = Vec::new();
    for (exact, rounded) in pairs.zip(rounded.encode_documents(&TEXTS).unwrap()) {
        assert_eq!(exact.token_ids, rounded.token_ids);
        let vectors = exact.vectors.chunks(dim).zip(rounded.vectors.chunks(dim));
        cosines.extend(vectors.map(|(a, b)| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>()));
    }
    // A random model of 32 dimensions feels a step of 1/255 more than a trained one of 384.
    let worst = cosines.iter().copied().fold(1.0, f32::min);
    let mean = cosines.iter().sum::<f32>() / cosines.len() as f32;
    assert!(worst > 0.99 && mean > 0.998, "worst {worst}, mean {mean}");
    assert!(mean < 1.0 - 1e-7, "nothing was rounded");
}

#[test]
fn int8_vectors_depend_neither_on_company_nor_on_threads() {
    let encoder = open(Precision::Int8);
    let together = encoder.encode_documents(&TEXTS).unwrap();
    for (text, expected) in TEXTS.iter().zip(&together) {
        assert_eq!(&encoder.encode_documents(&[text]).unwrap()[0], expected);
    }
    let query = encoder.encode_query(TEXTS[1]).unwrap();
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            assert_eq!(encoder.encode_documents(&TEXTS).unwrap(), together);
            assert_eq!(encoder.encode_query(TEXTS[1]).unwrap(), query);
        });
    }
}
