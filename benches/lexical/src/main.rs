//! colidx-lexical beside tantivy: the same terms, one thread, interleaved in one process.
//!
//!     cargo run --release -- PASSAGES.jsonl.zst [QUERIES [ROUNDS]]

mod colidx;
mod corpus;
mod naive;
mod peer;

use anyhow::Result;
use std::time::Instant;

const K: usize = 10;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, rest @ ..] = &arguments[..] else {
        anyhow::bail!("expected: PASSAGES.jsonl.zst [QUERIES [ROUNDS]]");
    };
    let number = |at: usize, or| rest.get(at).map_or(Ok(or), |n: &String| n.parse());
    let (queries, rounds) = (number(0, 1000)?, number(1, 5)?);
    let documents = corpus::read(path)?;
    let queries = corpus::titles(&documents, queries);
    println!(
        "{} documents, {} queries of 3 to 8 words, k {K}",
        documents.len(),
        queries.len()
    );
    for positions in [false, true] {
        println!("\npositions {positions}");
        let ours = colidx::Index::build(&documents, positions)?;
        let theirs = peer::Index::build(&documents, positions)?;
        if !positions {
            check(&documents, &queries, &ours, &theirs)?;
        }
        measure(&queries, rounds, &ours, &theirs)?;
    }
    Ok(())
}

/// Both must find what BM25 says; tantivy's is that of lengths rounded to one byte.
fn check(
    documents: &[corpus::Document],
    queries: &[String],
    ours: &colidx::Index,
    theirs: &peer::Index,
) -> Result<()> {
    let naive = naive::Index::new(documents);
    let (mut exact, mut rounded, mut same) = (0, 0, 0);
    let checked = queries.len().min(200);
    for query in &queries[..checked] {
        let (a, b) = (ours.search(query, K)?, theirs.search(query, K)?);
        exact += usize::from(naive.agrees(query, &a, |length| length));
        rounded += usize::from(naive.agrees(query, &b, naive::rounded));
        same += a
            .iter()
            .filter(|(d, _)| b.iter().any(|(e, _)| d == e))
            .count();
    }
    println!(
        "of {checked} queries, top {K} as by definition: colidx {exact}, tantivy (rounded lengths) \
         {rounded}; both have {:.2} % of hits in common",
        100.0 * same as f64 / (checked * K) as f64
    );
    Ok(())
}

fn measure(
    queries: &[String],
    rounds: usize,
    ours: &colidx::Index,
    theirs: &peer::Index,
) -> Result<()> {
    for round in 0..rounds {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for query in queries {
            let started = Instant::now();
            std::hint::black_box(ours.search(query, K)?);
            let middle = Instant::now();
            std::hint::black_box(theirs.search(query, K)?);
            a.push((middle - started).as_secs_f64() * 1e6);
            b.push(middle.elapsed().as_secs_f64() * 1e6);
        }
        let (ours, theirs) = (quantiles(a), quantiles(b));
        println!(
            "round {round}: microseconds a query, mean p50 p90 p99: colidx {ours}   tantivy {theirs}"
        );
    }
    Ok(())
}

fn quantiles(mut times: Vec<f64>) -> String {
    times.sort_by(f64::total_cmp);
    let mean = times.iter().sum::<f64>() / times.len() as f64;
    let at = |share: f64| times[(share * (times.len() - 1) as f64) as usize];
    format!("{mean:.1} {:.1} {:.1} {:.1}", at(0.5), at(0.9), at(0.99))
}
