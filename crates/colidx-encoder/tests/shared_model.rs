//! answerai-colbert-small-v1 on SciFact, if they are in `../shared` beside the repository;
//! otherwise these tests print that they skip.
//!
//! With `COLIDX_REFERENCE=DIR` the vectors are compared with PyLate's, which
//! benches/compare/encode_pylate.py writes to DIR: `doc_embeddings.npy` (f16), `doc_lens.npy`,
//! `token_ids.npy` and `query_embeddings.npy`.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use colidx_encoder::{Encoder, EncoderOptions};
use serde_json::Value;

fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(path);
    if !path.exists() {
        eprintln!("skipped: {} is absent", path.display());
        return None;
    }
    Some(path)
}

fn model() -> Option<Encoder> {
    Some(
        Encoder::open(
            &shared("models/answerai-colbert-small-v1")?,
            &EncoderOptions::default(),
        )
        .unwrap(),
    )
}

fn texts(path: &Path) -> Vec<String> {
    let field = |line: &Value, name: &str| line[name].as_str().unwrap_or("").to_owned();
    BufReader::new(File::open(path).unwrap())
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
            format!("{} {}", field(&line, "title"), field(&line, "text"))
                .trim()
                .to_owned()
        })
        .collect()
}

#[test]
fn scifact_has_the_published_number_of_vectors() {
    let (Some(encoder), Some(corpus)) = (model(), shared("datasets/scifact/corpus.jsonl")) else {
        return;
    };
    let info = encoder.info();
    assert_eq!((info.dim, info.hidden, info.layers), (96, 384, 12));
    assert_eq!((info.document_length, info.query_length), (300, 32));
    let texts = texts(&corpus);
    let vectors: usize = texts
        .iter()
        .map(|text| encoder.document_tokens(text).unwrap().len())
        .sum();
    assert_eq!((texts.len(), vectors), (5183, 1_221_388));
}

/// The numbers after the header of a .npy file.
fn npy(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    let header = u16::from_le_bytes([bytes[8], bytes[9]]) as usize;
    bytes[10 + header..].to_vec()
}

fn lowest_cosine(found: &[f32], expected: &[f32], dim: usize) -> f32 {
    assert_eq!(found.len(), expected.len());
    let dot = |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    let rows = found.chunks_exact(dim).zip(expected.chunks_exact(dim));
    rows.map(|(a, b)| dot(a, b) / (dot(a, a) * dot(b, b)).sqrt())
        .fold(1.0, f32::min)
}

#[test]
fn vectors_match_pylate() {
    let Some(reference) = std::env::var_os("COLIDX_REFERENCE").map(PathBuf::from) else {
        eprintln!("skipped: COLIDX_REFERENCE is not set");
        return;
    };
    let (Some(encoder), Some(data)) = (model(), shared("datasets/scifact")) else {
        return;
    };
    let dim = encoder.info().dim;

    let documents_owned = texts(&data.join("corpus.jsonl"));
    let documents: Vec<&str> = documents_owned
        .iter()
        .take(200)
        .map(String::as_str)
        .collect();
    let documents = encoder.encode_documents(&documents).unwrap();
    let ids: Vec<u8> = documents
        .iter()
        .flat_map(|document| document.token_ids.iter().flat_map(|id| id.to_le_bytes()))
        .collect();
    assert!(npy(&reference.join("token_ids.npy")).starts_with(&ids));
    let lens: Vec<u8> = documents
        .iter()
        .flat_map(|document| (document.token_ids.len() as u32).to_le_bytes())
        .collect();
    assert!(npy(&reference.join("doc_lens.npy")).starts_with(&lens));
    let found: Vec<f32> = documents
        .into_iter()
        .flat_map(|document| document.vectors)
        .collect();
    let expected: Vec<f32> = npy(&reference.join("doc_embeddings.npy"))
        .as_chunks::<2>()
        .0
        .iter()
        .take(found.len())
        .map(|&half| half::f16::from_le_bytes(half).to_f32())
        .collect();
    let cosine = lowest_cosine(&found, &expected, dim);
    eprintln!(
        "200 documents, {} vectors: lowest cosine {cosine}",
        found.len() / dim
    );
    assert!(cosine > 0.9999);

    let queries_owned = texts(&data.join("queries.jsonl"));
    let queries: Vec<&str> = queries_owned.iter().map(String::as_str).collect();
    let found: Vec<f32> = (encoder.encode_queries(&queries).unwrap().into_iter())
        .flat_map(|query| query.vectors)
        .collect();
    let expected: Vec<f32> = npy(&reference.join("query_embeddings.npy"))
        .as_chunks::<4>()
        .0
        .iter()
        .map(|&float| f32::from_le_bytes(float))
        .collect();
    let cosine = lowest_cosine(&found, &expected, dim);
    let pairs = found.iter().zip(&expected);
    let difference = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    eprintln!(
        "{} queries: lowest cosine {cosine}, largest difference {difference}",
        queries.len()
    );
    assert!(cosine > 0.9999);
}
