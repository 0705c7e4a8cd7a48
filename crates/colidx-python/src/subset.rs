//! A search among a few documents that the caller names.

use std::collections::BTreeSet;

use colidx::{DocId, Index, Query, Result};
use rayon::prelude::*;

/// A document and its score.
pub struct Scored {
    pub doc: DocId,
    pub key: String,
    pub score: f32,
}

/// The `k` best of the documents with `keys`, scored exactly; keys that the index does not have are
/// left out, and so are documents without vectors.
pub fn search(index: &Index, query: &Query, keys: &[String], k: usize) -> Result<Vec<Scored>> {
    let keys: BTreeSet<&str> = keys.iter().map(String::as_str).collect();
    let keys: Vec<&str> = keys.into_iter().collect();
    let scored = keys.par_iter().map(|key| score(index, query, key));
    let scored: Vec<Option<Scored>> = scored.collect::<Result<_>>()?;
    let mut scored: Vec<Scored> = scored.into_iter().flatten().collect();
    // Stable, so that equal scores stay in the order of their keys.
    scored.sort_by(|a, b| b.score.total_cmp(&a.score));
    scored.truncate(k);
    Ok(scored)
}

fn score(index: &Index, query: &Query, key: &str) -> Result<Option<Scored>> {
    let Some(doc) = index.find(key)? else {
        return Ok(None);
    };
    let matches = index.explain(query, doc)?;
    Ok((!matches.is_empty()).then(|| Scored {
        doc,
        key: key.to_owned(),
        score: matches.iter().map(|found| found.score).sum(),
    }))
}
