//! Measures the cost of training and assignment, and the loss against brute force.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use colidx_cluster::{Assigner, Codebook, KMeans, Sample, train};
use colidx_kernels::{Nearest, Panels};
use rayon::prelude::*;

use crate::corpus::Corpus;
use crate::npy::Result;
use crate::{options, shapes_wanted, step};

/// Vectors, spread over the corpus, whose codes are checked against all centroids of their group.
const CHECKED: usize = 50_000;
/// Vectors per call of the assigner, as when an index is built.
const BATCH: usize = 100_000;

pub fn work(corpus: &Corpus, sizes: &[usize]) -> Result<()> {
    let (vectors, ids) = corpus.sample(step()?);
    let dim = corpus.dim;
    println!(
        "### Work, {} of {} vectors in the sample\n",
        ids.len(),
        corpus.len()
    );
    println!(
        "| K | shape | engine | training, s | processor, s | comparisons a vector | assignment, s | processor, s | comparisons a vector | nearest found | error above exhaustive | mean squared residual |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    for &k in sizes {
        for shape in shapes_wanted() {
            for engine in [KMeans::Builtin, KMeans::Faiss]
                .into_iter()
                .filter(|engine| engine.is_available())
            {
                let sample = Sample {
                    vectors: &vectors,
                    dim,
                    token_ids: Some(&ids),
                };
                let done = AtomicU64::new(0);
                let start = Clock::start();
                let codebook = train(&sample, &options(k, engine, shape), &|p| {
                    if p.done < p.total {
                        done.fetch_max(p.done, Ordering::Relaxed);
                    }
                    ControlFlow::Continue(())
                })?;
                let training = start.seconds();
                let start = Clock::start();
                let assigner = Assigner::new(dim, &codebook.centroids, &codebook.groups);
                let mut comparisons = 0;
                let mut codes = Vec::new();
                let mut batch = Vec::new();
                for (vectors, ids) in corpus
                    .vectors
                    .chunks(BATCH * dim)
                    .zip(corpus.token_ids.chunks(BATCH))
                {
                    comparisons += assigner.assign(vectors, Some(ids), &mut batch);
                    codes.extend_from_slice(&batch);
                }
                let assignment = start.seconds();
                let checked = check(corpus, &codebook, &codes);
                println!(
                    "| {k} | {shape} | {engine} | {:.1} | {:.1} | {:.0} | {:.1} | {:.1} | {:.0} | {:.1} % | {:.2} % | {:.5} |",
                    training[0],
                    training[1],
                    done.into_inner() as f64 / ids.len() as f64,
                    assignment[0],
                    assignment[1],
                    comparisons as f64 / corpus.len() as f64,
                    100.0 * checked.found,
                    100.0 * (checked.error / checked.least - 1.0),
                    checked.error,
                );
            }
        }
    }
    println!();
    Ok(())
}

/// Wall time and, where the system reports it, processor time, which is meaningful on a busy
/// machine.
struct Clock {
    wall: Instant,
    processor: f64,
}

impl Clock {
    fn start() -> Clock {
        Clock {
            wall: Instant::now(),
            processor: processor(),
        }
    }

    fn seconds(&self) -> [f64; 2] {
        [
            self.wall.elapsed().as_secs_f64(),
            processor() - self.processor,
        ]
    }
}

/// Processor seconds of this process.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    // User and system time, in hundredths of a second.
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks
        .filter_map(|field| field.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0
}

struct Checked {
    /// Share of the vectors whose code is as near as any.
    found: f64,
    /// Mean squared residual.
    error: f64,
    /// Mean squared residual of the nearest centroids of all.
    least: f64,
}

fn check(corpus: &Corpus, codebook: &Codebook, codes: &[u32]) -> Checked {
    let dim = corpus.dim;
    let rows: Vec<usize> = (0..corpus.len())
        .step_by(corpus.len().div_ceil(CHECKED))
        .collect();
    let last = codebook.groups.len() - 1;
    let mut rows_of = vec![Vec::new(); codebook.groups.len()];
    for &row in &rows {
        let group = codebook
            .groups
            .binary_search_by_key(&corpus.token_ids[row], |group| group.token_id);
        rows_of[group.unwrap_or(last)].push(row);
    }
    let distance = |row: usize, code: usize| -> f64 {
        let centroid = &codebook.centroids[code * dim..][..dim];
        let pairs = corpus.vectors[row * dim..][..dim].iter().zip(centroid);
        pairs.map(|(x, c)| f64::from(x - c).powi(2)).sum()
    };
    let sums: Vec<[f64; 3]> = codebook
        .groups
        .par_iter()
        .zip(&rows_of)
        .map(|(group, rows)| {
            let range = group.range();
            let centroids = &codebook.centroids[range.start * dim..range.end * dim];
            let bias: Vec<f32> = centroids
                .chunks_exact(dim)
                .map(|c| -0.5 * c.iter().map(|x| x * x).sum::<f32>())
                .collect();
            let panels = Panels::with_bias(centroids, dim, &bias);
            let one = |rows: &[usize]| {
                let vectors: Vec<f32> = rows
                    .iter()
                    .flat_map(|&row| &corpus.vectors[row * dim..][..dim])
                    .copied()
                    .collect();
                let mut nearest = vec![
                    Nearest {
                        index: 0,
                        score: 0.0
                    };
                    rows.len()
                ];
                colidx_kernels::kernels().nearest(&vectors, &panels, &mut nearest);
                let mut sums = [0.0; 3];
                for (&row, nearest) in rows.iter().zip(&nearest) {
                    let error = distance(row, codes[row] as usize);
                    let least = distance(row, range.start + nearest.index as usize);
                    sums[0] += f64::from(u8::from(error <= least * 1.000_001));
                    sums[1] += error;
                    sums[2] += least;
                }
                sums
            };
            rows.par_chunks(256).map(one).reduce(|| [0.0; 3], add)
        })
        .collect();
    let [found, error, least] = sums
        .into_iter()
        .fold([0.0; 3], add)
        .map(|sum| sum / rows.len() as f64);
    Checked {
        found,
        error,
        least,
    }
}

fn add(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}
