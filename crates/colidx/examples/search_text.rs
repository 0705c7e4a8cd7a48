//! Searches an index of text: `cargo run --example search_text -- INDEX QUERY`.

use std::error::Error;

use colidx::TextSearcher;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), Some(query)) = (arguments.next(), arguments.next()) else {
        return Err("usage: search_text INDEX QUERY".into());
    };
    let searcher = TextSearcher::open(&path)?;
    for hit in searcher.search(&query, 3)? {
        println!(
            "{:6.2}  {}  {}: {}",
            hit.score, hit.key, hit.title, hit.text
        );
    }
    Ok(())
}
