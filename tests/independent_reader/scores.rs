//! Section 17: scores.

use super::Document;

/// Keys and scores of the documents with vectors, in the order of hits.
pub fn scores(documents: &[Document], query: &[f32], dim: usize) -> Vec<(String, u32)> {
    let mut hits = Vec::new();
    for document in documents.iter().filter(|d| !d.vectors.is_empty()) {
        let mut score = 0f32;
        for q in query.chunks(dim) {
            let mut greatest = f32::NEG_INFINITY;
            for x in document.vectors.chunks(dim) {
                let mut dot = 0f32;
                for j in 0..dim {
                    dot = q[j].mul_add(x[j], dot);
                }
                greatest = greatest.max(dot);
            }
            score += greatest;
        }
        hits.push((score, document.key.clone()));
    }
    hits.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.as_bytes().cmp(b.1.as_bytes())));
    let bits = hits.into_iter().map(|(score, key)| (key, score.to_bits()));
    bits.collect()
}
