//! A corpus of token vectors with queries and judgements, and the ranking quality of lossy copies.

use std::collections::HashMap;
use std::path::Path;

use colidx_kernels::{Panels, kernels};
use rayon::prelude::*;

use crate::npy::{Result, floats, integers};

/// Candidates per query: the documents that the uncompressed vectors rank first.
const CANDIDATES: usize = 500;
const CUT: usize = 10;

/// For one query, document row to gain.
type Gains = HashMap<usize, f64>;

pub struct Corpus {
    pub dim: usize,
    /// `[n, dim]`
    pub vectors: Vec<f32>,
    pub token_ids: Vec<u32>,
    /// Where each document's vectors start, and the end of the last.
    starts: Vec<usize>,
    /// None without their file.
    queries: Vec<Panels>,
    /// For each query; empty without judgements.
    judgements: Vec<Gains>,
}

/// Ranking quality of a copy of the vectors, as means over the queries.
pub struct Quality {
    pub ndcg: Option<f64>,
    /// The share of its top 10 that are in the top 10 of the uncompressed vectors.
    pub overlap: f64,
}

/// The ranking of the uncompressed vectors.
pub struct Truth {
    /// For each document, the queries it is a candidate of.
    asking: Vec<Vec<u32>>,
    first: Vec<Vec<usize>>,
    pub ndcg: Option<f64>,
}

impl Corpus {
    pub fn open(dir: &Path) -> Result<Corpus> {
        let ([n, dim], vectors) = floats(&dir.join("doc_embeddings.npy"), "[tokens, dim]")?;
        let mut starts = vec![0];
        for len in integers(&dir.join("doc_lens.npy"))? {
            starts.push(starts[starts.len() - 1] + len as usize);
        }
        let ids = ["token_ids.npy", "doc_token_ids.npy"].map(|name| dir.join(name));
        let token_ids = integers(ids.iter().find(|path| path.exists()).unwrap_or(&ids[0]))?;
        if starts[starts.len() - 1] != n || token_ids.len() != n {
            return Err(format!(
                "{n} vectors, {} token ids, lengths for {}",
                token_ids.len(),
                starts[starts.len() - 1]
            )
            .into());
        }
        let (queries, judgements) = queries(dir, dim)?;
        Ok(Corpus {
            dim,
            vectors,
            token_ids,
            starts,
            queries,
            judgements,
        })
    }

    pub fn len(&self) -> usize {
        self.token_ids.len()
    }

    pub fn documents(&self) -> usize {
        self.starts.len() - 1
    }

    /// Vectors and token ids of every `step`th document.
    pub fn sample(&self, step: usize) -> (Vec<f32>, Vec<u32>) {
        let (mut vectors, mut ids) = (Vec::new(), Vec::new());
        for document in (0..self.documents()).step_by(step) {
            let tokens = self.starts[document]..self.starts[document + 1];
            vectors
                .extend_from_slice(&self.vectors[tokens.start * self.dim..tokens.end * self.dim]);
            ids.extend_from_slice(&self.token_ids[tokens]);
        }
        (vectors, ids)
    }

    /// Ranks all documents by the uncompressed vectors.
    pub fn truth(&self) -> Truth {
        let everyone = vec![(0..self.queries.len() as u32).collect(); self.documents()];
        let ranked = self.rank(&everyone, &|at, out| {
            out.copy_from_slice(&self.vectors[at * self.dim..at * self.dim + out.len()])
        });
        let mut asking = vec![Vec::new(); self.documents()];
        for (query, documents) in ranked.iter().enumerate() {
            for &document in documents.iter().take(CANDIDATES) {
                asking[document].push(query as u32);
            }
        }
        let ndcg = self.ndcg(&ranked);
        let first = ranked
            .into_iter()
            .map(|documents| documents.into_iter().take(CUT).collect())
            .collect();
        Truth {
            asking,
            first,
            ndcg,
        }
    }

    /// Ranks the candidates by the vectors that `decode(first vector, out)` writes.
    pub fn quality(&self, truth: &Truth, decode: &(dyn Fn(usize, &mut [f32]) + Sync)) -> Quality {
        let ranked = self.rank(&truth.asking, decode);
        let same = |(ranked, first): (&Vec<usize>, &Vec<usize>)| {
            ranked
                .iter()
                .take(CUT)
                .filter(|document| first.contains(document))
                .count() as f64
                / first.len().max(1) as f64
        };
        let overlap = ranked.iter().zip(&truth.first).map(same).sum::<f64>() / ranked.len() as f64;
        Quality {
            ndcg: self.ndcg(&ranked),
            overlap,
        }
    }

    /// For each query, the documents that list it in `asking`, by exact MaxSim, best first.
    fn rank(
        &self,
        asking: &[Vec<u32>],
        decode: &(dyn Fn(usize, &mut [f32]) + Sync),
    ) -> Vec<Vec<usize>> {
        let scored: Vec<Vec<f32>> = asking
            .par_iter()
            .enumerate()
            .map(|(document, queries)| {
                let mut rows =
                    vec![0.0; (self.starts[document + 1] - self.starts[document]) * self.dim];
                if !queries.is_empty() {
                    decode(self.starts[document], &mut rows);
                }
                let mut best = Vec::new();
                queries
                    .iter()
                    .map(|&query| kernels().maxsim(&rows, &self.queries[query as usize], &mut best))
                    .collect()
            })
            .collect();
        let mut ranked: Vec<Vec<(f32, usize)>> = vec![Vec::new(); self.queries.len()];
        for (document, (queries, scores)) in asking.iter().zip(&scored).enumerate() {
            for (&query, &score) in queries.iter().zip(scores) {
                ranked[query as usize].push((score, document));
            }
        }
        ranked
            .into_par_iter()
            .map(|mut documents| {
                documents.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
                documents
                    .into_iter()
                    .map(|(_, document)| document)
                    .collect()
            })
            .collect()
    }

    /// nDCG@10 over the queries that have judgements.
    fn ndcg(&self, ranked: &[Vec<usize>]) -> Option<f64> {
        let discounted = |gains: &mut dyn Iterator<Item = f64>| -> f64 {
            gains
                .take(CUT)
                .enumerate()
                .map(|(at, gain)| gain / (at as f64 + 2.0).log2())
                .sum()
        };
        let judged: Vec<f64> = ranked
            .iter()
            .zip(&self.judgements)
            .filter(|(_, gains)| gains.values().any(|&gain| gain > 0.0))
            .map(|(documents, gains)| {
                let mut ideal: Vec<f64> = gains.values().copied().collect();
                ideal.sort_by(|a, b| b.total_cmp(a));
                let got = discounted(
                    &mut documents
                        .iter()
                        .map(|document| gains.get(document).copied().unwrap_or(0.0)),
                );
                got / discounted(&mut ideal.into_iter())
            })
            .collect();
        (!judged.is_empty()).then(|| judged.iter().sum::<f64>() / judged.len() as f64)
    }
}

/// The queries' vectors and their judgements, where their files are there.
fn queries(dir: &Path, dim: usize) -> Result<(Vec<Panels>, Vec<Gains>)> {
    let path = dir.join("query_embeddings.npy");
    if !path.exists() {
        return Ok((Vec::new(), Vec::new()));
    }
    let ([count, tokens, query_dim], queries) = floats(&path, "[queries, tokens, dim]")?;
    if query_dim != dim {
        return Err(format!("documents have {dim} dimensions, queries {query_dim}").into());
    }
    let mut judgements = vec![HashMap::new(); count];
    if let Ok(text) = std::fs::read_to_string(dir.join("qrels.json")) {
        let qrels: HashMap<String, HashMap<String, f64>> = serde_json::from_str(&text)?;
        for (query, gains) in qrels {
            let gains = gains
                .iter()
                .map(|(document, &gain)| Ok((document.parse()?, gain)));
            judgements[query.parse::<usize>()?] = gains.collect::<Result<_>>()?;
        }
    }
    let panels = queries.chunks_exact(tokens * dim);
    Ok((
        panels.map(|query| Panels::new(query, dim)).collect(),
        judgements,
    ))
}
