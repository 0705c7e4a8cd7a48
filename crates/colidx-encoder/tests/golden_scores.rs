//! MaxSim scores of published checkpoints with PyLate, as pinned by the tests of
//! sentence-transformers.
//!
//! Runs for the checkpoints in the folder `COLIDX_CHECKPOINTS`, each in a folder with its name, and
//! prints what it skips.

use std::path::PathBuf;

use colidx_encoder::{Encoder, EncoderError, EncoderOptions};

const QUERY: &str = "Which planet is known as the Red Planet?";
const DOCUMENTS: [&str; 4] = [
    "Venus is often called Earth's twin because of its similar size and proximity.",
    "Mars, known for its reddish appearance, is often referred to as the Red Planet.",
    "Jupiter, the largest planet in our solar system, has a prominent red spot.",
    "Saturn, famous for its rings, is sometimes mistaken for the Red Planet.",
];
const SCORES: [(&str, [f32; 4]); 11] = [
    (
        "lightonai/Reason-ModernColBERT",
        [9.05118, 10.18419, 9.12381, 9.39101],
    ),
    (
        "answerdotai/answerai-colbert-small-v1",
        [30.56916, 31.48954, 31.30291, 31.30716],
    ),
    (
        "colbert-ir/colbertv2.0",
        [12.79703, 27.19449, 23.8495, 24.56564],
    ),
    (
        "lightonai/colbertv2.0",
        [12.79703, 27.19449, 23.8495, 24.56564],
    ),
    (
        "LiquidAI/LFM2-ColBERT-350M",
        [30.42596, 30.66987, 30.55955, 30.61758],
    ),
    (
        "perplexity-ai/pplx-embed-v1-late-0.6b",
        [31.56128, 31.80504, 31.67393, 31.74072],
    ),
    (
        "lightonai/GTE-ModernColBERT-v1",
        [11.25772, 11.51133, 11.34575, 11.4518],
    ),
    ("lightonai/LateOn", [10.79417, 11.11042, 10.97427, 11.08107]),
    (
        "mixedbread-ai/mxbai-edge-colbert-v0-17m",
        [11.56932, 11.75844, 11.70989, 11.72288],
    ),
    ("lightonai/mLateOn", [11.3486, 11.5170, 11.4391, 11.4867]),
    (
        "lightonai/ColBERT-Zero",
        [11.48635, 12.89087, 12.20023, 12.56686],
    ),
];
/// Relative and absolute tolerance of a score.
const TOLERANCE: f32 = 1e-3;

fn max_sim(query: &[f32], document: &[f32], dim: usize) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let best = |q: &[f32]| {
        let scores = document.chunks_exact(dim).map(|d| dot(q, d));
        scores.fold(f32::NEG_INFINITY, f32::max)
    };
    query.chunks_exact(dim).map(best).sum()
}

#[test]
fn published_checkpoints_match_the_scores_of_pylate() {
    let Some(folder) = std::env::var_os("COLIDX_CHECKPOINTS").map(PathBuf::from) else {
        eprintln!(
            "skipped: COLIDX_CHECKPOINTS does not name a folder of checkpoints, as owner/name or \
             name"
        );
        return;
    };
    let mut compared = 0;
    for (name, expected) in SCORES {
        let short = name.rsplit('/').next().unwrap_or(name);
        let places = [folder.join(name), folder.join(short)];
        let Some(path) = places.iter().find(|place| place.is_dir()) else {
            eprintln!("skipped: {name} is not in {}", folder.display());
            continue;
        };
        let encoder = match Encoder::open(path, &EncoderOptions::default()) {
            Err(error @ EncoderError::UnknownArchitecture { .. }) => {
                eprintln!("skipped: {error}");
                continue;
            }
            opened => opened.unwrap(),
        };
        let dim = encoder.info().dim;
        let query = encoder.encode_query(QUERY).unwrap();
        let documents = encoder.encode_documents(&DOCUMENTS).unwrap();
        for (document, expected) in documents.iter().zip(expected) {
            let score = max_sim(&query.vectors, &document.vectors, dim);
            let difference = (score - expected).abs();
            assert!(
                difference <= TOLERANCE * (1.0 + expected),
                "{name}: {score}, expected {expected}"
            );
        }
        compared += 1;
    }
    assert!(
        compared > 0,
        "no checkpoint of the list lies in {}",
        folder.display()
    );
}
