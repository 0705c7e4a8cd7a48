//! Queries of words of any text, over a good index.

use std::sync::LazyLock;

use colidx_core::{Error, Fusion, Hit, Index, Query, SearchOptions, WordQuery};

use crate::index::good;

/// A query with its syntax, and what it says without it.
pub fn word_query(data: &[u8]) {
    static INDEX: LazyLock<Index> = LazyLock::new(good);
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let query = WordQuery::parse(text);
    let said = query.without_syntax();
    let Some(found) = search(&INDEX, &query) else {
        return;
    };
    let all = search(&INDEX, &WordQuery::words(&said)).expect("it has as many terms");
    for hit in &found {
        // What it demands decides what it finds, and nothing of the scores.
        let same = all.iter().find(|other| other.key == hit.key);
        let same = same.unwrap_or_else(|| panic!("{text:?} finds {}, {said:?} does not", hit.key));
        assert!(
            (hit.score - same.score).abs() <= 1e-4 * same.score,
            "{text:?}"
        );
        let matches = INDEX.explain_words(&query, hit.doc).expect("it was found");
        let sum: f32 = matches.iter().map(|found| found.score).sum();
        assert!(
            (hit.score - sum).abs() <= 1e-4 * sum,
            "{text:?}: {matches:?}"
        );
    }
    let values: Vec<f32> = (0..INDEX.dim()).map(|i| i as f32 - 2.5).collect();
    let vectors = Query::new(&values, INDEX.dim()).expect("it is good");
    let options = SearchOptions::default().k(100);
    let both = INDEX.search_hybrid(&vectors, &query, Fusion::default(), &options);
    let both = both.expect("words alone were searched").hits;
    for hit in &found {
        let same = both.iter().find(|other| other.key == hit.key);
        assert_eq!(
            same.and_then(|other| other.bm25),
            Some(hit.score),
            "{text:?}"
        );
    }
}

/// The hits by words; `None` for a query of too many.
fn search(index: &Index, query: &WordQuery) -> Option<Vec<Hit>> {
    match index.search_words(query, &SearchOptions::default().k(100)) {
        Ok(found) => Some(found.hits),
        Err(Error::Words(error)) => {
            assert!(!error.to_string().is_empty());
            None
        }
        Err(other) => panic!("{:?}: {other}", query.text()),
    }
}
