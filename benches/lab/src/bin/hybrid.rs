//! Measures searches by vectors, by words and by both: quality by weight, and time.
//!
//! ```text
//! cargo run --release -p colidx-lab --bin hybrid -- \
//!     CORPUS VECTORS INDEX QUERIES QUERY_VECTORS QRELS
//! ```
//!
//! CORPUS is JSON Lines, VECTORS and QUERY_VECTORS are what `colidx encode` makes of it and of
//! QUERIES. INDEX is built where there is none. One search thread; the ways to search take turns.

use colidx_core::*;
use colidx_data::embeddings::{Embeddings, QueryEmbeddings};
use colidx_data::{
    Corpus, CorpusOptions, Judgements, QueryOptions, Run, evaluate, parse_metrics, read_queries,
};
use std::error::Error;
use std::path::Path;
use std::time::Duration;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const WEIGHTS: [f32; 8] = [0.9, 0.93, 0.95, 0.96, 0.965, 0.97, 0.98, 0.99];

/// A query, its vectors and its words.
struct Asked {
    id: String,
    vectors: Query,
    words: WordQuery,
}

/// A way to search.
type Way<'a> = (
    String,
    Box<dyn Fn(&Asked) -> colidx_core::Result<SearchResults> + 'a>,
);

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let paths: Vec<&Path> = arguments.iter().map(Path::new).collect();
    let &[corpus, vectors, path, queries, query_vectors, qrels] = &paths[..] else {
        return Err("usage: hybrid CORPUS VECTORS INDEX QUERIES QUERY_VECTORS QRELS".into());
    };
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build_global()?;
    if !path.exists() {
        build(corpus, vectors, path)?;
    }
    let index = Index::open(path)?;
    let judgements = Judgements::open(qrels)?;
    let mut asked = read(queries, query_vectors)?;
    asked.retain(|query| judgements.contains(&query.id));
    measure(&index, &asked, &judgements)
}

fn build(corpus: &Path, vectors: &Path, path: &Path) -> Result<()> {
    let mut embeddings = Embeddings::open(vectors)?;
    let options = BuildOptions::default().dim(embeddings.dim());
    let mut writer = IndexWriter::create(path, options)?;
    let (mut row, mut lens, mut token_ids) = (Vec::new(), Vec::new(), Vec::new());
    for (at, document) in (0..).zip(Corpus::open(&[corpus], CorpusOptions::new())?) {
        let document = document?;
        row.clear();
        embeddings.read(&[at], &mut row, &mut lens, &mut token_ids)?;
        let new = NewDocument::new(&document.key)
            .title(&document.title)
            .text(&document.text);
        writer.add_vectors(new, &row, &[])?;
    }
    writer.commit(&mut NoVectors, &NoProgress)?;
    Ok(())
}

fn read(queries: &Path, vectors: &Path) -> Result<Vec<Asked>> {
    let mut vectors = QueryEmbeddings::open(vectors)?;
    let mut asked = Vec::new();
    let mut buffer = Vec::new();
    for (at, query) in (0..).zip(read_queries(queries, &QueryOptions::new())?.iter()) {
        vectors.read(at, &mut buffer)?;
        asked.push(Asked {
            id: query.key.clone(),
            vectors: Query::new(&buffer, vectors.dim())?,
            words: WordQuery::words(&query.text),
        });
    }
    Ok(asked)
}

fn measure(index: &Index, asked: &[Asked], judgements: &Judgements) -> Result<()> {
    let options = SearchOptions::default();
    let options = &options;
    let both = |fusion| move |a: &Asked| index.search_hybrid(&a.vectors, &a.words, fusion, options);
    let mut ways: Vec<Way<'_>> = vec![
        (
            "vectors".into(),
            Box::new(|a| index.search(&a.vectors, options)),
        ),
        (
            "words".into(),
            Box::new(|a| index.search_words(&a.words, options)),
        ),
        (
            "rrf".into(),
            Box::new(both(Fusion::ReciprocalRank { k: 60.0 })),
        ),
        ("rerank".into(), Box::new(both(Fusion::Rerank))),
    ];
    for weight in WEIGHTS {
        let way = Box::new(both(Fusion::Convex { weight }));
        ways.push((format!("both, {weight}"), way));
    }
    let mut runs: Vec<Run> = ways.iter().map(|_| Run::new()).collect();
    let mut stats: Vec<Vec<SearchStats>> = ways.iter().map(|_| Vec::new()).collect();
    for query in asked {
        for (at, (_, search)) in ways.iter().enumerate() {
            let found = search(query)?;
            let hits = found.hits.into_iter();
            let hits: Vec<(String, f32)> = hits.map(|hit| (hit.key, hit.score)).collect();
            runs[at].insert(&query.id, hits);
            stats[at].push(found.stats);
        }
    }
    println!(
        "| by | nDCG@10 | p50 ms | words | centroids | candidates | partial | exact |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|"
    );
    let metrics = parse_metrics("ndcg@10")?;
    for (((name, _), run), stats) in ways.iter().zip(&runs).zip(&stats) {
        let ndcg = evaluate(judgements, run, &metrics)?.means[0].1;
        let median = |time: fn(&SearchStats) -> Duration| {
            let mut times: Vec<Duration> = stats.iter().map(time).collect();
            times.sort_unstable();
            times[times.len() / 2].as_secs_f64() * 1e3
        };
        println!(
            "| {name} | {ndcg:.4} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} |",
            median(|s| s.total_time),
            median(|s| s.words_time),
            median(|s| s.centroid_time),
            median(|s| s.candidate_time),
            median(|s| s.partial_time),
            median(|s| s.exact_time),
        );
    }
    Ok(())
}
