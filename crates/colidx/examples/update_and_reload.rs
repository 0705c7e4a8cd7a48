//! A server's handle beside a writer: `cargo run --example update_and_reload -- INDEX`, with an
//! index of text.

use std::error::Error;

use colidx::{NewDocument, SearcherOptions, TextIndex, TextReader};

fn main() -> Result<(), Box<dyn Error>> {
    let Some(path) = std::env::args().nth(1) else {
        return Err("usage: update_and_reload INDEX".into());
    };
    let reader = TextReader::open(&path, SearcherOptions::default())?;
    let before = reader.searcher();

    let mut index = TextIndex::open(&path)?;
    let replaced = index.update(&NewDocument::new("news").text("The bakery opens at six."))?;
    index.commit()?;
    println!(
        "{} the document `news`",
        if replaced { "replaced" } else { "added" }
    );

    // A searcher stays at its commit; the reader moves on.
    reader.reload()?;
    let after = reader.searcher();
    println!("before: {} documents", before.index().num_documents());
    println!("after:  {} documents", after.index().num_documents());
    let best = after.search("when does the bakery open?", 1)?;
    println!("best:   {}", best.first().map_or("none", |hit| &hit.key));
    Ok(())
}
