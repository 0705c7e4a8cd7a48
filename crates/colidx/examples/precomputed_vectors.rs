//! Indexes and searches token vectors that another program made; no checkpoint is needed:
//! `cargo run --no-default-features --example precomputed_vectors -- INDEX`.

use std::error::Error;

use colidx::{BuildOptions, Index, IndexWriter, NoProgress, NoVectors, Query, SearchOptions};

const DIM: usize = 8;

/// Token vectors of unit length, `[tokens, DIM]`, which stand for a model's.
fn vectors(tokens: std::ops::Range<usize>) -> Vec<f32> {
    let mut vectors = Vec::new();
    for token in tokens {
        let raw: Vec<f32> = (0..DIM)
            .map(|d| ((token * 7 + d * 3) as f32).sin())
            .collect();
        let length = raw.iter().map(|x| x * x).sum::<f32>().sqrt();
        vectors.extend(raw.iter().map(|x| x / length));
    }
    vectors
}

fn main() -> Result<(), Box<dyn Error>> {
    let Some(path) = std::env::args().nth(1) else {
        return Err("usage: precomputed_vectors INDEX".into());
    };
    let mut writer = IndexWriter::create(&path, BuildOptions::default().dim(DIM))?;
    for document in 0..100 {
        let tokens = document * 5..document * 5 + 12;
        let ids: Vec<u32> = tokens.clone().map(|token| token as u32).collect();
        writer.add_vectors(&format!("document-{document}"), &vectors(tokens), &ids)?;
    }
    writer.commit(&mut NoVectors, &NoProgress)?;

    let index = Index::open(&path)?;
    let query = Query::new(&vectors(200..204), DIM)?;
    for hit in index.search(&query, &SearchOptions::default().k(3))?.hits {
        println!("{:.3}  {}", hit.score, hit.key);
    }
    Ok(())
}
