//! Measures codebooks, in Markdown tables. `docs/lab/2026-11-27-codebook.md` has the results.
//!
//! ```text
//! cargo run --release -p colidx-lab --features faiss --bin shapes -- EMBEDDINGS_DIR [SECTION...]
//! ```
//!
//! EMBEDDINGS_DIR holds doc_embeddings.npy, doc_lens.npy, token_ids.npy, query_embeddings.npy and,
//! for nDCG, qrels.json with `{"query row": {"document row": gain}}`. Sections, all by default:
//! `shapes`, `training`, `allocation`, `buckets`, `lengths`, `work`; the last needs no queries.
//!
//! Environment: `COLIDX_CENTROIDS=4096,16384` sets the sizes of the codebook (16384 by default),
//! `COLIDX_STEP=4` trains on every fourth document, `COLIDX_SHAPES=token-aware` leaves the flat
//! kind out. The last two are for small machines.

mod corpus;
mod npy;
mod residual;
mod work;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use colidx_cluster::{Assigner, Codebook, CodebookKind, KMeans, Sample, TrainOptions, train};
use half::f16;
use rayon::prelude::*;

use corpus::{Corpus, Truth};
use npy::Result;
use residual::{Quantizer, Rule, dimension_scales};

/// A quantiser learns from the residuals of about this many vectors.
const LEARN: usize = 50_000;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let dir = args.next().ok_or(
        "usage: shapes EMBEDDINGS_DIR [shapes|training|allocation|buckets|lengths|work]...",
    )?;
    let sections: Vec<String> = args.collect();
    let sizes = std::env::var("COLIDX_CENTROIDS").unwrap_or_else(|_| "16384".into());
    let sizes: Vec<usize> = sizes
        .split(',')
        .map(str::parse)
        .collect::<std::result::Result<_, _>>()?;
    let corpus = Corpus::open(Path::new(&dir))?;
    println!(
        "{} documents, {} vectors of {} dimensions\n",
        corpus.documents(),
        corpus.len(),
        corpus.dim
    );
    let wanted = |name: &str| sections.is_empty() || sections.iter().any(|section| section == name);
    if wanted("work") {
        work::work(&corpus, &sizes)?;
    }
    let ranking: Vec<(&str, Section)> = [
        ("buckets", buckets as Section),
        ("lengths", lengths),
        ("allocation", allocation),
        ("training", training),
        ("shapes", shapes),
    ]
    .into_iter()
    .filter(|(name, _)| wanted(name))
    .collect();
    if ranking.is_empty() {
        return Ok(());
    }
    let truth = corpus.truth();
    println!("nDCG@10 of the vectors as they are: {}\n", ndcg(truth.ndcg));
    for &k in &sizes {
        for (_, section) in &ranking {
            section(&corpus, &truth, k)?;
        }
    }
    Ok(())
}

/// Prints one table, for one size of codebook.
type Section = fn(&Corpus, &Truth, usize) -> Result<()>;

/// How the length of a decoded vector is treated.
#[derive(Clone, Copy)]
enum Length {
    AsDecoded,
    /// Scaled to 1, as the vector was before.
    Unit,
    /// Scaled so that its dot product with the original vector is 1, which takes a stored number
    /// per vector.
    Aligned,
}

/// A codebook, its assignments, and their cost.
struct Trained {
    codebook: Codebook,
    codes: Vec<u32>,
    training: Duration,
    assignment: Duration,
    /// Comparisons of a vector with a centroid in one pass of training, in millions: a measure of
    /// time that does not depend on other work on the machine.
    comparisons: u64,
    /// Mean squared residual over all vectors.
    error: f64,
}

impl Trained {
    fn new(corpus: &Corpus, step: usize, options: &TrainOptions) -> Result<Trained> {
        let (vectors, ids) = corpus.sample(step);
        let sample = Sample {
            vectors: &vectors,
            dim: corpus.dim,
            token_ids: Some(&ids),
        };
        let start = Instant::now();
        let comparisons = AtomicU64::new(0);
        let mut codebook = train(&sample, options, &|p| {
            comparisons.store(p.total, Ordering::Relaxed);
            ControlFlow::Continue(())
        })?;
        let training = start.elapsed();
        // An index keeps centroids in 16 bits.
        codebook
            .centroids
            .iter_mut()
            .for_each(|value| *value = f16::from_f32(*value).to_f32());
        let start = Instant::now();
        let mut codes = Vec::new();
        Assigner::new(corpus.dim, &codebook.centroids, &codebook.groups).assign(
            &corpus.vectors,
            Some(&corpus.token_ids),
            &mut codes,
        );
        let assignment = start.elapsed();
        let mut trained = Trained {
            codebook,
            codes,
            training,
            assignment,
            comparisons: comparisons.into_inner() / options.iterations as u64 / 1_000_000,
            error: 0.0,
        };
        trained.error = trained.error_after(corpus, &|_, _| 0.0);
        Ok(trained)
    }

    fn centroid(&self, at: usize) -> &[f32] {
        let dim = self.codebook.dim;
        &self.codebook.centroids[self.codes[at] as usize * dim..][..dim]
    }

    /// The mean squared error when `round` replaces each value of the residuals.
    fn error_after(&self, corpus: &Corpus, round: &(dyn Fn(usize, f32) -> f32 + Sync)) -> f64 {
        let errors: Vec<f64> = corpus
            .vectors
            .par_chunks(corpus.dim * 1024)
            .enumerate()
            .map(|(chunk, vectors)| {
                let one = |(at, vector): (usize, &[f32])| -> f64 {
                    let pairs = vector.iter().zip(self.centroid(chunk * 1024 + at));
                    pairs
                        .enumerate()
                        .map(|(d, (x, c))| f64::from(x - c - round(d, x - c)).powi(2))
                        .sum()
                };
                vectors.chunks_exact(corpus.dim).enumerate().map(one).sum()
            })
            .collect();
        errors.iter().sum::<f64>() / corpus.len() as f64
    }

    /// The residuals of some vectors spread over the corpus, `[n, dim]`.
    fn residuals(&self, corpus: &Corpus) -> Vec<f32> {
        let rows = corpus
            .vectors
            .chunks_exact(corpus.dim)
            .enumerate()
            .step_by(corpus.len().div_ceil(LEARN));
        rows.flat_map(|(at, vector)| vector.iter().zip(self.centroid(at)).map(|(x, c)| x - c))
            .collect()
    }

    /// nDCG@10 and overlap@10 of decoded vectors; no `quantizer` means centroids alone.
    fn quality(
        &self,
        corpus: &Corpus,
        truth: &Truth,
        quantizer: Option<&Quantizer>,
        length: Length,
    ) -> String {
        let dim = corpus.dim;
        let decode = |first: usize, out: &mut [f32]| {
            for (at, row) in out.chunks_exact_mut(dim).enumerate() {
                row.copy_from_slice(self.centroid(first + at));
                if let Some(quantizer) = quantizer {
                    let vector = &corpus.vectors[(first + at) * dim..][..dim];
                    for (d, (value, x)) in row.iter_mut().zip(vector).enumerate() {
                        *value += quantizer.round(d, x - *value);
                    }
                }
                let norm = match length {
                    Length::AsDecoded => 1.0,
                    Length::Unit => dot(row, row).sqrt(),
                    Length::Aligned => dot(row, &corpus.vectors[(first + at) * dim..][..dim]),
                };
                row.iter_mut().for_each(|x| *x /= norm);
            }
        };
        let quality = corpus.quality(truth, &decode);
        format!("{} / {:.3}", ndcg(quality.ndcg), quality.overlap)
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn ndcg(value: Option<f64>) -> String {
    value.map_or("-".into(), |value| format!("{value:.4}"))
}

fn options(k: usize, engine: KMeans, shape: CodebookKind) -> TrainOptions {
    TrainOptions {
        backend: engine,
        kind: shape,
        ..TrainOptions::new(k)
    }
}

/// The default quantiser: one scale a dimension, Lloyd's buckets.
fn quantizer(residuals: &[f32], dim: usize, nbits: u32) -> Quantizer {
    Quantizer::learn(
        residuals,
        &dimension_scales(residuals, dim),
        nbits,
        Rule::Lloyd,
    )
}

/// The step between sampled documents.
fn step() -> Result<usize> {
    Ok(std::env::var("COLIDX_STEP").map_or(Ok(1), |step| step.parse())?)
}

fn shapes_wanted() -> impl Iterator<Item = CodebookKind> {
    let wanted = std::env::var("COLIDX_SHAPES").unwrap_or_else(|_| "token-aware,flat".into());
    [CodebookKind::TokenAware, CodebookKind::Flat]
        .into_iter()
        .filter(move |shape| wanted.contains(&shape.to_string()))
}

fn shapes(corpus: &Corpus, truth: &Truth, k: usize) -> Result<()> {
    let step = step()?;
    println!("### KMeans and shape, K = {k}, trained on every {step}. document\n");
    println!(
        "| shape | engine | comparisons a pass, million | training, s | assignment, s | mean squared residual | centroid only | 2 bits | 4 bits |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for shape in shapes_wanted() {
        for engine in [KMeans::Builtin, KMeans::Faiss]
            .into_iter()
            .filter(|engine| engine.is_available())
        {
            let trained = Trained::new(corpus, step, &options(k, engine, shape))?;
            let residuals = trained.residuals(corpus);
            let bits = [2, 4].map(|nbits| {
                trained.quality(
                    corpus,
                    truth,
                    Some(&quantizer(&residuals, corpus.dim, nbits)),
                    Length::Unit,
                )
            });
            println!(
                "| {shape} | {engine} | {} | {:.1} | {:.1} | {:.5} | {} | {} | {} |",
                trained.comparisons,
                trained.training.as_secs_f64(),
                trained.assignment.as_secs_f64(),
                trained.error,
                trained.quality(corpus, truth, None, Length::Unit),
                bits[0],
                bits[1],
            );
        }
    }
    println!();
    Ok(())
}

fn training(corpus: &Corpus, truth: &Truth, k: usize) -> Result<()> {
    println!("### Sample and passes, built-in engine, K = {k}\n");
    println!(
        "| shape | vectors a centroid | passes | training, s | mean squared residual | 2 bits |"
    );
    println!("|---|---|---|---|---|---|");
    for shape in shapes_wanted() {
        for (vectors, iterations) in [
            (8, 10),
            (16, 10),
            (32, 10),
            (64, 10),
            (32, 2),
            (32, 4),
            (32, 20),
        ] {
            let options = TrainOptions {
                iterations,
                tolerance: 0.0,
                ..options(k, KMeans::Builtin, shape)
            };
            let step = (corpus.len() / (k * vectors)).max(1);
            let trained = Trained::new(corpus, step, &options)?;
            let quantizer = quantizer(&trained.residuals(corpus), corpus.dim, 2);
            println!(
                "| {shape} | {:.0} | {iterations} | {:.1} | {:.5} | {} |",
                corpus.len() as f64 / (step * k) as f64,
                trained.training.as_secs_f64(),
                trained.error,
                trained.quality(corpus, truth, Some(&quantizer), Length::Unit),
            );
        }
    }
    println!();
    Ok(())
}

fn allocation(corpus: &Corpus, truth: &Truth, k: usize) -> Result<()> {
    println!("### Damping of the token-aware shape, K = {k}\n");
    println!(
        "| damping | tokens with centroids of their own | mean squared residual | centroid only | 2 bits |"
    );
    println!("|---|---|---|---|---|");
    for damping in [0.25, 0.5, 0.75, 0.9, 1.0] {
        let options = TrainOptions {
            damping,
            ..options(k, KMeans::Builtin, CodebookKind::TokenAware)
        };
        let trained = Trained::new(corpus, step()?, &options)?;
        let residuals = trained.residuals(corpus);
        println!(
            "| {damping} | {} | {:.5} | {} | {} |",
            trained.codebook.groups.len() - 1,
            trained.error,
            trained.quality(corpus, truth, None, Length::Unit),
            trained.quality(
                corpus,
                truth,
                Some(&quantizer(&residuals, corpus.dim, 2)),
                Length::Unit
            ),
        );
    }
    println!();
    Ok(())
}

fn buckets(corpus: &Corpus, truth: &Truth, k: usize) -> Result<()> {
    let trained = Trained::new(
        corpus,
        1,
        &options(k, KMeans::Builtin, CodebookKind::TokenAware),
    )?;
    let residuals = trained.residuals(corpus);
    let own = dimension_scales(&residuals, corpus.dim);
    let one = vec![1.0; corpus.dim];
    println!(
        "### Buckets, token-aware, K = {k}: mean squared residual {:.5}\n",
        trained.error
    );
    println!("| bits | scale | rule | squared error left | as decoded | at unit length |");
    println!("|---|---|---|---|---|---|");
    for nbits in [1, 2, 4, 8] {
        for (scale, scales) in [("global", &one), ("a dimension", &own)] {
            for rule in [Rule::Quantiles, Rule::Means, Rule::Lloyd] {
                let quantizer = Quantizer::learn(&residuals, scales, nbits, rule);
                let left = trained.error_after(corpus, &|d, value| quantizer.round(d, value))
                    / trained.error;
                println!(
                    "| {nbits} | {scale} | {} | {:.3} % | {} | {} |",
                    rule.name(),
                    100.0 * left,
                    trained.quality(corpus, truth, Some(&quantizer), Length::AsDecoded),
                    trained.quality(corpus, truth, Some(&quantizer), Length::Unit),
                );
            }
        }
    }
    println!();
    Ok(())
}

fn lengths(corpus: &Corpus, truth: &Truth, k: usize) -> Result<()> {
    let trained = Trained::new(
        corpus,
        1,
        &options(k, KMeans::Builtin, CodebookKind::TokenAware),
    )?;
    let residuals = trained.residuals(corpus);
    println!("### Length of decoded vectors, token-aware, K = {k}\n");
    println!("| bits | as decoded | at unit length | with a stored length |");
    println!("|---|---|---|---|");
    for nbits in [0, 1, 2, 4] {
        let quantizer = (nbits > 0).then(|| quantizer(&residuals, corpus.dim, nbits));
        let quality = [Length::AsDecoded, Length::Unit, Length::Aligned]
            .map(|length| trained.quality(corpus, truth, quantizer.as_ref(), length));
        println!("| {nbits} | {} |", quality.join(" | "));
    }
    println!();
    Ok(())
}
