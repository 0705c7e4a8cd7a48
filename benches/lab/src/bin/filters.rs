//! Measures searches within filters of several selectivities, beside the same without a filter.
//!
//! ```text
//! cargo run --release -p colidx-lab --bin filters -- VECTORS INDEX
//! cargo run --release -p colidx-lab --bin filters -- few INDEX [DOCUMENTS]
//! ```
//!
//! VECTORS is a folder as `scripts/compare` makes it; INDEX is built where there is none. Its field
//! `share` is random, so that what matches has nothing to do with the query. Its fields `tenth` and
//! `hundredth` say which of so many random directions the mean vector of the document is nearest
//! to: the filter asks for the query's own, or for the one that is farthest from it.
//!
//! `few` measures a filter that matches 200 documents of a million. Those have 60 vectors, as
//! elsewhere, and the others one: they are only passed over.
//!
//! One search thread; searches with and without the filter take turns.

use colidx_core::*;
use colidx_data::embeddings::{Embeddings, QueryEmbeddings};
use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Of the documents, one in so many matches.
const ONE_IN: [u64; 7] = [1, 2, 10, 100, 1000, 5000, 100_000];

/// Fields that go with the vectors, and how many directions each has.
const DIRECTIONS: [(&str, usize); 2] = [("tenth", 10), ("hundredth", 100)];

const MILLION: u64 = 1_000_000;

/// Documents that the filter of `few` matches.
const FEW: usize = 200;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["few", index] => few(Path::new(index), MILLION as usize),
        ["few", index, documents] => few(Path::new(index), documents.parse()?),
        [vectors, index] => shares(Path::new(vectors), Path::new(index)),
        _ => Err("usage: filters VECTORS INDEX, or filters few INDEX [DOCUMENTS]".into()),
    }
}

fn shares(vectors: &Path, path: &Path) -> Result<()> {
    if !path.exists() {
        build(vectors, path)?;
    }
    let index = Index::open(path)?;
    let queries = queries(&index, vectors)?;
    println!(
        "| filter | documents that match | time, of that without a filter | p50 ms | recall@10 \
         | without |"
    );
    println!("|---|---:|---:|---:|---:|---:|");
    for one_in in ONE_IN {
        let filter = Filter::field("share").lt(i64::try_from(MILLION / one_in)?);
        measure(&index, &queries, "random", |_| filter.clone())?;
    }
    for (field, count) in DIRECTIONS {
        let directions = directions(count, index.dim());
        let of = |mean: &[f32], sign: f32| {
            let wanted: Vec<f32> = mean.iter().map(|x| sign * x).collect();
            Filter::field(field).eq(nearest(&directions, &wanted) as i64)
        };
        let name = |what: &str| format!("{what} of {count}");
        measure(&index, &queries, &name("the query's own"), |mean| {
            of(mean, 1.0)
        })?;
        measure(&index, &queries, &name("the farthest"), |mean| {
            of(mean, -1.0)
        })?;
    }
    Ok(())
}

/// The next of a sequence of numbers below a million.
fn random(state: &mut u64) -> u64 {
    *state = state
        .wrapping_mul(6364136223846793005)
        .wrapping_add(1442695040888963407);
    (*state >> 33) % MILLION
}

fn directions(count: usize, dim: usize) -> Vec<Vec<f32>> {
    let mut state = count as u64;
    let mut value = || random(&mut state) as f32 / MILLION as f32 - 0.5;
    (0..count)
        .map(|_| (0..dim).map(|_| value() + value() + value()).collect())
        .collect()
}

fn mean(vectors: &[f32], dim: usize) -> Vec<f32> {
    let mut mean = vec![0.0; dim];
    for vector in vectors.chunks_exact(dim) {
        mean.iter_mut().zip(vector).for_each(|(sum, x)| *sum += x);
    }
    mean
}

/// The place of the direction with the largest dot product.
fn nearest(directions: &[Vec<f32>], vector: &[f32]) -> usize {
    let dot = |direction: &[f32]| {
        direction
            .iter()
            .zip(vector)
            .map(|(a, b)| a * b)
            .sum::<f32>()
    };
    let dots = directions.iter().map(|direction| dot(direction));
    let best = dots.enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
    best.map_or(0, |(at, _)| at)
}

fn build(vectors: &Path, path: &Path) -> Result<()> {
    let mut embeddings = Embeddings::open(vectors)?;
    let dim = embeddings.dim();
    let mut writer = IndexWriter::create(path, BuildOptions::default().dim(dim))?;
    let directions = DIRECTIONS.map(|(field, count)| (field, directions(count, dim)));
    let mut state = 42u64;
    let (mut row, mut lens, mut token_ids) = (Vec::new(), Vec::new(), Vec::new());
    for document in 0..embeddings.documents() {
        row.clear();
        embeddings.read(&[document], &mut row, &mut lens, &mut token_ids)?;
        let mut metadata = format!("{{\"share\": {}", random(&mut state));
        let mean = mean(&row, dim);
        for (field, directions) in &directions {
            metadata += &format!(", \"{field}\": {}", nearest(directions, &mean));
        }
        let key = format!("{document:08}");
        let metadata = metadata + "}";
        let new = NewDocument::new(&key).metadata(&metadata);
        writer.add_vectors(new, &row, &[])?;
    }
    writer.commit(&mut NoVectors, &NoProgress)?;
    Ok(())
}

struct Asked {
    query: Query,
    /// The mean of its vectors.
    mean: Vec<f32>,
    /// The best documents of all.
    exact: Vec<Hit>,
}

fn queries(index: &Index, vectors: &Path) -> Result<Vec<Asked>> {
    let (dim, exact) = (index.dim(), SearchOptions::default().exact(true));
    let mut file = QueryEmbeddings::open(&vectors.join("query_embeddings.npy"))?;
    let mut buffer = Vec::new();
    let mut queries = Vec::new();
    for query in 0..file.queries() {
        file.read(query, &mut buffer)?;
        let query = Query::new(&buffer, dim)?;
        queries.push(Asked {
            exact: index.search(&query, &exact)?.hits,
            mean: mean(&buffer, dim),
            query,
        });
    }
    Ok(queries)
}

fn measure(
    index: &Index,
    queries: &[Asked],
    name: &str,
    filter: impl Fn(&[f32]) -> Filter,
) -> Result<()> {
    let plain = SearchOptions::default();
    let mut matching = Vec::new();
    let (mut with, mut without) = (Vec::new(), Vec::new());
    let (mut found, mut wanted) = ([0, 0], [0, 0]);
    for asked in queries {
        let filter = filter(&asked.mean);
        matching.push(index.matching(&filter)?.len());
        let filtered = plain.clone().filter(filter);
        let exact = index
            .search(&asked.query, &filtered.clone().exact(true))?
            .hits;
        for (at, (options, exact)) in [(&filtered, &exact), (&plain, &asked.exact)]
            .into_iter()
            .enumerate()
        {
            let began = Instant::now();
            let hits = index.search(&asked.query, options)?.hits;
            [&mut with, &mut without][at].push(began.elapsed());
            found[at] += exact.iter().filter(|hit| hits.contains(hit)).count();
            wanted[at] += exact.len();
        }
    }
    matching.sort_unstable();
    let matching = matching[matching.len() / 2];
    let median = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64() * 1e3
    };
    let (with, without) = (median(&mut with), median(&mut without));
    let recall = |at: usize| found[at] as f64 / wanted[at].max(1) as f64;
    println!(
        "| {name} | {matching} | {:.2} | {with:.2} | {:.3} | {:.3} |",
        with / without,
        recall(0),
        recall(1)
    );
    Ok(())
}

fn few(path: &Path, documents: usize) -> Result<()> {
    const DIM: usize = 128;
    let mut state = 7u64;
    let mut vectors = |count: usize| -> Vec<f32> {
        let mut value = || random(&mut state) as f32 / MILLION as f32 - 0.5;
        (0..count * DIM).map(|_| value() + value()).collect()
    };
    if !path.exists() {
        let mut writer = IndexWriter::create(path, BuildOptions::default().dim(DIM))?;
        let every = documents / FEW;
        for document in 0..documents {
            let matches = document % every == 0 && document / every < FEW;
            let metadata = format!(
                "{{\"tenant\": \"t{}\"}}",
                if matches { 0 } else { document }
            );
            let key = format!("{document:08}");
            let new = NewDocument::new(&key).metadata(&metadata);
            writer.add_vectors(new, &vectors(if matches { 60 } else { 1 }), &[])?;
        }
        writer.commit(&mut NoVectors, &NoProgress)?;
    }
    let index = Index::open(path)?;
    let options = SearchOptions::default().filter(Filter::field("tenant").eq("t0"));
    let mut times = Vec::new();
    for _ in 0..200 {
        let query = Query::new(&vectors(32), DIM)?;
        let began = Instant::now();
        let hits = index.search(&query, &options)?.hits;
        times.push(began.elapsed());
        let exact = index.search(&query, &options.clone().exact(true))?.hits;
        assert_eq!(hits, exact);
    }
    times.sort_unstable();
    let of = index.num_documents();
    println!(
        "{FEW} of {of}: p50 {:.2?}, p95 {:.2?}",
        times[100], times[190]
    );
    Ok(())
}
