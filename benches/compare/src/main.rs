//! Drives `next-plaid` over the `--embeddings` layout of colidx, and prints what `colidx bench`
//! prints: one JSON object with the same field names, and a TREC run file when asked. So the
//! comparison reads both engines in one way.
//!
//! Thread counts come from the environment (`RAYON_NUM_THREADS`, `OPENBLAS_NUM_THREADS`), because
//! OpenBLAS reads its own before `main`.

mod embeddings;
mod report;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::{Args, Parser, Subcommand};
use next_plaid::{IndexConfig, MmapIndex, SearchParameters};
use serde_json::json;

use embeddings::{read_documents, read_keys, read_queries};
use report::{Latencies, write_run};

#[derive(Parser)]
#[command(about, version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build an index of DIR/doc_embeddings.npy at the crate's defaults
    Build(BuildArgs),
    /// Answer the queries one at a time and time each
    Bench(BenchArgs),
}

#[derive(Args)]
struct BuildArgs {
    /// Folder with doc_embeddings.npy [tokens, dim] and doc_lens.npy [documents]
    #[arg(long)]
    embeddings: PathBuf,
    /// Folder of the index to make
    #[arg(long)]
    index: PathBuf,
    /// Bits a dimension of the residual
    #[arg(long, default_value_t = IndexConfig::default().nbits)]
    nbits: usize,
    /// Signs in place of residuals, one bit a dimension
    #[arg(long, conflicts_with = "nbits")]
    binary: bool,
}

#[derive(Args)]
struct BenchArgs {
    #[arg(long)]
    index: PathBuf,
    /// [queries, tokens, dim] f16 or f32
    #[arg(long)]
    query_embeddings: PathBuf,
    /// One document key a line, in the order of the vectors (default: row numbers)
    #[arg(long)]
    doc_keys: Option<PathBuf>,
    #[arg(short, default_value_t = 10)]
    k: usize,
    /// Centroids probed for each query token; more than there are means all
    #[arg(long, default_value_t = SearchParameters::default().n_ivf_probe)]
    n_ivf_probe: usize,
    /// Candidates kept by the centroid-level score; a quarter of them is scored in full
    #[arg(long, default_value_t = SearchParameters::default().n_full_scores)]
    n_full_scores: usize,
    /// Centroids whose best score is below this are not probed; `none` probes them all
    #[arg(long, default_value = "0.4", value_parser = threshold)]
    centroid_score_threshold: Threshold,
    /// Timed passes over all queries, after one that is not timed
    #[arg(long, default_value_t = 3)]
    repeat: usize,
    /// Write the hits as a TREC run
    #[arg(long)]
    run_out: Option<PathBuf>,
}

/// clap gives a bare `Option` a meaning of its own, hence the newtype.
#[derive(Clone, Copy)]
struct Threshold(Option<f32>);

fn threshold(text: &str) -> Result<Threshold, String> {
    match text {
        "none" => Ok(Threshold(None)),
        number => number
            .parse()
            .map(|t| Threshold(Some(t)))
            .map_err(|_| format!("expected a number or `none`, got `{number}`")),
    }
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Build(args) => build(&args),
        Command::Bench(args) => bench(&args),
    }
}

fn utf8(path: &std::path::Path) -> Result<&str> {
    path.to_str().with_context(|| {
        format!(
            "{} is not UTF-8, which next-plaid needs of a path",
            path.display()
        )
    })
}

fn build(args: &BuildArgs) -> Result<()> {
    let documents = read_documents(&args.embeddings)?;
    let config = IndexConfig {
        nbits: args.nbits,
        binary: args.binary,
        ..IndexConfig::default()
    };
    let start = Instant::now();
    let index = MmapIndex::create_with_kmeans(&documents, utf8(&args.index)?, &config)?;
    println!(
        "{}",
        json!({
            "build_s": start.elapsed().as_secs_f64(),
            "documents": documents.len(),
            "vectors": index.num_embeddings(),
            "centroids": index.num_partitions(),
            "nbits": if args.binary { 1 } else { args.nbits },
        })
    );
    Ok(())
}

fn bench(args: &BenchArgs) -> Result<()> {
    ensure!(args.repeat > 0, "--repeat must be at least 1");
    let queries = read_queries(&args.query_embeddings)?;
    let keys = args.doc_keys.as_deref().map(read_keys).transpose()?;
    let parameters = SearchParameters {
        top_k: args.k,
        n_ivf_probe: args.n_ivf_probe,
        n_full_scores: args.n_full_scores,
        centroid_score_threshold: args.centroid_score_threshold.0,
        ..SearchParameters::default()
    };

    let start = Instant::now();
    let index = MmapIndex::load(utf8(&args.index)?)?;
    let open_ms = start.elapsed().as_secs_f64() * 1e3;

    let mut hits = Vec::with_capacity(queries.len());
    for query in &queries {
        let found = index.search(query, &parameters, None)?;
        hits.push(
            found
                .passage_ids
                .into_iter()
                .zip(found.scores)
                .collect::<Vec<_>>(),
        );
    }
    let mut latencies = Latencies::default();
    for _ in 0..args.repeat {
        for query in &queries {
            latencies.time(|| index.search(query, &parameters, None))?;
        }
    }
    if let Some(path) = &args.run_out {
        write_run(path, &hits, keys.as_deref(), "next-plaid")?;
    }

    let mut out = latencies.summary();
    out.extend([
        ("queries".to_owned(), json!(queries.len())),
        ("k".to_owned(), json!(args.k)),
        ("open_ms".to_owned(), json!(open_ms)),
    ]);
    println!("{}", serde_json::Value::Object(out));
    Ok(())
}
