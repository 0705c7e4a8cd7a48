//! Shows which word each query token matched: `cargo run --example explain -- INDEX QUERY`.

use std::error::Error;

use colidx::{SearchOptions, TextSearcher};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), Some(query)) = (arguments.next(), arguments.next()) else {
        return Err("usage: explain INDEX QUERY".into());
    };
    let searcher = TextSearcher::open(&path)?;
    let answer = searcher.answer(&query, &SearchOptions::default().k(1))?;
    let (Some(hit), Some(encoded)) = (answer.results.hits.first(), &answer.encoded) else {
        return Err("nothing found".into());
    };
    let matches = searcher.explain(encoded, hit.doc)?;
    println!("{} scores {:.2}:", hit.key, hit.score);
    for found in &matches {
        println!(
            "{:6.2}  {:12} {}",
            found.score, found.query_token, found.document_token
        );
    }
    let sum: f32 = matches.iter().map(|found| found.score).sum();
    println!("{sum:6.2}  in all");
    Ok(())
}
