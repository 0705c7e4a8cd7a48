//! BM25 by its definition, over all postings.

use crate::corpus::Document;
use colidx_lexical::Analyzer;
use std::collections::HashMap;

pub struct Index {
    analyzer: Analyzer,
    postings: HashMap<String, Vec<(u32, u32)>>,
    lengths: Vec<u32>,
}

impl Index {
    pub fn new(documents: &[Document]) -> Self {
        let analyzer = Analyzer::by_name("english").expect("an analyzer of this name");
        let mut postings: HashMap<String, Vec<(u32, u32)>> = HashMap::new();
        let mut lengths = Vec::new();
        for (document, fields) in documents.iter().enumerate() {
            let document = document as u32;
            let mut length = 0;
            for text in [&fields.title, &fields.text] {
                analyzer.analyze(text, |term| {
                    length += 1;
                    let list = postings.entry(term.text.to_owned()).or_default();
                    match list.last_mut() {
                        Some((last, count)) if *last == document => *count += 1,
                        _ => list.push((document, 1)),
                    }
                });
            }
            lengths.push(length);
        }
        Self {
            analyzer,
            postings,
            lengths,
        }
    }

    /// Whether the hits are the best by definition, but for documents of the same score.
    pub fn agrees(&self, query: &str, hits: &[(u32, f32)], rounded: fn(u32) -> u32) -> bool {
        let n = self.lengths.len() as f64;
        let average = self.lengths.iter().map(|&l| f64::from(l)).sum::<f64>() / n;
        let mut scores: HashMap<u32, f64> = HashMap::new();
        self.analyzer.analyze(query, |term| {
            let Some(list) = self.postings.get(term.text) else {
                return;
            };
            let df = list.len() as f64;
            let idf = (1.0 + (n - df + 0.5) / (df + 0.5)).ln();
            for &(document, tf) in list {
                let length = f64::from(rounded(self.lengths[document as usize]));
                let norm = 1.2 * (0.25 + 0.75 * length / average);
                *scores.entry(document).or_default() +=
                    idf * f64::from(tf) / (f64::from(tf) + norm);
            }
        });
        let mut best: Vec<f64> = scores.values().copied().collect();
        best.sort_by(|a, b| b.total_cmp(a));
        best.truncate(crate::K);
        best.len() == hits.len()
            && best.iter().zip(hits).all(|(best, (document, _))| {
                let score = scores.get(document).copied().unwrap_or(0.0);
                (score - best).abs() < 1e-4
            })
    }
}

/// The length that tantivy remembers in one byte: exact up to 40, then with three bits of mantissa.
pub fn rounded(length: u32) -> u32 {
    if length <= 40 {
        return length;
    }
    let shift = (length - 24).ilog2() - 3;
    ((length - 24) >> shift << shift) + 24
}
